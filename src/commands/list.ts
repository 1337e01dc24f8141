/** `baton list`: what could be booted. */

import type { Discovery } from "../discovery/discovery.ts";
import { formatDiagnostic } from "../entry.ts";
import { describeError } from "../errors.ts";
import { inOwnImage } from "../linux/ownimage.ts";
import { printable } from "../text.ts";
import { type ListJson, listJson } from "./shared/json.ts";
import { LIST_OPTIONS } from "./shared/manual.ts";
import { type DiskOptions, diskOptions, readArgs } from "./shared/options.ts";
import { complain, printJson } from "./shared/output.ts";
import { discover } from "./shared/source.ts";

/** @returns the exit code */
export async function list(args: string[]): Promise<number> {
  const { values } = readArgs({ args, options: LIST_OPTIONS });
  const options = diskOptions(values);
  let found: Awaited<ReturnType<typeof discover>>;
  try {
    found = await discover(options);
  } catch (error) {
    if (values.json) printJson(listJson());
    complain(describeError(error));
    return 1;
  }
  const { discovery } = found;
  try {
    if (values.json) printJson(await withVerdicts(found, listJson(discovery.list, discovery.devices), options));
    else process.stdout.write(listText(discovery));
  } finally {
    await found.close();
  }
  const missing = discovery.devices.filter(
    ({ name, reason }) =>
      reason !== null && options.disks.some((disk) => disk.name === name && !isRead(discovery, name)),
  );
  for (const { name, reason } of missing) complain(`--disk ${name}: ${reason}`);
  return missing.length > 0 ? 1 : 0;
}

/** Once there is a policy, each entry has its verdict. */
async function withVerdicts(
  { discovery, settings }: Awaited<ReturnType<typeof discover>>,
  json: ListJson,
  { platform }: DiskOptions,
): Promise<ListJson> {
  if (settings.trust === "off" && !inOwnImage()) return json;
  const [{ judged }, { policyHere }] = await Promise.all([
    import("./shared/verdict.ts"),
    import("./shared/ownpolicy.ts"),
  ]);
  const policy = await policyHere(settings);
  if (policy.mode === "off") return json;
  for (const [index, entry] of discovery.list.entries.entries()) {
    json.entries[index]!.verdict = await judged(policy, discovery, entry, platform?.arch);
  }
  return json;
}

const isRead = (discovery: Discovery, name: string): boolean =>
  discovery.volumes.some((volume) => volume.name === name);

const MARKS = { default: "*", fallback: "+", person: " " } as const;
const FALLBACKS =
  "Where the default fails, those with a + are tried by themselves; all others only boot when a person picks them.";

/** For a person: entries numbered as `baton boot` takes them, then what went wrong and where. */
export function listText(discovery: Discovery): string {
  const { entries, diagnostics } = discovery.list;
  const lines: string[] = [];
  entries.forEach((entry, index) => {
    const title = [...entry.submenu, entry.title].join(" > ");
    lines.push(
      `${MARKS[entry.isDefault ? "default" : (entry.unattended ?? "person")]}${String(index + 1).padStart(3)}  ${title}`,
    );
    lines.push(`        ${entry.id}`);
    const opens = entry.leadsTo === undefined ? "" : `: opens ${entry.menu}`;
    lines.push(`        ${entry.source}${entry.reason === null ? opens : `: can't boot: ${entry.reason}`}`);
  });
  if (entries.length > 0) lines.push(`The default (*): ${discovery.list.why}.`);
  if (entries.some(({ unattended }) => unattended === "fallback")) lines.push(FALLBACKS);
  const said = new Set<string | null>();
  if (entries.length === 0) {
    lines.push("Nothing to boot was found.");
    for (const { name, type, reason } of discovery.devices) {
      lines.push(`  ${name}${type === null ? "" : ` (${type})`}: ${reason ?? "no entries"}`);
      said.add(reason);
    }
  }
  const others = diagnostics.filter(({ message }) => !said.has(message));
  for (const diagnostic of others) lines.push(`${diagnostic.severity}: ${formatDiagnostic(diagnostic)}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}
