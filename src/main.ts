/** The program: a command line on any host, and in the initramfs the child of PID 1 that is the boot menu. */

import { basename } from "node:path";
import type { CommandName } from "./commands/shared/manual.ts";
import { complain } from "./commands/shared/output.ts";
import { BatonError, describeError } from "./errors.ts";
import { addLogSink, formatLogLine } from "./log.ts";
import { VERSION } from "./version.ts";

/** Takes its arguments, gives its exit code. */
type Command = (args: string[]) => Promise<number>;

interface CommandRow {
  readonly name: CommandName | "init" | "thread";
  /** Loaded only when called: a start-up doesn't pay for the others. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: readonly CommandRow[] = [
  { name: "list", load: async () => (await import("./commands/list.ts")).list },
  { name: "boot", load: async () => (await import("./commands/boot.ts")).boot },
  { name: "kexec", load: async () => (await import("./commands/kexec/kexec.ts")).kexec },
  { name: "confirm", load: async () => (await import("./commands/confirm.ts")).confirm },
  { name: "rauc", load: async () => (await import("./commands/rauc.ts")).rauc },
  { name: "sign", load: async () => (await import("./commands/sign.ts")).sign },
  { name: "keys", load: async () => (await import("./commands/keys.ts")).keys },
  { name: "verify", load: async () => (await import("./commands/verify.ts")).verify },
  { name: "eventlog", load: async () => (await import("./commands/eventlog.ts")).eventlog },
  { name: "config", load: async () => (await import("./commands/config.ts")).config },
  { name: "password", load: async () => (await import("./commands/config.ts")).password },
  { name: "expect", load: async () => (await import("./commands/expect.ts")).expect },
  { name: "netboot", load: async () => (await import("./commands/netboot.ts")).netboot },
  { name: "install", load: async () => (await import("./commands/install/install.ts")).install },
  { name: "uninstall", load: async () => (await import("./commands/install/install.ts")).uninstall },
  { name: "flash", load: async () => (await import("./commands/flash/flash.ts")).flash },
  { name: "menu", load: async () => (await import("./commands/menu.ts")).menu },
  // People don't call it themselves: PID 1 does, in the image.
  { name: "init", load: async () => (await import("./init/init.ts")).init },
  // Nor this one, which src/thread.ts calls: in the thread that runs this file it does its job.
  { name: "thread", load: async () => (await import("./thread.ts")).thread },
];

async function main(argv: readonly string[]): Promise<number> {
  const called = basename(argv[1] ?? "baton").replace(/\.cjs$/, "");
  const args = called === "kexec" ? ["kexec", ...argv.slice(2)] : argv.slice(2);
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write((await import("./commands/shared/helptext.ts")).overview());
    return 0;
  }
  if (name === "--version" || name === "-V") {
    process.stdout.write(`baton ${VERSION}\n`);
    return 0;
  }
  const row = COMMANDS.find((command) => command.name === name);
  if (row === undefined) {
    complain(
      `${name === undefined ? "no command is given" : `there is no command '${name}'`}; baton --help lists them`,
    );
    return 2;
  }
  if (process.env.BATON_DEBUG) addLogSink((line) => process.stderr.write(`${formatLogLine(line)}\n`));
  // kexec(8) prints its own.
  if (rest.includes("--help") && row.name !== "init" && row.name !== "thread" && row.name !== "kexec") {
    process.stdout.write((await import("./commands/shared/helptext.ts")).commandHelp(row.name));
    return 0;
  }
  const command = await row.load();
  try {
    return await command(rest);
  } catch (error) {
    complain(describeError(error));
    if (!(error instanceof BatonError && error.code === "usage")) return 1;
    if (row.name !== "init" && row.name !== "thread") {
      const { synopsis } = await import("./commands/shared/manual.ts");
      process.stderr.write(`usage: ${synopsis(row.name).join("\n       ")}\n`);
    }
    return 2;
  }
}

// A reader that went away (`baton list | head`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    complain(describeError(error));
    process.exitCode = 1;
  },
);
