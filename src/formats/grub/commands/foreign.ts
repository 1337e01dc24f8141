/**
 * `syslinux_configfile`, `legacy_configfile` and their like: another bootloader's configuration as a GRUB menu. GRUB
 * translates it into a script of its own; so is it here, but an entry's body is what its own format has read.
 */

import { formatFileRef, type ParsedEntry } from "../../../entry.ts";
import type { FormatContext, FormatResult } from "../../format.ts";
import { grubLegacy } from "../../grub-legacy/grub-legacy.ts";
import { folderOf } from "../../paths.ts";
import { listSyslinux } from "../../syslinux/listing.ts";
import { BAD_ARGUMENT, OK } from "../errors.ts";
import type { NamedFile } from "../files.ts";
import type { CommandFunction, Interpreter } from "../interpreter.ts";
import { type OptionSpec, parseOptions } from "../options.ts";
import { SourceText } from "../source.ts";

/** What a command's arguments ask for. */
export interface ForeignFile {
  readonly path: string;
  translate(run: Interpreter, file: NamedFile): Promise<SourceText | null>;
}

const SYSLINUX_OPTIONS: readonly OptionSpec[] = [
  { long: "root", short: "r", value: "required" },
  { long: "cwd", short: "c", value: "required" },
  { long: "isolinux", short: "i" },
  { long: "pxelinux", short: "p" },
  { long: "syslinux", short: "s" },
];

/** No user's command has a name like this. */
const LOAD = "entry of another configuration";

/** Of each run: what {@link LOAD} loads, by number. */
const tables = new WeakMap<Interpreter, ParsedEntry[]>();

/** @returns the reason where the command would fail */
export function foreignFile(command: string, argv: readonly string[]): ForeignFile | string {
  if (command.includes("legacy")) {
    const [path] = argv;
    if (path === undefined) return "it names no file";
    return { path, translate: (run, file) => translate(run, file, (context) => grubLegacy.parse(file.path, context)) };
  }
  const options = parseOptions(SYSLINUX_OPTIONS, argv);
  if (typeof options === "string") return options;
  const { values, args } = options;
  const [path] = args;
  if (path === undefined) return "it names no file";
  const dialect = (["isolinux", "pxelinux", "syslinux"] as const).find((name) => values.has(name)) ?? null;
  const type = dialect === "pxelinux" ? dialect : "syslinux";
  return {
    path,
    translate: (run, file) => {
      const cwd = values.get("cwd")?.at(-1) ?? folderOf(file.path);
      return translate(run, file, (context) => listSyslinux(file.path, context, { type, cwd, dialect }));
    },
  };
}

type Read = (context: FormatContext) => Promise<FormatResult>;

async function translate(run: Interpreter, { device, ref }: NamedFile, read: Read): Promise<SourceText | null> {
  if (device.kind !== "volume") return null;
  const table = tables.get(run) ?? [];
  tables.set(run, table);
  // A loop that reads the same over and over.
  if (table.length >= run.budget.limits.entries) return null;
  const { context } = run;
  const others = [context.volume, ...context.volumes].filter(({ name }) => name !== device.volume.name);
  const result = await read({ ...context, volume: device.volume, volumes: [device.volume, ...others] });
  for (const diagnostic of result.diagnostics) run.pass(diagnostic);
  const first = table.length;
  table.push(...result.entries);
  return SourceText.string(scriptOf(result, first), SourceText.file(formatFileRef(ref), ""), 0);
}

function scriptOf({ entries, defaultIndex, timeout, timeoutStyle }: FormatResult, first: number): string {
  const lines: string[] = [];
  if (timeout !== null && Number.isFinite(timeout)) lines.push(`set timeout=${Math.ceil(timeout)}`);
  if (timeoutStyle !== null) lines.push(`set timeout_style=${timeoutStyle}`);
  let open: readonly string[] = [];
  /** Entries so far of each menu that is open, outermost first. */
  const counts = [0];
  entries.forEach(({ title, submenu, nativeId }, index) => {
    let shared = 0;
    while (shared < open.length && open[shared] === submenu[shared]) shared++;
    lines.push(..."}".repeat(open.length - shared));
    counts.length = shared + 1;
    for (const name of submenu.slice(shared)) {
      lines.push(`submenu ${quoted(name)} {`);
      counts[counts.length - 1]!++;
      counts.push(0);
    }
    open = submenu;
    const id = nativeId === null ? "" : `--id ${quoted(nativeId)} `;
    lines.push(`menuentry ${quoted(title)} ${id}{\n${quoted(LOAD)} ${first + index}\n}`);
    // In an outer menu a submenu has been counted already when its entries come.
    const outer = counts.slice(0, -1).map((count) => count - 1);
    if (index === defaultIndex) lines.unshift(`set default='${[...outer, counts.at(-1)].join(">")}'`);
    counts[counts.length - 1]!++;
  });
  lines.push(..."}".repeat(open.length));
  return `${lines.join("\n")}\n`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The body of an entry in what {@link scriptOf} makes. */
const load: CommandFunction = (run, [number]) => {
  const entry = tables.get(run)?.[Number(number)];
  if (entry === undefined) return BAD_ARGUMENT;
  const { plan } = run;
  plan.load(entry.kind, entry.source);
  Object.assign(plan, {
    ...{ linux: entry.linux, options: entry.options, initrd: entry.initrd },
    ...{ devicetree: entry.devicetree, modules: entry.modules, reason: entry.reason },
    initrdNames: entry.initrdNames ?? entry.initrd.map(() => null),
  });
  return OK;
};

export const foreignCommands: readonly (readonly [string, CommandFunction])[] = [[LOAD, load]];
