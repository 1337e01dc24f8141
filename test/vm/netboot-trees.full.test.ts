/** What else machines boot from the network: UEFI's HTTP boot, ISO images, VLANs, and with a clock that has stopped. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeAuthority, makeCertificate } from "../fetch/certificates.ts";
import { menuReady, withBaton } from "./baton.ts";
import { vlanServer } from "./frames.ts";
import { folder, stubFolder } from "./netfiles.ts";
import { networkCard, serveWeb } from "./network.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

test("UEFI HTTP boot: the lease's URL is a loader, and the tree around it GRUB's", async (t) => {
  const system = await payload("net-http");
  const web = await serveWeb(t, {
    "/os/EFI/BOOT/BOOTX64.EFI": { host: join(await stubFolder(), "systemd-bootx64.efi") },
    "/os/EFI/BOOT/grub.cfg": `set timeout=0\nmenuentry Net { linux (http)/os/vmlinuz ${OPTIONS}\n initrd /os/initrd\n}\n`,
    "/os/vmlinuz": { host: KERNEL },
    "/os/initrd": { host: system.file },
  });
  const extra = networkCard("virtio-net-pci", `user,bootfile=${web.url}/os/EFI/BOOT/BOOTX64.EFI`);
  await withBaton({ name: "net-http", words: "baton.timeout=0", extra }, (machine) =>
    expectBooted(machine, { cmdline: `BOOT_IMAGE=(http)/os/vmlinuz ${OPTIONS}`, initrds: [system] }),
  );
});

test("an ISO image by its URL: only its kernel and initrd are fetched", async (t) => {
  const system = await payload("net-iso");
  const directory = folder(t);
  mkdirSync(join(directory, "tree/isolinux"), { recursive: true });
  mkdirSync(join(directory, "tree/live"), { recursive: true });
  const menu = `DEFAULT live\nLABEL live\n KERNEL /live/vmlinuz\n APPEND boot=live initrd=/live/initrd ${OPTIONS}\n`;
  writeFileSync(join(directory, "tree/isolinux/isolinux.cfg"), menu);
  symlinkSync(KERNEL, join(directory, "tree/live/vmlinuz"));
  symlinkSync(system.file, join(directory, "tree/live/initrd"));
  const image = join(directory, "live.iso");
  execFileSync("xorriso", ["-as", "mkisofs", "-quiet", "-r", "-f", "-V", "LIVE", "-o", image, join(directory, "tree")]);
  const web = await serveWeb(t, { "/live.iso": { host: image } });
  const words = `baton.timeout=0 baton.url=${web.url}/live.iso`;
  await withBaton({ name: "net-iso", words, extra: networkCard("virtio-net-pci") }, (machine) =>
    expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/live/vmlinuz boot=live initrd=/live/initrd ${OPTIONS}`,
      initrds: [system],
    }),
  );
});

test("a clock that has stopped is set by the server's own port for HTTP before certificates are checked", async (t) => {
  const system = await payload("net-clock");
  const authority = makeAuthority();
  const files = { "/vmlinuz": { host: KERNEL }, "/initrd": { host: system.file } };
  const web = await serveWeb(t, files, makeCertificate(authority, "IP:10.0.2.100"));
  // slirp starts a program for each connection to an address of its own.
  const directory = folder(t);
  const program = (interpreter: string, name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return `cmd:${interpreter} ${join(directory, name)}`;
  };
  // A shell is there at once; Node may take seconds beside a machine.
  const date = program(
    "/bin/sh",
    "date.sh",
    "while read -r line && [ ${#line} -gt 1 ]; do :; done\nnow=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')\n" +
      'printf "HTTP/1.1 301 Moved\\r\\nDate: %s\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n" "$now"\n',
  );
  const tls = program(
    process.execPath,
    "tls.cjs",
    `const s = require("net").connect(${web.port}, "127.0.0.1"); process.stdin.pipe(s); s.pipe(process.stdout);\n` +
      's.on("close", () => process.exit());\n',
  );
  const backend = `user,guestfwd=tcp:10.0.2.100:80-${date},guestfwd=tcp:10.0.2.100:443-${tls}`;
  const options = {
    name: "net-clock",
    words: `"baton.url=https://10.0.2.100/vmlinuz#initrd=initrd&options=${OPTIONS}"`,
    files: { "/etc/baton/ca.pem": authority.cert },
    extra: [...networkCard("virtio-net-pci", backend), "-rtc", "base=2001-09-09T01:46:40"],
  };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await machine.serial.type("<enter>");
    await expectBooted(machine, { cmdline: OPTIONS, initrds: [system] });
  });
});

test("a VLAN by the kernel command line: its server alone is asked", async (t) => {
  const server = await vlanServer(t, 7);
  const words = "baton.timeout=0 vlan=vlan0007:eth0 ip=vlan0007:dhcp";
  await withBaton(
    { name: "net-vlan", words, extra: networkCard("virtio-net-pci", server.backend) },
    async (machine) => {
      await machine.serial.waitFor(/baton: network: DHCP from 10\.7\.0\.1 on eth0\.7: the lease names no boot file/);
    },
  );
  assert.ok(server.tagged() >= 2);
  assert.equal(server.untagged(), 0);
});
