/** What boots by itself, in which order, and where it stops: the rows of the manual's chapter "What boots by itself". */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ParsedEntry, parsedEntry } from "../../src/entry.ts";
import type { VolumeIdentity } from "../../src/identity.ts";
import { bootList } from "../../src/policy/list.ts";
import type { Origin } from "../../src/policy/order.ts";
import type { BootRules, ReadConfig } from "../../src/policy/readconfig.ts";

type Fields = Partial<ParsedEntry> & { readonly kernel?: string; readonly isMissing?: true };

/** An entry with a kernel of its own; `kernel` gives two the same. */
function e(title: string, options = "", { kernel, isMissing, ...fields }: Fields = {}): ParsedEntry {
  return parsedEntry({
    ...{ title, type: "grub", source: "", options },
    linux: { device: "", path: isMissing ? "/missing" : `/${kernel ?? title.replaceAll(" ", "-")}` },
    ...fields,
  });
}

type Config = Omit<Partial<ReadConfig>, "origin"> & {
  readonly origin?: Partial<Origin>;
  /** What the filesystem is called by. */
  readonly tags?: Partial<VolumeIdentity>;
};

/** A configuration on a device, whose first entry is its explicit default. */
function on(device: string, entries: readonly ParsedEntry[], { origin, tags, ...fields }: Config = {}): ReadConfig {
  const source = `${device}:/boot/grub/grub.cfg`;
  const here = entries.map((entry) => ({
    ...entry,
    source,
    linux: entry.linux !== null && "device" in entry.linux ? { ...entry.linux, device } : entry.linux,
  }));
  return {
    ...{ source, entries: here, diagnostics: [], defaultIndex: 0, defaultIsExplicit: true, fallback: [] },
    ...{ timeout: null, timeoutStyle: null, volumeKey: device, removable: false },
    origin: {
      device: { name: device, uuid: null, label: null, partuuid: null, partlabel: null, ...tags },
      ...{ disk: device.replace(/\d+$/, ""), transport: "ata", ...origin },
    },
    ...fields,
  };
}

/** A configuration that a server gave. */
const net = (entries: readonly ParsedEntry[], fields: Config = {}): ReadConfig =>
  on("tftp", entries, { ...fields, origin: { device: null, disk: null, transport: null } });

const stick = (entries: readonly ParsedEntry[], fields: Config = {}): ReadConfig =>
  on("sdz1", entries, { ...fields, removable: true, origin: { transport: "usb" } });

const ROOT = "root=UUID=aaaa ro quiet";
const OTHER = "root=UUID=bbbb ro";
const LOCAL: Fields = { kind: "local", linux: null, reason: "it hands the machine back to its firmware" };
/** Starts the bootloader whose configuration lies on that device. */
const opens = (title: string, device: string, fields: Fields = {}): ParsedEntry =>
  e(title, "", { kind: "efi", linux: null, reason: "x", menu: `${device}:/boot/grub/grub.cfg`, ...fields });
const ERASE = e("Return to factory state", "factory_reset=yes");

interface Row {
  readonly what: string;
  readonly machine: readonly ReadConfig[];
  readonly rules?: Partial<BootRules>;
  /** Titles in the order in which they are tried; what comes then is `final`. */
  readonly tries: readonly string[];
  /** Title of the default, where it can't be booted and so isn't tried. */
  readonly byDefault?: string | null;
  readonly why?: RegExp;
}

