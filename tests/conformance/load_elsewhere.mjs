// Loads each FOLDER/*.graphql in Apollo Gateway and in Hive Gateway: node load_elsewhere.mjs FOLDER
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

const query = "{ __typename }";
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

async function askApollo(supergraphSdl) {
  const gateway = new ApolloGateway({ supergraphSdl, logger: silent });
  const server = new ApolloServer({ gateway, logger: silent });
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

const folder = process.argv[2];
const names = readdirSync(folder).map((file) => file.replace(/\.graphql$/, ""));
let refusals = 0;
for (const [router, ask] of [["Apollo Gateway", askApollo], ["Hive Gateway", askHive]]) {
  let loaded = 0;
  for (const name of names) {
    try {
      const answer = await ask(readFileSync(join(folder, `${name}.graphql`), "utf8"));
      if (answer.data?.__typename !== "Query" || answer.errors) throw new Error(JSON.stringify(answer));
      loaded += 1;
    } catch (error) {
      console.log(`${router}, ${name}: ${error.message.slice(0, 500)}`);
    }
  }
  console.log(`${router}: ${loaded} of ${names.length}`);
  refusals += names.length - loaded;
}
process.exit(refusals ? 1 : 0);
