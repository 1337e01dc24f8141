/** An installed system as `baton install` sees it: a folder in place of /, and the programs that it would call. */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Machine } from "../../../src/commands/install/machine.ts";
import type { BlockDevice } from "../../../src/devices/device.ts";
import { GLOBAL_GUID } from "../../../src/state/guids.ts";

export const PARTUUID = "0b1c2d3e-0000-4000-8000-00000000abcd";
const LOADER = "\\EFI\\baton\\baton.efi";

export interface Installed {
  readonly machine: Machine;
  /** How programs were called, one line each. */
  readonly calls: string[];
  /** Paths of all files and empty folders but those of /proc and /sys, with their texts. */
  files(): Record<string, string>;
  write(path: string, content: string | Uint8Array): void;
  read(path: string): string;
  /** The firmware's variable as numbers: `BootOrder`. */
  numbers(name: string): string[];
}

/** @param mounts lines of mountinfo's last part: `/boot/efi vfat /dev/sda1` */
export function installed(
  mounts: readonly string[],
  options: { readonly uefi?: boolean; readonly device?: Partial<BlockDevice>; readonly failing?: string } = {},
): Installed {
  const root = fs.mkdtempSync(join(tmpdir(), "baton-install-"));
  process.once("exit", () => fs.rmSync(root, { recursive: true, force: true }));
  const write = (path: string, content: string | Uint8Array): void => {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true });
    fs.writeFileSync(join(root, path), content);
  };
  const lines = mounts.map((line, index) => {
    const [point, type, source, words = "rw"] = line.split(" ");
    fs.mkdirSync(join(root, point!), { recursive: true });
    return `${index + 20} 1 8:${index} / ${point} ${words} - ${type} ${source} rw\n`;
  });
  write("/proc/self/mountinfo", lines.join(""));
  const variable = (name: string): string => `/sys/firmware/efi/efivars/${name}-${GLOBAL_GUID}`;
  const order = (name: string, numbers: readonly string[]): void =>
    write(variable(name), Buffer.concat([Buffer.alloc(4), ...numbers.map(little)]));
  const numbers = (name: string): string[] => {
    const path = join(root, variable(name));
    const hex = fs.existsSync(path) ? fs.readFileSync(path).subarray(4).toString("hex") : "";
    return (hex.match(/.{4}/g) ?? []).map((word) => (word.slice(2) + word.slice(0, 2)).toUpperCase());
  };
  if (options.uefi) {
    write(variable("Boot0000"), loadOption("debian", "\\EFI\\debian\\shimx64.efi"));
    order("BootOrder", ["0000"]);
  }
  const calls: string[] = [];
  const machine: Machine = {
    root,
    device: async (source) => (source.startsWith("/dev/") ? { ...PARTITION, ...options.device } : null),
    // What efibootmgr(8) does to the variables.
    run: async (program, args) => {
      calls.push([program, ...args].join(" "));
      if (options.failing !== undefined && args.includes(options.failing)) throw new Error("it failed");
      const of = (option: string): string => args[args.indexOf(option) + 1]!;
      if (args.some((word) => word.startsWith("--create"))) {
        write(variable("Boot0007"), loadOption(of("--label"), of("--loader")));
        if (args.includes("--create")) order("BootOrder", ["0007", ...numbers("BootOrder")]);
      }
      if (args.includes("--bootnext")) order("BootNext", [of("--bootnext")]);
      if (args.includes("--delete-bootnext")) fs.rmSync(join(root, variable("BootNext")));
      if (args.includes("--bootorder")) order("BootOrder", of("--bootorder").split(","));
      if (args.includes("--delete-bootnum")) {
        fs.rmSync(join(root, variable(`Boot${of("--bootnum")}`)));
        order(
          "BootOrder",
          numbers("BootOrder").filter((number) => number !== of("--bootnum")),
        );
      }
      return "";
    },
  };
  return {
    machine,
    calls,
    numbers,
    write,
    read: (path) => fs.readFileSync(join(root, path), "utf8"),
    files: () => {
      const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
      const kept = names.filter((name) => !/^(proc|sys\/firmware\/efi\/efivars\/(Boot|Secure))/.test(name));
      return Object.fromEntries(
        kept
          .filter((name) => !fs.statSync(join(root, name)).isDirectory())
          .map((name) => [`/${name}`, fs.readFileSync(join(root, name), "latin1")]),
      );
    },
  };
}

const PARTITION: BlockDevice = {
  ...{ name: "sda1", node: "/dev/sda1", size: 1e9, kind: "partition", disk: "sda", partition: 1, scheme: "gpt" },
  ...{ partuuid: PARTUUID, partlabel: null, partitionType: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" },
  ...{ removable: false, transport: "ata", model: null, identity: null, reason: null },
};

const little = (number: string): Buffer => Buffer.from(number, "hex").reverse();

/** Attributes of the variable, then EFI_LOAD_OPTION with the nodes of a GPT partition and a file (UEFI 2.10, 3.1.3). */
export function loadOption(label: string, loader: string, isActive = true): Buffer {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`, "utf16le");
  const disk = Buffer.alloc(42);
  disk.set([4, 1, 42, 0, 1]);
  const [a, b, c, ...rest] = PARTUUID.split("-");
  disk.set(Buffer.concat([little(a!), little(b!), little(c!), Buffer.from(rest.join(""), "hex")]), 24);
  disk.set([2, 2], 40);
  const name = text(loader);
  const file = Buffer.concat([Buffer.from([4, 4, 0, 0]), name]);
  file.writeUInt16LE(file.length, 2);
  const paths = Buffer.concat([disk, file, Buffer.from([0x7f, 0xff, 4, 0])]);
  const head = Buffer.alloc(10);
  head.writeUInt32LE(7, 0);
  head.writeUInt32LE(isActive ? 1 : 0, 4);
  head.writeUInt16LE(paths.length, 8);
  return Buffer.concat([head, text(label), paths]);
}

/** What `npm run image` leaves, in a folder: of use to install, and no more. */
export function image(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), "baton-image-"));
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, content: string | Uint8Array): void => fs.writeFileSync(join(folder, name), content);
  const pe = Buffer.alloc(1024);
  pe.write("MZ", 0);
  pe.writeUInt32LE(64, 60);
  pe.write("PE\0\0", 64, "latin1");
  pe.writeUInt16LE(process.arch === "arm64" ? 0xaa64 : 0x8664, 68);
  pe.writeUInt16LE(240, 84);
  pe.writeUInt16LE(0x20b, 88);
  put("baton.efi", pe);
  const files = { vmlinuz: "the kernel", "initramfs.cpio.zst": "the initramfs" };
  for (const [name, text] of Object.entries(files)) put(name, text);
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  put(
    "image.json",
    JSON.stringify({
      arch: process.arch === "arm64" ? "arm64" : "amd64",
      cmdline: "console=tty0 console=ttyS0,115200 quiet it's",
      outputs: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, { sha256: sha256(text) }])),
    }),
  );
  return folder;
}

export { LOADER };
