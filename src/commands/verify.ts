/** `baton verify`: which entries the owner's policy lets boot, by whose signature, and why the others not. */

import type { BootEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { findEntries } from "../policy/find.ts";
import { printable } from "../text.ts";
import { VERIFY_OPTIONS } from "./shared/manual.ts";
import { diskOptions, readArgs } from "./shared/options.ts";
import { printJson } from "./shared/output.ts";
import { policyHere } from "./shared/ownpolicy.ts";
import { discover } from "./shared/source.ts";
import { type Judged, judged } from "./shared/verdict.ts";

/** @returns the exit code: 1 where one of the entries is not verified; without a policy all are let pass */
export async function verify(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: VERIFY_OPTIONS });
  const options = diskOptions(values);
  const found = await discover(options);
  try {
    const policy = await policyHere(found.settings);
    const all = found.discovery.list.entries;
    const chosen = positionals.length === 0 ? all : positionals.map((name) => named(all, name));
    const rows: { readonly entry: BootEntry; readonly verdict: Judged }[] = [];
    for (const entry of chosen) {
      rows.push({ entry, verdict: await judged(policy, found.discovery, entry, options.platform?.arch) });
    }
    if (values.json) {
      const entries = rows.map(({ entry: { id, title, submenu }, verdict }) => ({ id, title, submenu, verdict }));
      printJson({ trust: policy.mode, problem: policy.problem, entries });
    } else {
      process.stdout.write(`trust: ${policy.mode}${policy.problem === null ? "" : `: ${printable(policy.problem)}`}\n`);
      for (const row of rows) process.stdout.write(rowText(row));
    }
    return rows.every(({ verdict: { state } }) => state === "verified" || state === "off") ? 0 : 1;
  } finally {
    await found.close();
  }
}

function named(all: readonly BootEntry[], name: string): BootEntry {
  const entry = findEntries(all, name)[0];
  if (entry) return entry;
  throw new BatonError("not-found", `no entry has the id, title or number '${name}'; baton list shows them`);
}

function rowText({ entry, verdict: { state, by, reason } }: { entry: BootEntry; verdict: Judged }): string {
  const title = [...entry.submenu, entry.title].join(" > ");
  const why = by === null ? (reason === null ? "" : `: ${reason}`) : ` by ${by}`;
  return `${printable(`${state.padEnd(9)} ${title}`)}\n          ${printable(`${entry.id}${why}`)}\n`;
}
