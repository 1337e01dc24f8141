/** Names of processor architectures: `uname -m` has some, the EFI specification others. */

/** uname's name of an architecture in the vocabulary of the EFI specification, in lower case. */
export function efiArchitecture(machine: string): string {
  if (machine === "x86_64") return "x64";
  if (/^i[3-6]86$/.test(machine)) return "ia32";
  if (machine.startsWith("aarch64")) return "aa64";
  if (machine.startsWith("arm")) return "arm";
  return machine.toLowerCase();
}

/**
 * True where an EFI program is for this machine's architecture.
 * @param machine the program's, as its header gives it: `x86_64`, `i386`, `arm`.
 * @param arch the machine's, as `uname -m`.
 */
export function sameMachine(machine: string, arch: string): boolean {
  return (
    machine === arch || (machine === "i386" && /^i[3-6]86$/.test(arch)) || (machine === "arm" && /^arm/.test(arch))
  );
}
