// Apollo Gateway over a supergraph of ours: node gateway.mjs SUPERGRAPH PORT [CONTEXT_HEADER]
// The header that tells subgraphs who is calling is handed through, as our router would sign it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// packages are looked up in the folder one runs it in, wherever this file is
const resolve = createRequire(pathToFileURL(`${process.cwd()}/`)).resolve;
const load = async (name) => import(pathToFileURL(resolve(name)).href);
const { ApolloGateway, RemoteGraphQLDataSource } = await load("@apollo/gateway");
const { ApolloServer } = await load("@apollo/server");
const { startStandaloneServer } = await load("@apollo/server/standalone");

const [supergraph, port, header] = process.argv.slice(2);
const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(supergraph, "utf8"),
  buildService: ({ url }) =>
    new RemoteGraphQLDataSource({
      url,
      willSendRequest: ({ request, context }) => {
        if (header && context[header]) request.http.headers.set(header, context[header]);
      },
    }),
});
const server = new ApolloServer({ gateway });
await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: Number(port) },
  context: async ({ req }) => ({ [header]: req.headers[header] }),
});
console.log("ready");
