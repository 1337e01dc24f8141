/** Variables of OVMF as the tests set them from inside a machine, and boot entries as firmware keeps them. */

import { guidInMemory } from "../../src/binary/efisignatures.ts";
import { inside } from "./baton.ts";
import type { Machine } from "./machine.ts";

export const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
export const LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** UTF-16 with a NUL at its end. */
export const efiText = (text: string): Buffer => Buffer.from(`${text}\0`, "utf16le");

/** Sets a variable through efivarfs; the shell on ttyS1 does it. */
export async function setVariable(machine: Machine, name: string, guid: string, value: Buffer): Promise<void> {
  const file = `/sys/firmware/efi/efivars/${name}-${guid}`;
  // NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS, in one write with the value.
  const text = Buffer.concat([Buffer.from([7, 0, 0, 0]), value]).toString("base64");
  const said = await inside(
    machine,
    `mount -o remount,rw /sys/firmware/efi/efivars && echo ${text} | base64 -d >/tmp/value && cat /tmp/value >${file}; ` +
      "mount -o remount,ro /sys/firmware/efi/efivars",
  );
  if (said !== "") throw new Error(`${name} could not be set: ${said}`);
}

/** A variable's value, null where there is none. */
export async function variable(machine: Machine, name: string, guid: string): Promise<Buffer | null> {
  const said = await inside(machine, `base64 /sys/firmware/efi/efivars/${name}-${guid} 2>/dev/null`);
  return said === "" ? null : Buffer.from(said, "base64").subarray(4);
}

/** One node of a device path (UEFI 2.10, 10.3.1). */
function node(type: number, subtype: number, data: Buffer): Buffer {
  const head = Buffer.from([type, subtype, 0, 0]);
  head.writeUInt16LE(data.length + 4, 2);
  return Buffer.concat([head, data]);
}

/** EFI_LOAD_OPTION for a file on a GPT partition. @param options passed to it as its command line */
export function loadOption(
  title: string,
  partition: { number: number; startMiB: number; sizeMiB: number; partuuid: string },
  file: string,
  options: string,
): Buffer {
  const disk = Buffer.alloc(38);
  disk.writeUInt32LE(partition.number, 0);
  disk.writeBigUInt64LE(BigInt(partition.startMiB * 2048), 4);
  disk.writeBigUInt64LE(BigInt(partition.sizeMiB * 2048), 12);
  guidInMemory(partition.partuuid).copy(disk, 20);
  // GPT, and a GUID as its signature.
  disk.set([2, 2], 36);
  const path = Buffer.concat([node(4, 1, disk), node(4, 4, efiText(file)), node(0x7f, 0xff, Buffer.alloc(0))]);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(1, 0);
  head.writeUInt16LE(path.length, 4);
  return Buffer.concat([head, efiText(title), path, efiText(options)]);
}
