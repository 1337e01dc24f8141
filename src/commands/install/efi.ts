/** Baton beside a system that UEFI starts: baton.efi on the EFI system partition, and a boot entry of the firmware's. */

import { existsSync, readdirSync } from "node:fs";
import type { BlockDevice } from "../../devices/device.ts";
import { BatonError } from "../../errors.ts";
import { readVariable, textOfVariable, writeVariable } from "../../state/efivars.ts";
import { anyLoadOption, type FirmwareEntry } from "../../state/firmware.ts";
import { GLOBAL_GUID } from "../../state/guids.ts";
import { LOADER_NAME, OWN_VARIABLES } from "../../state/loaderinterface.ts";
import { STATE_VARIABLE } from "../../state/own.ts";
import { putFile, removeFile, removeFolder } from "../../state/place.ts";
import { formatSize } from "../../text.ts";
import { efiProgram } from "./files.ts";
import { checkRoom, ESP_FOLDERS, isUefi, type Machine, mountsOn, type Step } from "./machine.ts";

const FOLDER = "/EFI/baton";
const PROGRAM = `${FOLDER}/baton.efi`;
const LOADER = PROGRAM.replaceAll("/", "\\");
/** Partition types of an EFI system partition: GPT, MBR. */
const ESP_TYPES: readonly (string | null)[] = ["c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef"];

interface Esp {
  readonly mountPoint: string;
  readonly partition: BlockDevice;
}

const variables = ({ root }: Machine): string => `${root}/sys/firmware/efi/efivars`;
const isOwn = ({ file }: FirmwareEntry): boolean => file?.toLowerCase() === LOADER.toLowerCase();

/** The firmware's boot entries, also those that its order leaves out. */
function bootEntries(machine: Machine): FirmwareEntry[] {
  const folder = variables(machine);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const number = /^Boot([0-9A-F]{4})-/.exec(name)?.[1];
      const option = number === undefined ? null : readVariable(name, folder);
      const entry = number === undefined || option === null ? null : anyLoadOption(number, option);
      return entry === null ? [] : [entry];
    });
}

/** Numbers in a variable of the firmware's: `BootOrder`, `BootNext`. */
function numbersOf(machine: Machine, name: string): string[] {
  const value = readVariable(`${name}-${GLOBAL_GUID}`, variables(machine)) ?? Buffer.alloc(0);
  return Array.from({ length: value.length >> 1 }, (_, index) =>
    value
      .readUInt16LE(index * 2)
      .toString(16)
      .toUpperCase()
      .padStart(4, "0"),
  );
}

/** The EFI system partitions that are mounted, the usual places first. */
async function mountedEsps(machine: Machine): Promise<Esp[]> {
  const places = mountsOn(machine).filter(({ type, root }) => type === "vfat" && root === "/");
  const found: Esp[] = [];
  for (const { mountPoint, source } of places) {
    const partition = await machine.device(source);
    if (partition !== null && ESP_TYPES.includes(partition.partitionType)) found.push({ mountPoint, partition });
  }
  const rank = ({ mountPoint }: Esp): number => {
    const place = ESP_FOLDERS.indexOf(mountPoint);
    return place < 0 ? ESP_FOLDERS.length : place;
  };
  return found.sort((a, b) => rank(a) - rank(b));
}

