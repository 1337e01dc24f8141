/** The forms of the image that start by itself, by the kinds of firmware that forms.test.ts leaves out. */

import { before, test } from "node:test";
import { makeForms, startsByItself } from "./forms.ts";

before(makeForms);

test("baton.img on a disk: UEFI starts it, and the default of another disk boots", () =>
  startsByItself("disk", "uefi"));

test("baton.iso in a drive: BIOS starts it, and the default of a disk boots", () => startsByItself("iso", "bios"));
