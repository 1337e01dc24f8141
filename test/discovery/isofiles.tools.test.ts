/** ISO files on a disk: found, opened as volumes, their menus listed apart from the disk's, their kernels loadable. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { discoverDirectories } from "../../src/discovery/directories.ts";
import { Discovery } from "../../src/discovery/discovery.ts";
import { findIsoFiles, IsoFiles } from "../../src/discovery/isofiles.ts";
import type { BootEntry } from "../../src/entry.ts";
import { formatFileRef } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import { planBoot } from "../../src/loader/plan.ts";
import { NO_RULES } from "../../src/policy/readconfig.ts";
import { DEFAULT_SETTINGS } from "../../src/policy/settings.ts";
import { TrustPolicy } from "../../src/trust/policy.ts";
import { openDirectory } from "../../src/volumes/directory.ts";
import type { Volume } from "../../src/volumes/volume.ts";
import { isoFolder, makeIso, type Tree, writeTree } from "../volumes/isoimages.ts";

const folder = isoFolder();
let count = 0;

/** A disk of these files and ISO files. */
function makeDisk(files: Tree, isos: Readonly<Record<string, Tree>> = {}): string {
  const directory = join(folder, `disk${count++}`);
  writeTree(directory, files);
  for (const [path, tree] of Object.entries(isos)) makeIso(join(directory, path), tree);
  return directory;
}

function volumeOf(name: string, directory: string): Volume {
  const reader = openDirectory(directory);
  return {
    ...{ name, type: "ext4", uuid: `uuid-${name}`, label: null, partuuid: null, partlabel: null },
    ...{ disk: null, partition: null, scheme: null, removable: false },
    reader,
    hostPath: (path) => reader.hostPath(path),
    close: async () => {},
  };
}

function attach(discovery: Discovery, volume: Volume): void {
  const { name, type, uuid, label } = volume;
  discovery.attach(volume, { name, size: null, type, uuid, label, model: null, transport: null, reason: null });
}

async function discover(directory: string): Promise<Discovery> {
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  attach(discovery, volumeOf("vda1", directory));
  await discovery.scan();
  await discovery.scanIsoFiles();
  return discovery;
}

const shown = ({ submenu, title, linux, options, bootable }: BootEntry): unknown => ({
  title: [...submenu, title].join(" > "),
  linux: linux && formatFileRef(linux),
  options,
  bootable,
});

const KERNEL = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
const LIVE: Tree = { "live/vmlinuz": KERNEL, "live/initrd.img": "initrd" };
const DEBIAN_LIVE: Tree = {
  ...LIVE,
  "boot/grub/grub.cfg": `set default=0
set timeout=0
menuentry "Live system" { linux /live/vmlinuz boot=live components quiet
  initrd /live/initrd.img }
`,
};
const ON_DISK: Tree = {
  "boot/grub/grub.cfg": "menuentry Installed --id own { linux /vmlinuz root=/dev/vda1 }\n",
  vmlinuz: "k",
};

test("an ISO's menu is a submenu of the list, and its system is told where its medium is", async () => {
  const { list } = await discover(makeDisk(ON_DISK, { "iso/debian-live-12.iso": DEBIAN_LIVE }));
  assert.deepEqual(list.entries.map(shown), [
    { title: "Installed", linux: "vda1:/vmlinuz", options: "BOOT_IMAGE=/vmlinuz root=/dev/vda1", bootable: true },
    {
      title: "debian-live-12.iso > Live system",
      linux: "vda1+debian-live-12.iso:/live/vmlinuz",
      options: "BOOT_IMAGE=/live/vmlinuz boot=live components quiet findiso=/iso/debian-live-12.iso",
      bootable: true,
    },
  ]);
  assert.deepEqual(list.diagnostics, []);
});

test("the configuration settles in which folders ISO files are looked for", async () => {
  const directory = makeDisk(ON_DISK, { "iso/usual.iso": DEBIAN_LIVE, "srv/images/deep/own.iso": DEBIAN_LIVE });
  const spec = { name: "vda1", directory, uuid: null, label: null, partuuid: null, partlabel: null, type: "ext4" };
  const isos = async (isofolders: readonly string[] | null): Promise<string[]> => {
    const rules = { ...DEFAULT_SETTINGS, isofolders };
    const { list } = await discoverDirectories([spec], { firmware: "efi", arch: "x86_64" }, rules);
    return list.entries
      .map(({ linux }) => linux && formatFileRef(linux))
      .filter((ref) => ref?.includes(".iso")) as string[];
  };
  assert.deepEqual(await isos(null), ["vda1+usual.iso:/live/vmlinuz"]);
  assert.deepEqual(await isos(["/srv/images/**"]), ["vda1+own.iso:/live/vmlinuz"]);
  assert.deepEqual(await isos([]), []);
});

