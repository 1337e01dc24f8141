/**
 * A virtual machine under test. `withMachine` starts QEMU with exactly the hardware asked for, gives it to a
 * function, and afterwards always kills it and proves that no byte of any of its disks changed.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { CACHE, run } from "./host.ts";
import { Qmp } from "./qmp.ts";
import { SerialLine } from "./serial.ts";

/** How a disk is attached. */
export type Attachment = "virtio" | "ahci" | "nvme" | "usb" | "scsi" | "cdrom";

/** How a disk misbehaves: reads fail (everywhere, or of these sectors of 512 bytes), or come no faster than this. */
export type DiskFault = { readonly readErrors: "everywhere" | readonly number[] } | { readonly bytesPerSecond: number };

export interface MachineDisk {
  /** A raw image, whole sectors. The machine gets a copy. */
  readonly image: string;
  readonly attach: Attachment;
  /** Attached only by `plugIn` (USB). */
  readonly later?: boolean;
  /** Whether a disk on USB says that it is removable, as sticks do unless this is false; many an SSD says it isn't. */
  readonly removable?: boolean;
  /** What is wrong with it. */
  readonly fault?: DiskFault;
  /** The machine is meant to write to it: it isn't checked; where it is to be kept, then as the machine left it. */
  readonly writable?: true | { readonly keepAs: string };
}

export interface MachineOptions {
  /** Names the log: .cache/vm/logs/NAME.log. */
  readonly name: string;
  /** Booted directly by QEMU; without it the firmware looks for something on the disks. */
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  /** `secureboot`: UEFI that starts only what the "snakeoil" key signed (signing.ts); `setupmode`: that has no keys yet. */
  readonly firmware?: "bios" | "uefi" | "secureboot" | "setupmode";
  /** A file with the firmware's variables, made unless it is there, left as the machine leaves them. */
  readonly variables?: string;
  /** An arm64 machine (QEMU's `virt`, with a devicetree and without firmware) in place of a PC. */
  readonly arch?: "aarch64";
  readonly memoryMiB?: number;
  readonly disks?: readonly MachineDisk[];
  /** Adds a virtio disk, before or after the others, that answers each request only after so many seconds. */
  readonly slowDisk?: { readonly place: "first" | "last"; readonly seconds: number };
  /** A screen; unless given there is only the serial line. */
  readonly vga?: boolean;
  /** A second serial line, ttyS1, in `machine.serial2`. */
  readonly secondSerial?: boolean;
  /** Lets the machine reset; unless given a reset ends it. */
  readonly mayReset?: boolean;
  /** False where nobody is at the other end of the serial line, or a real terminal. */
  readonly answersQueries?: boolean;
  /** The guest's clock goes by its own instructions, one a nanosecond, however fast the host is. */
  readonly isCounted?: boolean;
  /** More words for QEMU's command line. */
  readonly extra?: readonly string[];
}

