/** `baton kexec`: kexec(8). */

import { BatonError } from "../errors.ts";

export async function kexec(_args: string[]): Promise<number> {
  throw new BatonError("unsupported", "kexec");
}
