/**
 * Variables in entries that were written for GRUB's blscfg command (Fedora, RHEL): `options $kernelopts`. GRUB fills
 * them in from its environment block; systemd-boot has none, and would hand the text on as it is.
 */

import { BatonError } from "../../errors.ts";
import type { FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { decodeText } from "../text.ts";

/** Where Fedora and others keep the environment block, seen from a /boot volume and from a root volume. */
const PLACES = ["/grub2/grubenv", "/grub/grubenv", "/boot/grub2/grubenv", "/boot/grub/grubenv", "/EFI/fedora/grubenv"];

/** GRUB's own are of one KiB. */
const MAX_BLOCK_SIZE = 64 * 1024;
/** Far more than any kernel takes as its command line. */
const MAX_LENGTH = 65_536;

export class GrubVariables {
  readonly #volume: FormatVolume;
  #values: Promise<ReadonlyMap<string, string> | null> | null = null;

  constructor(volume: FormatVolume) {
    this.#volume = volume;
  }

  /**
   * Fills in `$name` and `${name}` as GRUB does. Unset ones are empty, line breaks in a value become blanks (a command
   * line has none), and blanks at the ends are dropped. On a volume without an environment block the text stays as it is.
   */
  async expand(text: string): Promise<string> {
    this.#values ??= this.#read();
    const values = await this.#values;
    if (values === null) return text;
    let length = text.length;
    const filled = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, plain) => {
      const value = values.get(braced ?? plain) ?? "";
      length += value.length;
      return length > MAX_LENGTH ? "" : value;
    });
    if (length > MAX_LENGTH) {
      const what = `with what the environment block sets, it has more than ${MAX_LENGTH} characters`;
      throw new BatonError("too-large", `'${text.slice(0, 40)}…': ${what}, as no command line of a kernel has`);
    }
    return filled.replace(/[\r\n]+/g, " ").trim();
  }

  /** Empty where the file can't be read: what it would set is unset. */
  async #blockAt(path: string): Promise<string> {
    try {
      return decodeText(await this.#volume.reader.read(path, MAX_BLOCK_SIZE)).text;
    } catch (error) {
      if (error instanceof BatonError && error.code !== "timeout") return "";
      throw error;
    }
  }

  async #read(): Promise<ReadonlyMap<string, string> | null> {
    const lookup = new Lookup(this.#volume.reader);
    for (const place of PLACES) {
      const path = await lookup.find(place);
      if (path === null) continue;
      const text = await this.#blockAt(path);
      if (!text.startsWith("# GRUB Environment Block\n")) continue;
      // `\` quotes the next character; a newline inside a value is written that way.
      const pairs = text.matchAll(/^([^#=\n][^=\n]*)=((?:\\[\s\S]|[^\\\n])*)/gm);
      return new Map([...pairs].map((pair) => [pair[1]!, pair[2]!.replace(/\\([\s\S])/g, "$1")]));
    }
    return null;
  }
}
