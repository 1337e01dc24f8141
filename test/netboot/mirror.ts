/** A folder that stands for the network, made of file names and texts, and what is asked of it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import type { Platform } from "../../src/formats/format.ts";
import { type Lease, lease } from "../../src/net/lease.ts";
import { Network } from "../../src/netboot/network.ts";
import { type BootList, bootList } from "../../src/policy/list.ts";

export type Tree = Readonly<Record<string, string | Uint8Array>>;

export interface Answer {
  readonly list: BootList;
  /** Why nothing was found, else null. */
  readonly failure: string | null;
  readonly rows: Network["rows"];
  /** As booting an entry would. */
  fetch(url: string): Promise<FileHandle>;
}

export interface Question {
  readonly url?: string;
  readonly lease?: Partial<Lease>;
  readonly platform?: Platform;
  readonly initrd?: readonly string[];
  readonly options?: string;
}

/** @param tree by path below the mirror: `tftp/10.0.0.1/pxelinux.0` */
export async function ask(t: TestContext, tree: Tree, question: Question): Promise<Answer> {
  const directory = mkdtempSync(join(tmpdir(), "baton-mirror-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  const platform = question.platform ?? { firmware: "efi", arch: "x86_64" };
  const network = new Network(new Fetcher({ mirror: directory }), platform);
  const failure = await network.ask([
    {
      url: question.url ?? null,
      lease: question.lease ? lease({ origin: "test", ...question.lease }) : null,
      extras: { initrd: question.initrd ?? [], options: question.options ?? "" },
    },
  ]);
  const list = bootList(network.configs, (ref) => network.check(ref));
  return { list, failure, rows: network.rows, fetch: (url) => network.fetch(url, () => {}) };
}

/** `title | kernel | initrds | options`, one line an entry. */
export function lines({ list }: Answer): string[] {
  return list.entries.map(({ title, submenu, linux, initrd, options }) =>
    [[...submenu, title].join(" > "), linux && formatFileRef(linux), initrd.map(formatFileRef).join(" "), options].join(
      " | ",
    ),
  );
}

/** The one configuration that was read. */
export function source({ list, failure }: Answer): string | null {
  return failure ?? list.entries[0]?.source ?? null;
}

/** A file that is a Linux kernel as far as its header goes. */
export function kernel(): Uint8Array {
  const image = Buffer.alloc(64 * 1024);
  image[0x1f1] = 4;
  image.writeUInt16LE(0xaa55, 0x1fe);
  image.writeUInt16LE(0x66eb, 0x200);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x020f, 0x206);
  image.writeUInt16LE(0x3000 - 0x200, 0x20e);
  image[0x211] = 1;
  image.writeUInt16LE(0x7f, 0x236);
  image.writeUInt32LE(2047, 0x238);
  image.writeUInt32LE(0x1000000, 0x260);
  image.write("6.1.0-test (someone) #1\0", 0x3000, "latin1");
  return image;
}
