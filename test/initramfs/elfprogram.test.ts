import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { koffiBinary } from "../../initramfs/build.ts";
import { needs, segments, stripProgram } from "../../initramfs/elfprogram.ts";
import { sharedLibraries } from "../../initramfs/libraries.ts";
import { makeElf } from "./elffile.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-elf-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function write(path: string, data: Uint8Array): string {
  const full = join(directory, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, data);
  return full;
}

/** Unpacked packages are merged into /usr. */
mkdirSync(join(directory, "root/usr/lib"), { recursive: true });
symlinkSync("usr/lib", join(directory, "root/lib"));
const HOME = "root/lib/x86_64-linux-gnu";
const LINKER = "/lib64/ld-linux-x86-64.so.2";

test("an ELF file's libraries, its own name and its linker are read", () => {
  const elf = makeElf({ needed: ["libb.so.6", "libc.so.6"], soname: "liba.so.1", interpreter: LINKER });
  assert.deepEqual(needs(elf), { needed: ["libb.so.6", "libc.so.6"], soname: "liba.so.1", interpreter: LINKER });
});

test("a static program needs nothing", () => {
  assert.deepEqual(needs(makeElf()), { needed: [], soname: null, interpreter: null });
});

test("what is no ELF64 file is refused", () => {
  assert.throws(() => needs(Buffer.from("#!/bin/sh\n".repeat(10))), /not a little-endian ELF64 file/);
  assert.throws(() => needs(makeElf().subarray(0, 40)), /not a little-endian ELF64 file/);
});

test("the libraries are what programs need, directly or not, each once, and the linker where they name it", async () => {
  write(`${HOME}/libone.so.1`, makeElf({ needed: ["libtwo.so.2", "libc.so.6"] }));
  write("root/usr/lib/x86_64-linux-gnu/libtwo.so.2", makeElf({ needed: ["libone.so.1", "libc.so.6"] }));
  write(`${HOME}/libc.so.6`, makeElf({ needed: ["ld-linux-x86-64.so.2"] }));
  write(`${HOME}/ld-linux-x86-64.so.2`, makeElf());
  write(`${HOME}/libunused.so.1`, makeElf());
  const program = write("node", makeElf({ needed: ["libone.so.1"], interpreter: LINKER }));
  const plugin = write("koffi.node", makeElf({ needed: ["libc.so.6"] }));

  const found = await sharedLibraries([program, plugin], join(directory, "root"), "amd64");
  assert.deepEqual(
    found.map(({ path, source }) => [path, source.slice(directory.length + 1)]),
    [
      ["/lib/x86_64-linux-gnu/libc.so.6", `${HOME}/libc.so.6`],
      ["/lib/x86_64-linux-gnu/libone.so.1", `${HOME}/libone.so.1`],
      ["/lib/x86_64-linux-gnu/libtwo.so.2", `${HOME}/libtwo.so.2`],
      [LINKER, `${HOME}/ld-linux-x86-64.so.2`],
    ],
  );
});

test("a library that no package has is named, with who needs it", async () => {
  const program = write("lonely", makeElf({ needed: ["libnowhere.so.9"] }));
  await assert.rejects(sharedLibraries([program], join(directory, "root"), "amd64"), {
    code: "not-found",
    message: `${program} needs libnowhere.so.9, which none of the profile's packages has`,
  });
});

test("stripping takes what no program header covers", () => {
  const bare = makeElf({ needed: ["libc.so.6"] });
  const stripped = stripProgram(makeElf({ needed: ["libc.so.6"], tail: Buffer.alloc(1000, 1) }));
  assert.deepEqual(Buffer.from(stripped), bare);
});

test("a stripped program still runs", () => {
  const path = write("true", stripProgram(readFileSync("/bin/true")));
  chmodSync(path, 0o755);
  execFileSync(path);
});

test("koffi's binary is read as readelf reads it", (t) => {
  const path = koffiBinary(process.arch === "arm64" ? "arm64" : "x64");
  let text: string;
  try {
    text = execFileSync("readelf", ["-dlW", path], { encoding: "utf8" });
  } catch {
    t.skip("no readelf here (Debian package binutils)");
    return;
  }
  const bytes = readFileSync(path);
  const names = [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
  assert.ok(names.length > 0);
  assert.deepEqual(needs(bytes).needed, names);
  assert.equal(segments(bytes).filter((one) => one.type === 1).length, text.match(/^ {2}LOAD /gm)?.length);
});
