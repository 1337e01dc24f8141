/**
 * `npm run demo`: a virtual machine boots into Baton's menu on this terminal. What is picked there is started by
 * kexec and ends in a small userland with a shell.
 */

import { existsSync } from "node:fs";
import { batonCmdline, INITRAMFS } from "./baton.ts";
import { demoDisks, SHELL_MARK } from "./demo-system.ts";
import { type Machine, withMachine } from "./machine.ts";
import { KERNEL } from "./payload.ts";

const CTRL_A = 0x01;
const CTRL_CLOSE_BRACKET = 0x1d;
/** Colours, margins, cursor and screen as they were. */
const RESET_TERMINAL = "\x1b[0m\x1b[r\x1b[?25h\x1b[?1049l\x1b[999;1H\r\n";

const say = (text: string): void => {
  process.stdout.write(`demo: ${text}\n`);
};

async function demo(): Promise<void> {
  for (const file of [KERNEL, INITRAMFS]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run demo\` or first \`npm run image\``);
  }
  say("making the machine's disks (kept in .cache/vm for the next time)");
  const disks = await demoDisks((what) => say(`  ${what}`));

  const person = process.stdin.isTTY === true;
  say("starting a virtual machine: Baton's kernel and initramfs, as from flash, and two disks.");
  say("Emulated, it takes a quarter of a minute to the menu.");
  if (person) say("Leave at any time with Ctrl-] (or Ctrl-A, then x).");
  else say("There is no terminal to type at: the default will boot by itself, and the demo then ends.");

  const words = person ? [] : ["baton.timeout=3"];
  const options = {
    name: "demo",
    kernel: KERNEL,
    initrd: INITRAMFS,
    cmdline: batonCmdline({ name: "demo", words: words.join(" ") }),
    memoryMiB: 1024,
    mayReset: true,
    answersQueries: false,
    disks,
  };
  await withMachine(options, async (machine) => {
    machine.serial.onData = (bytes) => process.stdout.write(bytes);
    const left = person ? forwardKeys(machine) : withoutPerson(machine);
    try {
      await Promise.race([machine.ended, left]);
    } finally {
      restoreTerminal();
    }
  });
  say("the machine is off, and no byte of its disks has changed.");
}

/** Passes every key on; resolves when the keys that leave were pressed. */
function forwardKeys(machine: Machine): Promise<void> {
  const { stdin, stdout } = process;
  stdin.setRawMode(true);
  stdin.resume();
  // The menu asks the terminal for its size; when that changes, it is told as xterm would tell it. Elsewhere that
  // would be typed into a shell: only the menu hides the cursor.
  stdout.on("resize", () => {
    if (machine.serial.raw.lastIndexOf("\x1b[?25l") > machine.serial.raw.lastIndexOf("\x1b[?25h")) {
      machine.serial.write(`\x1b[8;${stdout.rows};${stdout.columns}t`);
    }
  });
  return new Promise((resolve) => {
    let controlA = 0;
    stdin.on("data", (bytes: Buffer) => {
      const leaves = bytes[0] === 0x78 && Date.now() - controlA < 2000;
      if (leaves || bytes.includes(CTRL_CLOSE_BRACKET)) return resolve();
      controlA = bytes.at(-1) === CTRL_A ? Date.now() : 0;
      machine.serial.write(bytes);
    });
    stdin.on("end", resolve);
  });
}

/** Passes on what is piped in, waits for the second system, and ends it. */
async function withoutPerson(machine: Machine): Promise<void> {
  process.stdin.on("data", (bytes: Buffer) => machine.serial.write(bytes));
  process.stdin.on("error", () => {});
  await machine.serial.waitFor(new RegExp(SHELL_MARK), { timeoutMs: 600_000 });
  await machine.serial.waitFor(/demo# /);
  machine.serial.write("exit\r");
  await machine.ended;
}

function restoreTerminal(): void {
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
  if (process.stdout.isTTY) process.stdout.write(RESET_TERMINAL);
}

demo().then(
  () => process.exit(0),
  (error: unknown) => {
    restoreTerminal();
    console.error(`demo: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
