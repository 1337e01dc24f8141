/** The page on which an entry is edited for one boot: command line, kernel, initrds, and what they were. */

import { type BootEntry, type FileRef, formatFileRef, parseFileRef, sourceDevice } from "../entry.ts";
import { printable } from "../text.ts";
import { applyKey, type EditLine, editLine, lineText } from "./editline.ts";

interface EditField {
  readonly label: "Options" | "Kernel" | "Initrd";
  /** As the configuration has it. */
  readonly was: string;
  line: EditLine;
}

/** What a person wrote in place of what the configuration says. */
export interface Edited {
  readonly options: string;
  /** Null where kernel and initrds are the configuration's. */
  readonly files: { readonly linux: FileRef | null; readonly initrd: readonly FileRef[] } | null;
}

/** Command lines that were booted or left, newest last; for all entries, as long as Baton runs. */
export class EditHistory {
  readonly #lines: string[] = [];

  add(line: string): void {
    const known = this.#lines.indexOf(line);
    if (known >= 0) this.#lines.splice(known, 1);
    this.#lines.push(line);
    if (this.#lines.length > 50) this.#lines.shift();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

export class EntryEditor {
  readonly kind = "edit";
  readonly entry: BootEntry;
  readonly fields: readonly EditField[];
  /** Which field has the cursor. */
  at = 0;
  /** What is wrong with what was written, until the next key. */
  problem: string | null = null;
  readonly #history: EditHistory;
  /** How far back in the history the line is; 0: it is being written. */
  #back = 0;
  #draft = "";

  /** @param before texts of an earlier edit, by label */
  constructor(entry: BootEntry, history: EditHistory, before: Readonly<Record<string, string>> = {}) {
    this.entry = entry;
    this.#history = history;
    const field = (label: EditField["label"], was: string): EditField => ({
      label,
      was,
      line: editLine(before[label] ?? was),
    });
    const files = entry.kind === "linux" && (entry.linux !== null || entry.initrd.length > 0);
    this.fields = [
      field("Options", entry.options),
      ...(files ? [field("Kernel", entry.linux === null ? "" : this.#show(entry.linux))] : []),
      ...(files ? [field("Initrd", entry.initrd.map((ref) => this.#show(ref)).join(" "))] : []),
    ];
  }

  get line(): EditLine {
    return this.fields[this.at]!.line;
  }

  set line(line: EditLine) {
    this.fields[this.at]!.line = line;
  }

  /** The texts as they stand, by label. */
  get texts(): Record<string, string> {
    return Object.fromEntries(this.fields.map(({ label, line }) => [label, lineText(line)]));
  }

  /** @returns what the page itself can't do: `boot` or `leave` */
  key(name: string, text: string, columns: number): "boot" | "leave" | null {
    this.problem = null;
    if (name === "escape" || name === "C-c" || name === "C-g") return "leave";
    if (name === "enter" || name === "C-x" || name === "f10") return "boot";
    if (name === "tab") this.at = (this.at + 1) % this.fields.length;
    else if (name === "S-tab") this.at = (this.at + this.fields.length - 1) % this.fields.length;
    else if (name === "pageup" || name === "M-p") this.#recall(1);
    else if (name === "pagedown" || name === "M-n") this.#recall(-1);
    else if (name === "M-r") this.line = editLine(this.fields[this.at]!.was);
    else this.line = applyKey(this.line, name, text, columns) ?? this.line;
    return null;
  }

  /** @returns null where a file's name can't be understood; `problem` says which */
  edited(): Edited | null {
    const texts = this.texts;
    // What was not changed is booted as the configuration has it, with what only its showing replaced.
    const { was } = this.fields[0]!;
    const options = texts.Options === printable(was) ? was : texts.Options!;
    const changed = this.fields.slice(1).some(({ line, was }) => lineText(line) !== printable(was));
    if (!changed) return { options, files: null };
    const names = (label: string): string[] => (texts[label] ?? "").split(" ").filter((name) => name !== "");
    const refs = new Map([...names("Kernel"), ...names("Initrd")].map((name) => [name, this.#read(name)]));
    const wrong = [...refs].find(([, ref]) => ref === null);
    if (wrong) {
      this.problem = `${wrong[0]} is no file: write /path, DEVICE:/path, or a URL`;
      return null;
    }
    if (names("Kernel").length !== 1) {
      this.problem = "one file is the kernel";
      return null;
    }
    return {
      options,
      files: { linux: refs.get(names("Kernel")[0]!)!, initrd: names("Initrd").map((name) => refs.get(name)!) },
    };
  }

  /** A path alone is on the device of the entry's own kernel. */
  get #device(): string {
    const { linux, source } = this.entry;
    return linux !== null && "device" in linux ? linux.device : sourceDevice(source);
  }

  #show(ref: FileRef): string {
    return "device" in ref && ref.device === this.#device ? ref.path : formatFileRef(ref);
  }

  #read(name: string): FileRef | null {
    return name.startsWith("/") ? { device: this.#device, path: name } : parseFileRef(name);
  }

  /** Earlier command lines, as a shell's history. */
  #recall(by: number): void {
    if (this.at !== 0) return;
    const { lines } = this.#history;
    const back = Math.max(0, Math.min(lines.length, this.#back + by));
    if (back === this.#back) return;
    if (this.#back === 0) this.#draft = lineText(this.line);
    this.#back = back;
    this.line = editLine(back === 0 ? this.#draft : lines[lines.length - back]!);
  }
}
