#!/usr/bin/node
// Starts Baton in the image: as `node baton.cjs` would, but with V8's compiled form of it (baton.cache), which saves a
// third of the start. A cache that does not fit this V8 is ignored: then everything is compiled as usual.
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");

const filename = `${__dirname}/baton.cjs`;
let cachedData;
try {
  cachedData = readFileSync(`${__dirname}/baton.cache`);
} catch {
  // Made without one.
}
// The bundle is ASCII, and this decoding the fastest.
const source = readFileSync(filename, "latin1");
const script = new Script(source, { filename, cachedData });
if (process.env.BATON_CACHE_REPORT) {
  process.stderr.write(`baton.cache: ${cachedData ? (script.cachedDataRejected ? "rejected" : "used") : "missing"}\n`);
}
const make = process.env.BATON_CACHE_WRITE;
if (make) process.on("exit", () => writeFileSync(make, script.createCachedData()));
script.runInThisContext()(module.exports, require, module, filename, __dirname);
