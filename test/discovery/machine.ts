/** A machine of folders that stand for its partitions. */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import type { BootSector } from "../../src/discovery/bootsector.ts";
import { Discovery } from "../../src/discovery/discovery.ts";
import type { BootList } from "../../src/policy/list.ts";
import { type BootRules, NO_RULES } from "../../src/policy/readconfig.ts";
import { openDirectory } from "../../src/volumes/directory.ts";

const base = fs.mkdtempSync(join(tmpdir(), "baton-order-"));
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** A partition: its files, and what is said of it. */
export interface Disk {
  readonly type?: string;
  readonly uuid?: string;
  readonly label?: string | null;
  readonly partuuid?: string;
  readonly partlabel?: string | null;
  readonly removable?: boolean;
  /** GRUB's other names for it. */
  readonly aliases?: readonly string[];
  /** Path → text, bytes, or where a link leads; a kernel is any text. */
  readonly files: Readonly<
    Record<string, string | Uint8Array | { readonly link: string } | { readonly hardLink: string }>
  >;
}

/** The firmware's variables by name. */
export type Variables = Readonly<Record<string, Buffer>>;

/**
 * Reads a machine of these partitions, `sda1` of disk `sda`; those of `late` come one by one when the others have been read.
 * @param sectors whose code stands in boot sectors, by device
 */
export async function listOf(
  disks: Record<string, Disk>,
  variables?: Variables,
  firmware: "efi" | "pc" = "efi",
  rules: BootRules = NO_RULES,
  late: Record<string, Disk> = {},
  sectors: Record<string, Pick<BootSector, "code"> & Partial<BootSector>> = {},
): Promise<BootList> {
  const efiVariable = (name: string): Buffer | null => variables?.[name] ?? null;
  const platform = { firmware, arch: "x86_64", ...(variables === undefined ? {} : { efiVariable }) };
  const discovery = new Discovery(platform);
  discovery.setRules(rules);
  for (const [name, disk] of Object.entries(disks)) attach(discovery, name, disk);
  for (const [device, sector] of Object.entries(sectors)) {
    const disk = device.replace(/\d+$/, "");
    const facts = {
      name: device,
      type: null,
      uuid: null,
      label: null,
      model: null,
      transport: null,
      reason: null,
      size: 1,
    };
    if (disks[device] === undefined) discovery.noteDevice(facts);
    discovery.noteBootSector(device, {
      device,
      disk: disk === device ? null : disk,
      removable: false,
      place: null,
      ...sector,
    });
  }
  await discovery.scan();
  for (const [name, disk] of Object.entries(late)) {
    attach(discovery, name, disk);
    await discovery.scan([name]);
  }
  return discovery.list;
}

function attach(
  discovery: Discovery,
  name: string,
  {
    type = "ext4",
    uuid = `uuid-${name}`,
    label = null,
    partuuid = `part-${name}`,
    partlabel = null,
    removable = false,
    aliases = [],
    files,
  }: Disk,
): void {
  const root = fs.mkdtempSync(join(base, "disk-"));
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true });
    if (typeof text === "string" || text instanceof Uint8Array) fs.writeFileSync(join(root, path), text);
    else if ("link" in text) fs.symlinkSync(text.link, join(root, path));
    else fs.linkSync(join(root, text.hardLink), join(root, path));
  }
  const reader = openDirectory(root, { caseInsensitive: type === "vfat" });
  const disk = name.replace(/\d+$/, "");
  const identity = { name, type, uuid, label, partuuid, partlabel, model: null, transport: null };
  discovery.attach(
    {
      ...{
        ...identity,
        disk,
        baseDisk: disk,
        partition: Number(name.slice(disk.length)),
        scheme: "gpt",
        removable,
        aliases,
        reader,
      },
      hostPath: (path) => reader.hostPath(path),
      close: async () => {},
    },
    { ...identity, size: 1, reason: null },
  );
}
