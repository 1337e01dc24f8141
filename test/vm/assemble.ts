/** Small kernels of the tests' own, assembled by the host's binutils from test/vm/programs. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "./host.ts";

const SOURCES = join(ROOT, "test/vm/programs");

/**
 * @param address physical, of the first byte
 * @returns the bytes of each section
 */
export async function assemble<S extends string>(
  name: string,
  address: number,
  sections: readonly S[],
): Promise<Record<S, Buffer>> {
  const work = await mkdtemp(join(tmpdir(), "baton-assemble-"));
  try {
    const [object, linked] = [join(work, "object"), join(work, "linked")];
    await run("as", ["--32", "-I", SOURCES, "-o", object, join(SOURCES, `${name}.S`)]);
    const place = ["-e", "0", "-Ttext", `0x${address.toString(16)}`];
    await run("ld", ["-m", "elf_i386", ...place, "-o", linked, object]);
    const bytes: Partial<Record<S, Buffer>> = {};
    for (const section of sections) {
      await run("objcopy", ["-O", "binary", "-j", `.${section}`, linked, join(work, section)]);
      bytes[section] = await readFile(join(work, section));
    }
    return bytes as Record<S, Buffer>;
  } finally {
    await rm(work, { recursive: true });
  }
}
