/**
 * Whole boot trees in, golden JSON out: what a person with that disk would expect of the list. The texts are our own,
 * written in the style of what the systems in their names install.
 */

import { describe, test } from "node:test";
import { ipxe } from "../../src/formats/ipxe/ipxe.ts";
import { pxelinux } from "../../src/formats/syslinux/pxelinux.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { bls } from "../../src/formats/systemdboot/bls.ts";
import { uki } from "../../src/formats/systemdboot/uki.ts";
import { assertGolden, fixtures } from "./golden.ts";

describe("trees as systems install them", () => {
  for (const name of fixtures("syslinux-", "extlinux-", "pxelinux-", "bls-", "uki-", "ipxe-")) {
    test(`${name} gives the entries of its expected.json`, () =>
      assertGolden(name, [syslinux, bls, uki, pxelinux, ipxe]));
  }
});
