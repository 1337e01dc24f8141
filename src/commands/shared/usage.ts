/** How each command is called. Apart from the commands, so that printing it loads none of them. Imports nothing. */

const DISKS = "[--disk SPEC]... [--platform pc|efi] [--arch ARCH] [--config FILE]";

export const USAGE = {
  list: `baton list [--json] ${DISKS}`,
  boot: `baton boot [ENTRY] [--dry-run] [--json] ${DISKS}`,
  kexec: "baton kexec -l|-p|-e|-f|-u|-S [OPTION]... [KERNEL]   (as kexec(8); see baton kexec --help)",
  confirm: "baton confirm [--state FILE]   (on the booted system: it works)",
  config: "baton config [--json] FILE | --schema",
  password: "baton password",
  netboot:
    "baton netboot [ENTRY] [--url URL] [--lease KEY=VALUE]... [--mirror DIR] [--list] [--json] [--dry-run]\n" +
    "[--initrd URL]... [--append TEXT] [--platform pc|efi] [--arch ARCH]",
  menu: `baton menu ${DISKS}`,
} as const;
