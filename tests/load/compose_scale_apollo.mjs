// One composition by @apollo/composition: node compose_scale_apollo.mjs SUBGRAPHS.json, in a folder that has the package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// packages are looked up in the folder one runs it in, wherever this file is
const require = createRequire(pathToFileURL(`${process.cwd()}/`));
const { composeServices } = require("@apollo/composition");
const { parse } = require("graphql");

const subgraphs = JSON.parse(readFileSync(process.argv[2], "utf8"));
const start = performance.now();
const before = process.cpuUsage();
const result = composeServices(subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
const wall_s = (performance.now() - start) / 1000;
const used = process.cpuUsage(before);
const cpu_s = (used.user + used.system) / 1e6;
const errors = (result.errors ?? []).slice(0, 3).map((error) => error.message);
const peak_mib = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ ok: !result.errors, wall_s, cpu_s, peak_mib, errors }));
