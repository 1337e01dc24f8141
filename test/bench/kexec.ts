/**
 * The hand-over, against Debian's kexec-tools in the same machine: loading and jumping with an 8 MB kernel and a 30 MB
 * initrd, and what staging makes of Enter.
 */

import { initramfsWith, inside } from "../vm/baton.ts";
import { diskImage } from "../vm/disks.ts";
import { grubConfig } from "../vm/grub.ts";
import { KEXEC_TOOLS, kexecTools } from "../vm/kexectools.ts";
import { type Machine, type MachineDisk, withMachine } from "../vm/machine.ts";
import { KERNEL, payload } from "../vm/payload.ts";
import { type Figure, type Group, median, ratio } from "./figures.ts";

const ROUNDS = 3;
/** How often a machine is started until one comes up and gives its figures. */
const ATTEMPTS = 3;
/** Loads of each kind in one machine. */
const LOADS = 3;
const UUID = "5a6b1c2d-00bd-4000-8000-0000000000bd";
const TIMEOUT = { timeoutMs: 600_000 };

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  const disks = await benchDisk("bench-kexec", "quiet");
  const figures: Figure[] = [];
  const loading = [
    "kexec.loadRatioFile",
    "kexec.loadRatioClassic",
    "kexec.loadS",
    "kexec.jumpRatio",
    "kexec.jumpStagedRatio",
  ];
  if (loading.some(wanted)) figures.push(...(await measureLoads(disks, say)));
  const staged = ["kexec.stagedEnterToJumpS", "kexec.stagedToUnstaged", "kexec.stagedEnterToUserlandRatio"];
  if ([...staged, "kexec.loadPeakMiB"].some(wanted)) figures.push(...(await measureStaging(disks, say)));
  return figures;
}

export const kexecGroup: Group = {
  prefixes: ["kexec.load", "kexec.jump", "kexec.staged"],
  measure,
};

