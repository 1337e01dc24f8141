/** U-Boot's commands, one row each: what they do to variables and memory, and what they start. */

import { Buffer } from "node:buffer";
import type { FileRef } from "../../entry.ts";
import { describeError } from "../../errors.ts";
import { isAbsence } from "../lookup.ts";
import { fileAt, ownPartition, type Place } from "../volumenames.ts";
import { scriptIn } from "./image.ts";
import { type CommandFunction, type Loaded, ScriptEnd, type ScriptRun, type Started } from "./run.ts";

const MAX_TEXT = 256 << 10;

/** Numbers are hexadecimal, with or without 0x. */
function hexNumber(text: string | undefined): number {
  return /^(0x)?[0-9a-f]{1,12}$/i.test(text ?? "") ? Number.parseInt(text!, 16) : Number.NaN;
}

/** `mmc 0:1`: which disk U-Boot calls the first one is unknown outside of it, so that it is the script's own. */
function placeOf({ list }: ScriptRun, name: string | undefined): Place {
  const part = /:([0-9a-f]+)/i.exec(name ?? "")?.[1];
  if (part === undefined) return list.context.volume;
  return ownPartition(list.context, Number.parseInt(part, 16) || null, name!);
}

/** A regular file that is there; null else. */
async function findFile(run: ScriptRun, device: string | undefined, path: string | undefined): Promise<Loaded | null> {
  const place = placeOf(run, device);
  if (path === undefined || path === "" || "selector" in place) return null;
  const file = fileAt(place, path);
  if (!("path" in file)) return null;
  try {
    const { type, size } = await place.reader.stat(file.path);
    return type === "file" ? { file, size } : null;
  } catch (error) {
    if (isAbsence(error)) return null;
    // Another disk that can't be read is one without the file.
    if (place === run.list.context.volume) throw error;
    run.say(null, describeError(error));
    return null;
  }
}

async function bytesOf(run: ScriptRun, loaded: Loaded | undefined): Promise<Buffer | null> {
  if (loaded === undefined || !("device" in loaded.file)) return null;
  const { device, path } = loaded.file;
  const volume = [run.list.context.volume, ...run.list.context.volumes].find(({ name }) => name === device);
  if (volume === undefined) return null;
  const bytes = Buffer.from(await volume.reader.readAt(path, 0, MAX_TEXT));
  run.spend(bytes.length);
  return bytes;
}

/** `load mmc 0:1 ADDRESS FILE`; an address or name that isn't given is the environment's own. */
const load: CommandFunction = async (run, [, device, address, path]) => {
  const found = await findFile(run, device, path ?? run.get("bootfile"));
  const at = hexNumber(address ?? run.get("loadaddr"));
  if (found === null || Number.isNaN(at)) return false;
  run.memory.set(at, found);
  run.overlays.delete(at);
  run.set("filesize", found.size.toString(16));
  run.set("fileaddr", at.toString(16));
  return true;
};

const size: CommandFunction = async (run, [, device, path]) => {
  const found = await findFile(run, device, path);
  if (found !== null) run.set("filesize", found.size.toString(16));
  return found !== null;
};

const setenv: CommandFunction = (run, args) => {
  const [name, ...words] = args.filter((word) => word !== "-f");
  if (name === undefined) return false;
  run.set(name, words.join(" "));
  return true;
};

