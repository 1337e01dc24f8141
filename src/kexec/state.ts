/** What this kernel and machine allow, as far as it decides about kexec. */

import { readFile } from "node:fs/promises";
import { mount } from "../linux/mount.ts";
import { inOwnImage, OWN_FOLDER } from "../linux/ownimage.ts";

export interface KexecState {
  /** The process has CAP_SYS_BOOT; null where that can't be told. */
  readonly mayBoot: boolean | null;
  /** kernel.kexec_load_disabled is set, which nothing but a reboot undoes. */
  readonly loadDisabled: boolean;
  /** Lockdown mode; null where the kernel has no lockdown. */
  readonly lockdown: "none" | "integrity" | "confidentiality" | null;
  /** Firmware's Secure Boot; null where there is no such firmware. */
  readonly secureBoot: boolean | null;
  /** This is a guest whose memory is encrypted by AMD's SEV, which page tables have to say of each page. */
  readonly memoryEncrypted: boolean;
  /** Bytes of RAM; null where unknown. */
  readonly memoryTotal: number | null;
  /** Bytes that could be had now; null where unknown. */
  readonly memoryAvailable: number | null;
}

/**
 * In Baton's image: made by `baton kexec` when it loads and removed when it unloads, so that what a person has loaded in
 * the shell is not replaced by what the menu loads ahead.
 */
export const BY_HAND = `${OWN_FOLDER}/kexec-by-hand`;

/** A file's content, or null where it can't be read. */
type ReadState = (path: string) => Promise<Uint8Array | null>;

const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const SECURITYFS = "/sys/kernel/security";
const LOCKDOWN = `${SECURITYFS}/lockdown`;
/** The running kernel's boot_params; what its EFI stub found of Secure Boot: 2 off, 3 on. */
const BOOT_PARAMS = "/sys/kernel/boot_params/data";
const BOOT_PARAMS_SECURE_BOOT = 0x1ec;
/** include/uapi/linux/capability.h */
const CAP_SYS_BOOT = 22n;

/** Reads the state; what can't be read is unknown, never an error. */
export async function readKexecState(read: ReadState = readSystemFile): Promise<KexecState> {
  const text = async (path: string): Promise<string | null> => {
    const bytes = await read(path);
    return bytes === null ? null : Buffer.from(bytes).toString("latin1");
  };
  const [status, disabled, lockdown, memory, processor, secureBoot, bootParams] = await Promise.all([
    text("/proc/self/status"),
    text("/proc/sys/kernel/kexec_load_disabled"),
    text(LOCKDOWN),
    text("/proc/meminfo"),
    text("/proc/cpuinfo"),
    read(SECURE_BOOT),
    read(BOOT_PARAMS),
  ]);
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? "");
  const kibibytes = (name: string): number | null => {
    const found = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(memory ?? "");
    return found === null ? null : Number(found[1]) * 1024;
  };
  return {
    mayBoot: capabilities === null ? null : ((BigInt(`0x${capabilities[1]}`) >> CAP_SYS_BOOT) & 1n) === 1n,
    loadDisabled: disabled?.trim() === "1",
    lockdown: (/\[(none|integrity|confidentiality)\]/.exec(lockdown ?? "")?.[1] as KexecState["lockdown"]) ?? null,
    // efivarfs puts four bytes of attributes before the value.
    secureBoot:
      secureBoot === null || secureBoot.length < 5
        ? stubSaid(bootParams?.[BOOT_PARAMS_SECURE_BOOT])
        : secureBoot[4] === 1,
    memoryEncrypted: /^flags\s*:(?=.* hypervisor\b)(?=.* sev\b)/m.test(processor ?? ""),
    memoryTotal: kibibytes("MemTotal"),
    memoryAvailable: kibibytes("MemAvailable"),
  };
}

function stubSaid(mode: number | undefined): boolean | null {
  return mode === 3 ? true : mode === 2 ? false : null;
}

async function readSystemFile(path: string): Promise<Uint8Array | null> {
  const found = await readFile(path).catch(() => null);
  if (found !== null || path !== LOCKDOWN || !inOwnImage()) return found;
  // Only in Baton's own image, where nothing else mounts it; on a host that is its system's matter.
  await mount({ source: "securityfs", target: SECURITYFS, type: "securityfs" }).catch(() => null);
  return readFile(path).catch(() => null);
}