/** @param words for the new kernel's console */
async function benchDisk(name: string, words: string): Promise<MachineDisk[]> {
  // As large as a distribution's initrd.
  const system = await payload("bench", { payloadBytes: 30 << 20 });
  const linux = `/boot/vmlinuz root=UUID=${UUID} ro console=ttyS0 ${words}`;
  const image = await diskImage({
    name,
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 96,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(UUID, [{ title: "Bench", id: "bench", linux, initrd: "/boot/initrd.img" }]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  return [{ image, attach: "virtio" }];
}

const FILES = "/mnt/boot/vmlinuz --initrd=/mnt/boot/initrd.img";
const APPEND = "--append='console=ttyS0 earlyprintk=ttyS0'";

/** A machine with Baton's menu up, nothing staged, and a shell on its second line. */
async function withShell<T>(
  name: string,
  words: string,
  disks: readonly MachineDisk[],
  body: (machine: Machine) => Promise<T>,
): Promise<T> {
  const shell = "while :; do setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done";
  const wait = "while ! [ -c /dev/ttyS1 ]; do sleep 0.1; done";
  const initrd = await initramfsWith("baton-bench-kexec", `(${wait}; ${shell}) &`, await kexecTools());
  const cmdline = `console=ttyS0 quiet baton.timeout=-1 ${words}`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await withMachine(
        { name, kernel: KERNEL, initrd, cmdline, secondSerial: true, disks },
        async (machine) => {
          // A host that is busy with other things may keep the machine from its disk until Baton has given that up.
          await machine.serial.waitFor(/baton: menu ready, [1-9]/, TIMEOUT);
          await machine.serial.waitForScreen(/Bench/);
          return body(machine);
        },
      );
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Milliseconds of the guest's clock that a command takes. */
async function timed(machine: Machine, command: string): Promise<number> {
  // The kernel's clock to a hundredth of a second, read by the shell itself.
  const now = "read -r t r </proc/uptime";
  const text = await inside(machine, `${now}; a=$t; ${command} || echo FAILED; ${now}; echo "took $a $t"`);
  const [, from, to] = /took ([\d.]+) ([\d.]+)/.exec(text) ?? [];
  if (from === undefined || text.includes("FAILED")) throw new Error(`${command}: ${text}`);
  return (Number(to) - Number(from)) * 1000;
}

async function measureLoads(disks: readonly MachineDisk[], say: (text: string) => void): Promise<Figure[]> {
  const times = { file: [] as number[], classic: [] as number[], own: [] as number[], whole: [] as number[] };
  const jumps = { tools: [] as number[], own: [] as number[], staged: [] as number[] };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const jumpBy of ["tools", "own"] as const) {
      say(`loading, round ${round} of ${ROUNDS}, then a jump of ${jumpBy === "own" ? "Baton" : "kexec-tools"}`);
      await withShell(`bench-load-${jumpBy}`, "baton.stage=no", disks, async (machine) => {
        await inside(machine, "mkdir /mnt; mount -o ro,noload /dev/vda1 /mnt; cat /mnt/boot/* >/dev/null");
        for (let load = 0; load < LOADS; load++) {
          times.file.push(await timed(machine, `${KEXEC_TOOLS} -s -l ${FILES} ${APPEND}`));
          times.classic.push(await timed(machine, `${KEXEC_TOOLS} -c -i -l ${FILES} ${APPEND}`));
          times.whole.push(await timed(machine, `baton kexec -c -i -l ${FILES} ${APPEND}`));
          const said = await inside(machine, `baton kexec -d -c -i -l ${FILES} ${APPEND}`);
          times.own.push(Number(/loaded in ([\d.]+) ms/.exec(said)?.[1]));
        }
        if (jumpBy === "tools") await inside(machine, `${KEXEC_TOOLS} -l ${FILES} ${APPEND}`);
        await inside(machine, "umount /mnt");
        await inside(machine, "dmesg -n 8");
        machine.serial2!.write(`${KEXEC_TOOLS} -e -x -y\n`);
        jumps[jumpBy].push(await jumpTime(machine));
      });
    }
  }
  for (let round = 1; round <= ROUNDS; round++) {
    say(`jumping as the menu does, round ${round} of ${ROUNDS}`);
    jumps.staged.push(await stagedJump(await benchDisk("bench-kexec-verbose", "earlyprintk=ttyS0")));
  }
  const ms = (values: readonly number[]) => `${median(values).toFixed(0)} ms`;
  return [
    {
      name: "kexec.loadRatioFile",
      ...ratio(times.own, times.file),
      meaning: `Baton's default load ${ms(times.own)} (its process's start excluded; with it ${ms(times.whole)}), to kexec -s -l ${ms(times.file)}`,
      target: 0.6,
    },
    {
      name: "kexec.loadRatioClassic",
      ...ratio(times.own, times.classic),
      meaning: `the same, to kexec -c -i -l ${ms(times.classic)}`,
      target: 1.0,
    },
    { name: "kexec.loadS", value: median(times.own) / 1000, meaning: "Baton's default load, seconds", target: null },
    {
      name: "kexec.jumpRatio",
      ...ratio(jumps.own, jumps.tools),
      meaning: `the jump itself, from the old kernel's last line ("Starting new kernel") to the new one's first, of what Baton loads by default (kexec_load, packed, no digest) ${ms(jumps.own)}, to ${ms(jumps.tools)} of what kexec-tools loads by default (kexec_load with its purgatory's digest)`,
      target: 0.7,
    },
    {
      name: "kexec.jumpStagedRatio",
      ...ratio(jumps.staged, jumps.tools),
      meaning: `the same from the menu, staged and unpacked ahead ${ms(jumps.staged)}`,
      target: null,
    },
  ];
}

/** Milliseconds from the old kernel's last line to the new one's first. */
async function jumpTime(machine: Machine): Promise<number> {
  const { at: from } = await machine.serial.waitFor(/Starting new kernel/, TIMEOUT);
  const { at: to } = await machine.serial.waitFor(/Linux version/, TIMEOUT);
  return to - from;
}

const WAIT_STAGED = "until dmesg | grep -q 'unpacked ahead in'; do sleep 1; done";

/** Milliseconds from the jump to the new kernel's first line, for what the menu has loaded ahead. */
async function stagedJump(disks: readonly MachineDisk[]): Promise<number> {
  // The kernel's own last line is a notice.
  return withShell("bench-jump-staged", "loglevel=6", disks, async (machine) => {
    await inside(machine, WAIT_STAGED);
    machine.serial.write("\r");
    return jumpTime(machine);
  });
}

interface EnterTimes {
  readonly toJump: number;
  readonly toUserland: number;
  /** MiB of memory that were free before and not any more while it loaded. */
  readonly peak: number;
}

async function measureStaging(disks: readonly MachineDisk[], say: (text: string) => void): Promise<Figure[]> {
  const runs = { staged: [] as EnterTimes[], plain: [] as EnterTimes[], file: [] as EnterTimes[] };
  const words = {
    staged: "baton.debug",
    plain: "baton.stage=no",
    file: "baton.stage=no baton.kexec=file",
  } as const;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const kind of ["staged", "plain", "file"] as const) {
      say(`Enter, round ${round} of ${ROUNDS}: ${kind}`);
      runs[kind].push(await enterRun(kind, words[kind], disks));
    }
  }
  const of = (kind: keyof typeof runs, what: keyof EnterTimes) => median(runs[kind].map((times) => times[what]));
  const s = (value: number) => `${value.toFixed(2)} s`;
  return [
    {
      name: "kexec.stagedEnterToJumpS",
      value: of("staged", "toJump"),
      meaning: `Enter → jump, staged, seconds (host clock); unstaged ${s(of("plain", "toJump"))}, by kexec_file_load ${s(of("file", "toJump"))}`,
      target: 0.3,
    },
    {
      name: "kexec.stagedToUnstaged",
      value: of("staged", "toJump") / of("plain", "toJump"),
      meaning: "Enter → jump, staged to unstaged",
      target: 0.1,
    },
    {
      name: "kexec.stagedEnterToUserlandRatio",
      ...ratio(
        runs.staged.map((times) => times.toUserland),
        runs.file.map((times) => times.toUserland),
      ),
      meaning: `Enter → second userland, staged and unpacked ${s(of("staged", "toUserland"))}, to unstaged kexec_file_load ${s(of("file", "toUserland"))}; unstaged default ${s(of("plain", "toUserland"))}`,
      target: 0.5,
    },
    {
      name: "kexec.loadPeakMiB",
      value: of("plain", "peak"),
      meaning:
        "memory that loading a kernel of 8 MB and an initrd of 30 MB takes at its peak, the kernel's copy included",
      target: 38 + 100,
    },
  ];
}

