/** Events of a measured boot in words: what kind each is, and what its data says. Pure. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { LogEvent } from "./eventlog.ts";

/** TCG PC Client Platform Firmware Profile, section 10.4.1, table 27. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x00000000, "EV_PREBOOT_CERT"],
  [0x00000001, "EV_POST_CODE"],
  [0x00000003, "EV_NO_ACTION"],
  [0x00000004, "EV_SEPARATOR"],
  [0x00000005, "EV_ACTION"],
  [0x00000006, "EV_EVENT_TAG"],
  [0x00000007, "EV_S_CRTM_CONTENTS"],
  [0x00000008, "EV_S_CRTM_VERSION"],
  [0x00000009, "EV_CPU_MICROCODE"],
  [0x0000000a, "EV_PLATFORM_CONFIG_FLAGS"],
  [0x0000000b, "EV_TABLE_OF_DEVICES"],
  [0x0000000c, "EV_COMPACT_HASH"],
  [0x0000000d, "EV_IPL"],
  [0x0000000e, "EV_IPL_PARTITION_DATA"],
  [0x0000000f, "EV_NONHOST_CODE"],
  [0x00000010, "EV_NONHOST_CONFIG"],
  [0x00000011, "EV_NONHOST_INFO"],
  [0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"],
  [0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"],
  [0x80000002, "EV_EFI_VARIABLE_BOOT"],
  [0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"],
  [0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"],
  [0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"],
  [0x80000006, "EV_EFI_GPT_EVENT"],
  [0x80000007, "EV_EFI_ACTION"],
  [0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"],
  [0x80000009, "EV_EFI_HANDOFF_TABLES"],
  [0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"],
  [0x8000000b, "EV_EFI_HANDOFF_TABLES2"],
  [0x8000000c, "EV_EFI_VARIABLE_BOOT2"],
  [0x80000010, "EV_EFI_HCRTM_EVENT"],
  [0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"],
  [0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"],
  [0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"],
]);
const VARIABLES = [
  "EV_EFI_VARIABLE_DRIVER_CONFIG",
  "EV_EFI_VARIABLE_BOOT",
  "EV_EFI_VARIABLE_BOOT2",
  "EV_EFI_VARIABLE_AUTHORITY",
];
/** Their digest is that of the event's data (section 10.4.1), and so each can be checked by itself. */
const OWN_DIGEST = ["EV_ACTION", "EV_EFI_ACTION", "EV_S_CRTM_VERSION", "EV_EFI_VARIABLE_DRIVER_CONFIG"];
/** A GUID, and the sizes of name and data (UEFI_VARIABLE_DATA). Bytes. */
const VARIABLE_HEADER_SIZE = 32;
/** taggedEventID, taggedEventDataSize. Bytes. */
const TAG_SIZE = 8;
/** Of a text that is shown. Characters. */
const MAX_TEXT = 300;

/** The specification's name of an event's type, else its number. */
export const typeName = (type: number): string => TYPES.get(type) ?? `0x${type.toString(16).padStart(8, "0")}`;

/** What an event's data says, in at most 300 characters, not made safe for a terminal; "" where that is no text. */
export function eventText({ type, data }: LogEvent): string {
  const whole = Buffer.from(data.buffer, data.byteOffset, data.length);
  // A tagged event has its tag and its size in front (TCG_PCClientTaggedEvent): Linux' EFI stub says so what it measured.
  const bytes = typeName(type) === "EV_EVENT_TAG" ? whole.subarray(TAG_SIZE) : whole;
  if (VARIABLES.includes(typeName(type))) return variableName(bytes);
  if (typeName(type) === "EV_SEPARATOR") return "";
  const narrow = plainText(bytes.toString("utf8"));
  if (narrow !== null) return narrow;
  return bytes.length % 2 === 0 ? (plainText(bytes.toString("utf16le")) ?? "") : "";
}

/** The name in UEFI_VARIABLE_DATA (section 10.4.2.6). */
function variableName(bytes: Buffer): string {
  if (bytes.length < VARIABLE_HEADER_SIZE) return "";
  const characters = bytes.readBigUInt64LE(16);
  if (characters > BigInt((bytes.length - VARIABLE_HEADER_SIZE) >> 1)) return "";
  const end = VARIABLE_HEADER_SIZE + Math.min(Number(characters), MAX_TEXT) * 2;
  return plainText(bytes.toString("utf16le", VARIABLE_HEADER_SIZE, end)) ?? "";
}

/** Without NULs at its end; null where it has other characters that no text has, or none that one does. */
function plainText(text: string): string | null {
  const plain = text.replace(/\0+$/, "");
  return /^[^\p{Cc}\p{Cn}\p{Co}\p{Cs}\ufffd]+$/u.test(plain.replace(/[\t\n]/g, " ")) ? plain.slice(0, MAX_TEXT) : null;
}

/** The banks in which an event's digest isn't that of its data, though its type says that it is. */
export function wrongDigests({ type, digests, data }: LogEvent): string[] {
  if (!OWN_DIGEST.includes(typeName(type))) return [];
  return [...digests]
    .filter(([bank, digest]) => createHash(bank).update(data).digest("hex") !== digest)
    .map(([bank]) => bank);
}
