/** reboot(2): the end of this kernel, one way or another. */

import { BatonError } from "../errors.ts";
import { callNow } from "./libc.ts";

/** include/uapi/linux/reboot.h, as the C int that glibc's reboot() takes. */
export const REBOOT_COMMANDS = {
  restart: { name: "LINUX_REBOOT_CMD_RESTART", value: 0x01234567 },
  "power-off": { name: "LINUX_REBOOT_CMD_POWER_OFF", value: 0x4321fedc },
  halt: { name: "LINUX_REBOOT_CMD_HALT", value: 0xcdef0123 | 0 },
  kexec: { name: "LINUX_REBOOT_CMD_KEXEC", value: 0x45584543 },
} as const;

export type RebootCommand = keyof typeof REBOOT_COMMANDS;

/**
 * Restarts, powers off or halts the machine, or jumps into the kernel that was loaded for kexec. The kernel neither
 * syncs nor unmounts anything before it.
 * @throws LinuxError (EPERM without CAP_SYS_BOOT, EINVAL for kexec where no kernel is loaded); on success it doesn't return
 */
export function reboot(command: RebootCommand): never {
  const known = REBOOT_COMMANDS[command];
  if (known === undefined) throw new BatonError("usage", `reboot: there is no command ${JSON.stringify(command)}`);
  callNow("reboot", [known.value], { call: "reboot", args: [{ word: known.name }] });
  // Only in a PID namespace of its own (a container) does it return; the namespace's end is then on its way.
  throw new BatonError("refused", `reboot(${known.name}) returned: this is a container, whose host goes on running.`);
}

/**
 * Jumps into the kernel that was loaded for kexec. Returns only where that one was loaded with KEXEC_PRESERVE_CONTEXT, and
 * has jumped back.
 * @throws LinuxError as {@link reboot}
 */
export function jump(): void {
  const { name, value } = REBOOT_COMMANDS.kexec;
  callNow("reboot", [value], { call: "reboot", args: [{ word: name }] });
}
