// Run by the Node that ships, at build time: compiles every function of baton.cjs and writes V8's compiled form of it.
// The same program always gives the same bytes, wherever and however slowly this runs.
// Usage: node --hash-seed=1 make-cache.cjs BATON.CJS OUT
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

const [, , filename, out] = process.argv;
setFlagsFromString("--no-lazy");
// The cache has the name in it: the one in the image, not this machine's.
const script = new Script(readFileSync(filename, "latin1"), { filename: "/usr/lib/baton/baton.cjs" });
// V8 takes a cache only where its flags are the same, and the image's Node runs with none.
setFlagsFromString("--lazy");
setFlagsFromString("--hash-seed=0");
writeFileSync(out, script.createCachedData());
