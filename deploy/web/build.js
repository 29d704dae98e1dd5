// Bundles the page and the editor's three workers into dist/ (or the folder given), which the router serves under /graphiql/.
// The page asks for nothing from elsewhere: fonts and styles are in the bundle. Beside it, in docs/, the two files of
// Swagger UI that the page of the REST routes loads.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const outdir = process.argv[2] ?? "dist";
const worker = (path) => `node_modules/monaco-${path}.js`;

const common = {
  bundle: true,
  minify: true,
  outdir,
  legalComments: "none",
  logLevel: "warning",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".ttf": "file", ".woff2": "dataurl", ".woff": "dataurl" },
  assetNames: "[name]",
};

await rm(outdir, { recursive: true, force: true });
await mkdir(`${outdir}/docs`, { recursive: true });
for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
  await copyFile(`node_modules/swagger-ui-dist/${name}`, `${outdir}/docs/${name}`);
}
await Promise.all([
  build({ ...common, entryPoints: { main: "src/main.js" }, format: "esm", splitting: true, chunkNames: "chunk-[hash]" }),
  build({
    ...common,
    format: "iife",
    entryPoints: {
      "editor.worker": worker("editor/esm/vs/editor/editor.worker"),
      "json.worker": worker("editor/esm/vs/language/json/json.worker"),
      "graphql.worker": worker("graphql/esm/graphql.worker"),
    },
  }),
]);
