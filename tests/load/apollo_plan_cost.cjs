// Plans operations with @apollo/query-planner and says how long it took: the other half of plan_cost.py.
//
//   node apollo_plan_cost.cjs NODE_MODULES
//
// Reads a JSON object a line, {supergraph, operation, labels}; answers each with a line: {parse, build, cold, warm}, in
// milliseconds, or {error}. `supergraph` is SDL.
const { createRequire } = require("node:module");
const { performance } = require("node:perf_hooks");
const path = require("node:path");
const readline = require("node:readline");

const from = createRequire(path.join(path.resolve(process.argv[2]), "from.cjs"));
const { Supergraph, operationFromDocument } = from("@apollo/federation-internals");
const { QueryPlanner } = from("@apollo/query-planner");
const { parse } = from("graphql");

const supergraphs = new Map();

function supergraphOf(sdl) {
  if (!supergraphs.has(sdl)) {
    const supergraph = Supergraph.build(sdl, { supportedFeatures: null, validateSupergraph: false });
    supergraphs.set(sdl, [supergraph, supergraph.apiSchema()]);
  }
  return supergraphs.get(sdl);
}

function timed(run) {
  const started = performance.now();
  const made = run();
  return [made, performance.now() - started];
}

function measure({ supergraph: sdl, operation: text, labels }) {
  const [supergraph, apiSchema] = supergraphOf(sdl);
  const options = { overrideConditions: new Map(labels.map((label) => [label, true])) };
  const [operation, parsed] = timed(() => operationFromDocument(apiSchema, parse(text)));
  const [planner, built] = timed(() => new QueryPlanner(supergraph));
  const [, cold] = timed(() => planner.buildQueryPlan(operation, options));
  const [, warm] = timed(() => planner.buildQueryPlan(operation, options));
  return { parse: parsed, build: built, cold, warm };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    answer = measure(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error.message).split("\n")[0] };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
