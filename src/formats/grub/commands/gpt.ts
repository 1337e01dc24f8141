/**
 * What ChromeOS began and CoreOS and Flatcar go on with: a partition's own attribute bits say which of two systems boots
 * (CoreOS's GRUB, grub-core/commands/gptpriority.c and gptprio.c).
 */

import type { GptPartition } from "../../format.ts";
import { BAD_ARGUMENT, OK, UNKNOWN_DEVICE } from "../errors.ts";
import type { Call, CommandFunction, Interpreter } from "../interpreter.ts";
import { parseNumber } from "../number.ts";
import { optionValue, parseOptions } from "../options.ts";

const bits = (from: bigint, count: bigint) => (partition: GptPartition) =>
  Number((partition.attributes >> from) & ((1n << count) - 1n));
const priorityOf = bits(48n, 4n);
const triesOf = bits(52n, 4n);
const isSuccessful = bits(56n, 1n);

/** CoreOS's type for a system's `/usr`. */
const USR = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6";

/** null where the table can't be read, which is told. */
function partitionsOf(run: Interpreter, call: Call, disk: string): readonly GptPartition[] | null {
  const name = run.devices.diskOf(disk);
  const found = name === null ? [] : (run.context.partitions?.(name) ?? []);
  if (found.length > 0) return found;
  run.warn(
    call,
    `${call.name}: the partition table of ${disk} isn't known here; which entry is the default depends on priorities in it`,
  );
  return null;
}

/** `gptpriority DISK PARTITION [NAME]` */
const gptPriority: CommandFunction = (run, args, call) => {
  const [disk, text, name] = args;
  const number = parseNumber(text ?? "");
  if (disk === undefined || number === null || number.rest !== "") {
    run.warn(call, "gptpriority: it needs a disk, a partition's number and the name of a variable");
    return BAD_ARGUMENT;
  }
  const partitions = partitionsOf(run, call, disk.replace(/^\((.*)\)$/s, "$1"));
  const partition = partitions?.find((one) => BigInt(one.number) === number.value);
  if (partition === undefined) return UNKNOWN_DEVICE;
  if (name !== undefined) run.setVariable(name, String(priorityOf(partition)));
  return OK;
};

/** `gptprio.next -d NAME -u NAME`: the system on the root's disk that comes first, and is good or may be tried. */
const gptPrioNext: CommandFunction = (run, argv, call) => {
  const options = parseOptions(
    [
      { long: "set-device", short: "d", value: "required" },
      { long: "set-uuid", short: "u", value: "required" },
    ],
    argv,
  );
  if (typeof options === "string") {
    run.warn(call, `gptprio.next: ${options}`);
    return BAD_ARGUMENT;
  }
  const disk = (run.env.get("root") ?? "").replace(/,.*$/s, "");
  const partitions = partitionsOf(run, call, disk);
  const [next] = (partitions ?? [])
    .filter((one) => one.type === USR && priorityOf(one) > 0 && (isSuccessful(one) > 0 || triesOf(one) > 0))
    .sort((a, b) => priorityOf(b) - priorityOf(a));
  if (next === undefined) return UNKNOWN_DEVICE;
  if (isSuccessful(next) === 0) {
    run.warnOnce(
      call,
      `gptprio.next: partition ${next.number} is on trial; GRUB would count that in the partition table, which Baton doesn't write`,
    );
  }
  const [device, uuid] = [optionValue(options, "set-device"), optionValue(options, "set-uuid")];
  if (device !== undefined) run.setVariable(device, `${disk},gpt${next.number}`);
  if (uuid !== undefined) run.setVariable(uuid, next.partuuid ?? "");
  return OK;
};

export const gptCommands: readonly (readonly [string, CommandFunction])[] = [
  ["gptpriority", gptPriority],
  ["gptprio.next", gptPrioNext],
];
