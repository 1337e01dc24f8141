/** Crash kernels: loaded by either call, entered by a real panic. */

import { test } from "node:test";
import { crashInto } from "./crashkernel.ts";

for (const call of ["kexec_load", "kexec_file_load"] as const) {
  test(`a crash kernel that ${call} loaded comes up after a panic, with the memory of the one before`, () =>
    crashInto("vmlinuz", call));
}
