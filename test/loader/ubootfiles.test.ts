/**
 * What U-Boot wraps, as its own tool makes it: the files in test/images/uboot are by mkimage 2023.01 (Debian's
 * u-boot-tools). board.itb, external.itb (`-E`) and position.itb (`-E -p 0x1000`) are made of board.its.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { emptyFdt, fdtText, findNode, readFdt, writeFdt } from "../../src/binary/fdt.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { identifyImage } from "../../src/images/identify.ts";
import { closeFiles, type OpenFile, openPath, readAtOfFile } from "../../src/loader/openfiles.ts";
import { type EntryFiles, kernelAlone, listFiles } from "../../src/loader/refs.ts";
import { withoutWrappings } from "../../src/loader/ubootfiles.ts";
import { makeArm64Image } from "../images/kernels.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-uboot-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

const sample = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../images/uboot", name));
const KERNEL = gzipSync(makeArm64Image(8192n));
const RAMDISK = Buffer.from("070701 ramdisk");

/** `one` and `two` are for `maker,one` and `maker,two`. */
function devicetree(name: string): Uint8Array {
  const tree = emptyFdt();
  tree.root.properties.set("compatible", fdtText(`maker,${name}`));
  return writeFdt(tree);
}

async function file(content: Uint8Array | string): Promise<OpenFile> {
  const path = join(folder, String(count++));
  writeFileSync(path, content);
  return openPath(path, `vda1:/${count}`);
}

const content = async (one: OpenFile): Promise<Buffer> => Buffer.from(await readAtOfFile(one)(0, one.size));

interface Wishes {
  readonly configuration?: string;
  readonly compatible?: readonly string[];
  readonly arch?: string;
}

/** What is loaded of these files, each by its content. */
async function loaded(files: EntryFiles<OpenFile>, wishes: Wishes = {}) {
  const given = { configuration: wishes.configuration ?? null, arch: "aarch64", compatible: [], ...wishes };
  const found = await withoutWrappings(files, { ...given, configuration: given.configuration });
  try {
    const kernel = await content(found.kernel);
    assert.ok(kernel.equals(KERNEL) || kernel.equals(makeArm64Image(8192n)), "the kernel as it was wrapped");
    return {
      initrds: await Promise.all(found.initrds.map(async ({ file: one }) => (await content(one)).toString("latin1"))),
      devicetree: found.devicetree && nameOf(await content(found.devicetree)),
      overlays: await Promise.all(found.overlays.map(async (one) => nameOf(await content(one)))),
    };
  } finally {
    await closeFiles(listFiles(found));
  }
}

const nameOf = (bytes: Buffer): string =>
  ["one", "two"].find((name) => bytes.equals(Buffer.from(devicetree(name)))) ?? "another";

const NOTHING = { initrds: [], devicetree: null, overlays: [] };

test("a ramdisk's and a kernel's headers are taken off, and files without are left as they are", async () => {
  const kernel = await file(sample("uImage"));
  const initrds = [{ file: await file(sample("uInitrd")), path: null }];
  assert.deepEqual(await loaded({ ...kernelAlone(kernel), initrds }), { ...NOTHING, initrds: [RAMDISK.toString()] });
  const plain = { file: await file("another"), path: null };
  assert.deepEqual(await loaded({ ...kernelAlone(await file(makeArm64Image(8192n))), initrds: [plain] }), {
    ...NOTHING,
    initrds: ["another"],
  });
});

test("a file that is put into the initial file system as it is keeps its header", async () => {
  const initrds = [{ file: await file(sample("uInitrd")), path: "/boot/uInitrd" }];
  const found = await loaded({ ...kernelAlone(await file(KERNEL)), initrds });
  assert.equal(found.initrds[0]!.length, sample("uInitrd").length);
});

test("an image of several parts gives kernel, ramdisk and devicetree", async () => {
  const all = { initrds: [RAMDISK.toString()], devicetree: "one", overlays: [] };
  assert.deepEqual(await loaded(kernelAlone(await file(sample("multi")))), all);
});

for (const name of ["board.itb", "external.itb", "position.itb"]) {
  test(`${name}: the configuration that is named, this machine's, or the default one`, async () => {
    const board = async (wishes: Wishes) => loaded(kernelAlone(await file(sample(name))), wishes);
    const one = { initrds: [RAMDISK.toString()], devicetree: "one", overlays: [] };
    const two = { initrds: [], devicetree: "two", overlays: ["one"] };
    assert.deepEqual(await board({}), one);
    assert.deepEqual(await board({ configuration: "conf-2" }), two);
    assert.deepEqual(await board({ compatible: ["maker,two-rev3", "maker,two"] }), two);
    assert.deepEqual(await board({ compatible: ["someone,else"] }), one);
    assert.deepEqual(await board({ compatible: ["maker,two"], configuration: "conf-1" }), one);
    assert.deepEqual(await board({ configuration: "conf-1#conf-2" }), { ...one, overlays: ["two", "one"] });
    await assert.rejects(board({ configuration: "conf-1#conf-9" }), /no configuration 'conf-9'/);
    await assert.rejects(board({ configuration: "conf-9" }), {
      code: "not-found",
      message: /^vda1:\/\d+: It has no configuration 'conf-9'; there are: conf-1, conf-2\.$/,
    });
    await assert.rejects(board({ arch: "x86_64" }), /is for aarch64, and this machine is x86_64/);
  });
}

