/**
 * From power-on to the menu and on to the other kernel, in emulated machines (one CPU, 2 GiB), against a floor: the
 * same kernel on the same machine with a tiny busybox initramfs that only says it is up.
 */

import { batonCmdline, initramfsWith, inside, menuReady, withBaton } from "../vm/baton.ts";
import { diskImage } from "../vm/disks.ts";
import { grubConfig } from "../vm/grub.ts";
import { type MachineDisk, withMachine } from "../vm/machine.ts";
import { KERNEL, payload } from "../vm/payload.ts";
import { countStart, DEVICES, floorInitramfs, INIT_LINE, MENU_LINE, SAY_INIT, total } from "./counts.ts";
import { type Figure, type Group, median, ratio } from "./figures.ts";

/** Each machine is measured this often, in turns with the floor; the median counts. */
const ROUNDS = 3;
const WORDS = "baton.timeout=-1";
const CMDLINE = batonCmdline({ name: "bench", vga: true, words: WORDS });

/** Two runs of the floor's machine that differ only in what they are given must take the same kernel's time. */
interface FloorTimes {
  /** Kernel start → first line of /init, seconds of the guest's clock. */
  readonly initAt: number;
  /** QEMU's start → the same, seconds of the host's clock. */
  readonly hostInit: number;
}

interface BatonTimes {
  readonly initAt: number;
  readonly menuAt: number;
  readonly hostMenu: number;
  readonly enterToUserland: number;
  readonly load: number;
}

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  const counts = ["boot.menuGi", "boot.menuBlocks", "boot.totalGi"];
  if (counts.some(wanted)) {
    say("instructions to the menu");
    figures.push(...(await measureCounts()));
  }
  // As large as a distribution's initrd.
  const disks = await bootDisks("bench", 30 << 20);
  const timed = ["boot.menuRatio", "boot.totalRatio", "boot.enterToUserlandS", "boot.initToMenuS", "kexec.fileLoadS"];
  if (timed.some(wanted)) figures.push(...(await measureTimes(disks, say)));
  if (wanted("boot.menuRssMiB") || wanted("boot.menuUsedMiB")) {
    say("memory with the menu up");
    figures.push(...(await measureMemory(disks)));
  }
  if (wanted("boot.leastMiB")) {
    const value = await leastMemory(await bootDisks("bench-least", 200 << 10), say);
    figures.push({
      name: "boot.leastMiB",
      value,
      meaning: "the least -m with which the menu comes and its choice boots (16 MiB steps)",
      target: null,
    });
  }
  return figures;
}

export const bootGroup: Group = { prefixes: ["boot.", "kexec.fileLoadS"], measure };

async function measureCounts(): Promise<Figure[]> {
  const { phases } = await countStart();
  const all = total(phases);
  const toMenu = total(phases.slice(1));
  const figure = (name: string, value: number, meaning: string): Figure => ({ name, value, meaning, target: null });
  return [
    figure("boot.menuGi", toMenu.gi, "/init → menu ready, 10⁹ instructions of the guest"),
    figure("boot.menuBlocks", toMenu.blocks, "/init → menu ready, blocks of code that QEMU translates"),
    figure("boot.totalGi", all.gi, "kernel start → menu ready, 10⁹ instructions of the guest"),
  ];
}

async function measureTimes(disks: readonly MachineDisk[], say: (text: string) => void): Promise<Figure[]> {
  const floors: FloorTimes[] = [];
  const batons: BatonTimes[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`round ${round} of ${ROUNDS}: the floor, then Baton`);
    floors.push(await floorRun(disks));
    batons.push(await batonRun(disks));
  }
  const floorInit = median(floors.map((times) => times.initAt));
  const floorHost = median(floors.map((times) => times.hostInit));
  const initToMenu = median(batons.map((times) => times.menuAt - times.initAt));
  const hostMenu = median(batons.map((times) => times.hostMenu));
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  return [
    {
      name: "boot.menuRatio",
      ...ratio(
        batons.map((times) => times.menuAt - times.initAt),
        floors.map((times) => times.initAt),
      ),
      meaning: `/init → menu ready ${seconds(initToMenu)}, to the floor's kernel start → /init ${seconds(floorInit)} (guest clock)`,
      target: 1.6,
    },
    {
      name: "boot.totalRatio",
      ...ratio(
        batons.map((times) => times.hostMenu),
        floors.map((times) => times.hostInit),
      ),
      meaning: `QEMU's start → menu ready ${seconds(hostMenu)}, to QEMU's start → the floor's /init ${seconds(floorHost)} (host clock)`,
      target: 2.0,
    },
    { name: "boot.initToMenuS", value: initToMenu, meaning: "/init → menu ready, seconds (guest clock)", target: null },
    {
      name: "boot.enterToUserlandS",
      value: median(batons.map((times) => times.enterToUserland)),
      meaning: "Enter pressed → the second kernel's first userland line, seconds (host clock)",
      target: null,
    },
    {
      name: "kexec.fileLoadS",
      value: median(batons.map((times) => times.load)),
      meaning: "loading kernel and initrd by kexec_file_load, seconds (guest clock)",
      target: null,
    },
  ];
}

