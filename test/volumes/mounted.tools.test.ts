import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import type { BlockDevice } from "../../src/devices/device.ts";
import { BatonError, type ErrorCode } from "../../src/errors.ts";
import { type MountedVolume, mountDevice } from "../../src/volumes/mounted.ts";
import { makeWorkshop, run } from "../devices/images.ts";
import { KINDS, kernelHas, makeClean, makeDirty, sha256, withDisks, withMount, withoutLoops } from "./disks.ts";

const shop = makeWorkshop();
after(() => shop.remove());
const mountRoot = shop.path("baton");

async function withVolume<T>(device: BlockDevice, use: (volume: MountedVolume) => Promise<T>): Promise<T> {
  const volume = mountDevice(device, { mountRoot });
  try {
    return await use(volume);
  } finally {
    await volume.close();
  }
}

const text = async (bytes: Promise<Uint8Array>) => Buffer.from(await bytes).toString();
const mounts = () => fs.readFileSync("/proc/self/mountinfo", "utf8");
const isReadOnly = (device: BlockDevice) =>
  fs.readFileSync(`/sys/class/block/${device.name}/ro`, "utf8").trim() === "1";

async function fails(code: ErrorCode, work: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof BatonError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Reads whatever there is to read. */
async function readEverything(volume: MountedVolume, folder = "/"): Promise<string[]> {
  const names: string[] = [];
  for (const { name, type } of await volume.reader.list(folder)) {
    const path = `${folder}${name}`;
    if (type === "file") await volume.reader.read(path);
    if (type === "directory") names.push(...(await readEverything(volume, `${path}/`)));
    else names.push(path);
  }
  return names;
}

describe("no byte of a disk changes when it is read", { skip: withoutLoops, concurrency: 3 }, () => {
  for (const kind of Object.keys(KINDS)) {
    const skip = kernelHas(kind) ? false : `this kernel has no ${kind}`;
    test(`${kind}, unmounted cleanly and after a crash`, { skip }, async () => {
      const clean = await makeClean(shop, kind);
      const dirty = await makeDirty(shop, kind, clean);
      const before = [await sha256(clean), await sha256(dirty)];

      await withDisks([clean], async (disk) => {
        assert.equal(disk.identity?.type, kind);
        assert.equal(disk.identity.dirty, false);
        await withVolume(disk, async (volume) => {
          assert.equal(await text(volume.reader.read("/boot/old")), "old");
          assert.ok(isReadOnly(disk));
          assert.ok((await readEverything(volume)).includes("/boot/doomed"));
        });
        assert.ok(!isReadOnly(disk), "the device is left as it was found");
      });
      await withDisks([dirty], async (disk) => {
        // xfs says it in its log only.
        assert.equal(disk.identity?.dirty, kind !== "xfs");
        await withVolume(disk, async (volume) => {
          assert.equal(await text(volume.reader.read("/boot/old")), "old");
          await readEverything(volume).catch((error) => assert.ok(error instanceof BatonError, String(error)));
        });
      });
      assert.deepEqual([await sha256(clean), await sha256(dirty)], before);

      // What all this is for: a plain read-only mount does change it.
      if (kind === "ext2") return;
      await withDisks([dirty], (disk) => withMount(shop, disk.node, "ro", () => {}));
      assert.notEqual(await sha256(dirty), before[1]);
    });
  }

  test("squashfs and erofs", {
    skip: kernelHas("squashfs") && kernelHas("erofs") ? false : "not in this kernel",
  }, async () => {
    const tree = shop.path("tree");
    fs.mkdirSync(join(tree, "boot"), { recursive: true });
    fs.writeFileSync(join(tree, "boot/old"), "old");
    await run("mksquashfs", tree, shop.path("squashfs"), "-quiet", "-no-progress");
    await run("mkfs.erofs", "--quiet", shop.path("erofs"), tree);
    for (const kind of ["squashfs", "erofs"]) {
      const before = await sha256(shop.path(kind));
      await withDisks([shop.path(kind)], (disk) =>
        withVolume(disk, async (volume) => assert.equal(await text(volume.reader.read("/boot/old")), "old")),
      );
      assert.equal(await sha256(shop.path(kind)), before);
    }
  });
});

describe("mounting", { skip: withoutLoops, concurrency: 3 }, () => {
  test("happens at the first use, once for all who ask at the same time, and ends with close", async () => {
    const image = await shop.blank("once", 4 << 20);
    await run("mkfs.ext4", "-q", "-F", "-d", "/etc/apt", image);
    await withDisks([image], async (disk) => {
      const volume = mountDevice(disk, { mountRoot });
      const target = join(mountRoot, disk.name);
      const count = () => mounts().split(` ${target} `).length - 1;
      assert.equal(volume.mounted, false);
      assert.equal(count(), 0);
      await Promise.all([volume.reader.list("/"), volume.reader.stat("/"), volume.reader.list("/").then(() => {})]);
      assert.equal(volume.mounted, true);
      assert.equal(count(), 1);
      assert.match(mounts(), new RegExp(`${target} ro,nosuid,nodev,noexec`));
      await volume.close();
      await volume.close();
      assert.equal(volume.mounted, false);
      assert.equal(count(), 0);
      assert.ok(!fs.existsSync(target));
      // Reading again mounts again.
      assert.equal((await volume.reader.stat("/")).type, "directory");
      assert.equal(count(), 1);
      await volume.close();
    });
  });

  test("on a host it happens in a private folder, which goes with the last volume", async () => {
    const images = [await shop.blank("host-a", 4 << 20), await shop.blank("host-b", 4 << 20)];
    for (const image of images) {
      await run("mkfs.ext4", "-q", "-F", image);
      await run("debugfs", "-w", "-R", "write /etc/hostname kernel", image);
    }
    const hadFolder = fs.existsSync("/run/baton");
    await withDisks(images, async (...disks) => {
      const [a, b] = disks.map((disk) => mountDevice(disk));
      const [path] = await Promise.all([a!.hostPath("/kernel"), b!.hostPath("/kernel")]);
      const own = dirname(dirname(path));
      assert.deepEqual([dirname(own), fs.statSync(own).mode & 0o777], [tmpdir(), 0o700]);
      assert.deepEqual(fs.readdirSync(own).sort(), disks.map(({ name }) => name).sort());
      await a!.close();
      assert.ok(fs.existsSync(own));
      await b!.close();
      assert.ok(!fs.existsSync(own));
      assert.equal(fs.existsSync("/run/baton"), hadFolder);
    });
  });

  test("a file that is open keeps nothing from closing", async () => {
    const image = await shop.blank("busy", 4 << 20);
    await run("mkfs.ext4", "-q", "-F", image);
    await run("debugfs", "-w", "-R", "write /etc/hostname kernel", image);
    await withDisks([image], async (disk) => {
      const volume = mountDevice(disk, { mountRoot });
      const path = await volume.hostPath("/kernel");
      assert.equal(path, join(mountRoot, disk.name, "kernel"));
      const fd = fs.openSync(path, "r");
      await volume.close();
      assert.ok(!mounts().includes(` ${join(mountRoot, disk.name)} `));
      assert.ok(isReadOnly(disk), "still protected while something uses it");
      fs.closeSync(fd);
    });
  });

  test("links and special files on a disk lead nowhere but into the disk", async () => {
    const image = await shop.blank("links", 4 << 20);
    await run("mkfs.ext4", "-q", "-F", image);
    await withDisks([image], async (disk) => {
      await withMount(shop, disk.node, "rw", async (root) => {
        fs.symlinkSync("/etc/passwd", join(root, "passwd"));
        fs.symlinkSync("../../../../etc/passwd", join(root, "up"));
        fs.symlinkSync("/kernel", join(root, "link"));
        fs.writeFileSync(join(root, "kernel"), "mine");
        await run("mkfifo", join(root, "fifo"));
        await run("mknod", join(root, "null"), "c", "1", "3");
      });
      await withVolume(disk, async ({ reader }) => {
        assert.equal(await text(reader.read("/link")), "mine");
        await fails("not-found", reader.read("/passwd"), new RegExp(`^${disk.name}:/passwd: no such file`));
        await fails("not-found", reader.read("/up"), /no such file/);
        await fails("not-a-file", reader.read("/fifo"), /FIFO/);
        await fails("not-a-file", reader.read("/null"), /device/);
      });
    });
  });

  test("btrfs is seen from its top level, whatever its default subvolume", { skip: !kernelHas("btrfs") }, async () => {
    const image = await shop.blank("subvolumes", 32 << 20);
    await run("mkfs.btrfs", "-q", "--mixed", image);
    await withDisks([image], async (disk) => {
      await withMount(shop, disk.node, "rw", async (root) => {
        await run("btrfs", "subvolume", "create", join(root, "@rootfs"));
        fs.writeFileSync(join(root, "@rootfs/inside"), "");
        await run("btrfs", "subvolume", "set-default", join(root, "@rootfs"));
      });
      await withVolume(disk, async ({ reader }) => {
        assert.deepEqual(await reader.list("/"), [{ name: "@rootfs", type: "directory" }]);
        assert.equal((await reader.stat("/@rootfs/inside")).type, "file");
      });
    });
  });

  test("a btrfs over two disks is read from either, when told of the other", {
    skip: !kernelHas("btrfs"),
  }, async () => {
    const images = [await shop.blank("raid-a", 128 << 20), await shop.blank("raid-b", 128 << 20)];
    await withDisks(images, async (a, b) => {
      await run("mkfs.btrfs", "-q", "-f", "-d", "raid1", "-m", "raid1", a.node, b.node);
      await withMount(shop, a.node, "rw", (root) => fs.writeFileSync(join(root, "file"), "both"));
      // The kernel must not remember them from that mount.
      await run("btrfs", "device", "scan", "--forget");
    });
    // Compared and not hashed: they can't be small.
    for (const image of images) await run("cp", "--sparse=always", image, `${image}.before`);
    await withDisks(images, async (a, b) => {
      assert.equal(a.identity?.devices, 2);
      assert.equal(a.identity.uuid, b.identity?.uuid);
      await withVolume(a, async ({ reader }) => fails("io", reader.list("/"), /cannot be mounted/));
      const volume = mountDevice(b, { mountRoot, siblings: () => [a.node] });
      assert.equal(await text(volume.reader.read("/file")), "both");
      assert.ok(isReadOnly(a) && isReadOnly(b));
      await volume.close();
      assert.ok(!isReadOnly(a) && !isReadOnly(b));
      await run("btrfs", "device", "scan", "--forget");
    });
    for (const image of images) await run("cmp", image, `${image}.before`);
  });

  test("two xfs with the same UUID are mounted at the same time", { skip: !kernelHas("xfs") }, async () => {
    const first = await makeClean(shop, "xfs");
    await run("cp", "--sparse=always", first, shop.path("xfs.clone"));
    await withDisks([first, shop.path("xfs.clone")], (a, b) =>
      withVolume(a, (one) =>
        withVolume(b, async (two) => {
          assert.equal(a.identity?.uuid, b.identity?.uuid);
          assert.equal(await text(one.reader.read("/boot/old")), "old");
          assert.equal(await text(two.reader.read("/boot/old")), "old");
        }),
      ),
    );
  });

  test("what is damaged says so, at every call and without another try", async () => {
    const image = await shop.blank("damaged", 4 << 20);
    await run("mkfs.ext4", "-q", "-F", image);
    await run("dd", "if=/dev/urandom", `of=${image}`, "bs=4096", "seek=1", "count=200", "conv=notrunc");
    await withDisks([image], async (disk) => {
      assert.equal(disk.identity?.type, "ext4");
      await withVolume(disk, async (volume) => {
        await fails("io", volume.reader.list("/"), new RegExp(`^${disk.name} \\(ext4\\) cannot be mounted: .*damaged`));
        await fails("io", volume.hostPath("/vmlinuz"), /damaged/);
        assert.equal(volume.mounted, false);
      });
      assert.ok(!isReadOnly(disk));
      assert.ok(!fs.existsSync(join(mountRoot, disk.name)));
    });
  });

  test("what this kernel has no driver for says so", { skip: kernelHas("f2fs") && "f2fs is there" }, async () => {
    const image = await shop.blank("f2fs", 64 << 20);
    await run("mkfs.f2fs", "-q", image);
    await withDisks([image], (disk) =>
      withVolume(disk, ({ reader }) => fails("io", reader.list("/"), /this kernel has no driver for f2fs \(ENODEV\)/)),
    );
  });
});

describe("a disk that this system uses itself", { skip: withoutLoops }, () => {
  test("is read as it is mounted, and stays writable", async () => {
    for (const kind of ["ext4", "btrfs"].filter(kernelHas)) {
      const image = await makeClean(shop, kind);
      await withDisks([image], (disk) =>
        withMount(shop, disk.node, "rw", async (root) => {
          fs.writeFileSync(join(root, "boot/live"), "live");
          await withVolume(disk, async ({ reader }) => {
            assert.equal(await text(reader.read("/boot/live")), "live");
            const target = await reader.hostPath("/boot/live");
            assert.throws(() => fs.writeFileSync(target, ""), { code: "EROFS" });
            assert.ok(!isReadOnly(disk));
            fs.writeFileSync(join(root, "boot/later"), "later");
          });
          fs.writeFileSync(join(root, "boot/after"), "after");
        }),
      );
    }
  });

  test("without a mount that can be seen is left alone", async () => {
    const image = await makeClean(shop, "ext4");
    await withDisks([image], async (disk) => {
      const claim = fs.openSync(disk.node, fs.constants.O_RDWR | fs.constants.O_EXCL);
      await withVolume(disk, ({ reader }) => fails("io", reader.list("/"), /it is in use .*\(EBUSY\)/));
      assert.ok(!isReadOnly(disk));
      fs.closeSync(claim);
    });
  });
});
