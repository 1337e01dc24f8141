/** What a configuration of the family says, read and not yet decided upon: menus, labels, and what holds for all. */

/** Where something stands in a configuration. */
export interface Position {
  /** The file, as diagnostics name it. */
  readonly source: string;
  readonly line: number;
  readonly column: number | null;
}

/** What the kernel-like directive of a label says about its file. */
export type LabelType =
  | "kernel"
  | "linux"
  | "boot"
  | "bss"
  | "pxe"
  | "fdimage"
  | "comboot"
  | "com32"
  | "config"
  | "localboot";

export interface Label {
  /** As written, the whole rest of the line. */
  readonly name: string;
  /** Where LABEL stands. */
  readonly source: string;
  readonly line: number;
  type: LabelType;
  /** The file and, after it, arguments; a label without such a directive names its own kernel. */
  image: string;
  /** Null where the label has none, and the global one is for it. */
  append: string | null;
  /** The global APPEND as it was when the label ended. */
  globalAppend: string | null;
  initrd: string | null;
  sysappend: number;
  menuLabel: string | null;
  hidden: boolean;
  disabled: boolean;
  /** What MENU PASSWD says: empty for the master password alone. Null where anybody may boot it. */
  passwd: string | null;
  /** An item that leads elsewhere in the menu (MENU GOTO, EXIT, QUIT) and boots nothing. */
  navigates: boolean;
  // U-Boot's own.
  fdt: string | null;
  fdtdir: string | null;
  fdtoverlays: string | null;
  /** The menu in which it stands. */
  readonly menu: Menu;
}

export interface Menu {
  /** What MENU GOTO calls it. */
  readonly tag: string;
  title: string;
  /** As MENU LABEL in it says, else its title or its tag; for the item that leads here. */
  label: string | null;
  readonly parent: Menu | null;
  /** 0 for the outermost. */
  readonly depth: number;
  readonly items: (Label | Menu)[];
  /** MENU DEFAULT. */
  defaultItem: Label | Menu | null;
}

export const isMenu = (item: Label | Menu): item is Menu => "items" in item;

/** A configuration with everything that it includes. */
export interface Config {
  readonly root: Menu;
  /** In the order of the file, those that the menu hides included. */
  readonly labels: readonly Label[];
  /** The last DEFAULT. */
  default: { readonly text: string; readonly source: string; readonly line: number } | null;
  /** The last UI. */
  ui: string | null;
  ontimeout: string | null;
  onerror: string | null;
  /** Tenths of a second; null where the configuration doesn't say. */
  timeout: number | null;
  totaltimeout: number | null;
  prompt: number | null;
  noescape: boolean;
  /** A kernel may be named without being a label. */
  implicit: boolean;
  menuHidden: boolean;
  /** Any MENU directive: somebody meant it to be shown as a menu. */
  hasMenuWords: boolean;
  /** MENU MASTER PASSWD: it opens every label, and what changes a command line. Null where there is none. */
  masterPasswd: string | null;
  /** The last choice is remembered (MENU SAVE). */
  saves: boolean;
  /** Words that only U-Boot knows. */
  hasUbootWords: boolean;
  /** MENU START in a menu. */
  start: Menu | null;
}
