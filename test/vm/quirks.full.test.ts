/** A device whose driver lets go of it before the jump: the next kernel's driver takes it, and it works. */

import { test } from "node:test";
import { moduleTables, readModule } from "../../initramfs/kernel.ts";
import { selectModules } from "../../initramfs/kernel-modules.ts";
import { type ArchiveFile, archive } from "./archive.ts";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { networkCard } from "./network.ts";
import { imageKernel, initrdFile, KERNEL, userlandFiles } from "./payload.ts";

const UUID = "5a6b1c2d-0062-4000-8000-000000000062";

/** A system that gets an address over e1000e. */
async function system(): Promise<string> {
  const kernel = await imageKernel();
  const tables = await moduleTables(kernel);
  const { modules: order } = selectModules(tables, ["e1000e"]);
  const modules = await Promise.all(
    order.map(async (name): Promise<ArchiveFile> => {
      const bytes = Buffer.from(await readModule(kernel, tables.dep.get(name)!.path));
      return { path: `${name}.ko`, bytes };
    }),
  );
  const script = [
    ...order.map((name) => `busybox insmod /${name}.ko`),
    "link=$(busybox ls /sys/class/net | busybox grep -v lo)",
    "busybox ip link set $link up",
    "busybox udhcpc -i $link -n -q -t 20 -T 1 -s /bin/busybox 2>&1 | busybox sed 's/^/quirks: /'",
    'echo "quirks: end"',
    "busybox poweroff -f",
  ].join("\n");
  return initrdFile("quirks", archive([...(await userlandFiles(script)), ...modules]));
}

test("e1000e lets go of its adapter before the jump, and gets an address with it in the next kernel", async () => {
  const image = await diskImage({
    name: "quirks",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(UUID, [
            {
              title: "Net",
              id: "net",
              linux: "/boot/vmlinuz root=/dev/none ro console=ttyS0 quiet",
              initrd: "/boot/initrd.img",
            },
          ]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: await system() },
        },
      },
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton(
    { name: "quirks", words: "baton.timeout=-1 baton.network=auto", disks, extra: networkCard("e1000e") },
    async (machine) => {
      await menuReady(machine);
      await machine.serial.type("i", 300);
      await machine.serial.waitForScreen(/8086:10d3, e1000e/);
      await machine.serial.type("q<enter>", 300);
      await machine.serial.waitFor(/baton: e1000e has let go of 0000:\S+ \(8086:10d3\)/);
      await machine.serial.waitFor(/quirks: .*lease of 10\.0\.2\.\d+ obtained/, { timeoutMs: 180_000 });
    },
  );
});
