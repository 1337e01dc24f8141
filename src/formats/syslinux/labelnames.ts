/** Labels by the names that command lines give them. */

import type { Label } from "./config.ts";
import { splitRaw } from "./words.ts";

export class LabelNames {
  readonly #byName = new Map<string, Label>();

  constructor(labels: readonly Label[]) {
    // Exactly as written first; then by its first word, which is all that Syslinux takes for the name; then
    // whatever the case, as on the FAT filesystems that it comes from.
    const forms: readonly ((name: string) => string)[] = [
      (name) => name,
      (name) => splitRaw(name)[0],
      (name) => name.toLowerCase(),
    ];
    for (const form of forms) {
      for (const label of labels) {
        if (label.disabled) continue;
        const name = form(label.name);
        if (!this.#byName.has(name)) this.#byName.set(name, label);
      }
    }
  }

  /** The label that a command line begins with. */
  find(line: string): Label | null {
    const text = line.trim();
    const [first] = splitRaw(text);
    for (const name of [text, first, text.toLowerCase(), first.toLowerCase()]) {
      const label = this.#byName.get(name);
      if (label !== undefined) return label;
    }
    return null;
  }
}
