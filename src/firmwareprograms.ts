/**
 * Programs that have a Linux kernel's header, so that bootloaders start them like one, and that call the firmware: kexec
 * leaves that behind. The one table of them, by what their files are called and by what stands for a version in them.
 */

interface FirmwareProgram {
  /** As people call it. */
  readonly title: string;
  /** Matches the names that its files have. */
  readonly names: RegExp;
  /** Matches the version's text in its header (boot.rst, `kernel_version`). */
  readonly version: RegExp | null;
}

const FIRMWARE_PROGRAMS: readonly FirmwareProgram[] = [
  { title: "wimboot", names: /^wimboot([._-].*)?$/i, version: /^wimboot\b/i },
  { title: "memdisk", names: /^memdisk([._-].*)?$/i, version: /^memdisk\b/i },
  { title: "iPXE", names: /\.lkrn$/i, version: /\b[ig]PXE\b/ },
  { title: "GRUB4DOS", names: /^grub\.exe$/i, version: /^grub4dos\b/i },
  { title: "Plop", names: /^plp[cn]?bt(\.bin|\.img)?$/i, version: null },
];

const why = (what: string): string => `${what}, which needs the firmware that kexec leaves behind`;

/**
 * Why a kernel of this name can't be one.
 * @param name a file's name, without its folder
 * @returns in words that follow "because"; null for any other name
 */
export function firmwareProgramReason(name: string): string | null {
  return FIRMWARE_PROGRAMS.some(({ names }) => names.test(name)) ? why(`it starts ${name}`) : null;
}

/** What a header's version shows to be such a program, in words; null for a kernel's. */
export function firmwareProgramOf(versionText: string): { readonly title: string; readonly reason: string } | null {
  const found = FIRMWARE_PROGRAMS.find(({ version }) => version?.test(versionText));
  return found === undefined ? null : { title: found.title, reason: `${why(`It is ${found.title}`)}.` };
}
