/** V8's compiled form of the bundle, made by the very Node that ships. */

import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../src/errors.ts";
import type { Architecture } from "./apt.ts";
import { type Bundle, wrapForStart } from "./build.ts";
import { cacheDirectory, projectRoot, say } from "./cache.ts";
import { HOST_ARCHITECTURE } from "./debian.ts";
import { bundleFunctions } from "./functions.ts";
import { runWithin } from "./toolbox.ts";

/** The image starts Node without options; make-cache.cjs says what these are for, and takes them back. */
const MAKER_FLAGS = ["--hash-seed=1"];

/**
 * The code cache for a bundle, or null where this machine can't run the image's Node (another architecture) or it
 * failed: the image then starts a little slower.
 */
export async function codeCache(options: {
  readonly program: Bundle;
  readonly node: string;
  /** Unpacked Debian packages with the libraries that node needs. */
  readonly libraries: string;
  readonly arch: Architecture;
}): Promise<Uint8Array | null> {
  if (options.arch !== HOST_ARCHITECTURE) return null;
  const makers = await Promise.all(
    ["make-cache.cjs", "code-cache.ts", "functions.ts", "start-functions.txt"].map((name) =>
      readFile(join(projectRoot, "initramfs", name)),
    ),
  );
  const hash = createHash("sha256").update(options.program.code).update(options.node);
  const key = makers.reduce((all, one) => all.update(one), hash).digest("hex");
  const kept = join(cacheDirectory, "code-cache", key);
  if (existsSync(kept)) return readFile(kept);

  say("making V8's code cache");
  const work = join(cacheDirectory, `code-cache.${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(work, { recursive: true });
    const bundle = join(work, "baton.cjs");
    await writeFile(bundle, wrapForStart(options.program.code), "latin1");
    const offsets = join(work, "offsets.json");
    await writeFile(offsets, JSON.stringify(await startOffsets(options.program.code)));
    const out = join(work, "cache");
    const maker = join(projectRoot, "initramfs", "make-cache.cjs");
    // Nothing of the host's environment: a variable may change what V8 does.
    const words = [...MAKER_FLAGS, maker, bundle, offsets, out];
    await runWithin(options.libraries, options.node, words, { env: {}, timeout: 60_000 });
    const cache = await readFile(out);
    await mkdir(join(cacheDirectory, "code-cache"), { recursive: true });
    await rename(out, kept);
    return cache;
  } catch (error) {
    say(`no code cache, so Baton will start slower: ${describeError(error)}`);
    return null;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Where the functions end that a start up to the menu calls, as start-functions.txt has them. Names in it that the
 * program no longer has are passed over: such a function, and a new one, is compiled when it is first called.
 */
async function startOffsets(code: string): Promise<number[]> {
  const functions = bundleFunctions(code);
  const names = (await readFile(join(projectRoot, "initramfs", "start-functions.txt"), "utf8")).split("\n");
  return names.flatMap((name) => functions.get(name) ?? []);
}