/** `env import -t ADDRESS [SIZE|-] [NAME…]`: lines `name=value`. */
const importEnvironment = async (run: ScriptRun, args: readonly string[]): Promise<boolean> => {
  const [address, length, ...names] = args.filter((word) => !/^-[a-z]+$/.test(word));
  const bytes = await bytesOf(run, run.memory.get(hexNumber(address ?? run.get("loadaddr"))));
  if (bytes === null) return false;
  const wanted = hexNumber(length);
  const text = (Number.isNaN(wanted) ? bytes : bytes.subarray(0, wanted)).toString("utf8");
  for (const raw of text.split(/[\n\0]/)) {
    const [, name, value] = /^\s*([^#\s=][^=]*?)=(.*?)\r?$/s.exec(raw) ?? [];
    if (name !== undefined && (names.length === 0 || names.includes(name))) run.set(name, value!);
  }
  return true;
};

const env: CommandFunction = (run, [what, ...args], line) => {
  switch (what) {
    case "import":
      return importEnvironment(run, args);
    case "set":
      return setenv(run, args, line);
    case "exists":
      return run.variables.has(args[0] ?? "");
    case "delete":
      for (const name of args) run.variables.delete(name);
      return true;
    case "save":
      return save(run, args, line);
    default:
      return what === "default" || what === "print" || what === "info";
  }
};

const save: CommandFunction = (run, _, line) => {
  run.say(line, "it saves U-Boot's environment, which Baton doesn't");
  return true;
};

const runVariables: CommandFunction = async (run, names) => {
  for (const name of names) {
    const text = run.variables.get(name);
    if (text === undefined) return false;
    await run.script(text);
    if (run.status !== 0) return false;
  }
  return true;
};

const source: CommandFunction = async (run, [address]) => {
  const bytes = await bytesOf(run, run.memory.get(hexNumber((address ?? run.get("loadaddr")).split(":")[0])));
  const script = bytes === null ? null : scriptIn(bytes);
  if (script === null || typeof script === "string") return false;
  await run.script(script.text);
  return run.status === 0;
};

/** POSIX's, with hexadecimal numbers only where they have 0x, and `-e DEVICE PART FILE`. */
async function evaluate(run: ScriptRun, args: readonly string[]): Promise<boolean> {
  // Each -o, -a and ! takes the rest of them once more.
  run.spend(args.length);
  const or = args.lastIndexOf("-o");
  if (or > 0) return (await evaluate(run, args.slice(0, or))) || (await evaluate(run, args.slice(or + 1)));
  const and = args.lastIndexOf("-a");
  if (and > 0) return (await evaluate(run, args.slice(0, and))) && (await evaluate(run, args.slice(and + 1)));
  const [first, second, third, fourth] = args;
  if (first === "!") return !(await evaluate(run, args.slice(1)));
  if (first === "-e" && args.length >= 4) return (await findFile(run, third, fourth)) !== null;
  // A variable that is empty and in no quotes leaves -z and -n without their operand.
  if (args.length <= 1) return first !== undefined && first !== "" && first !== "-n";
  if (first === "-n" && args.length === 2) return second !== "";
  if (first === "-z" && args.length === 2) return second === "";
  const [a, b] = [Number(first || 0), Number(third || 0)];
  switch (second) {
    case "=":
    case "==":
      return first === (third ?? "");
    case "!=":
      return first !== (third ?? "");
    case "<":
      return first! < third!;
    case ">":
      return first! > third!;
    case "-eq":
      return a === b;
    case "-ne":
      return a !== b;
    case "-lt":
      return a < b;
    case "-le":
      return a <= b;
    case "-gt":
      return a > b;
    case "-ge":
      return a >= b;
    default:
      return false;
  }
}

const test: CommandFunction = (run, args) => evaluate(run, args);

const itest: CommandFunction = (_, args) => {
  const words = args.filter((word) => !/^\.[bwls]$/.test(word));
  const [a, operator = "", b] = [hexNumber(words[0]), words[1], hexNumber(words[2])];
  const truths: Readonly<Record<string, boolean>> = {
    "==": a === b,
    "-eq": a === b,
    "!=": a !== b,
    "-ne": a !== b,
    "<": a < b,
    "-lt": a < b,
    ">": a > b,
    "-gt": a > b,
    "<=": a <= b,
    "-le": a <= b,
    ">=": a >= b,
    "-ge": a >= b,
  };
  return truths[operator] ?? false;
};

const setexpr: CommandFunction = (run, args, line) => {
  const [name = "", first, operator, second] = args[0]?.startsWith(".") ? args.slice(1) : args;
  const a = hexNumber(first);
  const b = hexNumber(second);
  const results: Readonly<Record<string, number>> = { "+": a + b, "-": a - b, "*": a * b, "/": Math.floor(a / b) };
  const value = operator === undefined ? a : results[operator];
  if (value === undefined || !Number.isSafeInteger(value) || value < 0) {
    run.say(line, "'setexpr' in this form is taken as one that fails");
    return false;
  }
  run.set(name, value.toString(16));
  return true;
};

/** `part uuid mmc 0:1 [NAME]`; the rest of it lists partitions. */
const part: CommandFunction = (run, [what, , device, name]) => {
  const place = placeOf(run, device);
  if (what !== "uuid") return what === "list";
  if ("selector" in place || place.partuuid === null) return false;
  if (name !== undefined) run.set(name, place.partuuid);
  return true;
};

const fdt: CommandFunction = (run, [what, address], line) => {
  const at = hexNumber(address);
  switch (what) {
    case "addr":
      if (Number.isNaN(at)) return address?.startsWith("-") ?? false;
      run.workingTree = at;
      return run.memory.has(at);
    case "apply": {
      const overlay = run.memory.get(at);
      if (overlay === undefined || run.workingTree === null) return false;
      run.overlays.set(run.workingTree, [...(run.overlays.get(run.workingTree) ?? []), overlay.file]);
      return true;
    }
    case "resize":
    case "boardsetup":
    case "header":
    case "print":
    case "list":
    case "checksign":
      return true;
    default:
      run.say(line, `it changes the devicetree itself ('fdt ${what}'), which Baton leaves out`);
      return true;
  }
};

/** `booti KERNEL [INITRD[:SIZE]|-] [DEVICETREE]`; `bootm` takes `ADDRESS#CONFIGURATION` of a FIT image, too. */
const boot =
  (command: string): CommandFunction =>
  (run, [kernelAt, initrdAt, treeAt]) => {
    const [, address, configuration] = /^([^#:]*)(?:#(.+))?/.exec(kernelAt ?? run.get("loadaddr"))!;
    const kernel = run.memory.get(hexNumber(address));
    if (kernel === undefined) return false;
    const at = (text: string | undefined): number => hexNumber(text?.replace(/[#:].*$/, ""));
    // What is named again beside a FIT image is a part of it.
    const fileOf = (address: number): FileRef | null => {
      const loaded = run.memory.get(address);
      return loaded === undefined || loaded === kernel ? null : loaded.file;
    };
    const isEfi = command === "bootefi";
    run.started = {
      ...{ command, kernel, configuration: configuration ?? null },
      initrd: isEfi ? null : fileOf(at(initrdAt)),
      devicetree: fileOf(at(isEfi ? initrdAt : treeAt)),
      overlays: run.overlays.get(at(treeAt)) ?? [],
      options: run.get("bootargs"),
    };
    // On a board it never comes back.
    throw new ScriptEnd();
  };

/** As U-Boot has them; a board's console shows no more. */
const MAX_ITEMS = 99;

/** `bootmenu [DELAY]`: the variables `bootmenu_0`, `bootmenu_1`… are `TITLE=COMMANDS`. */
const bootmenu: CommandFunction = async (run, args) => {
  if (run.isChoice) throw new ScriptEnd("it opens a menu within a menu");
  const items: { title: string; started: Started | null }[] = [];
  for (let index = 0; index < MAX_ITEMS; index++) {
    const [, title, commands] = /^([^=]*)=(.*)$/s.exec(run.get(`bootmenu_${index}`)) ?? [];
    if (commands === undefined) break;
    const branch = run.branch();
    try {
      await branch.script(commands);
    } catch (error) {
      if (!(error instanceof ScriptEnd)) throw error;
    }
    items.push({ title: title!.trim() || `bootmenu_${index}`, started: branch.started });
  }
  if (items.length === 0) return false;
  const word = args.find((arg) => arg !== "-e") ?? run.get("bootmenu_delay");
  const delay = /^-?[0-9]{1,6}$/.test(word) ? Number(word) : null;
  const selected = Number(run.get("bootmenu_default") || 0);
  run.menu = {
    items,
    selected: items[selected] === undefined ? 0 : selected,
    delay: delay !== null && delay < 0 ? Number.POSITIVE_INFINITY : delay,
  };
  throw new ScriptEnd();
};

/** Moves what is in memory: the kernel is unpacked here in any case. */
const unpack: CommandFunction = (run, [from, to]) => {
  const loaded = run.memory.get(hexNumber(from));
  const at = hexNumber(to);
  if (loaded === undefined || Number.isNaN(at)) return false;
  run.memory.set(at, loaded);
  return true;
};

const end =
  (message?: string): CommandFunction =>
  () => {
    throw new ScriptEnd(message);
  };

const succeed: CommandFunction = () => true;

/** They concern the board, or what is seen of it, and nothing of what is started. */
const QUIET =
  "echo sleep printenv print led gpio i2c usb mmc scsi sata nvme virtio ide pci ums setlogo bmp cls lcdputs video " +
  "pinmux regulator pmic clk dcache icache crc32 md version bdinfo coninfo mw cp wdt askenv rng button tee rockusb " +
  "fastboot ping dhcp nand ubi ubifsmount sf mtd mtdparts cros_ec true :";

export const COMMANDS: ReadonlyMap<string, CommandFunction> = new Map<string, CommandFunction>([
  ...QUIET.split(" ").map((name) => [name, succeed] as const),
  ...["load", "fatload", "ext2load", "ext4load", "sqfsload", "btrfsload", "fsload"].map(
    (name) => [name, load] as const,
  ),
  ...["size", "fatsize", "ext4size", "ext2size"].map((name) => [name, size] as const),
  ...["booti", "bootz", "bootm", "zboot", "bootefi", "go"].map((name) => [name, boot(name)] as const),
  ["false", () => false],
  ["bootmenu", bootmenu],
  ["setenv", setenv],
  ["env", env],
  ["saveenv", save],
  ["run", runVariables],
  ["source", source],
  ["test", test],
  ["itest", itest],
  ["setexpr", setexpr],
  ["part", part],
  ["fdt", fdt],
  ["unzip", unpack],
  ["lzmadec", unpack],
  ["unlz4", unpack],
  ["exit", end()],
  ["reset", end("it restarts the board")],
  ["poweroff", end("it switches the board off")],
  ["sysboot", end("it goes on with extlinux.conf, which is listed by itself")],
  ["pxe", end("it goes on with PXE")],
  ["bootflow", end("it goes on with what else U-Boot finds")],
  ["bootd", end("it goes on with U-Boot's own boot command")],
]);
