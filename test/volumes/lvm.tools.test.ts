/** What lvm says of physical volumes, as Baton reads it. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { volumeGroups } from "../../src/volumes/lvm.ts";
import { missingTool, runTool, toolPath } from "../../src/volumes/tools.ts";
import { makeWorkshop, run } from "../devices/images.ts";
import { withDisks, withoutLoops } from "./disks.ts";

const shop = makeWorkshop();
after(() => shop.remove());

const skip = withoutLoops || (toolPath("lvm") === null && "there is no lvm");

/** Nothing of the host is asked or told: no udev, no device-mapper, no backups. */
const CONFIG =
  'devices { use_devicesfile=0 external_device_info_source="none" obtain_device_list_from_udev=0 } ' +
  "backup { backup=0 archive=0 } activation { udev_sync=0 udev_rules=0 }";

test("groups are told with their logical volumes, and how many disks they lack", { skip }, async () => {
  const images = [await shop.blank("pv1", 24 << 20), await shop.blank("pv2", 24 << 20)];
  await withDisks(images, async (first, second) => {
    const nodes = [first!.node, second!.node];
    const lvm = (command: string, ...args: string[]) =>
      run("lvm", command, "-q", "--driverloaded", "n", "--config", CONFIG, "--devices", nodes.join(","), ...args);
    await lvm("pvcreate", ...nodes);
    await lvm("vgcreate", "baton-test", ...nodes);
    for (const [name, extents] of [
      ["root", "7"],
      ["swap_1", "1"],
    ] as const) {
      await lvm("lvcreate", "-an", "-Zn", "-Wn", "-y", "-l", extents, "-n", name, "baton-test");
    }
    const [group, ...others] = await volumeGroups(nodes);
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...group, uuid: "" },
      {
        name: "baton-test",
        uuid: "",
        missing: 0,
        volumes: [
          { name: "root", reason: null },
          { name: "swap_1", reason: null },
        ],
      },
    );
    assert.equal((await volumeGroups([nodes[0]!]))[0]?.missing, 1);
  });
});

test("a program that isn't there is named with what to do, one that fails with what it said", { skip }, async () => {
  assert.match(missingTool("mdadm"), /no mdadm;.*pc-volumes\.yaml/);
  const { code, complaint } = await runTool("lvm", ["vgs", "--no-such-option"]);
  assert.notEqual(code, 0);
  assert.match(complaint, /unrecognized option/);
});

test("what a program reads is its standard input alone", { skip }, async () => {
  // lvm reads commands there, as cryptsetup reads a passphrase.
  const { stdout } = await runTool("lvm", [], { input: Buffer.from("version\n") });
  assert.match(stdout, /LVM version/);
});
