import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { deadlineFiles } from "../../src/volumes/files.ts";
import { mountDevice } from "../../src/volumes/mounted.ts";
import { HostTree } from "../../src/volumes/tree.ts";
import { withHang, withoutHang } from "../devices/hang.ts";
import { makeWorkshop } from "../devices/images.ts";

const shop = makeWorkshop();
after(() => shop.remove());

test("files are read with a deadline as without", async () => {
  const tree = shop.path("tree");
  fs.mkdirSync(join(tree, "boot"), { recursive: true });
  fs.writeFileSync(join(tree, "boot/kernel"), "x".repeat(3_000_000));
  const reader = new HostTree(tree, deadlineFiles(5000, "vda1"), { name: "vda1" });
  assert.equal((await reader.read("/boot/kernel")).length, 3_000_000);
  assert.equal((await reader.readAt("/boot/kernel", 2_999_999, 10)).length, 1);
  assert.deepEqual(await reader.list("/boot"), [{ name: "kernel", type: "file" }]);
  await assert.rejects(reader.read("/none"), { code: "not-found", message: /^vda1:\/none/ });
});

describe("a device that stops answering", { skip: withoutHang }, () => {
  test("fails the call that waits, and every later one at once without another thread", async () => {
    await withHang(shop.path("hang"), async () => {
      const tree = shop.path("tree2");
      fs.mkdirSync(tree);
      fs.writeFileSync(join(tree, "good"), "good");
      fs.symlinkSync(shop.path("hang"), join(tree, "link"));
      const files = deadlineFiles(1000, "sda1");
      assert.ok((await files.lstat(join(tree, "good")))!.isFile());
      await assert.rejects(files.list(shop.path("hang")) as Promise<unknown>, {
        code: "timeout",
        message: "sda1 did not answer within 1 s",
      });
      // What would have answered isn't asked any more.
      await assert.rejects(files.lstat(join(tree, "good")) as Promise<unknown>, { code: "timeout" });
    });
  });

  test("is not mounted, and says so", async () => {
    await withHang(shop.path("hang2"), async (node) => {
      const volume = mountDevice(
        {
          name: "sda1",
          node,
          size: 1,
          kind: "partition",
          disk: "sda",
          partition: 1,
          scheme: null,
          partuuid: null,
          partlabel: null,
          partitionType: null,
          removable: false,
          transport: null,
          model: null,
          identity: { type: "ext4", usage: "filesystem", uuid: null, label: null, dirty: false },
          reason: null,
        },
        { mountRoot: shop.path("mnt"), timeoutMs: 200 },
      );
      await assert.rejects(volume.reader.list("/"), { code: "timeout", message: /^sda1 .*no answer within 0\.2 s/ });
      await volume.close();
      assert.deepEqual(fs.readdirSync(shop.path("mnt")), []);
    });
  });
});
