/** Xen where there is no BIOS to be asked for memory and ACPI. */

import { test } from "node:test";
import { bootXen } from "./images.ts";

test("Xen by multiboot2 under UEFI, with Linux and its initrd as modules, comes up to dom0's userland", () =>
  bootXen("uefi"));
