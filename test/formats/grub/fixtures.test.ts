import { test } from "node:test";
import { grub } from "../../../src/formats/grub/grub.ts";
import { grubLegacy } from "../../../src/formats/grub-legacy/grub-legacy.ts";
import { assertGolden, fixtures } from "../golden.ts";

for (const name of fixtures("grub-")) {
  test(`${name} gives what its expected.json says`, () => assertGolden(name, [grub, grubLegacy]));
}
