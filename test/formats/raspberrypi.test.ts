/**
 * config.txt of the Raspberry Pi, whose firmware is in no package that could be run here: what is expected is what the
 * Raspberry Pi documentation says of filters and boot options.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { raspberryPi } from "../../src/formats/raspberrypi/raspberrypi.ts";
import { assertGolden, fixtures } from "./golden.ts";
import { contextOf, type Files, messages, type ReadOptions, treeVolume } from "./tree.ts";

for (const name of fixtures("raspberrypi-")) {
  test(`${name} gives the entry of its expected.json`, () => assertGolden(name, [raspberryPi]));
}

async function read(files: Files, board: string | null = "4-model-b", options: ReadOptions = {}) {
  const volume = treeVolume({ "/start4.elf": "x", ...files }, { name: "mmcblk0p1", type: "vfat", ...options.volume });
  const compatible = () =>
    board === null ? [] : [board.includes(",") ? board : `raspberrypi,${board}`, "brcm,bcm2711"];
  const platform = { arch: "aarch64", compatible, ...options.platform };
  const [path] = await raspberryPi.find(volume);
  assert.equal(path, "/config.txt");
  const result = await raspberryPi.parse(path!, contextOf(volume, { ...options, platform }));
  return { ...result, entry: result.entries[0]! };
}

const kernelOf = async (text: string, board: string | null = "4-model-b", more: Files = {}) =>
  formatFileRef((await read({ "/config.txt": text, ...more }, board)).entry.linux!).replace("mmcblk0p1:", "");

describe("filters", () => {
  test("a board sees the sections of all its names, the last setting counts, and [all] ends a filter", async () => {
    const text =
      "[pi3]\nkernel=three\n[pi4]\nkernel=four\n[pi400]\nkernel=keyboard\n[none]\nkernel=never\n[all]\ngpu_mem=16\n";
    assert.equal(await kernelOf(text, "4-model-b"), "/four");
    assert.equal(await kernelOf(text, "400"), "/keyboard");
    assert.equal(await kernelOf(text, "3-model-b-plus"), "/three");
    assert.equal(await kernelOf(text, "model-b"), "/kernel.img");
  });

  test("filters of several kinds hold together", async () => {
    assert.equal(await kernelOf("[tryboot]\n[pi4]\nkernel=a\n[all]\n[pi4]\n[hdmi:1]\nkernel=b\n"), "/b");
    const volume = { partition: 2, disk: "mmcblk0" };
    const text = "[boot_partition=2]\nkernel=second\n[boot_partition=3]\nkernel=third\n";
    const { entry } = await read({ "/config.txt": text }, "4-model-b", { volume });
    assert.equal(formatFileRef(entry.linux!), "mmcblk0p1:/second");
  });

  test("what can't be answered here doesn't hold, and is told where it would change what starts", async () => {
    const { diagnostics } = await read({
      "/config.txt": "[gpio4=1]\nhdmi_mode=4\nkernel=other\n[0x1234]\ncmdline=c\n",
    });
    assert.deepEqual(messages(diagnostics), [
      "3:- Baton doesn't know whether [gpio4=1] holds here: 'kernel' is ignored",
      "5:- Baton doesn't know whether [0x1234] holds here: 'cmdline' is ignored",
    ]);
  });
});

describe("files", () => {
  test("the kernel has each board's own name unless one is given", async () => {
    assert.equal(await kernelOf(""), "/kernel8.img");
    assert.equal(await kernelOf("arm_64bit=0"), "/kernel7l.img");
    assert.equal(await kernelOf("", "3-model-b"), "/kernel7.img");
    assert.equal(await kernelOf("arm_64bit=1", "3-model-b"), "/kernel8.img");
    assert.equal(await kernelOf("", "model-zero-w"), "/kernel.img");
    assert.equal(await kernelOf("kernel=vmlinuz\n", null), "/vmlinuz");
  });

  test("a prefix holds for all of a system's files where its kernel is there, but not for absolute names", async () => {
    const text = "os_prefix=new/\nkernel=k\ninitramfs i,/shared followkernel\ncmdline=c.txt\n";
    const { entry } = await read({
      "/config.txt": text,
      "/new/k": "k",
      "/new/c.txt": "root=new",
      "/c.txt": "root=old",
    });
    assert.deepEqual(
      [formatFileRef(entry.linux!), ...entry.initrd.map(formatFileRef), entry.options],
      ["mmcblk0p1:/new/k", "mmcblk0p1:/new/i", "mmcblk0p1:/shared", "root=new"],
    );
    const without = (await read({ "/config.txt": text, "/c.txt": "root=old" })).entry;
    assert.deepEqual([formatFileRef(without.linux!), without.options], ["mmcblk0p1:/k", "root=old"]);
  });

  test("a devicetree that is named goes with its overlays, whose parameters are told; else the machine's own stays", async () => {
    const overlays = "dtoverlay=disable-bt\ndtoverlay=w1-gpio,gpiopin=4\n";
    const named = await read({ "/config.txt": `device_tree=my.dtb\n${overlays}` });
    assert.equal(formatFileRef(named.entry.devicetree!), "mmcblk0p1:/my.dtb");
    assert.deepEqual(named.entry.devicetreeOverlays!.map(formatFileRef), [
      "mmcblk0p1:/overlays/disable-bt.dtbo",
      "mmcblk0p1:/overlays/w1-gpio.dtbo",
    ]);
    assert.match(messages(named.diagnostics)[0]!, /parameters of the overlay w1-gpio are ignored: gpiopin=4/);
    const own = await read({ "/config.txt": overlays });
    assert.deepEqual([own.entry.devicetree, own.entry.devicetreeOverlays], [null, undefined]);
    assert.match(messages(own.diagnostics)[0]!, /without the overlays/);
  });

  test("files that include each other end", async () => {
    const { diagnostics } = await read({ "/config.txt": "include config.txt\n" });
    assert.match(messages(diagnostics)[0]!, /more than 8 files are included/);
  });
});

describe("what isn't booted", () => {
  const reason = async (text: string, board: string | null, options: ReadOptions = {}, more: Files = {}) => {
    const { entry, defaultIndex } = await read({ "/config.txt": text, ...more }, board, options);
    assert.equal(defaultIndex, entry.reason === null ? 0 : null);
    return entry.reason;
  };

  test("on another machine", async () => {
    assert.match(
      (await reason("", null, { platform: { arch: "x86_64" } }))!,
      /for a Raspberry Pi, and this machine is x86_64/,
    );
    assert.match((await reason("", "pine64,rock64"))!, /this machine is pine64,rock64/);
    assert.equal(await reason("", "5-model-b"), null);
  });

  test("another loader, whose configuration is listed by itself, and Baton", async () => {
    assert.match((await reason("kernel=u-boot-rpi-64.bin", "4-model-b"))!, /starts U-Boot, whose own configuration/);
    assert.match((await reason("armstub=RPI_EFI.fd", "4-model-b"))!, /starts UEFI firmware/);
    assert.equal(
      await reason("", "4-model-b", {}, { "/cmdline.txt": "quiet baton.timeout=3" }),
      "it starts Baton itself",
    );
  });

  test("from a partition that autoboot.txt passes over", async () => {
    const at = (partition: number) => ({ volume: { disk: "mmcblk0", partition } });
    const first = treeVolume(
      { "/autoboot.txt": "[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n" },
      { name: "mmcblk0p1", disk: "mmcblk0", partition: 1 },
    );
    const chosen = async (partition: number) =>
      (await read({ "/config.txt": "" }, "4-model-b", { ...at(partition), others: [first] })).defaultIndex;
    assert.deepEqual([await chosen(2), await chosen(3)], [0, null]);
  });
});
