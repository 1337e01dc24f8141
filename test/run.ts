/** Runs a set of test files with node's own runner: `tsx test/run.ts unit|tools|vm|full|jump [NAME…]`, NAME a part of a path. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const [set = "unit", ...names] = process.argv.slice(2);

/**
 * vm: whatever boots a machine. tools: what makes disks, packs, asks with the real tools, or starts Baton. full: what takes longer than
 * `npm test` may. jump: what needs a kernel of its own, which is built first. unit: the rest.
 */
function setOf(path: string): string {
  if (path.endsWith(".jump.test.ts")) return "jump";
  if (path.endsWith(".full.test.ts")) return "full";
  if (path.endsWith(".tools.test.ts")) return "tools";
  return path.startsWith(join("test", "vm")) ? "vm" : "unit";
}

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .map((name) => join("test", name))
  .filter((path) => path.endsWith(".test.ts") && setOf(path) === set)
  .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
  .sort();

if (files.length === 0) {
  console.error(`No ${set} tests match ${names.join(", ") || "anything"}.`);
  process.exit(1);
}

/** Of this run alone: there may be another. */
const folder = join(".cache", `unit-${process.pid}`);
/** Unit tests take less time than a process for each file: so many files share one. */
const TOGETHER = 8;

/** Each file a suite of its own, so that its hooks are for its own tests. */
function suites(members: readonly string[]): string {
  const suite = (member: string): string =>
    `describe(${JSON.stringify(member)}, async () => { await import(${JSON.stringify(resolve(member))}); });\n`;
  return `import { describe } from "node:test";\n${members.map(suite).join("")}`;
}

/** What a source file says of its own place stays true in the bundle. */
const ownPlace: Plugin = {
  name: "own place",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const place = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) };
      const text = readFileSync(path, "utf8");
      const contents = text.replace(/(?<!")\bimport\.meta\.(url|filename|dirname)\b/g, (_, name: keyof typeof place) =>
        JSON.stringify(place[name]),
      );
      return { contents, loader: "ts" };
    });
  },
};

/** Programs that run several test files each; neighbours, which may be slow alike, stand in different ones. What they share is compiled once. */
async function bundles(all: readonly string[]): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const count = Math.ceil(all.length / TOGETHER);
  const sources = Array.from({ length: count }, (_, index) => {
    const path = join(folder, `${index + 1}.ts`);
    writeFileSync(path, suites(all.filter((_, place) => place % count === index)));
    return path;
  });
  await build({
    entryPoints: sources,
    outdir: folder,
    outExtension: { ".js": ".test.mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    sourcemap: true,
    chunkNames: "shared-[hash]",
    plugins: [ownPlace],
    logLevel: "warning",
  });
  return sources.map((path) => path.replace(/\.ts$/, ".test.mjs"));
}

// Machines are heavy: two at once fill two cores. Other tests often wait: for children, for servers.
const concurrency = set === "unit" || set === "tools" ? (set === "unit" ? 3 : 1) * availableParallelism() + 1 : 2;
const given = set === "unit" && names.length === 0 ? await bundles(files) : files;
const loader = given === files ? ["--import", "tsx"] : ["--enable-source-maps"];
const run = spawnSync(process.execPath, [...loader, "--test", `--test-concurrency=${concurrency}`, ...given], {
  stdio: "inherit",
});
rmSync(folder, { recursive: true, force: true });
process.exit(run.status ?? 1);
