/** Failed system calls as errors that say what was tried. */

import { BatonError } from "../errors.ts";
import { errnoName, errnoText } from "./errno.ts";

/** A system call that the kernel refused: `mount("/dev/vda1", "/mnt", "ext4"): EBUSY (device or resource busy)`. */
export class LinuxError extends BatonError {
  /** The call's name, as its man page has it. */
  readonly call: string;
  readonly errno: number;
  readonly errnoName: string;

  /** @param args as a person would write them */
  constructor(call: string, args: string, errno: number) {
    super("syscall", `${call}(${args}): ${errnoName(errno)} (${errnoText(errno)})`);
    this.name = "LinuxError";
    this.call = call;
    this.errno = errno;
    this.errnoName = errnoName(errno);
  }
}

/** An argument as errors show it; `word` is for what stands without quotes: a constant or a set of flags. */
export type ShownArgument = string | number | null | undefined | { readonly word: string };

/** Arguments as text for a {@link LinuxError}: strings quoted, null as NULL, and what is `undefined` left out. */
export function describeArguments(values: readonly ShownArgument[]): string {
  return values
    .filter((value) => value !== undefined)
    .map((value) => {
      if (value === null) return "NULL";
      if (typeof value === "object") return value.word;
      return typeof value === "string" ? JSON.stringify(value) : String(value);
    })
    .join(", ");
}

/** The set bits of `flags` by name (`MS_RDONLY|MS_NOEXEC`), the rest as a number; undefined where none is set. */
export function describeFlags(flags: number, names: Readonly<Record<string, number>>): ShownArgument {
  let rest = flags;
  const words: string[] = [];
  for (const [name, bit] of Object.entries(names)) {
    if ((rest & bit) !== 0) words.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  return words.length === 0 ? undefined : { word: words.join("|") };
}
