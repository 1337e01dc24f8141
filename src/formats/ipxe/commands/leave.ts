/** Commands that end the work with something that only iPXE or the firmware can do. */

import type { OptionTable } from "../options.ts";
import type { IpxeCommand } from "../run.ts";

const leaving = (name: string, reason: string, options: OptionTable = {}, most = 0): IpxeCommand => ({
  ...{ names: [name], options, args: [0, most] },
  run: (run, _, { state, way }) => run.unbootable(state, way, reason, "other"),
});

const NETWORK_DISK = "it boots from a network disk (sanboot), which needs iPXE's own drivers";

/** `sanboot [--drive N]` without a URI starts a disk that the machine has (ipxe.org/cmd/sanboot). */
const sanboot: IpxeCommand["run"] = (run, given, { state, way }) => {
  if (given.args.length > 0 || state.machine.settings.get("root-path", () => null))
    return run.unbootable(state, way, NETWORK_DISK, "other");
  const drive = given.text("drive") ?? "0x80";
  return run.unbootable(state, way, `it starts this machine's own disk ${drive}, as its firmware would`, "local");
};

const BOOT_OF_A_DISK: OptionTable = { filename: "f:", extra: "e:", label: "l:", uuid: "u:", keep: "k" };

export const leavingCommands: readonly IpxeCommand[] = [
  leaving("shell", "it opens iPXE's own shell"),
  leaving("config", "it opens iPXE's own settings", {}, 1),
  leaving("reboot", "it restarts the machine: press R in Baton's menu", { warm: "w", setup: "s" }),
  leaving("poweroff", "it switches the machine off: press P in Baton's menu"),
  leaving("autoboot", "it boots by iPXE's own automatic search", {}, Number.POSITIVE_INFINITY),
  leaving("pxebs", "it asks a PXE boot server for a menu of its own", {}, 2),
  {
    names: ["sanboot"],
    options: { drive: "d#", "no-describe": "n", ...BOOT_OF_A_DISK },
    args: [0, Number.POSITIVE_INFINITY],
    run: sanboot,
  },
];
