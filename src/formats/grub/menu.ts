/** What running a configuration collects: the menu, and what each entry would load. */

import type { BootModule, EntryKind, FileRef, StateWrite } from "../../entry.ts";
import type { Block } from "./ast.ts";
import type { Environment } from "./environment.ts";
import type { SourceText } from "./source.ts";

/** An entry of GRUB's menu, its body not run yet. */
export interface MenuItem {
  readonly title: string;
  /** `--id`, null where it wasn't given; GRUB then uses the title. */
  readonly id: string | null;
  /** What else `$default` may call it. */
  readonly names?: readonly string[];
  readonly isSubmenu: boolean;
  /** `hiddenentry`: only its hotkey starts it; `$default` neither names nor counts it. */
  readonly isHidden?: boolean;
  /** `--users`: null for `--unrestricted`, empty where neither was given. */
  readonly users: readonly string[] | null;
  readonly hotkey: string | null;
  /** Why it doesn't boot by itself: as in ParsedEntry. */
  readonly unchecked?: string;
  /** The `--class` that names a tool and no system, where there is one. */
  readonly tool?: string;
  /** `$1`, `$2`… in the body: the title comes first. */
  readonly args: readonly string[];
  readonly block: Block;
  /** Of the `menuentry` command. */
  readonly source: SourceText;
  readonly at: number;
}

/** A menu, and what else was decided by the configuration that made it. */
export class Menu {
  readonly items: MenuItem[] = [];
}

/** A menu that `configfile` showed, with the environment that chooses its default. */
export interface ShownMenu {
  readonly menu: Menu;
  readonly env: Environment;
  /** Its configuration, as a FileRef. */
  readonly ref: string;
  /** Seconds that top-level `sleep --interruptible` waited. */
  readonly waited: number;
}

/** Shared by all that have none: entries come by the ten thousand. Nothing is ever added to it. */
const NONE: never[] = [];

/** What the loader commands of one body have loaded; its lists are replaced, never added to. */
export class BootPlan {
  kind: EntryKind | null = null;
  linux: FileRef | null = null;
  /** `linux`'s own text, or the first loader command's: for messages. */
  loader = "";
  options = "";
  initrd: readonly FileRef[] = NONE;
  /** For each of `initrd`, the name that `newc:NAME:FILE` gives it in the initial file system, else null. */
  initrdNames: readonly (string | null)[] = NONE;
  devicetree: FileRef | null = null;
  modules: readonly BootModule[] = NONE;
  /** What was searched for in vain, on which its files are to be: the root that was left has no such kernel. */
  missedRoot: string | null = null;
  /** As in ParsedEntry. */
  program: FileRef | null = null;
  /** Why this can't be booted. */
  reason: string | null = null;
  writes: readonly StateWrite[] = NONE;
  /** A check that was asked for on the way and can't be made here. */
  unchecked: string | null = null;
  /** `boot` was run: nothing after it counts. */
  booted = false;

  /** What came before is replaced: GRUB unloads it. Null: nothing takes its place. */
  load(kind: EntryKind | null, loader: string): void {
    this.kind = kind;
    this.loader = loader;
    this.linux = null;
    this.options = "";
    this.initrd = NONE;
    this.initrdNames = NONE;
    this.devicetree = null;
    this.modules = NONE;
    this.missedRoot = null;
    this.program = null;
    this.reason = null;
  }
}
