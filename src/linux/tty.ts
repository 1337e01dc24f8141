/**
 * Terminal attributes and window size. ioctl(2) with the kernel's own struct termios, which is the same on x86-64
 * and arm64 (include/uapi/asm-generic/termbits.h); glibc's is another, longer one.
 */

import { callNow } from "./libc.ts";

// include/uapi/asm-generic/ioctls.h
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

/** 19 control characters (NCCS) behind four 32-bit words and the line discipline. */
const TERMIOS_SIZE = 36;
const CONTROL_CHARACTERS = 19;
const CC_OFFSET = 17;

// include/uapi/asm-generic/termbits-common.h, termbits.h
const IGNBRK = 0x1;
const BRKINT = 0x2;
const PARMRK = 0x8;
const INPCK = 0x10;
const ISTRIP = 0x20;
const INLCR = 0x40;
const IGNCR = 0x80;
const ICRNL = 0x100;
const IXON = 0x400;
const OPOST = 0x1;
const ONLCR = 0x4;
const CSIZE = 0x30;
const CS8 = 0x30;
const PARENB = 0x100;
const ISIG = 0x1;
const ICANON = 0x2;
const ECHO = 0x8;
const ECHONL = 0x40;
const IEXTEN = 0x8000;
const VTIME = 5;
const VMIN = 6;

/** struct termios. */
export interface TerminalAttributes {
  readonly inputFlags: number;
  readonly outputFlags: number;
  readonly controlFlags: number;
  readonly localFlags: number;
  readonly lineDiscipline: number;
  readonly controlCharacters: readonly number[];
}

/**
 * What a terminal is set to.
 * @throws LinuxError (ENOTTY where `fd` is no terminal)
 */
export function getAttributes(fd: number): TerminalAttributes {
  const bytes = Buffer.alloc(TERMIOS_SIZE);
  control(fd, "TCGETS", TCGETS, bytes);
  return {
    inputFlags: bytes.readUInt32LE(0),
    outputFlags: bytes.readUInt32LE(4),
    controlFlags: bytes.readUInt32LE(8),
    localFlags: bytes.readUInt32LE(12),
    lineDiscipline: bytes.readUInt8(16),
    controlCharacters: [...bytes.subarray(CC_OFFSET, CC_OFFSET + CONTROL_CHARACTERS)],
  };
}

/**
 * Sets a terminal, at once: not after its output has drained (TCSETSW), for which a serial line whose other end
 * holds up its hand for flow control would wait for ever.
 */
export function setAttributes(fd: number, attributes: TerminalAttributes): void {
  const bytes = Buffer.alloc(TERMIOS_SIZE);
  bytes.writeUInt32LE(attributes.inputFlags >>> 0, 0);
  bytes.writeUInt32LE(attributes.outputFlags >>> 0, 4);
  bytes.writeUInt32LE(attributes.controlFlags >>> 0, 8);
  bytes.writeUInt32LE(attributes.localFlags >>> 0, 12);
  bytes.writeUInt8(attributes.lineDiscipline, 16);
  bytes.set(attributes.controlCharacters.slice(0, CONTROL_CHARACTERS), CC_OFFSET);
  control(fd, "TCSETS", TCSETS, bytes);
}

/**
 * Gives every key to the program as it is pressed: no line editing, no echo, no signals from keys. Newlines on
 * output still become CR LF, so that plain messages (and the kernel's) stand where they should.
 * @returns what it was set to before, for {@link restore}
 */
export function setRaw(fd: number): TerminalAttributes {
  const before = getAttributes(fd);
  const controlCharacters = [...before.controlCharacters];
  controlCharacters[VMIN] = 1;
  controlCharacters[VTIME] = 0;
  setAttributes(fd, {
    ...before,
    inputFlags: before.inputFlags & ~(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    outputFlags: before.outputFlags | OPOST | ONLCR,
    controlFlags: (before.controlFlags & ~(CSIZE | PARENB)) | CS8,
    localFlags: before.localFlags & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
    controlCharacters,
  });
  return before;
}

/** Sets a terminal back to what {@link setRaw} or {@link getAttributes} gave. */
export function restore(fd: number, attributes: TerminalAttributes): void {
  setAttributes(fd, attributes);
}

interface WindowSize {
  /** 0 where the terminal doesn't know its size, as a serial line. */
  readonly rows: number;
  readonly columns: number;
}

/** @throws LinuxError (ENOTTY where `fd` is no terminal) */
export function getWindowSize(fd: number): WindowSize {
  const bytes = Buffer.alloc(8);
  control(fd, "TIOCGWINSZ", TIOCGWINSZ, bytes);
  return { rows: bytes.readUInt16LE(0), columns: bytes.readUInt16LE(2) };
}

/** Tells the kernel a terminal's size; what runs on it gets SIGWINCH where it changed. 0 to 65535 each. */
export function setWindowSize(fd: number, rows: number, columns: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(rows, 0);
  bytes.writeUInt16LE(columns, 2);
  control(fd, "TIOCSWINSZ", TIOCSWINSZ, bytes);
}

function control(fd: number, name: string, request: number, bytes: Buffer): void {
  callNow("ioctl", [fd, request, bytes], { call: "ioctl", args: [fd, { word: name }] });
}
