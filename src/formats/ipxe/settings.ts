/**
 * iPXE's settings: bytes under a name, each with a type by which it is written and read, in blocks such as `net0`
 * (ipxe.org/cfg, src/core/settings.c). A value is kept as the text that its own type gives.
 */

import { Buffer } from "node:buffer";
import { integer } from "./options.ts";
import { Table } from "./table.ts";

interface SettingType {
  /** Null for what is no such value; a type without it is only read (iPXE's `uuid`). */
  parse?(text: string): Uint8Array | null;
  /** Null for bytes that are no such value. */
  format(bytes: Uint8Array): string | null;
}

const text: SettingType = {
  parse: (value) => Buffer.from(value),
  format: (bytes) => Buffer.from(bytes).toString(),
};

const hex = (separator: string): SettingType => ({
  parse: (value) => {
    const digits = value.split(separator === "" ? /(?=(?:..)*$)(?!^)/ : separator);
    return digits.every((pair) => /^[0-9a-f]{2}$/i.test(pair)) ? Buffer.from(digits.join(""), "hex") : null;
  },
  format: (bytes) =>
    Buffer.from(bytes)
      .toString("hex")
      .replace(/..(?=.)/g, `$&${separator}`),
});

const number = (width: 1 | 2 | 4, isSigned: boolean): SettingType => ({
  parse: (value) => {
    const parsed = integer(value);
    if (parsed === null) return null;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(parsed >>> 0);
    return bytes.subarray(4 - width);
  },
  // Of whatever bytes there are, as one number.
  format: (bytes) => {
    if (bytes.length > 8) return null;
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    if (isSigned) return String(BigInt.asIntN(8 * bytes.length, value));
    return value === 0n ? "0" : `0x${value.toString(16)}`;
  },
});

const ipv4: SettingType = {
  parse: (value) => {
    const parts = value.split(".");
    const isAddress = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
    return isAddress ? Uint8Array.from(parts, Number) : null;
  },
  format: (bytes) => (bytes.length < 4 ? null : bytes.subarray(0, 4).join(".")),
};

const ipv6: SettingType = {
  parse: (value) => {
    if (!URL.canParse(`http://[${value}]`)) return null;
    const [head = "", tail] = new URL(`http://[${value}]`).hostname.slice(1, -1).split("::");
    const groups = (part: string): string[] =>
      part
        .split(":")
        .filter(Boolean)
        .map((one) => one.padStart(4, "0"));
    const left = groups(head);
    const right = groups(tail ?? "");
    const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0000");
    return Buffer.from([...left, ...zeros, ...right].join(""), "hex");
  },
  format: (bytes) => {
    if (bytes.length < 16) return null;
    const groups = Buffer.from(bytes.subarray(0, 16)).toString("hex").match(/..../g)!;
    return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
  },
};

const uuid: SettingType = {
  format: (bytes) =>
    bytes.length === 16
      ? Buffer.from(bytes)
          .toString("hex")
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
      : null,
};

const busdevfn: SettingType = {
  format: (bytes) => {
    const at = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    const two = (value: number): string => value.toString(16).padStart(2, "0");
    return `${two((at >> 8) & 0xff)}:${two((at >> 3) & 0x1f)}.${(at & 7).toString(16)}`;
  },
};

/** By iPXE's names. `uristring` is `string`: what stands in a URI is encoded when that is sent. */
const TYPES: Readonly<Record<string, SettingType>> = {
  string: text,
  uristring: text,
  ...{ hex: hex(":"), hexhyp: hex("-"), hexraw: hex("") },
  ...{ int8: number(1, true), int16: number(2, true), int32: number(4, true) },
  ...{ uint8: number(1, false), uint16: number(2, false), uint32: number(4, false) },
  ...{ ipv4, ipv6, uuid, busdevfn },
  guid: uuid,
  base64: {
    parse: (value) => (/^[a-z0-9+/]*={0,2}$/i.test(value) ? Buffer.from(value, "base64") : null),
    format: (bytes) => Buffer.from(bytes).toString("base64"),
  },
};

/** The types of settings that iPXE knows by name, where that isn't `string`. */
const TYPE_OF: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["ip", "netmask", "gateway", "dns", "syslog", "next-server", "dhcp-server", "ntp-server", "broadcast"].map(
      (name) => [name, "ipv4"],
    ),
  ),
  ...{ ip6: "ipv6", gateway6: "ipv6", dns6: "ipv6", len6: "int8" },
  ...{ mac: "hex", busid: "hex", trust: "hex", cert: "hex", privkey: "hex", uuid: "uuid", busloc: "busdevfn" },
  ...{ priority: "int8", mtu: "int16", memsize: "int32", unixtime: "uint32", errno: "uint32", vlan: "uint16" },
  ...{ "keep-san": "int8", "skip-san-boot": "int8", "no-pxedhcp": "int8", "san-drive": "uint8" },
};

/** DHCP's numbers of settings that have a name (src/core/settings.c, src/net/dhcpopts.c). */
const NUMBERED: Readonly<Record<string, string>> = {
  ...{ 1: "netmask", 3: "gateway", 6: "dns", 7: "syslog", 12: "hostname", 15: "domain", 17: "root-path", 26: "mtu" },
  ...{ 28: "broadcast", 42: "ntp-server", 54: "dhcp-server", 67: "filename", 77: "user-class" },
  ...{ 190: "username", 191: "password", 203: "initiator-iqn" },
};

interface Value {
  readonly type: string;
  /** As its type writes it. */
  readonly text: string;
}