/** Where OVMF lies on Debian. */
const OVMF = "/usr/share/OVMF";
/** Code, and the variables that a machine begins with. */
const FIRMWARE = {
  uefi: ["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"],
  secureboot: ["OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.snakeoil.fd"],
  setupmode: ["OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd"],
} as const;
/** What a US keyboard's QEMU key names are for characters that don't name themselves. */
const QEMU_KEYS: Readonly<Record<string, string>> = {
  "<enter>": "ret",
  "<esc>": "esc",
  "<up>": "up",
  "<down>": "down",
  "<left>": "left",
  "<right>": "right",
  " ": "spc",
  "-": "minus",
  "=": "equal",
  ".": "dot",
  ",": "comma",
  "/": "slash",
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

export class Machine {
  /** The first serial line, ttyS0. */
  readonly serial: SerialLine;
  /** ttyS1, with `secondSerial`. */
  readonly serial2: SerialLine | null;
  /** Resolves when QEMU has ended. */
  readonly ended: Promise<void>;
  readonly #qmp: Qmp;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #disks: readonly MachineDisk[];
  /** Disks that QEMU has opened for `plugIn`. */
  readonly #nodes = new Set<number>();

  constructor(parts: {
    child: ChildProcess;
    qmp: Qmp;
    serial: SerialLine;
    serial2: SerialLine | null;
    ended: Promise<void>;
    directory: string;
    disks: readonly MachineDisk[];
  }) {
    this.#child = parts.child;
    this.#qmp = parts.qmp;
    this.serial = parts.serial;
    this.serial2 = parts.serial2;
    this.ended = parts.ended;
    this.#directory = parts.directory;
    this.#disks = parts.disks;
  }

  /** Plugs in the disk with this index in `disks`, which must have `later` and be on USB; again after `unplug`. */
  async plugIn(index: number): Promise<void> {
    const drive = `disk${index}`;
    if (!this.#nodes.has(index)) {
      await this.#qmp.call("blockdev-add", blockNode(index, copyPath(this.#directory, index), this.#disks[index]!));
      this.#nodes.add(index);
    }
    // As sticks say of themselves.
    const device = { driver: "usb-storage", bus: "xhci.0", drive, id: `usb${index}`, removable: true };
    for (let tries = 1; ; tries++) {
      try {
        await this.#qmp.call("device_add", device);
        return;
      } catch (error) {
        // QEMU takes the last one apart in its own time.
        if (tries === 50) throw error;
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  }

  /** Pulls out a disk that `plugIn` plugged in. */
  async unplug(index: number): Promise<void> {
    if (!this.#disks[index]?.later) throw new Error(`disk ${index} was not plugged in later`);
    await this.remove(`usb${index}`);
  }

  /** Takes a device out by its id on QEMU's command line: a disk, or one of `extra`. */
  async remove(id: string): Promise<void> {
    await this.#qmp.call("device_del", { id });
  }

  /** Tells QEMU something that there is no method for. */
  async call(command: string, words?: Record<string, unknown>): Promise<unknown> {
    return this.#qmp.call(command, words);
  }

  /** How often QEMU has told of this event: `WATCHDOG`, `RESET`. */
  eventCount(name: string): number {
    return this.#qmp.events.filter((event) => event === name).length;
  }

  /** Presses keys on the machine's own keyboard: plain characters and names as `SerialLine.type` takes. */
  async pressKeys(keys: string): Promise<void> {
    for (const key of keys.match(/<[a-z]+>|./gsu) ?? []) {
      const name = QEMU_KEYS[key] ?? key.toLowerCase();
      const shift = /[A-Z]/.test(key) && key.length === 1;
      const pressed = [...(shift ? ["shift"] : []), name].map((data) => ({ type: "qcode", data }));
      await this.#qmp.call("send-key", { keys: pressed, "hold-time": 40 });
      await new Promise((done) => setTimeout(done, 120));
    }
  }

  /** The screen as a PNG file in .cache/vm/logs. */
  async screenshot(name: string): Promise<string> {
    const file = resolve(LOGS, `${name}.png`);
    await this.#qmp.call("screendump", { filename: file, format: "png" });
    return file;
  }

  /** The screen as a PPM picture. */
  async screenPicture(): Promise<Buffer> {
    const file = join(this.#directory, "screen.ppm");
    await this.#qmp.call("screendump", { filename: file });
    return readFile(file);
  }

  /** The text on a VGA text-mode screen, 80×25, read from the adapter's memory. */
  async vgaText(): Promise<string> {
    const file = join(this.#directory, "vga");
    await this.#qmp.call("pmemsave", { val: 0xb8000, size: 80 * 25 * 2, filename: file });
    const cells = await readFile(file);
    const lines: string[] = [];
    for (let row = 0; row < 25; row++) {
      let line = "";
      for (let column = 0; column < 80; column++) line += String.fromCharCode(cells[(row * 80 + column) * 2]! || 32);
      lines.push(line.replace(/[\x00-\x1f\x7f-\xff]/g, "#").trimEnd());
    }
    return lines.join("\n");
  }

  /** Ends QEMU at once, as pulling the power cord does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

const LOGS = join(CACHE, "logs");

function copyPath(directory: string, index: number): string {
  return join(directory, `disk${index}.img`);
}

function blockNode(index: number, file: string, disk: MachineDisk): Record<string, unknown> {
  const whole = { driver: "file", filename: file, locking: "off" };
  return {
    driver: "raw",
    "node-name": `disk${index}`,
    "read-only": disk.attach === "cdrom",
    file: disk.fault === undefined ? whole : faultyNode(index, whole, disk.fault),
  };
}

function faultyNode(index: number, file: Record<string, unknown>, fault: DiskFault): Record<string, unknown> {
  if ("bytesPerSecond" in fault) return { driver: "throttle", "throttle-group": throttleGroup(index), file };
  const rule = { event: "read_aio", iotype: "read", errno: 5 };
  const rules = fault.readErrors === "everywhere" ? [rule] : fault.readErrors.map((sector) => ({ ...rule, sector }));
  return { driver: "blkdebug", image: file, "inject-error": rules };
}

function throttleGroup(index: number): string {
  return `throttle${index}`;
}

/** QEMU's words for the disks: nodes in order, with the controllers that they need, each once. */
function diskArguments(directory: string, options: MachineOptions): string[] {
  const disks = options.disks ?? [];
  const words: string[] = [];
  const slow = (place: "first" | "last"): void => {
    if (options.slowDisk?.place !== place) return;
    const latency = options.slowDisk.seconds * 1e9;
    words.push("-blockdev", `driver=null-co,node-name=slow,size=67092480,latency-ns=${latency},read-zeroes=on`);
    // With the geometry given QEMU doesn't read it from the disk, for which it would wait.
    words.push("-device", "virtio-blk-pci,drive=slow,id=slow0,cyls=130,heads=16,secs=63");
  };
  slow("first");
  if (disks.some((disk) => disk.attach === "usb")) words.push("-device", "qemu-xhci,id=xhci");
  if (disks.some((disk) => disk.attach === "scsi")) words.push("-device", "virtio-scsi-pci,id=scsi");
  let ports = 0;
  disks.forEach((disk, index) => {
    if (disk.fault !== undefined && "bytesPerSecond" in disk.fault) {
      const limits = { "bps-read": disk.fault.bytesPerSecond };
      words.push("-object", JSON.stringify({ "qom-type": "throttle-group", id: throttleGroup(index), limits }));
    }
    if (disk.later) return;
    const name = `disk${index}`;
    words.push("-blockdev", JSON.stringify(blockNode(index, copyPath(directory, index), disk)));
    const device = {
      virtio: `virtio-blk-pci,drive=${name}`,
      ahci: `ide-hd,drive=${name},bus=ide.${ports}`,
      cdrom: `ide-cd,drive=${name},bus=ide.${ports}`,
      nvme: `nvme,drive=${name},serial=baton${index}`,
      usb: `usb-storage,drive=${name},bus=xhci.0,removable=${disk.removable === false ? "off" : "on"}`,
      scsi: `scsi-hd,drive=${name},bus=scsi.0`,
    }[disk.attach];
    if (disk.attach === "ahci" || disk.attach === "cdrom") ports++;
    words.push("-device", `${device},id=${disk.attach}${index}`);
  });
  slow("last");
  return words;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Starts a machine; see {@link withMachine}, which also ends it. */
async function start(options: MachineOptions, directory: string): Promise<Machine> {
  const hasSecureBoot = options.firmware === "secureboot" || options.firmware === "setupmode";
  const words = [
    ...["-accel", options.isCounted ? "tcg" : (process.env.BATON_QEMU_ACCEL ?? "tcg"), "-smp", "1"],
    ...(options.isCounted ? ["-icount", "shift=0,sleep=off"] : []),
    ...["-m", String(options.memoryMiB ?? 2048), "-nodefaults", "-display", "none"],
    // Pointers are signed by a cheap hash: the architecture's own takes half of the emulator's time. Linux 6.12 on a
    // processor with LPA2 fails in kexec_load itself (a fault in trans_pgd_create_copy).
    ...(options.arch === "aarch64"
      ? ["-machine", "virt", "-cpu", "max,pauth-impdef=on,lpa2=off"]
      : ["-machine", hasSecureBoot ? "q35,smm=on" : "q35", "-cpu", "max", "-vga", options.vga ? "std" : "none"]),
    // The guest's clock doesn't matter; what its kernel draws entropy from does.
    ...["-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0"],
    ...["-chardev", `socket,id=qmp,path=${directory}/qmp,server=on,wait=off`, "-mon", "chardev=qmp,mode=control"],
  ];
  if (options.secondSerial) {
    words.push(
      "-chardev",
      `socket,id=serial1,path=${directory}/serial1,server=on,wait=off`,
      "-serial",
      "chardev:serial1",
    );
  }
  if (!options.mayReset) words.push("-no-reboot");
  if (options.firmware !== undefined && options.firmware !== "bios") {
    const [code, variables] = FIRMWARE[options.firmware];
    const kept = options.variables ?? `${directory}/vars`;
    if (!existsSync(kept)) await run("cp", [`${OVMF}/${variables}`, kept]);
    words.push("-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF}/${code}`);
    words.push("-drive", `if=pflash,format=raw,unit=1,file=${kept}`);
    // Only code in system management mode may write the variables.
    if (hasSecureBoot) words.push("-global", "driver=cfi.pflash01,property=secure,value=on");
  }
  if (options.kernel) words.push("-kernel", options.kernel);
  if (options.initrd) words.push("-initrd", options.initrd);
  if (options.cmdline) words.push("-append", options.cmdline);
  words.push(...diskArguments(directory, options), ...(options.extra ?? []));

  const started = performance.now();
  // With pdeathsig QEMU dies with this process, however that ends.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", `qemu-system-${options.arch ?? "x86_64"}`, ...words], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const serial = new SerialLine(child.stdout, child.stdin, started, options.answersQueries ?? true);
  let serial2: SerialLine | null = null;
  const ended = new Promise<void>((resolve) => {
    child.on("close", (code, signal) => {
      running.delete(child);
      const reason = `the machine ended (${signal ?? `QEMU's exit ${code}`}${complaint ? `: ${complaint.trim()}` : ""})`;
      serial.end(reason);
      serial2?.end(reason);
      resolve();
    });
  });
  child.on("error", (error) => serial.end(`QEMU didn't start: ${error.message}`));
  try {
    const qmp = await Promise.race([
      Qmp.open(`${directory}/qmp`),
      ended.then(() => {
        throw new Error(`QEMU ended at once: ${complaint.trim()}`);
      }),
    ]);
    if (options.secondSerial) {
      const socket = connect(`${directory}/serial1`);
      serial2 = new SerialLine(socket, socket, started, false);
    }
    return new Machine({ child, qmp, serial, serial2, ended, directory, disks: options.disks ?? [] });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/**
 * Runs `body` with a machine. Whatever happens the machine is killed, its serial output is kept in
 * .cache/vm/logs, and every disk is compared with what it was: a changed byte fails the test.
 */
export async function withMachine<T>(options: MachineOptions, body: (machine: Machine) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "baton-vm-"));
  mkdirSync(LOGS, { recursive: true });
  try {
    const before: string[] = [];
    for (const [index, disk] of (options.disks ?? []).entries()) {
      await run("cp", ["--sparse=always", disk.image, copyPath(directory, index)]);
      before.push(await sha256(copyPath(directory, index)));
    }
    const machine = await start(options, directory);
    let result: T;
    try {
      result = await body(machine);
    } catch (error) {
      if (error instanceof Error && !error.message.includes("\n")) {
        error.message += `\nThe serial line's last lines:\n${machine.serial.tail()}`;
      }
      throw error;
    } finally {
      await machine.kill();
      writeFileSync(join(LOGS, `${options.name}.log`), machine.serial.raw);
      if (machine.serial2) writeFileSync(join(LOGS, `${options.name}.ttyS1.log`), machine.serial2.raw);
    }
    for (const [index, disk] of (options.disks ?? []).entries()) {
      const { writable } = disk;
      if (typeof writable === "object") {
        await run("cp", ["--sparse=always", copyPath(directory, index), writable.keepAs]);
      }
      if (!writable) await assertUnchanged(disk, copyPath(directory, index), before[index]!);
    }
    return result;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function assertUnchanged(disk: MachineDisk, copy: string, before: string): Promise<void> {
  if ((await sha256(copy)) === before) return;
  const differing = await run("cmp", ["-l", disk.image, copy], { allowExit: [1] });
  const bytes = differing.split("\n").filter(Boolean);
  const first = Number(bytes[0]?.trim().split(/\s+/)[0]) - 1;
  throw new Error(`${bytes.length} bytes of ${disk.image} (${disk.attach}) changed, the first at offset ${first}`);
}
