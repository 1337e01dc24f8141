/**
 * Node's modules that cost much to load (node:crypto alone a third of a second on a slow processor) and that Baton
 * needs only for some of what it does: in the bundle each is loaded when something of it is first used.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "esbuild";

const LAZY = [
  "assert",
  "child_process",
  "crypto",
  "dgram",
  "dns",
  "dns/promises",
  "fs/promises",
  "http",
  "https",
  "net",
  "readline",
  "stream",
  "stream/promises",
  "timers/promises",
  "tls",
  "worker_threads",
  "zlib",
];
const FILTER = new RegExp(`^(node:)?(${LAZY.join("|")})$`);
const NAMESPACE = "lazy-builtin";

/** `createHash` and `hash` of `createHash, type Hash, hash as made`; also of a destructuring. */
function namesIn(list: string): string[] {
  const names = list.split(",").map((one) => one.trim());
  return names.filter((one) => /^\w+( as \w+|: *\w+)?$/.test(one)).map((one) => one.split(/ as |:/)[0]!);
}

/** The names that the files of `folder` import from each module: `createHash` of `node:crypto`. */
function importedNames(folder: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  )) {
    const source = readFileSync(join(folder, file), "utf8");
    for (const [, clause = "", module = ""] of source.matchAll(/^import (?!type\b)([^;]*?) from "node:([\w/]+)";/gm)) {
      if (!FILTER.test(module)) continue;
      const whole = /^\* as (\w+)$/.exec(clause)?.[1];
      const names = whole
        ? [
            ...[...source.matchAll(new RegExp(`\\b${whole}\\.(\\w+)`, "g"))].map((match) => match[1]!),
            ...[...source.matchAll(new RegExp(`\\{([^{}]*)\\} = ${whole}\\b`, "g"))].flatMap((match) =>
              namesIn(match[1]!),
            ),
          ]
        : namesIn(clause.replace(/[{}]/g, ""));
      const all = found.get(module) ?? new Set();
      for (const name of names) all.add(name);
      found.set(module, all);
    }
  }
  return found;
}

/** @param folder with Baton's own sources */
export function lazyBuiltins(folder: string): Plugin {
  return {
    name: NAMESPACE,
    setup({ onResolve, onLoad }) {
      const names = importedNames(folder);
      onResolve({ filter: FILTER }, ({ path, namespace, kind }) => {
        const module = path.replace(/^node:/, "");
        if (namespace === NAMESPACE) return { path: `node:${module}`, external: true };
        // import() is lazy by itself.
        if (kind === "dynamic-import") return { path: `node:${module}`, external: true };
        return { path: `${module}${kind === "require-call" ? "?require" : ""}`, namespace: NAMESPACE };
      });
      onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => {
        const [module = "", isRequired] = path.split("?");
        const load = `require("node:${module}")`;
        // A package's require(): whatever it asks for.
        if (isRequired) {
          const whole = `module.exports = new Proxy(function () {}, {
            get: (_, name) => ${load}[name],
            apply: (_, self, args) => ${load}.apply(self, args),
          });`;
          return { contents: whole, loader: "js" };
        }
        const getters = [...(names.get(module) ?? [])]
          .sort()
          .map(
            (name) => `Object.defineProperty(exports, "${name}", { enumerable: true, get: () => ${load}.${name} });`,
          );
        return { contents: getters.join("\n"), loader: "js" };
      });
    },
  };
}
