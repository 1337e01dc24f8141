// Run by the Node that ships, at build time: loads baton.cjs as start.cjs does, lets it list (and show) a small tree of
// boot configurations, and writes V8's compiled form of every function that this took. The same program always gives
// the same bytes, wherever and however slowly this runs.
// Usage: node --hash-seed=1 --no-flush-bytecode make-cache.cjs BATON.CJS OUT SECONDS ARGUMENTS…
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

const [, , filename, out, seconds, ...args] = process.argv;
process.argv = [process.argv[0], filename, ...args];
// The cache has the name in it: the one in the image, not this machine's.
const script = new Script(readFileSync(filename, "latin1"), { filename: "/usr/lib/baton/baton.cjs" });
// What Baton does only when something has taken long would be compiled on some runs.
performance.now = () => 0;
process.on("exit", () => {
  // Flags that kept the order of names and the set of functions from changing between runs. V8 takes a cache only
  // where its flags are the same, and the image's Node runs with none.
  setFlagsFromString("--hash-seed=0");
  setFlagsFromString("--flush-bytecode");
  writeFileSync(out, script.createCachedData());
});
// A menu waits for keys for ever.
setTimeout(() => process.exit(0), Number(seconds) * 1000).unref();
script.runInThisContext()({}, createRequire(filename), { exports: {} }, filename, dirname(filename));
