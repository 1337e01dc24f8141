/** Each form of the image that starts by itself, and each kind of firmware, once; the other pairs in forms.full.test.ts. */

import { before, test } from "node:test";
import { makeForms, startsByItself } from "./forms.ts";

before(makeForms);

test("baton.img on a disk: BIOS starts it, and the default of another disk boots", () =>
  startsByItself("disk", "bios"));

test("baton.iso in a drive: UEFI starts it, and the default of a disk boots", () => startsByItself("iso", "uefi"));
