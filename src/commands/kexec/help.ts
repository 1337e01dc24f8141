/** What `kexec --help` prints: kexec(8)'s options, and where Baton differs. man/kexec.8 says the same. */

import { VERSION } from "../../version.ts";
import { describe, WIDTH, wrap } from "../shared/helptext.ts";
import { ACCEPTED_OPTIONS, GENERAL_OPTIONS, KERNEL_OPTIONS, type KexecOption } from "./options.ts";

export const KEXEC_VERSION = `kexec (Baton) ${VERSION}\n`;

export const KERNEL_TYPES =
  "Supported kernel file types: bzImage, vmlinux, unified kernel images, multiboot 1 and 2, Plan 9 a.out (x86); Image, " +
  "EFI zboot (arm64); all of these compressed with gzip, zstd, xz, lz4, lzma or bzip2, and in uImage, FIT and Android boot images.";

/** Each option once, with all of its names: `-t, --type=TYPE`. */
export function optionTerms(options: readonly KexecOption[]): { readonly term: string; readonly about: string }[] {
  return options
    .filter(({ id, name }) => id === name)
    .map((option) => {
      const names = options.filter(({ id }) => id === option.id);
      const long = names.map(({ name, form }) => `--${name}${form === undefined ? "" : `=${form}`}`);
      const short = names.flatMap(({ short }) => (short === undefined ? [] : `-${short}`));
      return { term: [...short, ...long].join(", "), about: option.about };
    });
}

const rows = (options: readonly KexecOption[]): string =>
  optionTerms(options)
    .map(({ term, about }) => describe(term.startsWith("--") ? `     ${term}` : ` ${term}`, about, 24))
    .join("");

export const kexecHelp = (): string => `${KEXEC_VERSION}Usage: kexec [OPTION]... [kernel]
Directly reboot into a new kernel

${rows(GENERAL_OPTIONS)}
For the new kernel:
${rows(KERNEL_OPTIONS)}
For scripts that give them:
${rows(ACCEPTED_OPTIONS)}
${wrap(KERNEL_TYPES, WIDTH).join("\n")}

Example:
  kexec -l /boot/vmlinuz --initrd=/boot/initrd.img --reuse-cmdline
  kexec -e
`;