const CHAPTERS: Readonly<Record<string, readonly Row[]>> = {
  "after the default, other kernels of the same system": [
    {
      what: "Debian: the older kernel in the submenu, not its recovery mode",
      machine: [
        on("sda1", [
          e("Debian", ROOT, { kernel: "vmlinuz-6.12" }),
          e("Debian, with Linux 6.12", ROOT, { kernel: "vmlinuz-6.12", submenu: ["Advanced options"] }),
          e("Debian, with Linux 6.12 (recovery mode)", "root=UUID=aaaa ro single", { kernel: "vmlinuz-6.12" }),
          e("Debian, with Linux 6.1", ROOT, { kernel: "vmlinuz-6.1", submenu: ["Advanced options"] }),
          e("Debian, with Linux 6.1 (recovery mode)", "root=UUID=aaaa ro single", { kernel: "vmlinuz-6.1" }),
        ]),
      ],
      tries: ["Debian", "Debian, with Linux 6.1"],
    },
    {
      what: "Arch: the fallback initramfs of the same kernel",
      machine: [
        on("sda1", [
          e("Arch Linux", ROOT, { kernel: "linux", initrd: [{ device: "sda1", path: "/a.img" }] }),
          e("Arch Linux (fallback initramfs)", ROOT, { kernel: "linux", initrd: [{ device: "sda1", path: "/f.img" }] }),
        ]),
      ],
      tries: ["Arch Linux", "Arch Linux (fallback initramfs)"],
    },
    {
      what: "Fedora: the older kernel, and not the rescue image, whose command line is the same",
      machine: [
        on("sda1", [
          e("Fedora 6.18", ROOT, { version: "6.18", machineId: "0123" }),
          e("Fedora 6.17", ROOT, { version: "6.17", machineId: "0123" }),
          e("Fedora 0-rescue-0123", ROOT, { version: "0-rescue-0123", machineId: "0123" }),
        ]),
      ],
      tries: ["Fedora 6.18", "Fedora 6.17"],
    },
    {
      what: "a rescue image told by its file name alone",
      machine: [on("sda1", [e("A", ROOT), e("B", ROOT, { kernel: "vmlinuz-0-rescue-0123" })])],
      tries: ["A"],
    },
    { what: "another root is another system", machine: [on("sda1", [e("A", ROOT), e("B", OTHER)])], tries: ["A"] },
    {
      what: "another subvolume is another system",
      machine: [
        on("sda1", [
          e("A", "root=UUID=aaaa rootflags=subvol=@"),
          e("B", "root=UUID=aaaa rootflags=subvol=@snapshot"),
          e("C", "root=UUID=aaaa rootflags=compress=zstd,subvol=/@"),
        ]),
      ],
      tries: ["A", "C"],
    },
    {
      what: "another stateroot is another system; another deployment of the same one isn't",
      machine: [
        on("sda1", [
          e("A", "root=UUID=aaaa ostree=/ostree/boot.1/fedora/0af1/0"),
          e("B", "root=UUID=aaaa ostree=/ostree/boot.1/centos/77be/0"),
          e("C", "root=UUID=aaaa ostree=/ostree/boot.1/fedora/c0de/0"),
        ]),
      ],
      tries: ["A", "C"],
    },
    {
      what: "without a root, one machine-id is the same system",
      machine: [on("sda1", [e("A", "quiet", { machineId: "0123" }), e("B", "", { machineId: "0123" })])],
      tries: ["A", "B"],
    },
    {
      what: "without a root, another machine-id is another system",
      machine: [on("sda1", [e("A", "quiet", { machineId: "0123" }), e("B", "", { machineId: "4567" })])],
      tries: ["A"],
    },
    { what: "neither root nor machine-id proves nothing", machine: [on("sda1", [e("A"), e("B")])], tries: ["A"] },
    {
      what: "a sort-key proves nothing",
      machine: [on("sda1", [e("A", "", { sortKey: "debian" }), e("B", "", { sortKey: "debian" })])],
      tries: ["A"],
    },
    {
      what: "one names a root and the other only the same machine-id: not the same",
      machine: [on("sda1", [e("A", ROOT, { machineId: "0123" }), e("B", "", { machineId: "0123" })])],
      tries: ["A"],
    },
    {
      what: "the same kernel with other words is no other kernel",
      machine: [on("sda1", [e("A", ROOT, { kernel: "k" }), e("B", `${ROOT} nomodeset`, { kernel: "k" })])],
      tries: ["A"],
    },
    {
      what: "what boots the very same isn't tried twice",
      machine: [on("sda1", [e("A", ROOT, { kernel: "k" }), e("A again", ROOT, { kernel: "k" })])],
      rules: { fallback: ["A again"] },
      tries: ["A"],
    },
    {
      what: "the last root= counts, as for the kernel",
      machine: [on("sda1", [e("A", "root=UUID=bbbb root=UUID=aaaa"), e("B", ROOT), e("C", OTHER)])],
      tries: ["A", "B"],
    },
    {
      what: "a quoted root is the same root",
      machine: [on("sda1", [e("A", 'root="UUID=aaaa" ro'), e("B", ROOT)])],
      tries: ["A", "B"],
    },
    {
      what: "two roots on one NFS server are two systems",
      machine: [
        on("sda1", [
          e("A", "root=/dev/nfs nfsroot=10.0.0.1:/a"),
          e("B", "root=/dev/nfs nfsroot=10.0.0.1:/b"),
          e("C", "root=/dev/nfs nfsroot=10.0.0.1:/a"),
        ]),
      ],
      tries: ["A", "C"],
    },
    {
      what: "Xen's Linux is told by its module's words",
      machine: [
        on("sda1", [
          e("Linux", ROOT),
          e("Xen", "", {
            kind: "multiboot2",
            linux: null,
            modules: [
              { file: { device: "sda1", path: "/xen" }, args: "" },
              { file: { device: "sda1", path: "/vmlinuz" }, args: ROOT },
            ],
          }),
        ]),
      ],
      tries: ["Linux", "Xen"],
    },
    {
      what: "RAUC's other slot is another root, and isn't guessed",
      machine: [on("sda1", [e("A", "root=PARTUUID=1 rauc.slot=A"), e("B", "root=PARTUUID=2 rauc.slot=B")])],
      tries: ["A"],
    },
    {
      what: "the default's own configuration, not a neighbour's",
      machine: [
        on("sda1", [e("A", ROOT)]),
        on("sda2", [e("B", ROOT)], { source: "sda2:/loader/entries", defaultIndex: null }),
      ],
      tries: ["A"],
    },
    {
      what: "a mirrored configuration on another built-in disk counts",
      machine: [on("sda1", [e("A", ROOT, { kernel: "k" })]), on("sdb1", [e("A'", ROOT, { kernel: "k" })])],
      tries: ["A", "A'"],
    },
    {
      what: "a mirrored configuration on a stick doesn't",
      machine: [on("sda1", [e("A", ROOT)]), stick([e("A'", ROOT)])],
      tries: ["A"],
    },
    {
      what: "a mirrored configuration that a server gives doesn't",
      machine: [on("sda1", [e("A", ROOT)]), net([e("A'", ROOT)])],
      tries: ["A"],
    },
    {
      what: "an entry whose files are missing is named and not tried",
      machine: [on("sda1", [e("New", ROOT, { isMissing: true }), e("Old", ROOT)])],
      byDefault: "New",
      tries: ["Old"],
    },
  ],
  "what never follows by evidence": [
    ...[
      ...["single", "S", "1", "recovery", "rescue", "emergency", "systemd.unit=rescue.target", "rd.break=pre-mount"],
      ...["systemd.unit=emergency.target", "rd.systemd.unit=emergency.target", "init=/bin/sh", "init=/bin/bash"],
      ...["rdinit=/bin/busybox", "rd.break", "break=premount", "-s", "6", "RESCUE", "rescue=1", "init=/opt/wipe.sh"],
      ...["'systemd.unit=rescue.target'", "systemd.unit=poweroff.target", "systemd.run=/wipe", "systemd.debug_shell"],
      ...["inst.ks=http://s/ks.cfg", "autoyast=http://s/a.xml", "cryptdevice=UUID=2222:root", "roothash=0123"],
    ].map((word) => ({
      what: `an entry with ${word}`,
      machine: [on("sda1", [e("A", ROOT), e("B", `${ROOT} ${word}`), e("C", ROOT)])],
      tries: ["A", "C"],
    })),
    {
      what: "an image that is named as a repair's",
      machine: [on("sda1", [e("A", ROOT), e("B", ROOT, { kernel: "vmlinuz-recovery" }), e("C", ROOT)])],
      tries: ["A", "C"],
    },
    {
      what: "roots that are no disk's prove nothing",
      machine: [
        on("sda1", [
          e("A", "root=/dev/ram0"),
          e("B", "root=/dev/ram0"),
          e("C", "root=live:LABEL=x"),
          e("D", "root=/dev/sr0"),
        ]),
      ],
      tries: ["A"],
    },
    {
      what: "init by its usual names, as NixOS has it, is no evidence",
      machine: [
        on("sda1", [
          e("A", ROOT),
          e("B", `${ROOT} init=/nix/store/0abc-nixos-system-h-26.05/init`),
          e("C", `${ROOT} init=/sbin/init`),
        ]),
      ],
      tries: ["A", "B", "C"],
    },
    {
      what: "a word within another is no evidence",
      machine: [on("sda1", [e("A", ROOT), e("B", `${ROOT} printk.single=0 1234 init=/usr/lib/systemd/systemd`)])],
      tries: ["A", "B"],
    },
    {
      what: "an entry that is restricted",
      machine: [on("sda1", [e("A", ROOT), e("B", ROOT, { restricted: ["root"] })])],
      tries: ["A"],
    },
    {
      what: "an entry that is titled as a repair",
      machine: [on("sda1", [e("A", ROOT), e("Repair the system", ROOT)])],
      tries: ["A"],
    },
    {
      what: "an entry that erases, though it names the same root",
      machine: [on("sda1", [e("A", ROOT), e("B", `${ROOT} systemd.factory_reset=1`)])],
      tries: ["A"],
    },
    {
      what: "an entry whose menu class is a memory test's",
      machine: [on("sda1", [e("A", ROOT), e("B", ROOT, { tool: "memtest86" })])],
      tries: ["A"],
    },
  ],
  "no other system, and nothing that merely stands next": [
    {
      what: "an eraser after a default that is missing: the menu waits",
      machine: [on("sda1", [e("Kiosk", "root=/dev/sda3", { isMissing: true }), ERASE])],
      byDefault: "Kiosk",
      tries: [],
    },
    {
      what: "another disk's system is not tried",
      machine: [on("sda1", [e("A", ROOT)]), on("sdb1", [e("B", OTHER)])],
      tries: ["A"],
    },
    {
      what: "fallback: any tries everything that may boot by itself, but nothing that erases or repairs",
      machine: [
        on("sda1", [e("A", ROOT), e("B", OTHER), ERASE, e("R", "root=UUID=bbbb single")]),
        on("sdb1", [e("C", "root=UUID=cccc")]),
        stick([e("S")]),
      ],
      rules: { fallback: ["any"] },
      tries: ["A", "B", "C"],
    },
    {
      what: "fallback: any tries no snapshot",
      machine: [
        on("sda1", [
          e("A", ROOT),
          e("B", `${ROOT} rootflags=subvol=@/.snapshots/7/snapshot`),
          e("C", `${ROOT} rootflags=subvol=@snapshots/7/snapshot`),
          e("D", `${ROOT} rootflags=ssd,subvol=/timeshift-btrfs/snapshots/2026-01-02_03-04-05/@`),
          e("E", `${ROOT} rootflags=subvol=@other`),
        ]),
      ],
      rules: { fallback: ["any"] },
      tries: ["A", "E"],
    },
    {
      what: "fallback: any with names before it",
      machine: [on("sda1", [e("A", ROOT), e("B", OTHER), e("C", "root=UUID=cccc")])],
      rules: { fallback: ["C", "any"] },
      tries: ["A", "C", "B"],
    },
    {
      what: "fallback: any and removable: yes come to the stick last",
      machine: [stick([e("S")], { defaultIndex: null }), on("sda1", [e("A", ROOT)])],
      rules: { fallback: ["any"], removable: true },
      tries: ["A", "S"],
    },
  ],
  "what is named comes first": [
    {
      what: "the owner's fallback, then the configuration's, then the same system",
      machine: [
        on("sda1", [e("A", ROOT), e("Older", ROOT), e("C", OTHER)], { fallback: [2] }),
        on("sdb1", [e("Rescue", "")]),
      ],
      rules: { fallback: ["Resc*"] },
      tries: ["A", "Rescue", "C", "Older"],
    },
    {
      what: "the configuration's own fallback may erase: it names it",
      machine: [on("sda1", [e("A", ROOT), ERASE], { fallback: [1] })],
      tries: ["A", "Return to factory state"],
    },
    {
      what: "the owner's fallback may erase",
      machine: [on("sda1", [e("A", ROOT), ERASE])],
      rules: { fallback: ["Return*"] },
      tries: ["A", "Return to factory state"],
    },
    {
      what: "what the configuration gives when the failed attempt is saved: RAUC's other slot",
      machine: [
        on("sda1", [e("A", "root=PARTUUID=1"), e("B", "root=PARTUUID=2"), e("R", "root=PARTUUID=3")], {
          successors: [1],
        }),
      ],
      tries: ["A", "B"],
    },
    {
      what: "after a default that its bootloader would ask a password for comes nothing, but for the owner's own word",
      machine: [on("sda1", [e("A", ROOT, { restricted: ["root"] }), e("B", ROOT), e("C", OTHER)], { fallback: [1] })],
      tries: [],
      byDefault: "A",
    },
    {
      what: "the owner's fallback comes after a default that its bootloader would ask a password for",
      machine: [on("sda1", [e("A", ROOT, { restricted: [] }), e("B", ROOT), e("C", OTHER)], { fallback: [1] })],
      rules: { fallback: ["C"] },
      tries: ["C"],
      byDefault: "A",
    },
    {
      what: "a restricted fallback is left to a person",
      machine: [on("sda1", [e("A", ROOT), e("B", OTHER, { restricted: [] })], { fallback: [1] })],
      tries: ["A"],
    },
  ],
  "tries pass over what nobody confirmed": [
    {
      what: "the same system's older kernel takes its place, and it comes last",
      machine: [on("sda1", [e("New", ROOT), e("Old", ROOT), e("Other", OTHER)])],
      rules: { passedOver: new Map([["sda1:grub:New", "New was booted 3 times without being confirmed"]]) },
      byDefault: "Old",
      tries: ["Old", "New"],
      why: /3 times without being confirmed/,
    },
    {
      what: "another system doesn't take its place",
      machine: [on("sda1", [e("New", ROOT), e("Other", OTHER)])],
      rules: { passedOver: new Map([["sda1:grub:New", "New was booted 3 times without being confirmed"]]) },
      tries: ["New"],
      why: /nothing else is left/,
    },
  ],
  "a default that nobody named, and that installs": [
    {
      what: "a first entry with a kickstart is no default",
      machine: [on("sda1", [e("Install", "inst.ks=http://s/ks.cfg")], { defaultIsExplicit: false })],
      byDefault: null,
      tries: [],
      why: /inst\.ks=.*nothing names it/,
    },
    {
      what: "another configuration's default is the machine's then",
      machine: [
        on("sda1", [e("Install", "auto=true url=http://s/preseed.cfg")], { defaultIsExplicit: false }),
        on("sdb1", [e("Debian", ROOT)], { defaultIsExplicit: false }),
      ],
      tries: ["Debian"],
    },
    {
      what: "named by its own configuration it boots",
      machine: [on("sda1", [e("Install", "inst.ks=http://s/ks.cfg")])],
      tries: ["Install"],
    },
    {
      what: "named by the owner it boots",
      machine: [on("sda1", [e("Install", "autoinstall")], { defaultIsExplicit: false })],
      rules: { default: "Install" },
      tries: ["Install"],
    },
    {
      what: "an installed system may keep an installer's word",
      machine: [on("sda1", [e("A", `${ROOT} autoinstall`)], { defaultIsExplicit: false })],
      tries: ["A"],
    },
    {
      what: "a memory test that stands first is no default",
      machine: [on("sda1", [e("Test", "", { kernel: "memtest86+x64.bin" })], { defaultIsExplicit: false })],
      byDefault: null,
      tries: [],
    },
    {
      what: "a disk eraser that stands first is no default, whatever root it names",
      machine: [on("sda1", [e("X", `${ROOT} nuke="dwipe --autonuke"`)], { defaultIsExplicit: false })],
      byDefault: null,
      tries: [],
    },
  ],
  "a server's menu that hands back to the disks": [
    {
      what: "local boots the disk's own default",
      machine: [on("sda1", [e("Debian", ROOT)]), net([e("local", "", LOCAL), e("Install", "ks")])],
      rules: { order: ["network", "any"] },
      tries: ["Debian"],
      why: /hands on to this machine's own disks/,
    },
    {
      what: "also where the network is required",
      machine: [on("sda1", [e("Debian", ROOT)]), net([e("local", "", LOCAL), e("Install", "ks")])],
      rules: { order: ["network"] },
      tries: ["Debian"],
    },
    {
      what: "also where the owner named its URL",
      machine: [on("sda1", [e("Debian", ROOT)]), net([e("local", "", LOCAL), e("Install", "ks")], { isNamed: true })],
      tries: ["Debian"],
    },
    {
      what: "without a disk that boots nothing does, and never another entry of that menu",
      machine: [net([e("local", "", LOCAL), e("Install", "ks"), e("Wipe", "nuke=dwipe")])],
      rules: { fallback: ["any"], order: ["network"] },
      byDefault: null,
      tries: [],
    },
    {
      what: "another server's menu is none of this machine's disks",
      machine: [net([e("local", "", LOCAL)]), net([e("Other", "")], { source: "tftp2:/x" })],
      byDefault: null,
      tries: [],
    },
    {
      what: "a stick is none of them either",
      machine: [net([e("local", "", LOCAL)]), stick([e("S")])],
      byDefault: null,
      tries: [],
    },
    {
      what: "after the disk's default, what follows is the disk's",
      machine: [on("sda1", [e("New", ROOT), e("Old", ROOT)]), net([e("local", "", LOCAL), e("Install", ROOT)])],
      rules: { order: ["network", "any"] },
      tries: ["New", "Old"],
    },
  ],
  "a name that the owner gives": [
    {
      what: "is looked for on built-in disks first, and another of that name is told",
      machine: [stick([e("Debian")]), on("sda1", [e("A"), e("Debian")]), on("sdb1", [e("Debian", OTHER)])],
      rules: { default: "Debian" },
      tries: ["Debian"],
      why: /also in sdb1/,
    },
    {
      what: "isn't found on a stick, and the line to write is told",
      machine: [stick([e("Rescue")], { tags: { uuid: "1234-ABCD" } }), on("sda1", [e("A", ROOT)])],
      rules: { default: "Rescue" },
      tries: ["A"],
      why: /default: "UUID=1234-ABCD>Rescue"/,
    },
    {
      what: "is found on a stick that it names",
      machine: [stick([e("Rescue")], { tags: { uuid: "1234-ABCD" } }), on("sda1", [e("A", ROOT)])],
      rules: { default: "uuid=1234-abcd>Rescue" },
      tries: ["Rescue"],
    },
    {
      what: "is found on a stick by label, partition or device",
      machine: [stick([e("Rescue")], { tags: { label: "R" } }), on("sda1", [e("A", ROOT)])],
      rules: { default: "LABEL=R>Rescue", fallback: ["sdz1>Rescue"] },
      tries: ["Rescue"],
    },
    {
      what: "is found on a stick by its id",
      machine: [stick([e("Rescue")]), on("sda1", [e("A", ROOT)])],
      rules: { default: "sdz1:grub:Rescue" },
      tries: ["Rescue"],
    },
    {
      what: "is found on a stick where removable: yes",
      machine: [stick([e("Rescue")]), on("sda1", [e("A", ROOT)])],
      rules: { default: "Rescue", removable: true },
      tries: ["Rescue"],
    },
    {
      what: "is found on a stick that the order names",
      machine: [stick([e("Rescue")]), on("sda1", [e("A", ROOT)])],
      rules: { default: "Rescue", order: ["usb", "any"] },
      tries: ["Rescue"],
    },
    {
      what: "leads to the built-in disk where a stick has a clone of its UUID",
      machine: [
        stick([e("Debian", "stick")], { tags: { uuid: "1234-ABCD" } }),
        on("sda1", [e("A"), e("Debian", "disk")], { tags: { uuid: "1234-ABCD" } }),
      ],
      rules: { default: "UUID=1234-ABCD>Debian" },
      tries: ["Debian"],
    },
    {
      what: "leads to neither of two sticks with one UUID",
      machine: [
        stick([e("Rescue")], { tags: { uuid: "1234-ABCD" } }),
        on("sdy1", [e("Rescue")], { removable: true, tags: { uuid: "1234-ABCD" } }),
        on("sda1", [e("A", ROOT)]),
      ],
      rules: { default: "UUID=1234-ABCD>Rescue" },
      tries: ["A"],
      why: /sdz1 and sdy1 both answer/,
    },
    {
      what: "as a number counts what a stick doesn't move",
      machine: [stick([e("S1"), e("S2")]), on("sda1", [e("A"), e("B", OTHER)])],
      rules: { default: "2" },
      tries: ["B"],
    },
    {
      what: "as a fallback isn't taken from a stick",
      machine: [stick([e("Rescue")]), on("sda1", [e("A", ROOT)])],
      rules: { fallback: ["Rescue"] },
      tries: ["A"],
    },
    {
      what: "isn't taken from a server that the order leaves out",
      machine: [net([e("Debian", "init=/evil")]), on("sda1", [e("A", ROOT)])],
      rules: { default: "Debian", order: ["disk"] },
      tries: ["A"],
    },
  ],
  "where the disks' order is not enough": [
    {
      what: "the firmware's own way comes before a name",
      machine: [
        on("sda1", [e("Service", "why=repair")]),
        on("sda2", [e("System", ROOT)], {
          defaultIsExplicit: false,
          firmware: { rank: 1, how: "is where the EFI system partition leads to" },
        }),
      ],
      tries: ["System"],
      why: /sda2:\S+ is where the EFI system partition leads to/,
    },
    {
      what: "a configuration that names its default, before an earlier one that doesn't",
      machine: [on("sda1", [e("A")], { defaultIsExplicit: false }), on("sdb1", [e("B")])],
      tries: ["B"],
    },
    {
      what: "the owner's order comes before the firmware's",
      machine: [
        on("sda1", [e("A")], { firmware: { rank: 0, how: "is first in BootOrder" } }),
        on("nvme0n1p1", [e("B")], { origin: { transport: "nvme" } }),
      ],
      rules: { order: ["nvme", "any"] },
      tries: ["B"],
    },
  ],
  "an entry that starts another bootloader": [
    {
      what: "stands for that one's default, and what follows is that one's",
      machine: [
        on("sda1", [opens("Other", "sda2"), e("Own", ROOT)], { fallback: [1] }),
        on("sda2", [e("A", OTHER), e("B", OTHER), e("C", ROOT)], { fallback: [2] }),
      ],
      tries: ["A", "C", "B"],
      why: /names it as its default.*; Other opens sda2:/,
    },
    {
      what: "through two of them",
      machine: [
        on("sda1", [opens("To two", "sda2")]),
        on("sda2", [opens("To three", "sda3"), e("B", ROOT)]),
        on("sda3", [e("A", OTHER)]),
      ],
      tries: ["A"],
      why: /To two opens sda2:.*, where To three opens sda3:/,
    },
    {
      what: "in a circle boots nothing",
      machine: [
        on("sda1", [opens("To two", "sda2"), e("A", ROOT)]),
        on("sda2", [opens("To one", "sda1"), e("B", ROOT)]),
      ],
      tries: [],
      byDefault: "To two",
      why: /leads back to itself/,
    },
    {
      what: "as the owner's fallback, and as its own configuration's",
      machine: [
        on("sda1", [e("A", ROOT), opens("Other", "sda2"), opens("Third", "sda3")], { fallback: [1] }),
        on("sda2", [e("B", OTHER)], { defaultIsExplicit: false }),
        on("sda3", [e("C", OTHER)], { defaultIsExplicit: false }),
      ],
      rules: { fallback: ["Third"] },
      tries: ["A", "C", "B"],
    },
    {
      what: "never by merely standing next to a default that fails",
      machine: [on("sda1", [e("A", ROOT), opens("Other", "sda2")]), on("sda2", [e("B", OTHER)])],
      tries: ["A"],
    },
    {
      what: "on a stick boots nothing by itself",
      machine: [on("sda1", [opens("Other", "sdz1"), e("Own", ROOT)]), stick([e("A", ROOT)])],
      tries: [],
      byDefault: "Other",
      why: /may not boot by itself/,
    },
    {
      what: "behind a password boots nothing by itself",
      machine: [
        on("sda1", [opens("Other", "sda2", { restricted: ["root"] })]),
        on("sda2", [e("A", ROOT)], { removable: true }),
      ],
      tries: [],
      byDefault: "Other",
      why: /a person must choose/,
    },
    {
      what: "whose first entry merely stands first and erases boots nothing by itself",
      machine: [on("sda1", [opens("Other", "sda2")]), on("sda2", [ERASE, e("A", ROOT)], { defaultIsExplicit: false })],
      tries: [],
      byDefault: "Other",
      why: /does not boot by itself/,
    },
    {
      what: "whose menu names an eraser as its default has chosen it",
      machine: [on("sda1", [opens("Other", "sda2")]), on("sda2", [ERASE, e("A", ROOT)])],
      tries: ["Return to factory state"],
    },
    {
      what: "whose menu has no default boots nothing by itself",
      machine: [on("sda1", [opens("Other", "sda2")]), on("sda2", [e("A", ROOT)], { defaultIndex: null })],
      tries: [],
      byDefault: "Other",
      why: /which has no default/,
    },
    {
      what: "of two that are called the same, the one that the menu names",
      machine: [
        on("sda1", [opens("Other", "sda2")]),
        on("sda2", [e("System", `${ROOT} factory_reset=yes`), e("System", OTHER)], { defaultIndex: 1 }),
      ],
      tries: ["System"],
      why: /Other opens/,
    },
    {
      what: "of two that are called the same, the first only where it is meant: it erases, and nothing names it",
      machine: [
        on("sda1", [opens("Other", "sda2")]),
        on("sda2", [e("System", ROOT), ERASE, ERASE], { defaultIndex: 2, defaultIsExplicit: false }),
      ],
      tries: [],
      byDefault: "Other",
    },
    {
      what: "passed over like the entry that it stands for",
      machine: [on("sda1", [opens("Other", "sda2")]), on("sda2", [e("A", ROOT), e("B", ROOT)])],
      rules: { passedOver: new Map([["sda2:grub:A", "nobody confirmed it"]]) },
      tries: ["B", "A"],
    },
  ],
  "removable: never": [
    {
      what: "a stick boots neither by itself nor by a name, an id or a fallback",
      machine: [stick([e("Rescue")], { tags: { uuid: "1234-ABCD" } }), on("sda1", [e("A", ROOT)])],
      rules: { removable: "never", order: ["usb", "any"], fallback: ["sdz1:grub:Rescue", "UUID=1234-ABCD>Rescue"] },
      tries: ["A"],
    },
    {
      what: "a machine's only disk on USB is its own all the same",
      machine: [on("sda1", [e("Server", ROOT)], { removable: true, isPluggable: true })],
      rules: { removable: "never" },
      tries: ["Server"],
    },
  ],
  "a built-in disk's stub that leads to a stick": [
    {
      what: "boots nothing by itself",
      machine: [stick([], { defaultIndex: null }), { ...on("sda1", [e("A")]), entries: on("sdz1", [e("A")]).entries }],
      byDefault: null,
      tries: [],
    },
  ],
  "a disk on USB that the kernel doesn't call removable": [
    {
      what: "boots by itself where it is the only thing that can",
      machine: [on("sda1", [e("Server", ROOT)], { removable: true, isPluggable: true })],
      tries: ["Server"],
    },
    {
      what: "its own other kernels follow",
      machine: [on("sda1", [e("New", ROOT), e("Old", ROOT)], { removable: true, isPluggable: true })],
      tries: ["New", "Old"],
    },
    {
      what: "doesn't where a built-in disk has something",
      machine: [
        on("sda1", [e("Pluggable")], { removable: true, isPluggable: true }),
        on("nvme0n1p2", [e("Disk")], { defaultIsExplicit: false }),
      ],
      tries: ["Disk"],
    },
    {
      what: "takes the place of a built-in disk that can't boot",
      machine: [
        on("sda1", [e("Server", ROOT)], { removable: true, isPluggable: true }),
        on("nvme0n1p2", [e("Broken", "", { isMissing: true })]),
      ],
      tries: ["Server"],
    },
    {
      what: "of two the menu waits",
      machine: [
        on("sda1", [e("A")], { removable: true, isPluggable: true }),
        on("sdb1", [e("B")], { removable: true, isPluggable: true }),
      ],
      byDefault: null,
      tries: [],
    },
    {
      what: "two partitions of one disk are one disk",
      machine: [
        on("sda1", [e("A", ROOT)], { removable: true, isPluggable: true }),
        on("sda2", [e("B", OTHER)], { removable: true, isPluggable: true, defaultIsExplicit: false }),
      ],
      tries: ["A"],
    },
  ],
};

