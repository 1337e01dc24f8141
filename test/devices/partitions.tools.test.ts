import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { isCovered, readPartitionTable } from "../../src/devices/partitions/table.ts";
import { Window } from "../../src/devices/probes/window.ts";
import { isRoot, makeWorkshop, openImage, run, withLoop } from "./images.ts";

const shop = makeWorkshop();
after(() => shop.remove());
const MiB = 1024 * 1024;

function sfdiskOn(path: string, script: string): void {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  execFileSync("sfdisk", ["-q", path], { input: script, env, stdio: ["pipe", "ignore", "inherit"] });
}

async function sfdisk(name: string, script: string): Promise<string> {
  const path = await shop.blank(name, 64 * MiB);
  sfdiskOn(path, script);
  return path;
}

async function withWindow<T>(path: string, use: (window: Window) => Promise<T>, sectorSize = 512): Promise<T> {
  const image = await openImage(path);
  try {
    return await use(new Window(image.read, image.size, { wholeDisk: true, sectorSize }));
  } finally {
    await image.close();
  }
}

const tableOf = (path: string, sectorSize = 512) => withWindow(path, readPartitionTable, sectorSize);

/** What sfdisk itself reads there, in our words. */
async function bySfdisk(path: string) {
  const { partitiontable: table } = JSON.parse(await run("sfdisk", "--json", path));
  const signature = table.id.replace("0x", "");
  return table.partitions.map(
    (p: { node: string; start: number; size: number; type: string; uuid?: string; name?: string; attrs?: string }) => {
      const number = Number(p.node.slice(path.length).replace("p", ""));
      const mbr = table.label === "dos";
      return {
        number,
        start: p.start * 512,
        size: p.size * 512,
        type: mbr ? `0x${p.type}` : p.type.toLowerCase(),
        uuid: mbr ? `${signature}-${number.toString(16).padStart(2, "0")}` : p.uuid?.toLowerCase(),
        name: p.name ?? null,
        ...(mbr ? {} : { attributes: attributesOf(p.attrs) }),
      };
    },
  );
}

/** `RequiredPartition GUID:49,56` */
function attributesOf(text = ""): bigint {
  const named = text.includes("RequiredPartition") ? 1n : 0n;
  const [, numbers = ""] = /GUID:([0-9,]*)/.exec(text) ?? [];
  return numbers.split(",").reduce((all, bit) => (bit === "" ? all : all | (1n << BigInt(bit))), named);
}

const GPT = `label: gpt
1 : start=2048, size=4096, type=uefi, name="EFI System"
3 : start=8192, size=4096, name="Größe 文", attrs="RequiredPartition GUID:49,52,63"
128 : start=16384, size=8, uuid=0FC63DAF-8483-4772-8E79-3D69D8477DE4
`;

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "r+");
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

describe("GPT", () => {
  test("PARTUUID, PARTLABEL, type and place of every partition", async () => {
    const path = await sfdisk("gpt", GPT);
    const table = await tableOf(path);
    assert.equal(table?.scheme, "gpt");
    assert.deepEqual(table.partitions, await bySfdisk(path));
    assert.equal(table.partitions[2]?.number, 128);
    assert.equal(table.partitions[1]?.name, "Größe 文");
  });

  test("the backup serves where header or entries of the primary are damaged", async () => {
    const path = await sfdisk("gpt-backup", GPT);
    const expected = await tableOf(path);
    await overwrite(path, 2 * 512 + 60, Buffer.from("?"));
    assert.deepEqual(await tableOf(path), expected);
    await overwrite(path, 512, Buffer.alloc(512));
    assert.deepEqual(await tableOf(path), expected);
    // With both gone only the protective MBR is left.
    await overwrite(path, 64 * MiB - 512, Buffer.alloc(512));
    const table = await tableOf(path);
    assert.deepEqual([table?.scheme, table?.partitions.map((p) => p.type)], ["msdos", ["0xee"]]);
  });

  test("counts in the sectors of the disk", { skip: !isRoot && "needs root for a loop device" }, async () => {
    const path = await shop.blank("gpt-4k", 64 * MiB);
    await withLoop(path, async (node) => sfdiskOn(node, "label: gpt\nstart=256, size=512\n"), "--sector-size", "4096");
    const table = await tableOf(path, 4096);
    assert.deepEqual([table?.partitions[0]?.start, table?.partitions[0]?.size], [MiB, 2 * MiB]);
  });

  test("one that no MBR announces doesn't count, as for the kernel", async () => {
    const path = await sfdisk("gpt-alone", GPT);
    await overwrite(path, 0, Buffer.alloc(512));
    assert.equal(await tableOf(path), null);
  });
});

describe("MBR", () => {
  const MBR = `label: dos
label-id: 0x1a2b3c4d
1 : start=2048, size=4096, type=83, bootable
2 : start=8192, size=65536, type=5
4 : start=81920, size=2048, type=ef
5 : start=10240, size=2048, type=83
6 : start=14336, size=2048, type=82
7 : start=18432, size=2048, type=83
`;

  test("primary and logical partitions with their PARTUUIDs", async () => {
    const path = await sfdisk("mbr", MBR);
    const table = await tableOf(path);
    assert.equal(table?.scheme, "msdos");
    assert.deepEqual(table.partitions, await bySfdisk(path));
    assert.equal(table.partitions.at(-1)?.uuid, "1a2b3c4d-07");
  });

  test("a chain of extended partitions that leads back into itself ends", async () => {
    const path = await sfdisk("mbr-loop", MBR);
    // The second link's link: to the first.
    const link = Buffer.alloc(16);
    link[4] = 5;
    link.writeUInt32LE(0, 8);
    link.writeUInt32LE(100, 12);
    await withWindow(path, async (window) => {
      const first = await readPartitionTable(window);
      await overwrite(path, first!.partitions[4]!.start - 2048 * 512 + 0x1be + 16, link);
    });
    assert.deepEqual(
      (await tableOf(path))?.partitions.map((p) => p.number),
      [1, 2, 4, 5, 6],
    );
  });

  test("a filesystem's boot sector is no partition table", async () => {
    const fat = await shop.blank("fat", 16 * MiB);
    await run("mkfs.vfat", fat);
    assert.equal(await tableOf(fat), null);
    assert.equal(await tableOf(await shop.blank("zeros", MiB)), null);
  });

  test("without a disk signature there is no PARTUUID", async () => {
    const path = await sfdisk("mbr-unsigned", "label: dos\nlabel-id: 0x0\nstart=2048, size=4096\n");
    assert.equal((await tableOf(path))?.partitions[0]?.uuid, null);
  });
});

test("what lies inside a partition belongs to it, unless the table can't be this disk's", async () => {
  const path = await sfdisk("covered", "label: dos\nstart=2048, size=100000\n");
  await withWindow(path, async (window) => {
    assert.equal(await isCovered(window, 2048 * 512, 100000 * 512), true);
    assert.equal(await isCovered(window, 2048 * 512, 100001 * 512), false);
    assert.equal(await isCovered(window, 0, 512), false);
  });
  await run("truncate", "-s", "40M", path);
  await withWindow(path, async (window) => assert.equal(await isCovered(window, 2048 * 512, 512), false));
});
