import assert from "node:assert/strict";
import { test } from "node:test";
import { image } from "../../src/images/image.ts";
import { bootContentOf, IMAGE_TYPES, type ImageType, kexecTypeOf, kexecTypes } from "../../src/images/imagetypes.ts";

const ROWS = Object.entries(IMAGE_TYPES) as [keyof typeof IMAGE_TYPES, ImageType][];
const known = (format: keyof typeof IMAGE_TYPES, more = {}) => image({ format, description: format, ...more });

test("a row of the table of image types is all that kexec's --type, the network and the loader know of a type", () => {
  const names = ROWS.flatMap(([, { kexecTypes = [] }]) => kexecTypes);
  assert.equal(new Set(names).size, names.length, "two types share a name");
  assert.deepEqual([...kexecTypes().keys()], names);
  // kexec-tools 2.0.25, kexec/arch/{x86_64,i386,arm64}: what scripts say to --type.
  for (const name of ["bzImage64", "bzImage", "elf-x86_64", "elf-x86", "multiboot-x86", "multiboot2-x86", "Image"]) {
    assert.ok(names.includes(name), name);
  }
  for (const [format, { layOut }] of ROWS) {
    const isKexecs = kexecTypeOf(known(format, { classic: ["x86_64"] })) !== null;
    assert.equal(isKexecs, layOut !== undefined || format === "bzImage", `${format}: its name and its loader`);
  }
});

test("a type's name for kexec(8) and what it is on a server can hang on the image", () => {
  assert.equal(kexecTypeOf(known("bzImage", { fileLoad: ["x86_64"] })), "bzImage64");
  assert.equal(kexecTypeOf(known("bzImage")), "bzImage");
  assert.equal(kexecTypeOf(known("ELF")), null);
  assert.equal(kexecTypeOf(known("ELF", { classic: ["x86_64"], arch: "i386" })), "elf-x86");
  assert.equal(kexecTypeOf(known("UKI")), null);
  assert.equal(bootContentOf(known("gzip", { arch: "aarch64" })), "kernel");
  assert.equal(bootContentOf(known("gzip")), null);
  assert.equal(bootContentOf(known("UKI")), "uki");
  assert.equal(bootContentOf(known("multiboot")), null);
});
