/**
 * A unified kernel image (UAPI group's specification): kernel, initramfs and command line as sections behind an EFI
 * stub, one executable that firmware starts.
 */

import { BatonError } from "../src/errors.ts";
import { VERSION } from "../src/version.ts";

/**
 * Baton's own line of SBAT (shim's SBAT.md). The generation rises with each fault of Baton's that lets Secure Boot be got
 * around, so that its owner can revoke all earlier ones at once.
 */
const SBAT_LINE = `baton,1,Baton,baton,${VERSION},\n`;

/** Microsoft's PE Format: offsets in the COFF header, the optional header (PE32+) and a section header. */
const COFF_SIZE = 24;
const SECTION_SIZE = 40;
/** IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ */
const DATA_READABLE = 0x40000040;

export interface Section {
  /** `.linux`; at most eight characters. */
  readonly name: string;
  readonly data: Uint8Array;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

interface Headers {
  /** Of the file, from its first byte. */
  readonly view: DataView;
  /** Where the COFF header and the optional header begin. */
  readonly pe: number;
  readonly optional: number;
  readonly sections: readonly SectionHeader[];
  /** Where the table of sections begins. */
  readonly table: number;
}

interface SectionHeader {
  /** Where its header lies. */
  readonly at: number;
  readonly name: string;
  readonly memorySize: number;
  readonly address: number;
  readonly fileSize: number;
  readonly offset: number;
}

/** @throws BatonError "bad-format" where it is no PE32+ file */
function readHeaders(file: Uint8Array): Headers {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const pe = view.getUint16(0, true) === 0x5a4d ? view.getUint32(60, true) : 0;
  const optional = pe + COFF_SIZE;
  if (pe === 0 || view.getUint32(pe, true) !== 0x4550 || view.getUint16(optional, true) !== 0x20b) {
    throw new BatonError("bad-format", "the EFI stub is no PE32+ executable");
  }
  const table = optional + view.getUint16(pe + 20, true);
  const sections = Array.from({ length: view.getUint16(pe + 6, true) }, (_, index) => {
    const at = table + index * SECTION_SIZE;
    return {
      at,
      name: Buffer.from(file.subarray(at, at + 8))
        .toString("latin1")
        .replace(/\0.*$/s, ""),
      memorySize: view.getUint32(at + 8, true),
      address: view.getUint32(at + 12, true),
      fileSize: view.getUint32(at + 16, true),
      offset: view.getUint32(at + 20, true),
    };
  });
  return { view, pe, optional, sections, table };
}

/**
 * Appends sections to an EFI stub. Each gets the next free addresses above the stub's own, aligned as the stub wants.
 * @throws BatonError "bad-format" where `stub` is no PE32+ file, or its headers have no room for the sections
 */
export function appendSections(stub: Uint8Array, sections: readonly Section[]): Uint8Array {
  const { view, pe, optional, table, sections: own } = readHeaders(stub);
  const count = own.length;
  const memoryAlign = view.getUint32(optional + 32, true);
  const fileAlign = view.getUint32(optional + 36, true);
  const headersSize = view.getUint32(optional + 60, true);

  let address = Math.max(0, ...own.map((section) => section.address + section.memorySize));
  let offset = stub.length;
  const firstData = Math.min(stub.length, ...own.map((section) => section.offset).filter((at) => at > 0));
  const tableEnd = table + (count + sections.length) * SECTION_SIZE;
  if (tableEnd > Math.min(headersSize, firstData)) {
    throw new BatonError("bad-format", `the EFI stub's headers have no room for ${sections.length} more sections`);
  }

  const parts: { offset: number; data: Uint8Array }[] = [];
  const headers = Uint8Array.from(stub.subarray(0, headersSize));
  const out = new DataView(headers.buffer);
  for (const [index, { name, data }] of sections.entries()) {
    if (name.length > 8) throw new BatonError("usage", `${name} is too long for the name of a PE section`);
    address = align(address, memoryAlign);
    offset = align(offset, fileAlign);
    const size = align(data.length, fileAlign);
    const at = table + (count + index) * SECTION_SIZE;
    headers.fill(0, at, at + SECTION_SIZE);
    headers.set(Buffer.from(name, "latin1"), at);
    out.setUint32(at + 8, data.length, true);
    out.setUint32(at + 12, address, true);
    out.setUint32(at + 16, size, true);
    out.setUint32(at + 20, offset, true);
    out.setUint32(at + 36, DATA_READABLE, true);
    parts.push({ offset, data });
    address += data.length;
    offset += size;
  }
  out.setUint16(pe + 6, count + sections.length, true);
  // SizeOfImage; the checksum is only looked at for drivers, and 0 says that there is none.
  out.setUint32(optional + 56, align(address, memoryAlign), true);
  out.setUint32(optional + 64, 0, true);

  const result = new Uint8Array(offset);
  result.set(stub);
  result.set(headers);
  for (const part of parts) result.set(part.data, part.offset);
  return result;
}

/** What a unified kernel image is made of, beside the stub. */
export interface UkiParts {
  readonly kernel: Uint8Array;
  /** `uname -r` */
  readonly release: string;
  readonly initrd: Uint8Array;
  readonly cmdline: string;
}

/**
 * Adds lines to the stub's `.sbat` section, in the room that the file has there.
 * @throws BatonError "bad-format" where there is no such section, or no room for them
 */
export function withSbat(stub: Uint8Array, lines: string): Uint8Array {
  const section = readHeaders(stub).sections.find(({ name }) => name === ".sbat");
  if (section === undefined) throw new BatonError("bad-format", "the EFI stub has no .sbat section");
  const at = section.offset;
  const before = Buffer.from(stub.subarray(at, at + Math.min(section.memorySize, section.fileSize)));
  const after = Buffer.from(before.toString("latin1").replace(/\0+$/, "").replace(/\n*$/, "\n") + lines, "latin1");
  if (after.length > section.fileSize) {
    throw new BatonError("bad-format", `the EFI stub's .sbat section has no room for ${lines.length} more bytes`);
  }
  const result = Uint8Array.from(stub);
  result.fill(0, at, at + section.fileSize);
  result.set(after, at);
  new DataView(result.buffer).setUint32(section.at + 8, after.length, true);
  return result;
}

/** baton.efi: Baton's kernel, initramfs and command line behind an EFI stub. */
export function unifiedKernelImage(stub: Uint8Array, { kernel, release, initrd, cmdline }: UkiParts): Uint8Array {
  return appendSections(withSbat(stub, SBAT_LINE), [
    { name: ".osrel", data: Buffer.from('ID=baton\nNAME=Baton\nPRETTY_NAME="Baton"\n') },
    { name: ".cmdline", data: Buffer.from(`${cmdline}\0`) },
    { name: ".uname", data: Buffer.from(`${release}\0`) },
    { name: ".initrd", data: initrd },
    { name: ".linux", data: kernel },
  ]);
}