/** @throws BatonError with why Baton can't be installed here; nothing has changed then */
export async function efiSteps(
  machine: Machine,
  { once, from }: { readonly once: boolean; readonly from: string | undefined },
): Promise<Step[]> {
  const { root, run } = machine;
  const isSecure = readVariable(`SecureBoot-${GLOBAL_GUID}`, variables(machine))?.[0] === 1;
  const program = await efiProgram(from, isSecure);
  const [esp] = await mountedEsps(machine);
  if (esp === undefined) {
    throw new BatonError("not-found", "no EFI system partition is mounted: mount it at /boot/efi, and try again");
  }
  if (numbersOf(machine, "BootOrder").length === 0) {
    throw new BatonError(
      "not-found",
      "the firmware's boot entries can't be read: mount -t efivarfs efivarfs /sys/firmware/efi/efivars, and try again",
    );
  }
  const { disk, partition, partuuid } = esp.partition;
  if (disk === null || partition === null || partuuid === null) {
    throw new BatonError("unsupported", `${esp.mountPoint} is on no partition that firmware could find`);
  }
  await run("efibootmgr", ["--version"]);
  await checkRoom(machine, esp.mountPoint, program.size, mountsOn(machine));
  const target = `${esp.mountPoint}${PROGRAM}`;
  const place = ["--disk", `/dev/${disk.replaceAll("!", "/")}`, "--part", String(partition)];
  const entryHere = (): FirmwareEntry | undefined =>
    bootEntries(machine).find((entry) => isOwn(entry) && entry.partuuid === partuuid.toLowerCase());
  const call = (args: readonly string[]): Step => ({
    says: `efibootmgr ${args.join(" ")}`,
    run: async () => {
      await run("efibootmgr", args);
    },
  });
  const steps: Step[] = [
    {
      says: `copy ${program.path} (${formatSize(program.size)}) to ${target}`,
      run: () => putFile(program.path, `${root}${target}`),
    },
  ];
  const before = entryHere();
  if (before === undefined) {
    steps.push(call([once ? "--create-only" : "--create", ...place, "--label", "Baton", "--loader", LOADER]));
  } else if (!once) {
    const order = [before.number, ...numbersOf(machine, "BootOrder").filter((number) => number !== before.number)];
    steps.push(call(["--bootorder", order.join(",")]));
  }
  if (once) {
    steps.push({
      says: `efibootmgr --bootnext ${before?.number ?? "that entry's number"}`,
      run: async () => {
        const entry = entryHere();
        if (entry === undefined) throw new BatonError("io", `the firmware kept no boot entry for ${LOADER}`);
        await run("efibootmgr", ["--bootnext", entry.number]);
      },
    });
  }
  return steps;
}

/** What takes Baton off the firmware's list and its partitions; empty where it isn't there. */
export async function efiRemovalSteps(machine: Machine, note: (text: string) => void): Promise<Step[]> {
  if (!isUefi(machine)) return [];
  const { root, run } = machine;
  const call = (...args: string[]): Step => ({
    says: `efibootmgr ${args.join(" ")}`,
    run: async () => {
      await run("efibootmgr", args);
    },
  });
  const next = numbersOf(machine, "BootNext");
  const entries = bootEntries(machine).filter(isOwn);
  const steps = entries.flatMap(({ number }) => [
    ...(next.includes(number) ? [call("--delete-bootnext")] : []),
    call("--bootnum", number, "--delete-bootnum"),
  ]);
  const esps = await mountedEsps(machine);
  if (esps.length === 0 && entries.length > 0) {
    note(`no EFI system partition is mounted: ${LOADER} stays on it; mount it at /boot/efi, and run this again`);
  }
  for (const { mountPoint } of esps) {
    const folder = `${root}${mountPoint}${FOLDER}`;
    if (!existsSync(folder)) continue;
    steps.push({
      says: `remove ${mountPoint}${PROGRAM}`,
      run: async () => {
        await removeFile(`${root}${mountPoint}${PROGRAM}`);
        const left = await removeFolder(folder);
        if (left.length > 0) note(`${mountPoint}${FOLDER} stays for what install didn't put there: ${left.join(", ")}`);
      },
    });
  }
  if (readVariable(STATE_VARIABLE, variables(machine)) !== null) {
    const says = `remove the EFI variable ${STATE_VARIABLE}`;
    steps.push({ says, run: async () => writeVariable(STATE_VARIABLE, null, variables(machine)) });
  }
  const folder = variables(machine);
  const info = readVariable("LoaderInfo", folder);
  if (info !== null && textOfVariable(info).startsWith(`${LOADER_NAME} `)) {
    const own = OWN_VARIABLES.filter((name) => readVariable(name, folder) !== null);
    const says = `remove the EFI variables ${own.join(", ")}`;
    steps.push({ says, run: async () => own.forEach((name) => void writeVariable(name, null, folder)) });
  }
  return steps;
}