test("nothing in an ISO boots unattended: its default is none of the list's, and no fallback leads to it", async () => {
  const withBoth = await discover(makeDisk(ON_DISK, { "a.iso": DEBIAN_LIVE }));
  assert.equal(withBoth.list.entries.find(({ isDefault }) => isDefault)?.title, "Installed");
  assert.deepEqual(withBoth.list.order, ["uuid-vda1:grub:own"]);
  assert.equal(withBoth.list.timeout, null);
  const alone = await discover(makeDisk({}, { "a.iso": DEBIAN_LIVE }));
  assert.equal(alone.list.entries.length, 1);
  assert.deepEqual([alone.list.defaultId, alone.list.order], [null, []]);
});

test("a loopback.cfg counts before the others, knows the ISO's path and finds the disk that it lies on", async () => {
  const { list } = await discover(
    makeDisk(ON_DISK, {
      "boot/iso/arch.iso": {
        ...LIVE,
        "boot/grub/grub.cfg": "menuentry 'From a CD' { linux /live/vmlinuz }\n",
        "boot/grub/loopback.cfg": `search --no-floppy --set=img_dev --file "\${iso_path}"
probe --set img_uuid --fs-uuid "\${img_dev}"
menuentry "Arch in \${root}" { linux /live/vmlinuz img_dev=UUID=\${img_uuid} img_loop="\${iso_path}" }
`,
      },
    }),
  );
  assert.deepEqual(list.entries.slice(1).map(shown), [
    {
      title: "arch.iso > Arch in loop",
      linux: "vda1+arch.iso:/live/vmlinuz",
      options: "BOOT_IMAGE=/live/vmlinuz img_dev=UUID=uuid-vda1 img_loop=/boot/iso/arch.iso",
      bootable: true,
    },
  ]);
});

test("isolinux is read where there is no GRUB, and one menu is listed where there are copies of it", async () => {
  const isolinux = "LABEL live\nKERNEL /live/vmlinuz\nAPPEND initrd=/live/initrd.img boot=casper --- quiet\n";
  const discovery = await discover(
    makeDisk(
      {},
      {
        "images/a.iso": { ...LIVE, "isolinux/isolinux.cfg": isolinux },
        "images/b.iso": { ...DEBIAN_LIVE, "isolinux/isolinux.cfg": isolinux },
      },
    ),
  );
  assert.deepEqual(
    discovery.list.entries.map(({ source, options }) => [source, options]),
    [
      [
        "vda1+a.iso:/isolinux/isolinux.cfg",
        "BOOT_IMAGE=/live/vmlinuz initrd=/live/initrd.img boot=casper iso-scan/filename=/images/a.iso --- quiet",
      ],
      ["vda1+b.iso:/boot/grub/grub.cfg", "BOOT_IMAGE=/live/vmlinuz boot=live components quiet findiso=/images/b.iso"],
    ],
  );
});

test("GRUB's own loopback leads into an ISO, wherever it lies", async () => {
  const { list, devices } = await discover(
    makeDisk(
      {
        "boot/grub/grub.cfg": `for iso in /deep/down/*.iso; do
  menuentry "$iso" "$iso" { loopback loop "$2"
    probe --set label --label (loop)
    linux (loop)/live/vmlinuz "findiso=$2" label=$label
    initrd (loop)/live/initrd.img }
done
menuentry broken { loopback loop /broken.img
  linux (loop)/vmlinuz }
`,
        "broken.img": "no image",
      },
      { "deep/down/my live.iso": LIVE },
    ),
  );
  assert.deepEqual(shown(list.entries[0]!), {
    title: "/deep/down/my live.iso",
    linux: "vda1+my-live.iso:/live/vmlinuz",
    options: 'BOOT_IMAGE=(loop)/live/vmlinuz "findiso=/deep/down/my live.iso" label=ISOIMAGE',
    bootable: true,
  });
  assert.equal(list.entries[1]?.bootable, false);
  assert.match(list.entries[1]?.reason ?? "", /inside the disk image vda1:\/broken\.img/);
  assert.deepEqual(
    devices.map(({ name, type, reason }) => [name, type, reason]),
    [
      ["vda1", "ext4", null],
      ["vda1+my-live.iso", "iso9660", null],
    ],
  );
});

