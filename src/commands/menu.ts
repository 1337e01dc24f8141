/** `baton menu`: the menu on this terminal, on any Linux host. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BatonError, describeError } from "../errors.ts";
import { machineFacts } from "../init/machineinfo.ts";
import { bootEntry } from "../loader/boot.ts";
import { ownTerminal } from "../menu/consoles.ts";
import { runMenu } from "../menu/menu.ts";
import { mergeSettings } from "../policy/settings.ts";
import { Session } from "../session/session.ts";
import { printable } from "../text.ts";
import { DISK_OPTIONS } from "./shared/manual.ts";
import { diskOptions, readArgs } from "./shared/options.ts";
import { complain } from "./shared/output.ts";
import { policyHere } from "./shared/ownpolicy.ts";
import { discover } from "./shared/source.ts";

const execute = promisify(execFile);

export async function menu(args: string[]): Promise<number> {
  const { values } = readArgs({ args, options: DISK_OPTIONS });
  const terminal = ownTerminal();
  if (terminal === null)
    throw new BatonError(
      "refused",
      "the menu needs a terminal for keys and picture; baton list prints the same entries",
    );
  const found = await discover(diskOptions(values));
  const policy = await policyHere(found.settings);
  return new Promise((resolve) => {
    const leave = async (code: number): Promise<void> => {
      await session.closeMenu();
      await found.close();
      resolve(code);
    };
    const system = async (command: string): Promise<void> => {
      await leave(0);
      await execute("systemctl", [command]).catch((error) => complain(describeError(error)));
    };
    const session: Session = new Session(
      {
        discovery: found.discovery,
        isSettled: () => true,
        rescan: () => found.rescan(),
        milestone: () => {},
        boot: (entry, options, hooks) => bootEntry(found.discovery, policy, entry, options, hooks),
        jumpWarning: () => null,
        announce: (text) => process.stderr.write(`${printable(text)}\n`),
        openMenu: async (store, actions) => {
          const isPlain = found.settings.ui === "plain";
          const run = isPlain ? (await import("../menu/plain.ts")).runPlainMenu : runMenu;
          return run({
            consoles: [terminal],
            store,
            actions: { ...actions, quit: () => leave(0) },
            // A running system's kernel messages are its own affair.
            printk: null,
            shell: { argv: [process.env.SHELL ?? "/bin/sh"] },
          });
        },
        unmount: () => found.close(),
        reboot: () => system("reboot"),
        powerOff: () => system("poweroff"),
      },
      // A person started this: nothing boots by itself.
      mergeSettings(found.settings, { timeout: { seconds: Number.POSITIVE_INFINITY, keys: false } }),
      machineFacts(),
    );
    void session.openMenu();
  });
}
