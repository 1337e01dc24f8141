/** Commands that succeed and change nothing that Baton lists, by the options that iPXE has for each. */

import { ANY, type ArgumentCount, type OptionTable } from "../options.ts";
import type { IpxeCommand } from "../run.ts";

const CARDS: ArgumentCount = [0, ANY];
const NOTHING: ArgumentCount = [0, 0];

const ROWS: readonly (readonly [names: readonly string[], args: ArgumentCount, options?: OptionTable])[] = [
  [["sleep"], [1, 1]],
  [["ifclose", "ifstat"], CARDS],
  [["iflinkwait"], CARDS, { timeout: "t#" }],
  [["route", "nstat", "ipstat", "profstat", "usbscan", "hubinfo", "ibstat", "fcstat", "certstat", "certfree"], CARDS],
  [["certstore"], [0, 1], { subject: "s:", keep: "k" }],
  [
    ["console"],
    NOTHING,
    { x: "x#", y: "y#", left: "l#", right: "r#", top: "t#", bottom: "b#", depth: "d#", picture: "p:", keep: "k" },
  ],
  [["colour", "color"], [1, 1], { basic: "b#", rgb: "r#" }],
  [["cpair"], [1, 1], { foreground: "f#", background: "b#" }],
  [["ping"], [1, 1], { size: "s#", timeout: "t#", count: "c#", quiet: "q" }],
  [["ntp"], [1, 1]],
  [["vcreate"], [1, 1], { tag: "t#", priority: "p#" }],
  [["vdestroy"], [1, 1]],
  [["sync"], NOTHING, { timeout: "t#" }],
  [["pciscan"], [1, 1]],
  [["lotest"], [2, 2], { mtu: "m#", broadcast: "b" }],
  [["fcels"], [1, 1], { port: "p:", id: "i:" }],
  // What it attaches is used by `sanboot` alone.
  [["sanhook"], [1, ANY], { drive: "d#", "no-describe": "n" }],
  [["sanunhook"], NOTHING, { drive: "d#" }],
  // Firmware that checks signatures starts a kernel through it; kexec doesn't.
  [["shim"], [0, 1], { timeout: "t#", "require-loader": "l", "allow-pxe": "p", "allow-sbat": "s" }],
  [["fdt"], [0, 1], { timeout: "t#" }],
  [["usbstat", "pnplist", "efimap", "gdbstub", "help", "iwstat", "iwlist", "neighbour"], CARDS],
];

const echo: IpxeCommand["run"] = (_, given, { state }) => {
  state.machine.said = given.has("n") ? given.args.join(" ") : "";
  return "next";
};

export const quietCommands: readonly IpxeCommand[] = [
  { names: ["echo"], options: { n: "n" }, args: [0, ANY], run: echo },
  ...ROWS.map(([names, args, options = {}]): IpxeCommand => ({ names, options, args, run: () => "next" })),
];
