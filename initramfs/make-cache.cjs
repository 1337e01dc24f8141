// Run by the Node that ships, at build time: writes V8's compiled form of baton.cjs, with the functions in it that end at
// the given offsets and those around them. The same program and offsets always give the same bytes, wherever and however
// slowly this runs.
// Usage: node --hash-seed=1 make-cache.cjs BATON.CJS OFFSETS.JSON OUT
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { Session } = require("node:inspector");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

const [, , filename, offsets, out] = process.argv;
const source = readFileSync(filename, "latin1");
const session = new Session();
session.connect();
session.post("Debugger.enable");
let scriptId;
session.on("Debugger.scriptParsed", ({ params }) => {
  if (params.url.endsWith("/baton.cjs")) scriptId = params.scriptId;
});
// The cache has the name in it: the one in the image, not this machine's.
const script = new Script(source, { filename: "/usr/lib/baton/baton.cjs" });
// This gives the program as a function, and doesn't run it.
script.runInThisContext();

const lines = [0];
for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) lines.push(at + 1);
function location(offset) {
  const next = lines.findIndex((start) => start > offset);
  const lineNumber = (next < 0 ? lines.length : next) - 1;
  return { scriptId, lineNumber, columnNumber: offset - lines[lineNumber] };
}
// To say where one could stop in it, V8 compiles a function.
for (const end of JSON.parse(readFileSync(offsets, "utf8"))) {
  const range = { start: location(end - 1), end: location(end) };
  session.post("Debugger.getPossibleBreakpoints", range, (error) => {
    if (error) throw new Error(`offset ${end}: ${error.message}`);
  });
}
session.post("Debugger.disable");
session.disconnect();
// V8 takes a cache only where its flags are the same, and the image's Node runs with none.
setFlagsFromString("--hash-seed=0");
writeFileSync(out, script.createCachedData());
