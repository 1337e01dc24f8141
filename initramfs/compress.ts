/**
 * Compression for the kernel's own decompressors, in pieces.
 *
 * The kernel takes an initramfs of several compressed streams, each of which must end at the end of an archive member;
 * unpacked by zstd(1) or xz(1) they are one archive. So the large part that seldom changes is compressed once and kept.
 */

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";
import { cacheDirectory, say } from "./cache.ts";

/** Bytes given to a compressor at a time. */
const PIECE = 1 << 20;
/** Milliseconds between two lines about a compression that is still going on. */
const NEWS_INTERVAL = 20_000;

export interface Compressor {
  readonly name: "zst" | "xz";
  readonly argv: readonly [string, ...string[]];
}

/**
 * Level 19 keeps the window at 8 MiB, which is memory that the kernel needs while unpacking. A higher level would be
 * smaller by a little, want 128 MiB then, and unpack no faster.
 */
export const ZSTD: Compressor = { name: "zst", argv: ["zstd", "-q", "-19", "-T1", "--no-check", "-c"] };

/**
 * The kernel checks nothing but CRC32, has the filter for x86 code (Documentation/staging/xz.rst), and needs as much
 * memory as the dictionary has.
 */
export function xz(arch: "amd64" | "arm64"): Compressor {
  const filters = arch === "amd64" ? ["--x86"] : [];
  return { name: "xz", argv: ["xz", "-T1", "--check=crc32", ...filters, "--lzma2=preset=6,dict=16MiB,nice=128", "-c"] };
}

/** Compresses `data`; with `keep`, the result is kept in the cache and found there the next time. */
export async function compress(
  compressor: Compressor,
  data: Uint8Array,
  { keep }: { readonly keep: boolean },
): Promise<Uint8Array> {
  const key = createHash("sha256").update(compressor.argv.join(" ")).update(data).digest("hex");
  const folder = join(cacheDirectory, "compressed");
  const kept = join(folder, `${key}.${compressor.name}`);
  if (existsSync(kept)) return readFile(kept);
  const result = await pipeThrough(compressor.argv, data);
  if (keep) {
    await mkdir(folder, { recursive: true });
    const work = `${kept}.${randomBytes(4).toString("hex")}`;
    await writeFile(work, result);
    await rename(work, kept);
  }
  return result;
}

function pipeThrough([program, ...args]: readonly [string, ...string[]], data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let errors = "";
    const fail = (why: string) => reject(new BatonError("io", `${[program, ...args].join(" ")} failed: ${why}`));
    let given = 0;
    const news = setInterval(() => say(`${program}: ${Math.floor((100 * given) / data.length)} %`), NEWS_INTERVAL);
    const give = (): void => {
      while (given < data.length) {
        const piece = data.subarray(given, given + PIECE);
        given += piece.length;
        if (!child.stdin.write(piece)) {
          child.stdin.once("drain", give);
          return;
        }
      }
      child.stdin.end();
    };
    child.on("error", (error) => fail(error.message));
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdin.on("error", () => {}); // told by the exit code
    child.on("close", (code) => {
      clearInterval(news);
      if (code === 0) resolve(Buffer.concat(out));
      else fail(errors.trim() || `exit ${code}`);
    });
    give();
  });
}
