/** Finding volumes: `search` and its kin (grub-core/commands/search*.c). */

import type { Tag } from "../../../identity.ts";
import type { FormatVolume } from "../../format.ts";
import { BAD_ARGUMENT, FILE_NOT_FOUND, INVALID_COMMAND, OK } from "../errors.ts";
import type { Call, CommandFunction, Interpreter, Status } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";

const OPTIONS = [
  { long: "file", short: "f" },
  { long: "label", short: "l" },
  { long: "fs-uuid", short: "u" },
  { long: "part-uuid" },
  { long: "part-label" },
  { long: "disk-uuid" },
  { long: "set", short: "s", value: "optional" },
  { long: "no-floppy", short: "n" },
  { long: "efidisk-only" },
  { long: "cryptodisk-only" },
  { long: "root-dev-only", short: "r" },
  { long: "hint", short: "h", value: "required" },
  { long: "hint-ieee1275", value: "required" },
  { long: "hint-bios", value: "required" },
  { long: "hint-baremetal", value: "required" },
  { long: "hint-efi", value: "required" },
  { long: "hint-arc", value: "required" },
] as const;

/** What is looked for; the word before `=` in an unresolved selector. */
type Kind = Tag | "FILE";

const search: CommandFunction = (run, argv, call) => {
  const options = parseOptions(OPTIONS, argv, { lenient: true });
  if (typeof options === "string") {
    run.warn(call, `search: ${options}`);
    return BAD_ARGUMENT;
  }
  // Hints for platforms that this table doesn't know come first and are skipped.
  const args = options.args.slice(options.args.findIndex((arg) => !arg.startsWith("--hint-")));
  const set = optionValue(options, "set");
  let variable = set === undefined ? null : set || "root";
  let key = args[0]?.startsWith("--hint-") ? undefined : args[0];
  if (key === undefined && set) {
    // `search --fs-uuid --set UUID`: what looks like the variable is the key.
    key = set;
    variable = "root";
  }
  if (key === undefined) {
    run.warn(call, "search: nothing to search for");
    return BAD_ARGUMENT;
  }
  const has = (name: string) => options.values.has(name);
  const kind: Kind | null = has("label")
    ? "LABEL"
    : has("fs-uuid")
      ? "UUID"
      : has("part-uuid")
        ? "PARTUUID"
        : has("part-label")
          ? "PARTLABEL"
          : has("file")
            ? "FILE"
            : null;
  if (kind === null) {
    run.warn(call, "search: say what to search by: --fs-uuid, --label or --file");
    return INVALID_COMMAND;
  }
  return find(run, call, kind, key, variable, has("root-dev-only"));
};

/** `search.fs_uuid UUID [VARIABLE [HINT…]]` and the like. */
function dotted(kind: Kind): CommandFunction {
  return (run, args, call) => {
    const [key, variable] = args;
    if (key === undefined) return BAD_ARGUMENT;
    return find(run, call, kind, key, variable ?? null, false);
  };
}

function find(
  run: Interpreter,
  call: Call,
  kind: Kind,
  key: string,
  variable: string | null,
  ownDisk: boolean,
): Status {
  const { devices } = run;
  const finish = (found: readonly FormatVolume[]): number => {
    const candidates = ownDisk ? found.filter((volume) => devices.isOnOwnDisk(volume)) : found;
    const [first] = candidates;
    if (first === undefined) {
      const selector = `${kind}=${key}`;
      run.missed.add(selector);
      if (variable === "root" && run.conditions === 0) {
        run.env.missedRoot = selector;
        // GRUB goes on with the root that it has; while the disk may still come, everything on it stays named.
        if (run.context.devicesMayCome === true) run.env.set("root", selector);
      }
      return FILE_NOT_FOUND;
    }
    if (kind !== "FILE" && candidates.length > 1) warnOfTwins(run, call, kind, key, candidates);
    if (variable !== null) {
      const name = devices.nameOf(first);
      run.env.set(variable, name);
      if (variable === "root") run.env.missedRoot = null;
      run.env.nameDevice(name, first.name);
    }
    return OK;
  };
  if (kind !== "FILE") return finish(devices.withTag(kind, key));
  return firstWith(run, key, ownDisk).then(finish);
}

/** The first volume that has the file. */
async function firstWith(run: Interpreter, path: string, ownDisk: boolean): Promise<readonly FormatVolume[]> {
  const absolute = path.startsWith("/") ? path : `/${path}`;
  for (const volume of run.devices.inSearchOrder()) {
    if (ownDisk && !run.devices.isOnOwnDisk(volume)) continue;
    const ref = { device: volume.name, path: absolute };
    const stat = await run.files.stat({ device: { kind: "volume", volume }, path: absolute, ref });
    if (stat?.type === "file") return [volume];
  }
  return [];
}

function warnOfTwins(run: Interpreter, call: Call, kind: Kind, key: string, twins: readonly FormatVolume[]): void {
  const names = twins.map(({ name }) => name);
  const [first] = twins;
  const near = run.devices.isOnOwnDisk(first!) ? "which is on the configuration's own disk" : "the first of them";
  run.warnOnce(
    call,
    `${names.length} volumes have ${kind} ${key} (${names.join(", ")}); ${first!.name} is taken, ${near}. Give one a new ${kind}`,
  );
}

export const searchCommands: readonly (readonly [string, CommandFunction])[] = [
  ["search", search],
  ["search.file", dotted("FILE")],
  ["search.fs_label", dotted("LABEL")],
  ["search.fs_uuid", dotted("UUID")],
  ["search.part_uuid", dotted("PARTUUID")],
  ["search.part_label", dotted("PARTLABEL")],
];