/** A GRUB disk whose entry leads to a userland that says at once that it is there. */
async function bootDisks(name: string, payloadBytes: number): Promise<MachineDisk[]> {
  const uuid = "5a6b1c2d-00be-4000-8000-0000000000be";
  const system = await payload(name, { payloadBytes });
  const linux = `/boot/vmlinuz root=UUID=${uuid} ro console=ttyS0 quiet`;
  const image = await diskImage({
    name,
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 96,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [{ title: "Bench", id: "bench", linux, initrd: "/boot/initrd.img" }]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  return [{ image, attach: "virtio" }];
}

async function floorRun(disks: readonly MachineDisk[]): Promise<FloorTimes> {
  const initrd = await floorInitramfs();
  const options = { name: "bench-floor", kernel: KERNEL, initrd, cmdline: CMDLINE, vga: true, disks };
  return withMachine(options, async (machine) => {
    const { match, at } = await machine.serial.waitFor(INIT_LINE);
    return { initAt: Number(match[1]), hostInit: at / 1000 };
  });
}

async function batonRun(disks: readonly MachineDisk[]): Promise<BatonTimes> {
  const initrd = await initramfsWith("baton-bench", SAY_INIT, DEVICES);
  const options = { name: "bench-baton", kernel: KERNEL, initrd, cmdline: CMDLINE, vga: true, disks };
  return withMachine(options, async (machine) => {
    const init = await machine.serial.waitFor(INIT_LINE);
    const menu = await machine.serial.waitFor(MENU_LINE);
    await machine.serial.waitForScreen(/Bench/);
    const pressed = performance.now();
    machine.serial.write("\r");
    const loaded = await machine.serial.waitFor(/baton: loaded \S+ by \S+ in ([\d.]+) s/);
    await machine.serial.waitFor(/payload: begin/);
    return {
      initAt: Number(init.match[1]),
      menuAt: Number(menu.match[1]),
      hostMenu: menu.at / 1000,
      enterToUserland: (performance.now() - pressed) / 1000,
      load: Number(loaded.match[1]),
    };
  });
}

async function measureMemory(disks: readonly MachineDisk[]): Promise<Figure[]> {
  const options = { name: "bench-memory", words: WORDS, vga: true, shell: true, disks };
  return withBaton(options, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Bench/);
    const find = 'for p in /proc/[0-9]*; do case "$(readlink $p/exe)" in *node*) cat $p/status;; esac; done';
    const status = await inside(machine, find);
    const rss = [...status.matchAll(/^VmRSS:\s+(\d+) kB$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
    const meminfo = await inside(machine, "cat /proc/meminfo");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1]);
    const used = field("MemTotal") - field("MemAvailable");
    if (rss === 0 || Number.isNaN(used)) throw new Error(`no memory figures from inside:\n${status}\n${meminfo}`);
    return [
      {
        name: "boot.menuRssMiB",
        value: rss / 1024,
        meaning: "resident memory of Baton's process, menu up",
        target: null,
      },
      {
        name: "boot.menuUsedMiB",
        value: used / 1024,
        meaning: "memory not available to others with the menu up, the unpacked initramfs included",
        target: null,
      },
    ];
  });
}

/** Bisects in steps of 16 MiB. */
async function leastMemory(disks: readonly MachineDisk[], say: (text: string) => void): Promise<number> {
  const boots = async (memoryMiB: number): Promise<boolean> => {
    const options = { name: "bench-least", words: "baton.timeout=0", vga: true, memoryMiB, disks };
    const works = await withBaton(options, async (machine) => {
      const { match } = await machine.serial.waitFor(/payload: begin|baton: failed/, { timeoutMs: 120_000 });
      return match[0] === "payload: begin";
    }).catch(() => false);
    say(`-m ${memoryMiB}: ${works ? "boots" : "does not boot"}`);
    return works;
  };
  let [tooLittle, enough] = [64, 1024];
  if (!(await boots(enough))) throw new Error(`it doesn't even boot with ${enough} MiB`);
  while (enough - tooLittle > 16) {
    const middle = Math.round((tooLittle + enough) / 2 / 16) * 16;
    if (await boots(middle)) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}
