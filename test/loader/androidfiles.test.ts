/** What is loaded of Android's boot images: those in test/images/android are made by Debian's mkbootimg 34. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readCompatible } from "../../src/binary/fdtroot.ts";
import { BatonError } from "../../src/errors.ts";
import { closeFiles, type OpenFile, openPath, readAtOfFile } from "../../src/loader/openfiles.ts";
import { kernelAlone, listFiles } from "../../src/loader/refs.ts";
import { withoutWrappings } from "../../src/loader/ubootfiles.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-android-"));
after(() => rmSync(folder, { recursive: true }));

const place = (name: string): string => join(import.meta.dirname, "../images/android", name);
const content = async (one: OpenFile): Promise<Buffer> => Buffer.from(await readAtOfFile(one)(0, one.size));

interface Given {
  readonly initrds?: readonly string[];
  readonly devicetree?: string;
  readonly compatible?: readonly string[];
  readonly arch?: string;
}

async function loaded(kernel: string, given: Given = {}) {
  const { initrds = [], devicetree, compatible = ["maker,two-b", "maker,two"], arch = "aarch64" } = given;
  const open = (path: string): Promise<OpenFile> => openPath(path, "vda1:/image");
  const files = await withoutWrappings(
    {
      ...kernelAlone(await open(kernel)),
      initrds: await Promise.all(initrds.map(async (name) => ({ file: await open(place(name)), path: null }))),
      devicetree: devicetree === undefined ? null : await open(place(devicetree)),
    },
    { configuration: null, arch, compatible },
  );
  try {
    const kernelBytes = await content(files.kernel);
    const plain = kernelBytes[0] === 0x1f ? gunzipSync(kernelBytes) : kernelBytes;
    assert.equal(plain.toString("latin1", 56, 60), "ARMd");
    const tree = files.devicetree;
    return {
      initrds: await Promise.all(files.initrds.map(async ({ file }) => (await content(file)).toString("latin1"))),
      devicetree: tree && ((await readCompatible(readAtOfFile(tree))) ?? []).join(),
      kernelSize: kernelBytes.length,
    };
  } finally {
    await closeFiles(listFiles(files));
  }
}

const GENERIC = "070701 generic\n";

test("kernel, ramdisk and this machine's devicetree, whichever version has it where", async () => {
  const sizes = new Set<number>();
  for (const version of [0, 1, 2]) {
    const { kernelSize, ...rest } = await loaded(place(`boot-v${version}.img`));
    assert.deepEqual(rest, { initrds: [GENERIC], devicetree: "maker,two" }, `version ${version}`);
    sizes.add(kernelSize);
  }
  // Behind a kernel they are no part of it.
  assert.equal(sizes.size, 1);
});

test("without one for this machine the running devicetree stays, and x86 takes none", async () => {
  assert.equal((await loaded(place("boot-v2.img"), { compatible: ["other"] })).devicetree, null);
  assert.equal((await loaded(place("boot-v0.img"), { compatible: ["other"] })).devicetree, null);
  assert.equal((await loaded(place("boot-v2.img"), { devicetree: "boot-v2.img", compatible: [] })).devicetree, null);
  assert.equal((await loaded(place("boot-v2.img"), { arch: "x86_64" })).devicetree, null);
});

test("vendor_boot's ramdisks come first, without its recovery's, and the bootconfig last with its trailer", async () => {
  const three = { initrds: ["vendor_boot-v3.img", "boot-v3.img"], devicetree: "vendor_boot-v3.img" };
  const { kernelSize: _, ...rest } = await loaded(place("boot-v3.img"), three);
  assert.deepEqual(rest, { initrds: ["070701 platform\n", GENERIC], devicetree: "maker,two" });
  const four = await loaded(place("boot-v3.img"), { initrds: ["vendor_boot-v4.img", "boot-v3.img"] });
  const [platform, dlkm, generic, bootconfig, ...more] = four.initrds;
  assert.deepEqual([platform, dlkm, generic], ["070701 platform\n", "070701 dlkm\n", GENERIC]);
  assert.equal(more.length, 0);
  const bytes = Buffer.from(bootconfig!, "latin1");
  assert.equal(bytes.toString("latin1", bytes.length - 12), "#BOOTCONFIG\n");
  const size = bytes.readUInt32LE(bytes.length - 20);
  assert.equal(size, bytes.length - 20);
  const lines = bytes.subarray(0, size);
  assert.equal(
    bytes.readUInt32LE(bytes.length - 16),
    lines.reduce((sum, byte) => sum + byte, 0),
  );
  const own = "androidboot.hardware=board\nandroidboot.console=ttyS0\n";
  assert.equal(lines.toString("latin1").replace(/\0{0,3}$/, ""), own);
});

test("an image without a kernel, and one that is cut short, are refused by name", async () => {
  const whole = readFileSync(place("boot-v2.img"));
  const write = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const cut = write("cut", whole.subarray(0, 4096));
  await assert.rejects(loaded(cut), { code: "bad-format", message: /^vda1:\/image: .*damaged: its ramdisk ends/ });
  const empty = Buffer.from(whole);
  empty.writeUInt32LE(0, 8);
  await assert.rejects(loaded(write("empty", empty)), { message: /without a kernel/ });
});

test("any number of a header that is another ends in a message or in parts that lie inside", async () => {
  const places = [
    ...Array.from({ length: 16 }, (_, index) => 4 * index),
    1632,
    1648,
    2096,
    2100,
    2112,
    2116,
    2120,
    2124,
  ];
  const broken = join(folder, "broken");
  for (const name of ["boot-v0.img", "boot-v2.img", "boot-v3.img", "vendor_boot-v4.img"]) {
    for (const at of places) {
      for (const value of [0, 1, 0x1001, 0xffffffff]) {
        const bytes = readFileSync(place(name));
        bytes.writeUInt32LE(value, at);
        writeFileSync(broken, bytes);
        const open = (): Promise<OpenFile> => openPath(broken, "vda1:/broken");
        const given = { ...kernelAlone(await open()), initrds: [{ file: await open(), path: null }] };
        const wishes = { configuration: null, arch: "aarch64", compatible: ["maker,one"] };
        try {
          const files = listFiles(await withoutWrappings(given, wishes));
          for (const file of files) assert.ok(file.offset + file.size <= bytes.length || file.offset === 0);
          await closeFiles(files);
        } catch (error) {
          assert.ok(error instanceof BatonError, `${name} with ${value} at ${at}: ${error}`);
        }
      }
    }
  }
});