test("a kernel in an ISO is loaded from its part of the file", async () => {
  const discovery = await discover(makeDisk({}, { "x.iso": DEBIAN_LIVE }));
  const plan = await planBoot(discovery, TrustPolicy.off, discovery.list.entries[0]!, "x86_64");
  assert.deepEqual(plan.files, [
    {
      ref: "vda1+x.iso:/live/vmlinuz",
      size: KERNEL.length,
      sha256: createHash("sha256").update(KERNEL).digest("hex"),
    },
    { ref: "vda1+x.iso:/live/initrd.img", size: 6, sha256: createHash("sha256").update("initrd").digest("hex") },
  ]);
});

test("ISO files of one name have devices and titles of their own; a symlink to one is not another", async () => {
  const directory = makeDisk({}, { "iso/x y.iso": DEBIAN_LIVE, "isos/x y.iso": DEBIAN_LIVE });
  mkdirSync(join(directory, "boot"));
  symlinkSync("../iso/x y.iso", join(directory, "boot/again.iso"));
  const discovery = await discover(directory);
  assert.deepEqual(
    discovery.list.entries.map(({ source, submenu }) => [source, submenu[0]]),
    [
      ["vda1+x-y.iso:/boot/grub/grub.cfg", "x y.iso"],
      ["vda1+x-y.iso~2:/boot/grub/grub.cfg", "vda1:/isos/x y.iso"],
    ],
  );
  assert.equal(new Set(discovery.list.entries.map(({ id }) => id)).size, 2);
  // The command line could not hold the path.
  assert.match(discovery.list.diagnostics[0]?.message ?? "", /rename the file/);
});

test("what is no ISO, or holds nothing to boot, is a warning with the reason, and costs nobody else", async () => {
  const directory = makeDisk(ON_DISK, { "iso/data.iso": { "a.txt": "a" }, "iso/good.iso": DEBIAN_LIVE });
  writeFileSync(join(directory, "iso/broken.ISO"), "broken");
  mkdirSync(join(directory, "iso/folder.iso"));
  symlinkSync("nowhere", join(directory, "iso/gone.iso"));
  const { list, devices } = await discover(directory);
  assert.equal(list.entries.filter(({ bootable }) => bootable).length, 2);
  assert.deepEqual(
    list.diagnostics.map(({ severity, source, message }) => [severity, source, message.replace(/:.*/, "")]),
    [
      ["warning", "vda1:/iso/broken.ISO", "it is no ISO 9660 image"],
      ["warning", "vda1:/iso/data.iso", "no boot configuration found in it"],
    ],
  );
  assert.match(devices.find(({ name }) => name === "vda1+data.iso")?.reason ?? "", /no boot configuration/);
});

test("the disk's own entries are listed before any ISO file is opened", async () => {
  const volume = volumeOf("vda1", makeDisk(ON_DISK, { "a.iso": DEBIAN_LIVE }));
  const opened: string[] = [];
  const reader = {
    ...{ read: volume.reader.read.bind(volume.reader), list: volume.reader.list.bind(volume.reader) },
    stat: volume.reader.stat.bind(volume.reader),
    readAt: (path: string, offset: number, length: number) => {
      opened.push(path);
      return volume.reader.readAt(path, offset, length);
    },
  };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  attach(discovery, { ...volume, reader });
  await discovery.scan();
  assert.equal(discovery.list.entries[0]?.bootable, true);
  assert.ok(!opened.includes("/a.iso"));

  // Nor while something is being booted.
  const held = discovery.holdIsoFiles();
  const scanning = discovery.scanIsoFiles();
  await held.idle;
  await discovery.scan();
  assert.ok(!opened.includes("/a.iso"));
  held.release();
  await scanning;
  assert.equal(discovery.list.entries.length, 2);
});

test("with the disk its ISO files go", async () => {
  const discovery = await discover(makeDisk(ON_DISK, { "a.iso": DEBIAN_LIVE }));
  discovery.detach("vda1");
  await discovery.scan([]);
  assert.deepEqual([discovery.list.entries, discovery.devices], [[], []]);
  assert.throws(() => discovery.volume("vda1+a.iso"), /not attached any more/);
});

