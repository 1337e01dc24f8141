/**
 * Bundles src/main.ts into dist/baton.cjs, one CommonJS file that needs nothing but Node and koffi.node beside it:
 * `tsx initramfs/build.ts`.
 */

import { chmod, copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { BatonError } from "../src/errors.ts";
import { distDirectory, projectRoot, say } from "./cache.ts";
import { lazyBuiltins } from "./lazy-builtins.ts";

export interface Bundle {
  /** The program, `#!` line included. */
  readonly code: string;
  /** Every file that went into it, relative to the checkout. */
  readonly inputs: readonly string[];
}

/** blessed's widgets that the menu needs, and those that they need. The rest is half of blessed. */
const WIDGETS = ["Node", "Screen", "Element", "Box", "Log", "Text", "ScrollableBox", "ScrollableText"];

/**
 * blessed requires its widgets by computed names, which no bundler can follow, and all of them at once. Here each
 * becomes a property that loads its widget when it is first asked for.
 */
const blessedPlugin: Plugin = {
  name: "blessed",
  setup({ onLoad }) {
    onLoad({ filter: /blessed[/\\]lib[/\\]widget\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const names = [...source.matchAll(/^ {2}'(\w+)',?$/gm)].map((match) => match[1]!);
      if (!names.includes("Screen")) {
        throw new BatonError("bad-format", `${path} does not list blessed's widgets as 0.1.81 does; adapt build.ts`);
      }
      const getters = names
        .filter((name) => WIDGETS.includes(name))
        .map((name) => {
          const get = `{ enumerable: true, get: function () { return require("./widgets/${name.toLowerCase()}"); } }`;
          return `Object.defineProperty(exports, "${name}", ${get});
Object.defineProperty(exports, "${name.toLowerCase()}", ${get});`;
        });
      return { contents: getters.join("\n"), loader: "js" };
    });
    onLoad({ filter: /blessed[/\\]lib[/\\]blessed\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      // Merging copies values, which would load every widget; the properties themselves are copied instead.
      const merge = "blessed.helpers.merge(blessed, blessed.widget);";
      if (!source.includes(merge))
        throw new BatonError("bad-format", `${path} is not blessed 0.1.81's; adapt build.ts`);
      const define = "Object.defineProperties(blessed, Object.getOwnPropertyDescriptors(blessed.widget));";
      return { contents: source.replace(merge, define), loader: "js" };
    });
    // It checks each terminfo file with node:assert, which is ten modules of Node's.
    onLoad({ filter: /blessed[/\\]lib[/\\]tput\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const check = "if (!fits) throw new Error('not as terminfo files are');";
      const assert = `Object.assign(function (fits) { ${check} }, { equal: function (a, b) { var fits = a == b; ${check} } })`;
      return { contents: source.replace("require('assert')", assert), loader: "js" };
    });
  },
};

/** Bundles the program that begins at `entry`. */
export async function bundle(entry = join(projectRoot, "src", "main.ts")): Promise<Bundle> {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: projectRoot,
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    // start.cjs runs it as a script of node:vm, in which import() of Node's own modules fails: they are required when it comes to that.
    supported: { "dynamic-import": false },
    outfile: "baton.cjs",
    banner: { js: "#!/usr/bin/env node" },
    // Half the size to read and parse; names stay, since they stand in the log when something is wrong.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    // What a thread runs, too: the file that Node was started with. In the image that is start.cjs, which runs the bundle.
    define: { "import.meta.filename": "require.main.filename" },
    logLevel: "silent",
    logOverride: { "empty-import-meta": "error" },
    inject: [join(projectRoot, "initramfs", "clock.js")],
    plugins: [blessedPlugin, lazyBuiltins(join(projectRoot, "src"))],
  }).catch((error: { errors?: { text: string; location?: { file: string; line: number } | null }[] }) => {
    const reasons = error.errors?.map(({ text, location }) => `${location?.file}:${location?.line}: ${text}`);
    throw new BatonError("bad-format", `esbuild could not bundle ${entry}: ${reasons?.join("; ") ?? String(error)}`);
  });
  const code = result.outputFiles[0]!.text;
  const inputs = Object.keys(result.metafile.inputs).map((path) => relative(projectRoot, join(projectRoot, path)));
  return { code, inputs: inputs.sort() };
}

/** The bundle as start.cjs and make-cache.cjs evaluate it: a function, as Node makes of a CommonJS module. */
export function wrapForStart(code: string): string {
  const body = code.replace(/^#!.*\n/, "");
  return `(function (exports, require, module, __filename, __dirname) {${body}\n})`;
}

/** koffi's binary for an architecture, as its npm package has it. */
export function koffiBinary(nodeArch: "x64" | "arm64"): string {
  const folder = join(projectRoot, "node_modules", "@koromix", `koffi-linux-${nodeArch}`);
  return join(folder, `linux_${nodeArch}`, "koffi.node");
}

/** Writes dist/baton.cjs, and koffi.node beside it so that dist/ works wherever it is copied. */
export async function buildProgram(): Promise<Bundle> {
  const made = await bundle();
  await mkdir(distDirectory, { recursive: true });
  const target = join(distDirectory, "baton.cjs");
  await writeFile(`${target}.new`, made.code);
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  await copyFile(koffiBinary(arch), join(distDirectory, "koffi.node.new"));
  await rename(join(distDirectory, "koffi.node.new"), join(distDirectory, "koffi.node"));
  return made;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { code } = await buildProgram();
  say(`dist/baton.cjs: ${Math.round(code.length / 1024)} KiB`);
}
