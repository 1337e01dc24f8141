// Run by the Node that ships, at build time: loads baton.cjs as start.cjs does, lets it list (and show) a small tree of
// boot configurations, and writes V8's compiled form of every function that this took.
// Usage: node make-cache.cjs BATON.CJS OUT SECONDS ARGUMENTS…
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname } = require("node:path");
const { Script } = require("node:vm");

const [, , filename, out, seconds, ...args] = process.argv;
process.argv = [process.argv[0], filename, ...args];
const script = new Script(readFileSync(filename, "latin1"), { filename });
process.on("exit", () => writeFileSync(out, script.createCachedData()));
// A menu waits for keys for ever.
setTimeout(() => process.exit(0), Number(seconds) * 1000).unref();
script.runInThisContext()({}, createRequire(filename), { exports: {} }, filename, dirname(filename));
