import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyFdt, writeFdt } from "../../src/binary/fdt.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { readAddonParts, readAtWithin, readUkiParts } from "../../src/images/uki.ts";
import { makePe } from "../binary/pefile.ts";
import { makeBzImage } from "./kernels.ts";

const read = (bytes: Uint8Array, profile?: number) => readUkiParts(readAtOfBytes(bytes), bytes.length, profile);
const at = (bytes: Uint8Array, part: { offset: number; size: number }) =>
  Buffer.from(bytes.subarray(part.offset, part.offset + part.size));

test("a unified kernel image comes apart into kernel, initrds and devicetree", async () => {
  const kernel = makeBzImage();
  const bytes = makePe([
    [".text", "stub"],
    [".osrel", 'PRETTY_NAME="Debian"\n'],
    [".uname", "6.1.0-56-amd64\n"],
    [".cmdline", "root=/dev/vda1\nquiet \n\0"],
    [".initrd", "the initrd"],
    [".ucode", "microcode"],
    [".dtb", "tree"],
    [".linux", kernel],
  ]);
  const uki = (await read(bytes))!;
  assert.equal(uki.uname, "6.1.0-56-amd64");
  assert.equal(uki.arch, "x86_64");
  assert.deepEqual(at(bytes, uki.linux), kernel);
  assert.deepEqual(
    uki.initrds.map((part) => at(bytes, part).toString()),
    ["microcode", "the initrd"],
  );
  assert.equal(at(bytes, uki.devicetree!).toString(), "tree");
});

test("of sections that are missing or empty there is nothing", async () => {
  const uki = (await read(
    makePe([
      [".linux", makeBzImage()],
      [".initrd", ""],
    ]),
  ))!;
  assert.equal(uki.uname, null);
  assert.deepEqual(uki.initrds, []);
  assert.equal(uki.devicetree, null);
});

test("profiles put their own sections before the base's", async () => {
  const bytes = makePe([
    [".linux", makeBzImage()],
    [".initrd", "base"],
    [".profile", "ID=one"],
    [".profile", "ID=two"],
    [".initrd", "second"],
  ]);
  const initrd = async (profile: number) => at(bytes, (await read(bytes, profile))!.initrds[0]!).toString();
  assert.equal(await initrd(0), "base");
  assert.equal(await initrd(1), "second");
  assert.equal(await read(bytes, 2), null);
});

test("an EFI program without a kernel, and what is no EFI program, are no unified kernel image", async () => {
  assert.equal(await read(makePe([[".text", "x"]])), null);
  assert.equal(await read(makeBzImage().fill(0, 0, 2)), null);
});

test("reading within a part never leaves it", async () => {
  const readAt = readAtWithin(readAtOfBytes(Buffer.from("0123456789")), { offset: 2, size: 4 });
  assert.equal(Buffer.from(await readAt(0, 100)).toString(), "2345");
  assert.equal(Buffer.from(await readAt(3, 100)).toString(), "5");
  assert.equal((await readAt(4, 1)).length, 0);
});

test("the devicetree for this machine wins over the one for any; others are not taken", async () => {
  const tree = (...names: string[]): Buffer => {
    const made = emptyFdt();
    made.root.properties.set("compatible", Buffer.from(names.map((name) => `${name}\0`).join("")));
    return Buffer.from(writeFdt(made));
  };
  const bytes = makePe([
    [".linux", "kernel"],
    [".dtb", "any"],
    [".dtbauto", tree("acme,one", "acme,soc")],
    [".dtbauto", tree("acme,two", "acme,soc")],
    [".dtbauto", "broken"],
  ]);
  const read = async (...compatible: string[]) => {
    const { offset, size } = (await readUkiParts(readAtOfBytes(bytes), bytes.length, 0, compatible))!.devicetree!;
    return Buffer.from(bytes.subarray(offset, offset + size)).toString("latin1");
  };
  assert.equal(await read("acme,two", "acme,soc"), tree("acme,two", "acme,soc").toString("latin1"));
  assert.equal(await read("acme,soc"), "any");
  assert.equal(await read(), "any");
});

test("an addon brings microcode, initrd and devicetree; an image with a kernel is none", async () => {
  const bytes = makePe([
    [".cmdline", "x"],
    [".initrd", "an initrd"],
    [".ucode", ""],
  ]);
  const addon = (await readAddonParts(readAtOfBytes(bytes), bytes.length))!;
  assert.deepEqual([addon.microcode, addon.devicetree], [null, null]);
  const { offset, size } = addon.initrd!;
  assert.equal(Buffer.from(bytes.subarray(offset, offset + size)).toString("latin1"), "an initrd");
  const kernel = makePe([[".linux", "k"]]);
  assert.equal(await readAddonParts(readAtOfBytes(kernel), kernel.length), null);
  assert.equal(await readAddonParts(readAtOfBytes(Buffer.from("text")), 4), null);
});
