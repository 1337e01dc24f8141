/** `baton expect`: whether the default is what somebody relies on; for CI. */

import { BatonError } from "../errors.ts";
import { findEntries } from "../policy/find.ts";
import type { BootList } from "../policy/list.ts";
import { printable } from "../text.ts";
import { EXPECT_OPTIONS } from "./shared/manual.ts";
import { diskOptions, readArgs } from "./shared/options.ts";
import { complain } from "./shared/output.ts";
import { discover } from "./shared/source.ts";

/** @returns the exit code: 1 where the default is another, or can't boot */
export async function expect(args: string[]): Promise<number> {
  const { values } = readArgs({ args, options: EXPECT_OPTIONS });
  if (values.default === undefined) throw new BatonError("usage", "--default says which entry is expected");
  const found = await discover(diskOptions(values));
  try {
    const wrong = unexpected(found.discovery.list, values.default);
    if (wrong !== null) complain(wrong);
    return wrong === null ? 0 : 1;
  } finally {
    await found.close();
  }
}

/** What is wrong with the default, in a sentence; null where it is an entry of that id or title, and can boot. */
function unexpected({ entries, why }: Pick<BootList, "entries" | "why">, name: string): string | null {
  const wanted = printable(name);
  const named = findEntries(entries, name);
  const found = entries.find(({ isDefault }) => isDefault);
  if (found === undefined || !named.includes(found)) {
    const instead = found ? `the default is ${found.id}` : "there is no default";
    const missing = named.length === 0 ? " (no entry is called so)" : "";
    return `expected ${wanted} as the default${missing}, but ${instead}: ${why}`;
  }
  return found.bootable ? null : `the default is ${wanted}, as expected, but it can't boot: ${found.reason}`;
}
