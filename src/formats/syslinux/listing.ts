/** From a configuration to the list of its entries: submenus, other configurations that it leads to, the default. */

import { formatFileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { Breath } from "../budget.ts";
import type { FormatContext, FormatResult, Place } from "../format.ts";
import { type BootCommand, type Command, type CommandContext, labelCommand, plainCommand } from "./commands.ts";
import { type Config, isMenu, type Label, type Menu, type Position } from "./config.ts";
import { dialectOf, isMenuModule, moduleName } from "./dialect.ts";
import { DirectiveParser } from "./directives.ts";
import { type Ancestor, type EntryList, emptyList } from "./entrylist.ts";
import { withBootCfg } from "./esxi.ts";
import { labelEntry, plainTitle, SWITCHED_OFF } from "./labelentry.ts";
import { LabelNames } from "./labelnames.ts";
import { type ListingOptions, nameOf, SyslinuxRun } from "./run.ts";
import { menuTimes } from "./times.ts";
import { shorten, splitRaw } from "./words.ts";

/** Configurations that lead to configurations, so deep and no further. */
const MAX_CONFIG_DEPTH = 8;

/** Where in the list an item of the menu stands. */
interface Span {
  readonly start: number;
  readonly defaultAt: number | null;
}

export async function listSyslinux(
  path: string,
  context: FormatContext,
  options: ListingOptions,
): Promise<FormatResult> {
  const run = new SyslinuxRun(context, options);
  const { volume } = context;
  const listed = await configuration(run, [{ volume, path }], { volume, path: options.cwd }, [], [], null);
  const { isPartial: _, ...result } = typeof listed === "string" ? emptyList() : listed;
  const { diagnostics } = run;
  if (result.entries.length === 0 && diagnostics.all.length === 0) {
    const source = nameOf({ volume, path });
    const message = "it has no entries: no LABEL with something to boot, and no kernel that DEFAULT names";
    diagnostics.push({ severity: "warning", source, line: null, column: null, message });
  }
  return { ...result, diagnostics: diagnostics.all, ...run.passwords.fields };
}

/**
 * @param places read one after the other as one configuration.
 * @param cwd the folder in which names start.
 * @param submenu titles of the submenus around it.
 * @param ancestors the configurations that lead here.
 * @param from the label that leads here; null for the configuration itself.
 * @returns `circle` where it has led here before, `unreadable` where none of the files can be read.
 */
async function configuration(
  run: SyslinuxRun,
  places: readonly Place[],
  cwd: Place,
  submenu: readonly string[],
  ancestors: readonly Ancestor[],
  from: Position | null,
): Promise<EntryList | "circle" | "unreadable"> {
  const isKnown = (place: Place): boolean => ancestors.some(({ files }) => files.has(nameOf(place)));
  if (places.every(isKnown)) return places.length === 0 ? "unreadable" : "circle";
  if (ancestors.length >= MAX_CONFIG_DEPTH) return "unreadable";
  const files = new Set(places.map(nameOf));
  const parser = new DirectiveParser(
    async (name, from) => {
      const place = await run.place(name, cwd, from);
      if (place === null) return null;
      files.add(nameOf(place));
      return run.read(place, from);
    },
    run.diagnostics,
    run.breath,
  );
  let found = 0;
  for (const place of places) {
    const file = await run.read(place, from);
    if (file === null) continue;
    found++;
    await parser.read(file);
  }
  if (found === 0) return "unreadable";
  const config = parser.finish();
  if (ancestors.length === 0)
    run.dialect = run.options.dialect ?? dialectOf(places[0]!.path, config, run.context.platform);
  // The labels' names are gone over at once.
  await new Breath().take();
  const listed = await new ConfigListing(run, config, cwd, submenu, [...ancestors, { places, files }]).list();
  return { ...listed, isPartial: found < places.length };
}

/** Lists one configuration. */
class ConfigListing {
  readonly #run: SyslinuxRun;
  readonly #config: Config;
  readonly #cwd: Place;
  readonly #submenu: readonly string[];
  readonly #ancestors: readonly Ancestor[];
  readonly #commands: CommandContext;
  readonly #entries: ParsedEntry[] = [];
  readonly #spans = new Map<Label | Menu, Span>();
  readonly #names: LabelNames;
  /** What its master password is called. */
  readonly #master: readonly string[];

  constructor(
    run: SyslinuxRun,
    config: Config,
    cwd: Place,
    submenu: readonly string[],
    ancestors: readonly Ancestor[],
  ) {
    this.#run = run;
    this.#config = config;
    this.#cwd = cwd;
    this.#submenu = submenu;
    this.#ancestors = ancestors;
    this.#commands = run.commandContext(cwd);
    this.#names = new LabelNames(config.labels);
    const { masterPasswd } = config;
    this.#master = masterPasswd
      ? run.addPassword(`master password of ${nameOf(ancestors.at(-1)!.places[0]!)}`, masterPasswd, true)
      : [];
  }

  async list(): Promise<Omit<EntryList, "isPartial">> {
    const replaced = await this.#replacement();
    if (replaced !== null) return replaced;
    const showsMenu = this.#showsMenu();
    await this.#menu(this.#config.root, this.#submenu, showsMenu);
    const chosen = (await this.#remembered()) ?? (await this.#chosen(showsMenu));
    const first = this.#firstIndex(showsMenu);
    return {
      entries: this.#entries,
      defaultIndex: chosen ?? first,
      defaultIsExplicit: chosen !== null,
      fallback: await this.#fallback(chosen ?? first),
      ...menuTimes(this.#config, this.#run.dialect, showsMenu),
    };
  }

  /**
   * A configuration that at once hands over to another (`UI menu.c32 other.cfg`, `DEFAULT` naming a label with
   * CONFIG): its menu is the other's. What else it names can be typed at the prompt; kernels among that are kept.
   */
  async #replacement(): Promise<EntryList | null> {
    if (this.#run.dialect === "u-boot") return null;
    const line = this.#config.ui ?? this.#config.default?.text ?? null;
    if (line === null || (this.#config.ui === null && this.#config.prompt)) return null;
    const command = await this.#commandOf(line);
    if (command?.does !== "configure" || command.files.length === 0) return null;
    const listed = await this.#configure(
      command,
      this.#submenu,
      this.#config.default ?? this.#config.labels[0] ?? null,
    );
    if (typeof listed === "string" || listed.entries.length === 0) return null;
    for (const label of this.#config.labels) {
      const own = this.#command(label);
      if (own.does !== "boot" || own.linux === null) continue;
      const entry = this.#entry(label, own, this.#submenu);
      if (!this.#run.admit(entry)) break;
      listed.entries.push(entry);
    }
    return listed;
  }

  /** True where a menu is drawn; else labels are typed at a prompt, and MENU words are comments. */
  #showsMenu(): boolean {
    if (this.#run.dialect === "u-boot") return false;
    if (this.#ancestors.length > 1 || this.#config.ui !== null) return true;
    const line = this.#config.default?.text ?? "";
    const label = this.#names.find(line);
    return isMenuModule(splitRaw(label?.image ?? line)[0]);
  }

  async #menu(menu: Menu, submenu: readonly string[], showsMenu: boolean): Promise<Span> {
    const start = this.#entries.length;
    for (const item of menu.items) {
      if (this.#run.budget.isSpent) break;
      const breath = this.#run.breath.take();
      if (breath !== undefined) await breath;
      if (isMenu(item)) {
        const title = plainTitle(item.label ?? (item.title || item.tag)) || "Submenu";
        this.#spans.set(item, await this.#menu(item, [...submenu, title], showsMenu));
      } else if (!(showsMenu && item.hidden)) {
        await this.#label(item, submenu);
      }
    }
    const chosen = menu.defaultItem && this.#spans.get(menu.defaultItem)?.defaultAt;
    const span = { start, defaultAt: chosen ?? (this.#entries.length > start ? start : null) };
    return span;
  }

  /** Adds what a label stands for; an item that only leads about in the menu adds nothing. */
  async #label(label: Label, submenu: readonly string[]): Promise<void> {
    if (this.#spans.has(label) || label.navigates || this.#isRepeat(label)) return;
    const start = this.#entries.length;
    if (label.disabled) {
      // A heading, or an item that somebody has switched off: seen, and not to be chosen.
      const entry = { ...this.#entry(label, null, submenu), kind: "other", reason: SWITCHED_OFF } as const;
      if (this.#run.admit(entry)) this.#entries.push(entry);
      return;
    }
    const command = await this.#followed(this.#command(label), label);
    if (command?.does === "configure") {
      const inside = [...submenu, plainTitle(label.menuLabel ?? label.name)];
      // No files: back to this very menu.
      const listed = command.files.length === 0 ? "circle" : await this.#configure(command, inside, label);
      const lacksFile =
        listed !== "circle" && listed !== "unreadable" && listed.entries.length === 0 && listed.isPartial;
      if (listed === "unreadable" || lacksFile) {
        const what =
          listed === "unreadable" ? "which can't be read" : "of which a part can't be read, and the rest is empty";
        const reason = `it leads to another configuration, ${command.files.join(" ")}, ${what}`;
        const entry = { ...this.#entry(label, null, submenu), reason };
        if (!this.#run.admit(entry)) return;
        this.#entries.push(entry);
        this.#spans.set(label, { start, defaultAt: start });
      } else if (listed !== "circle") {
        for (const entry of listed.entries) this.#entries.push(entry);
        const at = listed.defaultIndex === null ? null : start + listed.defaultIndex;
        this.#spans.set(label, { start, defaultAt: at });
      }
      return;
    }
    const entry = this.#entry(label, command?.does === "boot" ? command : null, submenu);
    if (!this.#run.admit(entry)) return;
    this.#entries.push(entry);
    this.#spans.set(label, { start, defaultAt: start });
  }

  /**
   * A file that a configuration which leads here has read too: its labels are listed there already. (The help prompt of
   * Debian's installer includes the whole menu that it was called from, and so on without end.)
   */
  #isRepeat({ source }: Label): boolean {
    return this.#ancestors.slice(0, -1).some(({ files }) => files.has(source));
  }

  /** The configuration that began it all. */
  get #source(): string {
    return nameOf(this.#ancestors[0]!.places[0]!);
  }

  #command(label: Label): Command {
    return labelCommand(label, this.#commands);
  }

  async #configure(
    { files, cwd: folder }: Extract<Command, { does: "configure" }>,
    submenu: readonly string[],
    from: { readonly source: string; readonly line: number } | null,
  ): Promise<EntryList | "circle" | "unreadable"> {
    const { places: own } = this.#ancestors.at(-1)!;
    const { source, line } = from ?? { source: nameOf(own[0]!), line: 1 };
    const place = (name: string): Promise<Place | null> =>
      this.#run.place(name, this.#cwd, { source, line, column: null });
    const cwd = folder === null ? this.#cwd : await place(folder);
    const places: Place[] = [];
    // `~` is menu.c32's name for the configuration that is being read.
    for (const file of files) places.push(...(file === "~" ? own : [(await place(file)) ?? []].flat()));
    if (cwd === null) return "unreadable";
    return configuration(this.#run, places, cwd, submenu, this.#ancestors, { source, line, column: null });
  }

  /** What a typed command line does: a label (with more arguments), or a file. */
  async #commandOf(line: string): Promise<Command | null> {
    return this.#followed({ does: "run", commandLine: line });
  }

  /** @param from the label whose command it is; null for one that is typed. */
  async #followed(command: Command, from: Label | null = null): Promise<Command | null> {
    let at: Command = command;
    let label = from;
    for (let steps = 0; at.does === "run"; steps++) {
      if (steps >= MAX_CONFIG_DEPTH || at.commandLine === "") return null;
      label = this.#names.find(at.commandLine);
      at = label
        ? this.#command(label)
        : plainCommand(at.commandLine, this.#config.labels[0]?.globalAppend ?? "", this.#commands);
    }
    if (at.does !== "boot" || label === null) return at;
    if (at.bootCfg !== null) return withBootCfg(at, at.bootCfg, this.#run, this.#cwd, label);
    if (at.devicetreeFolder === null) return at;
    return { ...at, devicetree: await this.#run.devicetreeIn(at.devicetreeFolder, this.#cwd, label) };
  }

  #entry(label: Label, command: BootCommand | null, submenu: readonly string[]): ParsedEntry {
    return labelEntry(label, command, submenu, this.#run.type, this.#passwordsOf(label));
  }

  /** The label's own password and the master password open it (menu.txt, "MENU PASSWD"); null where it needs none. */
  #passwordsOf({ passwd, name, source, line }: Label): readonly string[] | null {
    if (passwd === null) return null;
    const own = passwd === "" ? [] : this.#run.addPassword(`label ${shorten(name)} in ${source}:${line}`, passwd);
    return [...own, ...this.#master];
  }

  /** MENU SAVE: what was chosen last is the default. */
  async #remembered(): Promise<number | null> {
    if (this.#ancestors.length > 1) return null;
    const adv = await this.#run.adv(this.#cwd);
    if (adv?.bootOnce) {
      const message = `the next boot is set to '${adv.bootOnce}' (extlinux --once); Baton can't use that up, so it doesn't follow it`;
      const { source } = this.#config.default ?? this.#config.labels[0] ?? { source: this.#source };
      this.#run.diagnostics.push({ severity: "warning", source, line: null, column: null, message });
    }
    const label = this.#config.saves && adv?.menuSave ? this.#names.find(adv.menuSave) : null;
    return (label && this.#spans.get(label)?.defaultAt) ?? null;
  }

  /** The entry that boots by itself: ONTIMEOUT's, else DEFAULT's, else the one with MENU DEFAULT. */
  async #chosen(showsMenu: boolean): Promise<number | null> {
    const { ontimeout, default: given, root, start } = this.#config;
    // MENU START: the menu opens in a submenu, at its own default.
    const first = start !== null && start !== root ? start : root.defaultItem;
    const menuDefault = (): number | null => (first ? (this.#spans.get(first)?.defaultAt ?? null) : null);
    if (this.#run.dialect === "u-boot") {
      // There ONTIMEOUT is another word for DEFAULT, and MENU DEFAULT counts where neither is.
      return (await this.#byLine(ontimeout ?? given?.text ?? null)) ?? menuDefault();
    }
    const timed = await this.#byLine(ontimeout);
    if (timed !== null) return timed;
    const line = given?.text ?? null;
    const leadsToMenu = line !== null && isMenuLine(line, this.#names.find(line));
    const byDefault = leadsToMenu ? null : await this.#byLine(line);
    if (byDefault !== null) return byDefault;
    return showsMenu ? menuDefault() : null;
  }

  /** The entry of a command line; one that isn't in the list yet (hidden, a kernel without a label) is added. */
  async #byLine(line: string | null): Promise<number | null> {
    if (line === null || line.trim() === "") return null;
    const label = this.#names.find(line);
    if (label !== null) {
      const exact = label.name === line.trim() || splitRaw(line)[1] === "" || label.name.startsWith(line.trim());
      if (!exact) return this.#withArguments(label, splitRaw(line)[1]);
      if (!this.#spans.has(label)) await this.#label(label, this.#submenu);
      return this.#spans.get(label)?.defaultAt ?? null;
    }
    return this.#implicit(line);
  }

  /** A kernel that is named without being a label, with its arguments; a file that isn't there is said, not listed. */
  async #implicit(line: string): Promise<number | null> {
    const name = splitRaw(line)[0];
    const mayBe = this.#config.implicit && this.#run.dialect !== "u-boot" && moduleName(name) === null;
    const command = mayBe ? await this.#commandOf(line) : null;
    const linux = command?.does === "boot" ? command.linux : null;
    if (command?.does !== "boot" || linux === null || !(await this.#run.isThere(linux))) {
      this.#missing(line);
      return null;
    }
    const { initrd, options } = command;
    const same = this.#entries.findIndex(
      (entry) =>
        entry.linux !== null && formatFileRef(entry.linux) === formatFileRef(linux) && entry.options === options,
    );
    if (same >= 0) return same;
    // Only the configuration itself has a time to run out; what it leads to is entered by hand.
    if (this.#ancestors.length > 1) return null;
    const source = this.#source;
    const { type } = this.#run;
    this.#entries.push(
      parsedEntry({ nativeId: name, title: name, submenu: this.#submenu, source, type, linux, initrd, options }),
    );
    return this.#entries.length - 1;
  }

  /** `DEFAULT linux single`: the label with more on its command line, which is an entry of its own. */
  async #withArguments(label: Label, args: string): Promise<number | null> {
    const command = await this.#followed(this.#command(label), label);
    if (command?.does !== "boot" || this.#ancestors.length > 1) return null;
    const entry = this.#entry(label, command, this.#submenu);
    const options = command.linux === null ? command.options : `${command.options} ${args}`.trim();
    this.#entries.push({ ...entry, nativeId: `${label.name} ${args}`, title: `${entry.title} (${args})`, options });
    return this.#entries.length - 1;
  }

  #missing(line: string): void {
    const { default: given, ontimeout } = this.#config;
    if (this.#ancestors.length > 1 || isMenuLine(line, null)) return;
    const place = given?.text === line ? given : { source: this.#source, line: null };
    const word = ontimeout === line ? "ONTIMEOUT" : "DEFAULT";
    const message = `${word} ${line}: there is no such label, and no kernel of this name`;
    const { source } = place;
    this.#run.diagnostics.push({ severity: "warning", source, line: place.line, column: null, message });
  }

  /** Which entry boots where the configuration names none: a menu's first that can be chosen; a prompt waits. */
  #firstIndex(showsMenu: boolean): number | null {
    if (!showsMenu && this.#run.dialect !== "u-boot") return null;
    const index = this.#entries.findIndex((entry) => entry.reason !== SWITCHED_OFF);
    return index >= 0 ? index : this.#entries.length > 0 ? 0 : null;
  }

  /** What ONERROR names. */
  async #fallback(chosen: number | null): Promise<number[]> {
    const label = this.#config.onerror === null ? null : this.#names.find(this.#config.onerror);
    const at = label && this.#spans.get(label)?.defaultAt;
    return at === null || at === undefined || at === chosen ? [] : [at];
  }
}

function isMenuLine(line: string, label: Label | null): boolean {
  return moduleName(splitRaw(label?.image ?? line)[0]) !== null && isMenuModule(splitRaw(label?.image ?? line)[0]);
}