test("more ISO files than anybody has are not all opened, and that is said", async () => {
  const directory = makeDisk({});
  for (let index = 0; index < 70; index++) {
    const path = join(directory, `iso/${index}.iso`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "x");
  }
  const { list } = await discover(directory);
  assert.equal(list.diagnostics.length, 65);
  assert.match(list.diagnostics[64]?.message ?? "", /^6 more ISO files were not looked into/);
});

test("an ISO in an ISO is opened, one in that is not; a file that has changed is opened anew", async () => {
  const directory = join(folder, "nested");
  mkdirSync(directory);
  makeIso(join(directory, "a.iso"), { kernel: KERNEL });
  makeIso(join(directory, "b.iso"), { "a.iso": readFileSync(join(directory, "a.iso")) });
  makeIso(join(directory, "c.iso"), { "b.iso": readFileSync(join(directory, "b.iso")) });

  const files = new IsoFiles(() => false);
  const disk = volumeOf("vda1", directory);
  const b = await files.open(disk, "/b.iso");
  const a = await files.open(b, "/./a.iso");
  assert.equal(a.name, "vda1+b.iso+a.iso");
  const { hostPath, offset, size } = await a.extent!("/kernel");
  assert.equal(hostPath, join(directory, "b.iso"));
  assert.deepEqual(readFileSync(hostPath).subarray(offset, offset + size), KERNEL);
  await assert.rejects(a.hostPath("/kernel"), /part of vda1\+b\.iso:\/a\.iso/);

  const c = await files.open(disk, "/c.iso");
  const inC = await files.open(c, "/b.iso");
  await assert.rejects(files.open(inC, "/a.iso"), (error) => error instanceof BatonError && error.code === "refused");

  assert.equal(await files.open(disk, "//b.iso"), b);
  makeIso(join(directory, "b.iso"), { other: "x".repeat(5000) });
  const changed = await files.open(disk, "/b.iso");
  assert.notEqual(changed, b);
  assert.equal(changed.name, b.name);
  assert.equal((await files.find("vda1+b.iso")?.reader.stat("/other"))?.size, 5000);
});

test("ISO files are found in the usual places, below /iso and /images too, or where the owner says", async () => {
  const paths = [
    ...["a.iso", "boot/B.ISO", "boot/grub/no.iso", "home/no.iso", "iso/c.iso", "iso/debian/12/live/d.iso"],
    ...["iso/debian/12/live/too/deep.iso", "images/vm/e.iso", "srv/own/f.iso", "srv/own/below/g.iso"],
  ];
  const volume = volumeOf("vda1", makeDisk(Object.fromEntries(paths.map((path) => [path, "x"]))));
  assert.deepEqual(await findIsoFiles(volume), {
    files: ["/a.iso", "/iso/c.iso", "/iso/debian/12/live/d.iso", "/images/vm/e.iso", "/boot/B.ISO"],
    left: 0,
  });

  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  attach(discovery, volume);
  const looked = async (...folders: string[]): Promise<string[]> => {
    discovery.setRules({ ...NO_RULES, isofolders: folders });
    await discovery.scanIsoFiles();
    return discovery.list.diagnostics.map(({ source }) => source);
  };
  assert.deepEqual(await looked("/srv/own", "/none/**"), ["vda1:/srv/own/f.iso"]);
  assert.deepEqual(await looked("/srv/**", "/srv/own"), ["vda1:/srv/own/f.iso", "vda1:/srv/own/below/g.iso"]);
  assert.deepEqual(await looked(), []);
});

test("on a filesystem that Ventoy made, ISO files are found in every folder; elsewhere in the usual ones", async () => {
  const volume = volumeOf("sdb1", makeDisk({}, { "/systems/linux/a.iso": { "/x": "x" }, "/iso/b.iso": { "/x": "x" } }));
  assert.deepEqual((await findIsoFiles(volume)).files, ["/iso/b.iso"]);
  assert.deepEqual((await findIsoFiles({ ...volume, label: "Ventoy" })).files, ["/iso/b.iso", "/systems/linux/a.iso"]);
  assert.deepEqual(
    (await findIsoFiles({ ...volume, label: "Ventoy" }, ["/other"])).files,
    [],
    "what the owner names counts",
  );
});
