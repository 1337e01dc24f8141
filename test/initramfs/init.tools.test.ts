/** The image's init script as an ordinary program on this machine: what keeps Baton running, and the rescue menu. */

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "../../initramfs/cache.ts";
import { findBusybox } from "./busybox.ts";

const INIT = join(projectRoot, "initramfs", "init.sh");
const busybox = await findBusybox();
const skip = busybox === null && "no busybox: neither Debian's package busybox-static nor one in PATH";

const directory = mkdtempSync(join(tmpdir(), "baton-init-"));
const groups: number[] = [];
after(() => {
  for (const group of groups) {
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  rmSync(directory, { recursive: true, force: true });
});

/**
 * Calls the script's \`supervise\` with what belongs to the machine replaced: messages go to a file, the rescue menu is
 * a file that appears and is answered by another, and its rounds of five seconds take one.
 */
const HARNESS = `
set -- :
. "$INIT"
say() { echo "$1" >>$run/said; }
rescue() { say rescue; until [ -e $run/retry ]; do sleep 0.1; done; rm $run/retry; }
read() {
	case $* in "-r -t 5 "*) shift 3; command read -r -t 1 "$@" ;; *) command read "$@" ;; esac
}
supervise`;

interface Supervised {
  /** What was written to the kernel log. */
  said(): string[];
  /** Process ids of Baton's stand-in, one each time it was started. */
  starts(): number[];
  /** A file of the run directory. */
  readonly path: (name: string) => string;
}

let count = 0;

/**
 * Lets the script supervise a program.
 * @param program a shell script, which finds its files in $BATON_RUN
 */
function supervise(program: string, options: { command?: string; silence?: number } = {}): Supervised {
  const run = join(directory, String(count++));
  execFileSync("mkdir", [run]);
  execFileSync("mkfifo", [join(run, "status")]);
  writeFileSync(join(run, "program"), program);
  const env = {
    PATH: process.env.PATH,
    INIT,
    BUSYBOX: busybox!,
    BATON_RUN: run,
    BATON_PROGRAM: `${options.command ?? `${busybox} sh`} ${join(run, "program")}`,
    BATON_SILENCE: String(options.silence ?? 1000),
  };
  // A group of its own, so that all of it can be ended.
  const child = spawn(busybox!, ["sh", "-c", HARNESS], { env, detached: true, stdio: "ignore" });
  groups.push(child.pid!);
  const lines = (name: string) =>
    existsSync(join(run, name)) ? readFileSync(join(run, name), "utf8").split("\n").slice(0, -1) : [];
  return { said: () => lines("said"), starts: () => lines("starts").map(Number), path: (name) => join(run, name) };
}

/** Waits for something that takes no time, but perhaps on a busy machine. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let round = 0; !isSo(); round++) {
    if (round > 1200) assert.fail(`waited a minute in vain: ${what}`);
    await sleep(50);
  }
}

const STAY = "echo $$ >>$BATON_RUN/starts; exec $BUSYBOX sleep 1000\n";
const END = "echo $$ >>$BATON_RUN/starts; exit 3\n";
const ENDED = "Baton ended (3); starting it again";

test("busybox's shell takes the script", { skip }, () => {
  const { status, stderr } = spawnSync(busybox!, ["sh", "-n", INIT], { encoding: "utf8" });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

describe("Baton's supervisor", { skip, concurrency: true }, () => {
  test("a program that was killed or crashed is started again", async () => {
    const { said, starts } = supervise(STAY);
    await until("the first start", () => starts().length === 1);
    process.kill(starts()[0]!, "SIGKILL");
    await until("the second start", () => starts().length === 2);
    process.kill(starts()[1]!, "SIGSEGV");
    await until("the third start", () => starts().length === 3);
    assert.deepEqual(said(), ["Baton ended (137); starting it again", "Baton ended (139); starting it again"]);
  });

  test("three ends within a minute lead to the rescue menu once, and trying again counts anew", async () => {
    const { said, starts, path } = supervise(END);
    await until("the rescue menu", () => said().includes("rescue"));
    await sleep(500);
    assert.equal(starts().length, 3);
    assert.deepEqual(said(), [ENDED, ENDED, ENDED, "rescue"]);

    writeFileSync(path("retry"), "");
    await until("the rescue menu again", () => said().filter((one) => one === "rescue").length === 2);
    assert.equal(starts().length, 6);
    assert.deepEqual(said().slice(4), [ENDED, ENDED, ENDED, "rescue"]);
  });

  test("a program that gives no sign of life is killed and started again", async () => {
    const { said, starts } = supervise(STAY, { silence: 10 });
    await until("the second start", () => starts().length === 2);
    assert.deepEqual(said().slice(0, 2), ["Baton has been silent for 10 s", "Baton ended (137); starting it again"]);
    assert.throws(() => process.kill(starts()[0]!, 0), { code: "ESRCH" });
  });

  test("a program that gives signs of life is left alone", async () => {
    // Rarely enough that the supervisor has doubts in between, more of them altogether than it would bear at once.
    const alive = "for i in 1 2 3 4; do echo alive >$BATON_RUN/status; $BUSYBOX sleep 1.3; done\n";
    const { said } = supervise(`${alive}${END}`, { silence: 15 });
    await until("its end", () => said().length > 0);
    assert.equal(said()[0], ENDED);
  });

  test("a program whose main thread has ended while another is stuck is started again", async () => {
    // exit(2) itself, which ends the calling thread alone; one that waits in a dead disk would be left.
    const number = process.arch === "arm64" ? 93 : 60;
    const program = `
      const { appendFileSync, readFileSync } = require("node:fs");
      const { createRequire } = require("node:module");
      const file = process.env.BATON_RUN + "/starts";
      appendFileSync(file, process.pid + "\\n");
      if (readFileSync(file, "utf8").split("\\n").length > 2) setInterval(() => {}, 1000);
      else createRequire(${JSON.stringify(INIT)})("koffi").load(null).func("long syscall(long, long)")(${number}, 0);`;
    const { said, starts } = supervise(program, { command: process.execPath });
    await until("the second start", () => starts().length === 2);
    assert.deepEqual(said(), ["Baton ended (a thread stuck in a device); starting it again"]);
    assert.match(readFileSync(`/proc/${starts()[0]}/stat`, "utf8"), /\) Z /);
  });
});

const noScript = spawnSync("script", ["--version"]).error && "no script(1) here";

test("the rescue menu shows Baton's last words, survives Ctrl-C and unknown keys, r tries again, s stops the watchdog", {
  skip: skip || noScript,
}, async () => {
  const run = join(directory, "menu");
  execFileSync("mkdir", [run]);
  execFileSync("mkfifo", [join(run, "status")]);
  const watchdog = "sys/class/watchdog/watchdog0";
  execFileSync("mkdir", ["-p", join(run, watchdog), join(run, "dev")]);
  writeFileSync(join(run, watchdog, "state"), "active\n");
  // A message may quote what a disk says.
  writeFileSync(join(run, "output"), `${"first words\n".repeat(20)}Error: last words \x1b]2;x\x07\xc2\x9b\n`, "latin1");
  writeFileSync(join(run, "shell"), "yes\n");
  // As the supervisor holds it: open in both directions.
  const status = openSync(join(run, "status"), constants.O_RDWR | constants.O_NONBLOCK);
  const env = { PATH: process.env.PATH, TERM: "linux", BATON_RUN: run, BATON_HARDWARE: run };
  const menu: ChildProcess = spawn("script", ["-qec", `'${busybox}' sh '${INIT}' rescue_menu`, "/dev/null"], {
    env,
    detached: true,
  });
  groups.push(menu.pid!);
  let shown = "";
  menu.stdout!.on("data", (chunk) => {
    shown += chunk;
  });
  const prompts = () => shown.split("\n> ").length - 1;

  await until("the menu", () => prompts() === 1);
  assert.match(shown, /Error: last words \?\]2;x\?\?\?/);
  assert.match(shown, /r {2}start Baton again\r\n {2}s {2}a shell.*\r\n {2}b {2}reboot\r\n {2}p {2}power off/);
  menu.stdin!.write("x");
  await until("the menu after an unknown key", () => prompts() === 2);
  menu.stdin!.write("\x03");
  menu.stdin!.write("r");
  await until("the menu after r", () => prompts() === 3);
  const answer = Buffer.alloc(100);
  assert.equal(answer.toString("latin1", 0, readSync(status, answer)), "retry\n");

  assert.equal(existsSync(join(run, "dev/watchdog")), false, "unattended, the watchdog may restart the machine");
  menu.stdin!.write("s");
  await until("the shell's word", () => shown.includes("The watchdog, which Baton had armed, is stopped"));
  assert.equal(readFileSync(join(run, "dev/watchdog"), "latin1"), "V\n");
});

test("with shell: no the rescue menu has no shell", { skip: skip || noScript }, async () => {
  const run = join(directory, "shut");
  execFileSync("mkdir", [run]);
  execFileSync("mkfifo", [join(run, "status")]);
  writeFileSync(join(run, "output"), "last words\n");
  writeFileSync(join(run, "shell"), "no\n");
  const menu: ChildProcess = spawn("script", ["-qec", `'${busybox}' sh '${INIT}' rescue_menu`, "/dev/null"], {
    env: { PATH: process.env.PATH, TERM: "linux", BATON_RUN: run, BATON_HARDWARE: run },
    detached: true,
  });
  groups.push(menu.pid!);
  let shown = "";
  menu.stdout!.on("data", (chunk) => {
    shown += chunk;
  });
  const prompts = () => shown.split("\n> ").length - 1;
  await until("the menu", () => prompts() === 1);
  menu.stdin!.write("s");
  await until("the menu after s", () => prompts() === 2);
  menu.stdin!.write("S");
  await until("the menu after S", () => prompts() === 3);
  assert.match(shown, /r {2}start Baton again\r\n {2}b {2}reboot\r\n {2}p {2}power off/);
  assert.doesNotMatch(shown, /shell/);
});

describe("whether the rescue menu has a shell", { skip }, () => {
  const rows: [what: string, free: boolean, files: { cmdline?: string; config?: string; said?: string }][] = [
    ["nothing is said", true, {}],
    ["the command line says no", false, { cmdline: "quiet baton.shell=no" }],
    ["the command line says editor: no, which shell goes by", false, { cmdline: "baton.editor=off root=/dev/sda1" }],
    ["the command line's shell counts before its editor", true, { cmdline: "baton.editor=no baton.shell=YES" }],
    ["the last word counts", false, { cmdline: "baton.shell baton.shell=0" }],
    ["a word in quotes", false, { cmdline: 'baton.shell="no"' }],
    ["what can't be understood is a no", false, { cmdline: "baton.shell=maybe" }],
    ["the image's configuration says no", false, { config: "timeout: 5\nshell: no # not here\n" }],
    ["the image's configuration says editor: no", false, { config: "editor: false\n" }],
    ["one that says yes", true, { config: 'editor: no\n"shell": "Yes"\n' }],
    ["it lets only what is signed boot", false, { config: "trust: require\n", cmdline: "baton.shell=yes" }],
    ["trust: off is none", true, { config: "trust: off\ntrustkeys: [a]\n" }],
    ["a comment says nothing", true, { config: "# shell: no\n" }],
    ["YAML in braces, as JSON writes it", false, { config: '{"timeout": 5, "shell": false}' }],
    ["a value on the next line is a doubt", false, { config: "shell:\n  no\n" }],
    ["nothing in it is a command", false, { config: "x: $(touch /tmp/baton-evil) `exit`;shell: no;(editor:1)\n" }],
    ["other keys are none of these", true, { config: "nutshell: no\nmessage: an editor\n" }],
    ["the command line counts before the image", true, { config: "shell: no\n", cmdline: "baton.shell=yes" }],
    ["lockdown, while nothing has been read", false, { cmdline: "baton.lockdown=yes baton.config=UUID=1:/b.yaml" }],
    ["the image's lockdown", false, { config: "lockdown: yes\n" }],
    ["no lockdown", true, { config: "lockdown: no\n" }],
    ["what Baton has read counts before all", true, { cmdline: "baton.shell=no", said: "yes\n" }],
    ["what Baton has read counts before all", false, { cmdline: "baton.shell=yes", said: "no\n" }],
    ["a file that was never finished", false, { said: "" }],
  ];
  for (const [what, free, { cmdline = "", config, said }] of rows) {
    test(`${what}: ${free ? "yes" : "no"}`, () => {
      const run = join(directory, String(count++));
      execFileSync("mkdir", ["-p", join(run, "etc"), join(run, "proc")]);
      writeFileSync(join(run, "proc/cmdline"), `${cmdline}\n`);
      if (config !== undefined) writeFileSync(join(run, "etc/baton.yaml"), config);
      if (said !== undefined) writeFileSync(join(run, "shell"), said);
      const { status, stderr } = spawnSync(busybox!, ["sh", INIT, "shell_is_free"], {
        env: { PATH: process.env.PATH, BATON_RUN: run, BATON_HARDWARE: run },
        encoding: "utf8",
      });
      assert.deepEqual({ free: status === 0, stderr }, { free, stderr: "" });
    });
  }
});

test("words of the kernel command line don't reach Node as its environment, but a proxy does", { skip }, () => {
  const run = join(directory, String(count++));
  execFileSync("mkdir", [run]);
  const script = `set -- :\n. "$INIT"\nclean_environment\nexec ${busybox} env`;
  const env = {
    PATH: process.env.PATH,
    INIT,
    BATON_RUN: run,
    TERM: "linux",
    NODE_OPTIONS: "--require=/evil.js\nexport TERM='x",
    LD_PRELOAD: "/evil.so",
    BATON_CACHE_WRITE: "/evil",
    "a.b-c": "1",
    http_proxy: "http://proxy:3128",
  };
  const { stdout, stderr } = spawnSync(busybox!, ["sh", "-c", script], { env, encoding: "utf8" });
  const names = stdout.split("\n").map((line) => line.split("=")[0]);
  assert.equal(stderr, "");
  assert.deepEqual(names.filter((name) => name !== "" && name !== "PWD").sort(), ["TERM", "http_proxy"]);
});
