// The editor runs its language services in workers. The package's own set-up fetches them from elsewhere.
const files = { json: "json.worker.js", graphql: "graphql.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(files[label] ?? "editor.worker.js", import.meta.url)),
};
