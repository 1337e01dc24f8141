/** Commands that change nothing about what can be booted: accepted without a word. */

import { BAD_ARGUMENT, OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { parseNumber } from "../number.ts";
import { parseOptions } from "../options.ts";

const ACCEPTED = [
  // Screens, sounds and keys.
  ..."background_color background_image clear cls gfxpayload lsfonts play spkmodem terminfo".split(" "),
  ..."terminal_input terminal_output terminal serial loadfont videoinfo videotest vbeinfo vbetest".split(" "),
  ..."keymap at_keyboard usb_keyboard keylayouts efitextmode hexdump hexdump_random ls lsmod lspci lsacpi".split(" "),
  ..."gptsync outb outl outw pager time usb sendkey test_blockarg lsefi lsefisystab lsefimmap lsmmap lssal hello gettext pcidump".split(
    " ",
  ),
  // Modules and hardware.
  ..."insmod rmmod nativedisk badram cutmem acpi loadbios fakebios iorw setpci rdmsr wrmsr hdparm".split(" "),
  ..."cmosclean cmosdump cmosset gdbstub gdbstub_break gdbstub_stop write_byte write_word write_dword".split(" "),
  ..."read_byte read_word read_dword inb inw inl lsapm dump zfsinfo boottime cbmemc coreboot_boottime".split(" "),
  ..."pxe_unload connectefi eficonnect efi-export-env efi-watchdog watchdog uppermem lsdev lsfs backtrace".split(" "),
  // Keys guard GRUB's own files.
  ..."trust distrust list_trusted".split(" "),
  ..."trust_certificate distrust_certificate list_certificates trust_signature measure tpm_record_pcrs".split(" "),
  // Networks: the tree is read where it lies.
  ..."net_add_addr net_add_dns net_add_route net_bootp net_dhcp net_bootp6 net_del_addr net_del_dns".split(" "),
  ..."net_del_route net_ipv6_autoconf net_ls_addr net_ls_cards net_ls_dns".split(" "),
  ..."net_ls_routes net_nslookup net_set_vlan".split(" "),
  // Locked disks and pools that only GRUB opens.
  ..."cryptomount zfskey zfs-bootfs xnu_uuid btrfs-info btrfs-list-subvols".split(" "),
  ..."plainmount cryptocheck tpm2_key_protector_init tpm2_key_protector_clear".split(" "),
  ..."btrfs-get-default-subvol macppcbless macbless mactelbless legacy_password legacy_check_password".split(" "),
  // What goes with a kernel that is no Linux, and is named where that is loaded.
  ..."kfreebsd_loadenv kfreebsd_module kfreebsd_module_elf knetbsd_module knetbsd_module_elf".split(" "),
  ..."kopenbsd_ramdisk xnu_devprop_load xnu_kext xnu_kextdir xnu_mkext xnu_ramdisk xnu_splash".split(" "),
  ..."915resolution cmostest efiemu_loadcore efiemu_prepare efiemu_unload fix_video lscoreboot".split(" "),
  ..."testload testspeed all_functional_test".split(" "),
  ..."blocklist date datetime help legacy_initrd_nounzip functional_test lockdown".split(" "),
];

/** No key is pressed while a configuration is listed. */
const keystatus: CommandFunction = (_run, args) => (args.length === 0 ? OK : TEST_FAILURE);

/** `sleep --interruptible N` in a header is the hidden menu of older configurations. */
const sleep: CommandFunction = (run, argv) => {
  const options = parseOptions(
    [
      { long: "verbose", short: "v" },
      { long: "interruptible", short: "i" },
    ],
    argv,
  );
  if (typeof options === "string" || options.args.length === 0) return BAD_ARGUMENT;
  const seconds = parseNumber(options.args[0] ?? "");
  if (options.values.has("interruptible") && seconds !== null) run.waited += Math.min(Number(seconds.value), 86_400);
  return OK;
};

export const quietCommands: readonly (readonly [string, CommandFunction])[] = [
  ...ACCEPTED.map((name) => [name, () => OK] as const),
  ["keystatus", keystatus],
  ["sleep", sleep],
];