async function enterRun(kind: string, words: string, disks: readonly MachineDisk[]): Promise<EnterTimes> {
  return withShell(`bench-enter-${kind}`, words, disks, async (machine) => {
    if (kind === "staged") await inside(machine, WAIT_STAGED);
    const watch = kind === "plain" ? await watchMemory(machine) : null;
    const pressed = performance.now();
    machine.serial.write("\r");
    await machine.serial.waitFor(/baton: jump/, TIMEOUT);
    const jump = performance.now();
    await machine.serial.waitFor(/payload: begin/, TIMEOUT);
    const seconds = (to: number) => (to - pressed) / 1000;
    return { toJump: seconds(jump), toUserland: seconds(performance.now()), peak: watch?.() ?? 0 };
  });
}

/** @returns what was the least since, in MiB below what was there at first */
async function watchMemory(machine: Machine): Promise<() => number> {
  const line = machine.serial2!;
  const read = "while :; do grep MemAvail /proc/meminfo; usleep 20000; done";
  line.write(`${read}\n`);
  await line.waitFor(/MemAvailable: +\d+ kB[\s\S]*MemAvailable/, TIMEOUT);
  const first = line.text.length;
  const values = (text: string) => [...text.matchAll(/MemAvailable: +(\d+) kB/g)].map((match) => Number(match[1]));
  return () => {
    const before = Math.max(...values(line.text.slice(0, first)));
    return (before - Math.min(...values(line.text.slice(first)))) / 1024;
  };
}