interface SettingName {
  /** Empty for the root, in which all others are looked for. */
  readonly block: string;
  readonly name: string;
  readonly type: string | null;
}

/** `[block/]name[:type]` */
function parseName(expression: string): SettingName {
  const slash = expression.indexOf("/");
  const rest = expression.slice(slash + 1);
  const colon = rest.indexOf(":");
  const name = colon < 0 ? rest : rest.slice(0, colon);
  return {
    block: slash < 0 ? "" : expression.slice(0, slash),
    name: NUMBERED[name] ?? name,
    type: colon < 0 ? null : rest.slice(colon + 1),
  };
}

const keyOf = ({ block, name }: Pick<SettingName, "block" | "name">): string =>
  block === "" ? name : `${block}/${name}`;

/** Bytes of a value; null where its text is none (what a network said). */
function bytesOf({ type, text: value }: Value): Uint8Array | null {
  // UUIDs are only read.
  if (type === "uuid" || type === "guid") return hex("").parse!(value.replaceAll("-", ""));
  return TYPES[type]!.parse?.(value) ?? null;
}

/** More network cards than a script names: a root setting is looked for in each. */
const MAX_BLOCKS = 32;

/** Settings that a script has set, above those of its surroundings. */
export class Settings {
  readonly #table: Table<Value>;
  /** Blocks in which something was set, in that order; a copy shares it until it changes. */
  #blocks: readonly string[];
  /** What `netX` means. */
  opened: string;

  constructor(table: Table<Value> = new Table(), blocks: readonly string[] = [], opened = "net0") {
    this.#table = table;
    this.#blocks = blocks;
    this.opened = opened;
  }

  copy(): Settings {
    return new Settings(this.#table.copy(), this.#blocks, this.opened);
  }

  /**
   * A setting as text, in the type that is asked for, else in its own.
   * @param outer what the machine and the network say, by `net0/mac` or `mac`; null for what they don't
   * @returns null where it isn't set, or has no value of that type
   */
  get(expression: string, outer: (name: string) => string | null): string | null {
    const named = this.#named(expression);
    const value = this.#find(named, outer);
    if (value === null || named.type === null || named.type === value.type) return value?.text ?? null;
    const type = Object.hasOwn(TYPES, named.type) ? TYPES[named.type]! : null;
    const bytes = type === null ? null : bytesOf(value);
    return bytes === null ? null : type!.format(bytes);
  }

  /**
   * Sets what an expression names; an empty text takes it away.
   * @param fallback the type where neither the expression nor the setting's name has one
   * @returns why that can't be, else null
   */
  set(expression: string, value: string, fallback = "string"): string | null {
    const named = this.#named(expression);
    const type = named.type ?? TYPE_OF[named.name] ?? fallback;
    if (!Object.hasOwn(TYPES, type)) return `there is no type of settings '${type}'`;
    if (named.block !== "" && !this.#blocks.includes(named.block)) {
      if (this.#blocks.length >= MAX_BLOCKS) return `settings are in more than ${MAX_BLOCKS} blocks`;
      this.#blocks = [...this.#blocks, named.block];
    }
    if (value === "") {
      this.#table.delete(keyOf(named));
      return null;
    }
    const bytes = type === "string" ? null : (TYPES[type]!.parse?.(value) ?? null);
    if (type !== "string" && bytes === null) return `'${value.slice(0, 80)}' is no value of type ${type}`;
    this.#table.set(keyOf(named), { type, text: bytes === null ? value : (TYPES[type]!.format(bytes) ?? value) });
    return null;
  }

  /** Adds to a number; what isn't set counts from zero, as an int32. @returns why that can't be, else null */
  add(expression: string, step: number, outer: (name: string) => string | null): string | null {
    const named = this.#named(expression);
    const found = this.#find(named, outer);
    const type = named.type ?? found?.type ?? "int32";
    if (!/^u?int(8|16|32)$/.test(type)) return `it is a ${type}; numbers are set with a type such as :int32`;
    const bytes = found === null ? null : bytesOf(found);
    const sum = (bytes === null ? 0 : Number(TYPES.int32!.format(bytes))) + step;
    return this.set(`${keyOf(named)}:${type}`, String(sum));
  }

  #named(expression: string): SettingName {
    const named = parseName(expression);
    return named.block === "netX" ? { ...named, block: this.opened } : named;
  }

  #find(named: SettingName, outer: (name: string) => string | null): Value | null {
    const own = this.#table.get(keyOf(named));
    if (own !== undefined) return own;
    if (named.block === "") {
      for (const block of this.#blocks) {
        const inner = this.#table.get(keyOf({ block, name: named.name }));
        if (inner !== undefined) return inner;
      }
    }
    const given = outer(keyOf(named));
    return given === null || given === "" ? null : { type: TYPE_OF[named.name] ?? "string", text: given };
  }
}

/** More than any script nests; and longer than any command line. */
const MAX_EXPANSIONS = 200;
const MAX_VALUE_LENGTH = 8 * 1024;

/** Fills in `${name}` and `${name:type}`, the innermost first; what isn't set is empty. @param value of an expression */
export function expandSettings(word: string, value: (expression: string) => string | null): string {
  let expanded = word;
  for (let count = 0; count < MAX_EXPANSIONS && expanded.length < MAX_VALUE_LENGTH; count++) {
    const match = /\$\{([^${}]*)\}/.exec(expanded);
    if (match === null) break;
    const filled = value(match[1]!) ?? "";
    expanded = expanded.slice(0, match.index) + filled + expanded.slice(match.index + match[0].length);
  }
  return expanded.slice(0, MAX_VALUE_LENGTH);
}
