/** A crash kernel as an ELF file, as distributions with a kernel of its own for that have it. */

import { test } from "node:test";
import { crashInto } from "./crashkernel.ts";

test("a crash kernel (vmlinux) that kexec_load loaded comes up after a panic, with the memory of the one before", () =>
  crashInto("vmlinux", "kexec_load"));
