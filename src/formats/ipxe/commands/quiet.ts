/** Commands that succeed and change nothing that Baton lists. */

import type { IpxeCommand } from "../run.ts";

const NAMES = [
  ...["echo", "sleep", "dhcp", "ifconf", "ifopen", "ifclose", "ifstat", "iflinkwait", "autoboot-off", "route", "nstat"],
  ...["imgstat", "imgdecrypt", "imgextract", "imgmem", "console", "colour", "color", "cpair"],
  ...["params", "param", "nslookup", "ping", "ntp", "vcreate", "vdestroy", "lotest", "neighbour", "nduid", "certstat"],
  ...["certstore", "certfree", "profstat", "pciscan", "usbscan", "cls", "sync", "fcstat", "fcels", "ipstat", "poweron"],
  ...["shim", "fdt", "gdbstub", "ibstat", "hubinfo", "login", "time-zone"],
  // What it attaches is used by `sanboot` alone.
  "sanhook",
];

const succeed: IpxeCommand = () => "next";

export const quietCommands = NAMES.map((name) => [name, succeed] as const);
