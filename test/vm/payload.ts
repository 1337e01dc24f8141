/**
 * The second system: Debian's kernel with a tiny busybox userland that says on its console what it was given —
 * the exact command line, the sha256 of every payload that came in an initrd, the initrd's size — and powers off.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Architecture } from "../../initramfs/apt.ts";
import { debianPackages } from "../../initramfs/debian.ts";
import { debianKernel, type Kernel } from "../../initramfs/kernel.ts";
import { DEFAULT_SUITE, readProfile } from "../../initramfs/profile.ts";
import { type ArchiveFile, archive } from "./archive.ts";
import { hashOf, makeOnce } from "./disks.ts";
import { CACHE, ROOT } from "./host.ts";
import type { Machine } from "./machine.ts";

/** What Baton's image was made for, which is Debian's kernel; also the kernel of every second system. */
export const KERNEL = join(ROOT, "dist/vmlinuz");

/** What the image in dist/ was made of: Debian's suite, and the kernel's release. */
export function imageOrigin(): {
  readonly suite: string;
  readonly kernel: string;
  readonly node: { readonly version: string };
} | null {
  const description = join(ROOT, "dist/image.json");
  return existsSync(description) ? JSON.parse(readFileSync(description, "utf8")) : null;
}

/** That suite; what runs beside the image in machines comes from there, too. */
export function imageSuite(): string {
  return imageOrigin()?.suite ?? DEFAULT_SUITE;
}

/** {@link KERNEL} with its modules. */
export async function imageKernel(): Promise<Kernel> {
  return debianKernel({ ...(await readProfile(join(ROOT, "configs/pc.yaml"))), suite: imageSuite() });
}

/** One file to be named as an initrd, and what the second system must find in it. */
export interface Payload {
  /** On the host. */
  readonly file: string;
  readonly name: string;
  /** Of the payload inside it. */
  readonly sha256: string;
  readonly size: number;
}

export interface PayloadOptions {
  /** Holds busybox and /init; an entry's first initrd does, more may follow without. */
  readonly userland?: boolean;
  readonly gzip?: boolean;
  /** Of the random payload; 200 KiB unless given. */
  readonly payloadBytes?: number;
  /** amd64 unless given. */
  readonly arch?: Architecture;
}

const INIT = `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
export PATH=/bin
busybox dmesg -n 1
echo "payload: begin $(busybox cat /proc/uptime)"
echo "payload: cmdline <$(busybox cat /proc/cmdline)>"
for file in /payload/*; do
  set -- $(busybox sha256sum "$file")
  echo "payload: file \${file##*/} $1"
done
echo "payload: ramdisk" $(busybox od -An -tu4 -j 540 -N 4 /sys/kernel/boot_params/data 2>/dev/null)
echo "payload: firmware $([ -d /sys/firmware/efi ] && echo efi || echo pc)"
echo "payload: end"
@LAST@
`;

/** The path of busybox, statically linked. */
export async function busyboxPath(arch: Architecture = "amd64"): Promise<string> {
  return join((await debianPackages(["busybox-static"], { arch, suite: imageSuite() })).root, "bin/busybox");
}

/** An initrd whose payload is random but always the same for the same name. */
export async function payload(name: string, options: PayloadOptions = {}): Promise<Payload> {
  const userland = options.userland ?? true;
  const bytes = noise(name, options.payloadBytes ?? 200 * 1024);
  const files: ArchiveFile[] = [{ path: `payload/${name}`, bytes }];
  if (userland) files.push(...(await userlandFiles("busybox poweroff -f", options.arch)));
  const packed = archive(files);
  const content = options.gzip ? gzipSync(packed) : packed;
  const file = await initrdFile(name, content);
  return { file, name, sha256: createHash("sha256").update(bytes).digest("hex"), size: content.length };
}

/** Busybox and an /init that reports, then does `last`. */
export async function userlandFiles(last: string, arch?: Architecture): Promise<ArchiveFile[]> {
  const init = Buffer.from(INIT.replace("@LAST@", () => last));
  return [...(await busyboxFiles(["sh"], arch)), { path: "init", bytes: init, mode: 0o755 }];
}

/** Busybox, and links to it under these names. */
export async function busyboxFiles(applets: readonly string[], arch?: Architecture): Promise<ArchiveFile[]> {
  const bytes = await readFile(await busyboxPath(arch));
  const links = applets.map((name) => ({ path: `bin/${name}`, symlink: "busybox" }));
  return [{ path: "bin/busybox", bytes, mode: 0o755 }, ...links];
}

/** Keeps an initrd in the cache, by name and content. */
export async function initrdFile(name: string, content: Uint8Array): Promise<string> {
  const file = join(CACHE, `${name}-${hashOf(content).slice(0, 16)}.initrd`);
  await makeOnce(file, async (work) => {
    await writeFile(join(work, "initrd"), content);
    return join(work, "initrd");
  });
  return file;
}

export interface Expected {
  /** The whole command line, exactly. */
  readonly cmdline: string | RegExp;
  readonly initrds: readonly Payload[];
  /** The second kernel doesn't tell its initrd's size. */
  readonly hidesRamdisk?: boolean;
  readonly timeoutMs?: number;
}

/** Waits for the second system and checks everything that it says. */
export async function expectBooted(machine: Machine, expected: Expected): Promise<void> {
  const wait = { timeoutMs: expected.timeoutMs ?? 180_000 };
  const { match } = await machine.serial.waitFor(/payload: begin.*\n([\s\S]*?)payload: end/, wait);
  const report = match[1]!;
  const cmdline = /^payload: cmdline <(.*)>$/m.exec(report)?.[1] ?? "";
  if (typeof expected.cmdline !== "string") assert.match(cmdline, expected.cmdline, "the second kernel's command line");
  else assert.equal(cmdline, expected.cmdline, "the second kernel's command line");
  const files = [...report.matchAll(/^payload: file (\S+) ([0-9a-f]{64})$/gm)].map((m) => `${m[1]} ${m[2]}`);
  const wanted = expected.initrds.map((initrd) => `${initrd.name} ${initrd.sha256}`);
  assert.deepEqual(files.sort(), wanted.sort(), "the payloads in the second kernel's initrd");
  // Only x86 kernels show it.
  if (expected.hidesRamdisk) return;
  const ramdisk = Number(/^payload: ramdisk (\d+)$/m.exec(report)?.[1]);
  // What is joined to one file begins at a multiple of four bytes, as cpio archives must; what kexec_load takes from
  // several files begins at a page each.
  const calls = [...machine.serial.text.matchAll(/baton: loaded \S+ by (kexec_load|kexec_file_load) in/g)];
  const call = calls.at(-1)?.[1] ?? (expected.initrds.length === 1 ? "kexec_load" : null);
  assert.ok(call, "the serial line doesn't tell by which call it was loaded");
  const unit = call === "kexec_load" ? 4096 : 4;
  const size = expected.initrds.reduce((sum, initrd) => Math.ceil(sum / unit) * unit + initrd.size, 0);
  // The last file's end may be filled up to four bytes.
  assert.ok(
    ramdisk >= size && ramdisk <= Math.ceil(size / 4) * 4,
    `the second kernel's initrd has ${ramdisk} bytes; by ${call} the files have ${size}`,
  );
}

/** Bytes that do not compress and are the same every time. */
function noise(seed: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(createHash("sha256").update(`${seed}/${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}
