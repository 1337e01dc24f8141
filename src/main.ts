/** The program: a command line on any host, and in the initramfs the child of PID 1 that is the boot menu. */

import { basename } from "node:path";
import { complain } from "./commands/shared/output.ts";
import { USAGE } from "./commands/shared/usage.ts";
import { BatonError, describeError } from "./errors.ts";
import { addLogSink, formatLogLine } from "./log.ts";
import { VERSION } from "./version.ts";

/** Takes its arguments, gives its exit code. */
type Command = (args: string[]) => Promise<number>;

interface CommandRow {
  readonly name: string;
  /** Null for what people don't call themselves. */
  readonly usage: string | null;
  /** Loaded only when called: a start-up doesn't pay for the others. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: readonly CommandRow[] = [
  { name: "list", usage: USAGE.list, load: async () => (await import("./commands/list.ts")).list },
  { name: "boot", usage: USAGE.boot, load: async () => (await import("./commands/boot.ts")).boot },
  { name: "kexec", usage: USAGE.kexec, load: async () => (await import("./commands/kexec/kexec.ts")).kexec },
  { name: "confirm", usage: USAGE.confirm, load: async () => (await import("./commands/confirm.ts")).confirm },
  { name: "config", usage: USAGE.config, load: async () => (await import("./commands/config.ts")).config },
  { name: "password", usage: USAGE.password, load: async () => (await import("./commands/config.ts")).password },
  { name: "netboot", usage: USAGE.netboot, load: async () => (await import("./commands/netboot.ts")).netboot },
  { name: "menu", usage: USAGE.menu, load: async () => (await import("./commands/menu.ts")).menu },
  { name: "init", usage: null, load: async () => (await import("./init/init.ts")).init },
];

const usage = (): string =>
  [
    `Baton ${VERSION}: finds what this machine can boot, and boots it with kexec.`,
    "",
    "Usage:",
    ...COMMANDS.flatMap((row) => (row.usage === null ? [] : row.usage.split("\n").map((line) => `  ${line}`))),
    "  baton --version | --help",
    "",
    "SPEC is NAME=DIR[,uuid=U][,label=L][,partuuid=P][,partlabel=P][,type=T]: a directory that stands for a",
    "filesystem's root. Without --disk: the machine's own devices, read-only.",
    "",
  ].join("\n");

async function main(argv: readonly string[]): Promise<number> {
  const called = basename(argv[1] ?? "baton").replace(/\.cjs$/, "");
  const args = called === "kexec" ? ["kexec", ...argv.slice(2)] : argv.slice(2);
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(usage());
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
  const command = await row.load();
  // kexec(8) has a page of its own.
  if (rest.includes("--help") && row.usage !== null && row.name !== "kexec") {
    process.stdout.write(`Usage: ${row.usage.replaceAll("\n", "\n       ")}\n`);
    return 0;
  }
  try {
    return await command(rest);
  } catch (error) {
    complain(describeError(error));
    if (error instanceof BatonError && error.code === "usage") {
      if (row.usage !== null) process.stderr.write(`usage: ${row.usage.replaceAll("\n", "\n       ")}\n`);
      return 2;
    }
    return 1;
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
