/** Other loaders' trees, and whole images by URL. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { appendSections } from "../../initramfs/efi.ts";
import { withBaton } from "./baton.ts";
import { folder, stubFolder } from "./netfiles.ts";
import { networkCard, serveWeb, tftpFolder } from "./network.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

test("GRUB's tree over TFTP: the configuration with this card's address in its name", async (t) => {
  const system = await payload("net-grub");
  const menu =
    "set timeout=0\nif [ $net_default_server = 10.0.2.2 ]; then set way=right; fi\n" +
    `menuentry Net { linux /boot/vmlinuz ${OPTIONS} way=$way mac=$net_default_mac\n initrd (tftp,10.0.2.2)/boot/initrd\n}\n`;
  const tftp = tftpFolder(t, {
    "boot/grubx64.efi": "no real loader",
    "grub/grub.cfg-01-52-54-00-00-00-00": menu,
    "grub/grub.cfg": "menuentry Wrong { linux /nothing }\n",
    "boot/vmlinuz": { host: KERNEL },
    "boot/initrd": { host: system.file },
  });
  const extra = networkCard("e1000e", `user,tftp=${tftp},bootfile=boot/grubx64.efi`);
  await withBaton({ name: "net-grub", words: "baton.timeout=0", extra }, (machine) =>
    expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS} way=right mac=52:54:00:00:00:00`,
      initrds: [system],
    }),
  );
});

test("a unified kernel image by its URL, named by a configuration that is fetched itself", async (t) => {
  const system = await payload("net-uki");
  const text = (value: string): Uint8Array => Buffer.from(`${value}\0`);
  const stub = readFileSync(join(await stubFolder(), "linuxx64.efi.stub"));
  const file = join(folder(t), "uki.efi");
  const image = appendSections(stub, [
    { name: ".osrel", data: text('ID=test\nNAME="Test"\nPRETTY_NAME="Test UKI"\n') },
    { name: ".cmdline", data: text(OPTIONS) },
    { name: ".uname", data: text("6.1.0") },
    { name: ".initrd", data: readFileSync(system.file) },
    { name: ".linux", data: readFileSync(KERNEL) },
  ]);
  writeFileSync(file, image);
  const files: Record<string, string | { host: string }> = { "/uki.efi": { host: file } };
  const web = await serveWeb(t, files);
  files["/baton.yaml"] = `timeout: 0\nurl: ${web.url}/uki.efi\n`;
  const words = `baton.config=${web.url}/baton.yaml`;
  await withBaton({ name: "net-uki", words, extra: networkCard("virtio-net-pci") }, (machine) =>
    expectBooted(machine, { cmdline: OPTIONS, initrds: [system] }),
  );
});
