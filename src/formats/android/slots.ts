/**
 * Which of several slots Android's boot loader would start, and what is known of each: from the `misc` partition (AOSP,
 * bootloader_message.h and libavb_ab), else from the attributes of the boot partitions in the GPT, where Qualcomm's boot
 * loaders keep it.
 */

import { Buffer } from "node:buffer";
import { crc32 } from "../../binary/crc.ts";

/** Where `misc` has the slots. */
const CONTROL_AT = 2048;
const CONTROL_SIZE = 32;
const CONTROL_MAGIC = 0x42414342;
const CONTROL_VERSION = 1;
const CRC_AT = 28;
/** libavb_ab's own form, which Rockchip's boards have. */
const AVB_MAGIC = "\0AB0";
/** Bytes that {@link slotsOfMisc} and {@link commandOfMisc} look at. */
export const MISC_SIZE = CONTROL_AT + CONTROL_SIZE;

export interface Slot {
  /** `a`, `b`… */
  readonly name: string;
  /** The highest is started. */
  readonly priority: number;
  /** Attempts that are left to one that has not come up yet. */
  readonly tries: number;
  readonly isSuccessful: boolean;
  /** The boot loader would not start it, whatever the others are. */
  readonly isUnbootable: boolean;
}

const slotName = (index: number): string => String.fromCharCode("a".charCodeAt(0) + index);

/** @param misc the first {@link MISC_SIZE} bytes; null where there is nothing valid in them. */
export function slotsOfMisc(misc: Uint8Array): readonly Slot[] | null {
  const control = Buffer.from(misc).subarray(CONTROL_AT, MISC_SIZE);
  if (control.length < CONTROL_SIZE) return null;
  const crc = crc32(control.subarray(0, CRC_AT));
  if (control.readUInt32LE(4) === CONTROL_MAGIC) {
    if (crc !== control.readUInt32LE(CRC_AT) || control.readUInt8(8) > CONTROL_VERSION) return null;
    const count = Math.min(control.readUInt8(9) & 7, 4);
    return Array.from({ length: count }, (_, index) => {
      const [bits, more] = [control.readUInt8(12 + 2 * index), control.readUInt8(13 + 2 * index)];
      const [priority, tries, isSuccessful] = [bits & 0xf, (bits >> 4) & 7, bits >> 7 === 1];
      return slot(index, { priority, tries, isSuccessful }, (more & 1) === 1);
    });
  }
  if (control.toString("latin1", 0, 4) !== AVB_MAGIC || crc !== control.readUInt32BE(CRC_AT)) return null;
  return [0, 1].map((index) => {
    const [priority, tries, successful] = control.subarray(8 + 4 * index) as unknown as [number, number, number];
    return slot(index, { priority, tries, isSuccessful: successful === 1 });
  });
}

function slot(index: number, facts: Pick<Slot, "priority" | "tries" | "isSuccessful">, isCorrupted = false): Slot {
  const { priority, tries, isSuccessful } = facts;
  const isUnbootable = isCorrupted || priority === 0 || (tries === 0 && !isSuccessful);
  return { name: slotName(index), ...facts, isUnbootable };
}

/**
 * The same by the attributes of `boot_a`, `boot_b`… (from bit 48: two bits of priority, active, three bits of tries,
 * successful, unbootable).
 * @returns null where none of them has any
 */
export function slotsOfGpt(attributes: ReadonlyMap<string, bigint>): readonly Slot[] | null {
  const slots = [...attributes].map(([name, bits]) => {
    const byte = Number((bits >> 48n) & 0xffn);
    const [isActive, tries, isSuccessful] = [(byte & 4) !== 0, (byte >> 3) & 7, (byte & 0x40) !== 0];
    const isUnbootable = byte === 0 || (byte & 0x80) !== 0 || (tries === 0 && !isSuccessful);
    // The active one comes first whatever the priorities are.
    return { name, priority: (byte & 3) + (isActive ? 4 : 0), tries, isSuccessful, isUnbootable };
  });
  return slots.some(({ priority, tries, isSuccessful }) => priority > 0 || tries > 0 || isSuccessful) ? slots : null;
}

/** Those that the boot loader would start, in the order in which it would come to them. */
export function startable(slots: readonly Slot[]): Slot[] {
  return slots
    .filter(({ isUnbootable }) => !isUnbootable)
    .sort((a, b) => b.priority - a.priority || Number(b.isSuccessful) - Number(a.isSuccessful) || b.tries - a.tries);
}

/** What the system has asked the boot loader to start next: `boot-recovery`, `bootonce-bootloader`…; null for nothing. */
export function commandOfMisc(misc: Uint8Array): string | null {
  const command = Buffer.from(misc).toString("latin1", 0, 32).replace(/\0.*$/s, "");
  return /^boot(once)?-[a-z-]+$/.test(command) ? command : null;
}