test("a PC's kernel in two parts, as U-Boot's own examples have it, is refused by name", async () => {
  const board = readFdt(sample("board.itb"));
  findNode(board, "/configurations/conf-1")!.properties.set("setup", fdtText("setup-1"));
  await assert.rejects(loaded(kernelAlone(await file(writeFdt(board)))), {
    code: "unsupported",
    message: /: Its configuration 'conf-1' has its kernel in two parts \('setup' beside 'kernel'\)/,
  });
});

test("an entry's own initrd and devicetree stand in place of a FIT image's", async () => {
  const files = {
    ...kernelAlone(await file(sample("board.itb"))),
    initrds: [{ file: await file(sample("uInitrd")), path: null }],
    devicetree: await file(devicetree("two")),
  };
  assert.deepEqual(await loaded(files), { initrds: [RAMDISK.toString()], devicetree: "two", overlays: [] });
});

test("any byte of what is loaded that is another is told, before anything is loaded", async () => {
  for (const name of ["uImage", "multi", "board.itb", "external.itb"]) {
    const whole = sample(name);
    const parts = name.endsWith(".itb") ? [KERNEL, RAMDISK, Buffer.from(devicetree("one"))] : [KERNEL];
    for (const part of parts) {
      const changed = Buffer.from(whole);
      changed[whole.indexOf(part) + part.length - 3]! ^= 1;
      await assert.rejects(loaded(kernelAlone(await file(changed))), {
        code: "bad-format",
        message: /^vda1:.*(checksum is wrong|is not what its hash \(\w+\) says)/,
      });
    }
    await assert.rejects(
      loaded(kernelAlone(await file(whole.subarray(0, name.endsWith(".itb") ? -300 : -2)))),
      { code: "bad-format" },
      name,
    );
  }
  const header = sample("uInitrd");
  header[40]! ^= 1;
  const initrds = [{ file: await file(header), path: null }];
  await assert.rejects(loaded({ ...kernelAlone(await file(KERNEL)), initrds }), /its header's checksum is wrong/);
});

test("a wrapped file of the wrong kind is told for what it is", async () => {
  await assert.rejects(
    loaded(kernelAlone(await file(sample("uInitrd")))),
    /image of a ramdisk, and a kernel is wanted/,
  );
  const initrds = [{ file: await file(sample("uImage")), path: null }];
  await assert.rejects(
    loaded({ ...kernelAlone(await file(KERNEL)), initrds }),
    /image of a kernel, and a ramdisk is wanted here/,
  );
});

test("they are recognised, by a kernel inside", async () => {
  const formats: Record<string, string> = { uImage: "uImage", multi: "uImage", uInitrd: "other", "board.itb": "FIT" };
  for (const [name, format] of Object.entries(formats)) {
    const bytes = sample(name);
    const found = await identifyImage(readAtOfBytes(bytes), bytes.length);
    assert.equal(found.format, format, name);
    assert.equal(found.arch, format === "other" ? null : "aarch64", name);
  }
  const tree = Buffer.from(devicetree("one"));
  assert.equal((await identifyImage(readAtOfBytes(tree), tree.length)).format, "other");
});

test("a FIT image doesn't have the same bytes read again and again", async () => {
  const board = (change: (tree: ReturnType<typeof readFdt>) => void): Promise<unknown> => {
    const tree = readFdt(sample("board.itb"));
    change(tree);
    return file(writeFdt(tree)).then((one) => loaded(kernelAlone(one)));
  };
  const hashes = board((tree) => {
    const kernel = findNode(tree, "/images")!.children[0]!;
    const hash = kernel.children[0]!;
    for (let i = 0; i < 1000; i++) kernel.children.push({ ...hash, name: `hash-${i}` });
  });
  await assert.rejects(hashes, { code: "bad-format", message: /has too many hashes/ });
  const overlays = board((tree) => {
    const trees = findNode(tree, "/images")!.children.filter(({ name }) => name.startsWith("fdt"));
    const names = Array.from({ length: 400 }, (_, i) => trees[i % trees.length]!.name);
    findNode(tree, "/configurations/conf-1")!.properties.set("fdt", fdtText(names.join("\0")));
  });
  await assert.rejects(overlays, { code: "bad-format", message: /names too many overlays/ });
});

test("broken images end in a message, never in a crash", async () => {
  const whole = sample("board.itb");
  // Of each byte of the tree's own structure, in front of the first data.
  for (let at = 0; at < whole.length; at += 61) {
    const changed = Buffer.from(whole);
    changed[at] = 0xff;
    await loaded(kernelAlone(await file(changed))).catch((error) => {
      assert.ok(["bad-format", "not-found", "unsupported", "ERR_ASSERTION"].includes(error.code), `${at}: ${error}`);
    });
  }
});
