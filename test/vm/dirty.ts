/**
 * Disks as a power cut leaves them: a machine mounts them read-write, writes and syncs, and is killed. What its
 * journals hold has not been written back, so whoever mounts such a disk carelessly changes it.
 */

import { mkdirSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { moduleTables, readModule } from "../../initramfs/kernel.ts";
import { selectModules } from "../../initramfs/kernel-modules.ts";
import { type ArchiveFile, archive } from "./archive.ts";
import { hashOf } from "./disks.ts";
import { CACHE, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { imageKernel, initrdFile, KERNEL, userlandFiles } from "./payload.ts";

export interface DirtyRequest {
  readonly image: string;
  /** The number of the partition to make dirty, from 1. */
  readonly partition: number;
  readonly type: "ext4" | "xfs" | "btrfs" | "vfat";
  /** Shell commands run in the mounted filesystem's root last, before what makes their effects durable in the journal. */
  readonly change?: string;
}

/** What no modules.dep knows: filesystems ask for these by name when they are mounted. */
const UNTOLD = ["virtio_pci", "virtio_blk", "crc32c_generic", "nls_cp437", "nls_ascii"];
const RECIPE = "1";

/** Dirty copies of these images, in their order, from the cache where they were made before. */
export async function dirtyImages(requests: readonly DirtyRequest[]): Promise<string[]> {
  const key = (request: DirtyRequest) => hashOf(RECIPE, basename(request.image), JSON.stringify(request)).slice(0, 12);
  const targets = requests.map((request) => join(CACHE, `dirty-${request.type}-${key(request)}.img`));
  if (await allExist(targets)) return targets;

  mkdirSync(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "work-"));
  try {
    await withMachine(
      {
        name: "dirty",
        kernel: KERNEL,
        initrd: await initrdFile("dirty", archive(await writerFiles(requests))),
        cmdline: "console=ttyS0 quiet",
        disks: requests.map(({ image }, index) => ({
          image,
          attach: "virtio",
          writable: { keepAs: join(work, `${index}`) },
        })),
      },
      async (machine) => {
        await machine.serial.waitFor(/writer: all dirty/);
        await machine.kill();
      },
    );
    for (const [index, request] of requests.entries()) {
      await assertDirty(join(work, `${index}`), request);
      await rename(join(work, `${index}`), targets[index]!);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return targets;
}

async function allExist(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return found.every((item) => item !== null);
}

/** The userland that writes: modules in order, then each disk. */
async function writerFiles(requests: readonly DirtyRequest[]): Promise<ArchiveFile[]> {
  const modules = await modulesFor([...UNTOLD, ...requests.map((request) => request.type)]);
  const script = [
    ...modules.map((module) => `busybox insmod /${module.path}`),
    "busybox sleep 1",
    ...requests.flatMap(({ type, partition, change }, index) => {
      const device = `/dev/vd${String.fromCharCode(97 + index)}${partition}`;
      return [
        `busybox mkdir -p /mnt/${index}`,
        `busybox mount -t ${type} ${device} /mnt/${index} || echo "writer: no ${device}"`,
        `n=0; while [ $n -lt 40 ]; do`,
        `busybox dd if=/dev/urandom of=/mnt/${index}/f$n bs=9000 count=1 conv=fsync 2>/dev/null; n=$((n+1)); done`,
        `busybox rm /mnt/${index}/f1*`,
        ...(change === undefined ? [] : [`(cd /mnt/${index}; ${change})`]),
        `busybox dd if=/dev/urandom of=/mnt/${index}/last bs=9000 count=1 conv=fsync 2>/dev/null`,
      ];
    }),
    'echo "writer: all dirty"; busybox sleep 1000',
  ];
  return [...(await userlandFiles(script.join("\n"))), ...modules];
}

/** Modules and all that they need, in the order in which they load. */
async function modulesFor(names: readonly string[]): Promise<ArchiveFile[]> {
  const kernel = await imageKernel();
  const tables = await moduleTables(kernel);
  const { modules } = selectModules(tables, names);
  return Promise.all(
    modules.map(async (name) => ({
      path: `modules/${name}.ko`,
      bytes: Buffer.from(await readModule(kernel, tables.dep.get(name)!.path)),
    })),
  );
}

/** A test that takes a clean disk for a dirty one would prove nothing. */
async function assertDirty(image: string, { partition, type }: DirtyRequest): Promise<void> {
  const table = JSON.parse(await run("sfdisk", ["-J", image])) as {
    partitiontable: { partitions: { start: number; size: number }[] };
  };
  const { start, size } = table.partitiontable.partitions[partition - 1]!;
  const piece = `${image}.piece`;
  const geometry = [`skip=${start / 2048}`, `count=${size / 2048}`, "bs=1M", "conv=sparse", "status=none"];
  await run("dd", [`if=${image}`, `of=${piece}`, ...geometry]);
  try {
    const looksDirty = {
      ext4: async () => /needs_recovery/.test(await run("dumpe2fs", ["-h", piece])),
      xfs: async () =>
        /changes in a log/.test(await run("xfs_repair", ["-n", piece], { allowExit: [1, 2], stderr: true })),
      btrfs: async () => !/^log_root\s+0$/m.test(await run("btrfs", ["inspect-internal", "dump-super", piece])),
      vfat: async () => ((await readFile(piece))[0x25]! & 1) === 1,
    }[type];
    if (!(await looksDirty())) throw new Error(`the ${type} on ${image} was to be dirty and isn't`);
  } finally {
    await rm(piece);
  }
}