const NONE: BootRules = { default: null, fallback: [], order: [], removable: false };

for (const [chapter, rows] of Object.entries(CHAPTERS)) {
  for (const { what, machine, rules = {}, tries, byDefault, why } of rows) {
    test(`${chapter}: ${what}`, () => {
      const check = (ref: object): string | null => ("path" in ref && ref.path === "/missing" ? "it is missing" : null);
      const list = bootList(machine, check, { ...NONE, ...rules });
      const titles = list.unattended.map((id) => list.entries.find((entry) => entry.id === id)?.title);
      assert.deepEqual(titles, tries);
      const chosen = list.entries.find(({ isDefault }) => isDefault)?.title ?? null;
      assert.equal(chosen, byDefault === undefined ? (tries[0] ?? null) : byDefault);
      if (why !== undefined) assert.match(list.why, why);
      const marked = list.entries.filter(({ unattended }) => unattended !== undefined);
      const bootable = marked.filter((entry) => entry.bootable);
      assert.deepEqual(new Set(bootable.map(({ id }) => id)), new Set(list.unattended), "the list marks just these");
    });
  }
}

test("removable: never forbids a stick's entries to a person, too, with the reason, and no others", () => {
  const list = bootList([stick([e("S")]), on("sda1", [e("A", ROOT)])], () => null, { ...NONE, removable: "never" });
  assert.deepEqual(
    list.entries.map(({ title, bootable, isForbidden = false }) => [title, bootable, isForbidden]),
    [
      ["S", false, true],
      ["A", true, false],
    ],
  );
  assert.match(list.entries[0]!.reason!, /removable: never/);
});
