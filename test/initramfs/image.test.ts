/** What `npm run image` has left in dist/, where it has. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, test } from "node:test";
import { type Described, describeEntry } from "../../initramfs/archive.ts";
import { cacheDirectory, distDirectory } from "../../initramfs/cache.ts";
import { needs } from "../../initramfs/elfprogram.ts";
import { type CpioEntry, readCpio } from "../../src/binary/cpio.ts";
import { readPe } from "../../src/binary/pe.ts";

interface ImageJson {
  readonly kernel: string;
  readonly node: Readonly<Record<"version" | "package" | "integrity", string>>;
  readonly packages: Readonly<Record<string, string>>;
  readonly modules: Readonly<Record<"included" | "builtin" | "missing", readonly string[]>>;
  readonly totals: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
  readonly files: readonly Described[];
}

function reasonToSkip(): string | false {
  if (!existsSync(join(distDirectory, "image.json"))) return "dist/ has no image (npm run image)";
  if (existsSync(join(cacheDirectory, "image.lock"))) return "an image is being made";
  if (spawnSync("zstd", ["--version"]).error) return "no zstd here";
  return false;
}

const dist = (name: string) => readFileSync(join(distDirectory, name));
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("the image in dist/", { skip: reasonToSkip() }, () => {
  const read = () => {
    const image = JSON.parse(dist("image.json").toString()) as ImageJson;
    const path = join(distDirectory, "initramfs.cpio.zst");
    const archive = execFileSync("zstd", ["-dcq", path], { maxBuffer: 1 << 30 });
    const entries = new Map<string, CpioEntry>();
    for (const entry of readCpio(archive)) entries.set(`/${entry.name}`, entry);
    return { image, archive, entries };
  };
  let kept: ReturnType<typeof read> | undefined;
  /** Read when a test runs, not where all are skipped. */
  const made = () => {
    kept ??= read();
    return kept;
  };

  test("has the outputs that image.json names, with their sizes and digests", () => {
    const { outputs } = made().image;
    assert.deepEqual(Object.keys(outputs).sort().slice(-3), ["initramfs.cpio.xz", "initramfs.cpio.zst", "vmlinuz"]);
    for (const [name, { size, sha256: digest }] of Object.entries(outputs)) {
      const data = dist(name);
      assert.deepEqual({ name, size: data.length, digest: sha256(data) }, { name, size, digest });
    }
  });

  test("has the files that image.json names, with their sizes and digests, and no others", () => {
    const { image, entries } = made();
    assert.deepEqual([...entries.values()].map(describeEntry), image.files);
  });

  test("is as large as image.json says", () => {
    const { image, archive, entries } = made();
    const { files, raw, zst, xz, withKernelXz, withKernelZst } = image.totals;
    assert.deepEqual([files, raw], [entries.size, archive.length]);
    const size = (name: string) => image.outputs[name]!.size;
    assert.deepEqual([zst, xz], [size("initramfs.cpio.zst"), size("initramfs.cpio.xz")]);
    assert.deepEqual([withKernelZst, withKernelXz], [zst! + size("vmlinuz"), xz! + size("vmlinuz")]);
  });

  test("tells where its parts come from", () => {
    const { image } = made();
    assert.match(image.node.version, /^24\./);
    assert.match(image.node.integrity, /^sha512-/);
    for (const name of ["busybox-static", "libc6", `linux-image-${image.kernel}`]) {
      assert.match(image.packages[name] ?? "", /^\d/, name);
    }
    assert.deepEqual(image.modules.missing, []);
  });

  test("has every library that a program in it needs", () => {
    const { entries } = made();
    const libraries = new Set([...entries.keys()].map((path) => posix.basename(path)));
    let checked = 0;
    for (const [path, { data }] of entries) {
      if (path.endsWith(".ko") || Buffer.from(data.subarray(0, 4)).toString("latin1") !== "\x7fELF") continue;
      const { needed, interpreter } = needs(data);
      for (const name of needed) assert.ok(libraries.has(name), `${path} needs ${name}`);
      if (interpreter) assert.ok(entries.has(interpreter), `${path} is loaded by ${interpreter}`);
      checked++;
    }
    assert.ok(checked >= 3);
  });

  test("has every module that its modules.dep names, and modules.dep names every module", () => {
    const { image, entries } = made();
    const home = `/lib/modules/${image.kernel}`;
    const dep = Buffer.from(entries.get(`${home}/modules.dep`)!.data).toString();
    const lines = dep
      .trim()
      .split("\n")
      .map((line) => line.split(/:? /));
    for (const path of lines.flat()) assert.ok(entries.has(`${home}/${path.replace(/:$/, "")}`), path);
    const named = lines.map(([path]) => `${home}/${path!.replace(/:$/, "")}`).sort();
    assert.deepEqual(named, [...entries.keys()].filter((path) => /\.ko(\.zst)?$/.test(path)).sort());
    assert.equal(named.length, image.modules.included.length);
  });

  test("has nothing of the machine that made it: no path of the checkout", () => {
    const { archive } = made();
    const checkout = join(distDirectory, "..");
    assert.equal(archive.indexOf(`${checkout}/`), -1);
  });

  test("baton.efi has kernel, initramfs and command line in sections that do not overlap", async (t) => {
    const { image } = made();
    if (!image.outputs["baton.efi"]) return t.skip("the profile has no EFI stub");
    const file = dist("baton.efi");
    const pe = (await readPe(async (offset, length) => file.subarray(offset, offset + length), file.length))!;
    const content = (name: string) => {
      const found = pe.sections.filter((one) => one.name === name);
      assert.equal(found.length, 1, name);
      return file.subarray(found[0]!.offset, found[0]!.offset + found[0]!.size);
    };
    assert.ok(content(".linux").equals(dist("vmlinuz")));
    assert.ok(content(".initrd").equals(dist("initramfs.cpio.zst")));
    assert.match(content(".cmdline").toString(), /^[ -~]*\0$/);
    assert.match(content(".osrel").toString(), /^ID=baton$/m);
    assert.equal(content(".uname").toString(), `${image.kernel}\0`);
    // SectionAlignment of the optional header (Microsoft's PE Format).
    const alignment = file.readUInt32LE(file.readUInt32LE(60) + 24 + 32);
    const sections = [...pe.sections].sort((a, b) => a.virtualAddress - b.virtualAddress);
    for (const [index, one] of sections.entries()) {
      if (/^\.(osrel|cmdline|uname|initrd|linux)$/.test(one.name))
        assert.equal(one.virtualAddress % alignment, 0, one.name);
      const end = one.virtualAddress + one.virtualSize;
      assert.ok(end <= (sections[index + 1]?.virtualAddress ?? pe.imageSize), `${one.name} ends before the next`);
    }
  });
});
