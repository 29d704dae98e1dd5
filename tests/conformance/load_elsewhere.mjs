// Loads each FOLDER/*.json {supergraph, types} in Apollo Gateway and in Hive Gateway: node load_elsewhere.mjs FOLDER
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// packages are looked up in the folder one runs it in, wherever this file is
const resolve = createRequire(pathToFileURL(`${process.cwd()}/`)).resolve;
const load = async (name) => import(pathToFileURL(resolve(name)).href);
const { ApolloGateway } = await load("@apollo/gateway");
const { ApolloServer } = await load("@apollo/server");
const { createGatewayRuntime } = await load("@graphql-hive/gateway");

const query = "{ __typename __schema { types { name } } }";
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

async function askApollo(supergraphSdl) {
  const gateway = new ApolloGateway({ supergraphSdl, logger: silent });
  const server = new ApolloServer({ gateway, introspection: true, logger: silent });
  await server.start();
  try {
    return (await server.executeOperation({ query })).body.singleResult;
  } finally {
    await server.stop();
  }
}

async function askHive(supergraph) {
  const gateway = createGatewayRuntime({ supergraph, logging: false });
  try {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ query });
    return await (await gateway.fetch("http://hive/graphql", { method: "POST", headers, body })).json();
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
}

// which of the built-in scalars are listed is up to each router
const own = (names) => names.filter((name) => !/^(__.*|Int|Float|String|Boolean|ID)$/.test(name)).sort().join(" ");

function check(answer, types) {
  if (answer.errors || answer.data?.__typename !== "Query") throw new Error(JSON.stringify(answer));
  const theirs = own(answer.data.__schema.types.map(({ name }) => name));
  if (theirs !== own(types)) throw new Error(`has the types ${theirs}, not ${own(types)}`);
}

const folder = process.argv[2];
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
let refusals = 0;
for (const [router, ask] of [["Apollo Gateway", askApollo], ["Hive Gateway", askHive]]) {
  let loaded = 0;
  for (const name of names) {
    try {
      const { supergraph, types } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
      check(await ask(supergraph), types);
      loaded += 1;
    } catch (error) {
      console.log(`${router}, ${name}: ${error.message.slice(0, 500)}`);
    }
  }
  console.log(`${router}: ${loaded} of ${names.length}`);
  refusals += names.length - loaded;
}
process.exit(refusals ? 1 : 0);
