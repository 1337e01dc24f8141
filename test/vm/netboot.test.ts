/** Machines that boot from the network alone, over QEMU's own. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeAuthority, makeCertificate } from "../fetch/certificates.ts";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { networkCard, serveWeb, tftpFolder } from "./network.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";
const sha256 = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

test("no disk: kernel and initrd by their URL, with a digest, over e1000", async (t) => {
  const system = await payload("net-url");
  const web = await serveWeb(t, { "/k/vmlinuz": { host: KERNEL }, "/k/initrd": { host: system.file } });
  const fragment = `sha256=${sha256(KERNEL)}&initrd=initrd&options=${OPTIONS}`;
  const words = `baton.timeout=0 "baton.url=${web.url}/k/vmlinuz#${fragment}"`;
  await withBaton({ name: "net-url", words, extra: networkCard("e1000") }, async (machine) => {
    await machine.serial.waitFor(/baton: loaded \S+:url:vmlinuz by/);
    await expectBooted(machine, { cmdline: OPTIONS, initrds: [system] });
  });
});

test("no disk: what DHCP and TFTP have for PXELINUX, over virtio", async (t) => {
  const system = await payload("net-pxelinux");
  const menu = `DEFAULT net\nLABEL net\n  KERNEL vmlinuz\n  INITRD initrd\n  APPEND ${OPTIONS}\n  SYSAPPEND 2\n`;
  const tftp = tftpFolder(t, {
    "boot/pxelinux.0": "no real loader",
    "boot/pxelinux.cfg/01-52-54-00-00-00-00": menu,
    "boot/vmlinuz": { host: KERNEL },
    "boot/initrd": { host: system.file },
  });
  const extra = networkCard("virtio-net-pci", `user,tftp=${tftp},bootfile=boot/pxelinux.0`);
  await withBaton({ name: "net-pxelinux", words: "baton.timeout=0", extra }, (machine) =>
    expectBooted(machine, {
      cmdline: `BOOT_IMAGE=vmlinuz ${OPTIONS} initrd=initrd BOOTIF=01-52-54-00-00-00-00`,
      initrds: [system],
    }),
  );
});

test("iPXE menus, driven by keys, the second read when it is opened, over https with an authority of one's own", async (t) => {
  const system = await payload("net-ipxe");
  const main =
    "#!ipxe\nset mirror .\nmenu Choose\nitem one First\nitem two More systems\nchoose --default one --timeout 60000 what && goto ${what}\n" +
    ":one\nkernel nothing\nboot\n:two\nset from main\nchain more.ipxe\n";
  const more =
    "#!ipxe\nmenu More\nitem a Alpha\nitem b Beta\nitem back Back\nchoose what && goto ${what}\n:a\nkernel nothing\nboot\n" +
    `:b\nkernel \${mirror}/vmlinuz ${OPTIONS} mac=\${net0/mac} from=\${from}\ninitrd initrd\nboot\n:back\nchain menu.ipxe\n`;
  const authority = makeAuthority();
  const files = {
    "/menu.ipxe": main,
    "/more.ipxe": more,
    "/vmlinuz": { host: KERNEL },
    "/initrd": { host: system.file },
  };
  const web = await serveWeb(t, files, makeCertificate(authority, "IP:10.0.2.2"));
  const options = {
    name: "net-ipxe",
    words: `baton.url=${web.url}/menu.ipxe`,
    files: { "/etc/baton/ca.pem": authority.cert },
    extra: networkCard("virtio-net-pci"),
  };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/More systems/);
    assert.ok(!web.requests.includes("/more.ipxe"));
    await machine.serial.type("<down><enter>");
    await machine.serial.waitForScreen(/Beta/);
    await machine.serial.type("<down><enter>");
    await expectBooted(machine, { cmdline: `${OPTIONS} mac=52:54:00:00:00:00 from=main`, initrds: [system] });
  });
});

test("two cards, the server on the second; DHCP hands out a script's URL", async (t) => {
  const system = await payload("net-second");
  const script = `#!ipxe\nkernel vmlinuz ${OPTIONS} ip=\${net0/ip}\ninitrd initrd\nboot\n`;
  const files = { "/boot.ipxe": script, "/vmlinuz": { host: KERNEL }, "/initrd": { host: system.file } };
  const web = await serveWeb(t, files);
  const extra = [
    // Nothing is at the other end of this one.
    ...networkCard("e1000", "hubport,hubid=0"),
    ...networkCard("virtio-net-pci", `user,bootfile=${web.url}/boot.ipxe`, "net1"),
  ];
  await withBaton({ name: "net-second", words: "baton.timeout=0", extra }, (machine) =>
    expectBooted(machine, { cmdline: `${OPTIONS} ip=10.0.2.15`, initrds: [system] }),
  );
});

test("IPv6 alone: the router's advertisement is enough for a URL", async (t) => {
  const system = await payload("net-six");
  const web = await serveWeb(
    t,
    { "/vmlinuz": { host: KERNEL }, "/initrd": { host: system.file } },
    undefined,
    "::1",
  ).catch(() => null);
  if (web === null) return t.skip("this host has no IPv6");
  // What slirp calls this host's loopback.
  const url = `http://[fec0::2]:${web.port}/vmlinuz#initrd=initrd&options=${OPTIONS}`;
  const extra = networkCard("virtio-net-pci", "user,ipv4=off,ipv6=on");
  await withBaton({ name: "net-six", words: `baton.timeout=0 "baton.url=${url}"`, extra }, (machine) =>
    expectBooted(machine, { cmdline: OPTIONS, initrds: [system] }),
  );
});

test("with a dead server the disk boots, although the network comes first in the order", async () => {
  const system = await payload("net-disk");
  const disk = await diskImage({
    name: "net-disk",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf": `DEFAULT d\nLABEL d\n LINUX /vmlinuz\n INITRD /initrd\n APPEND ${OPTIONS} from=disk\n`,
          "/vmlinuz": { host: KERNEL },
          "/initrd": { host: system.file },
        },
      },
    ],
  });
  const options = {
    name: "net-dead",
    config: "timeout: 0\nnetwork: prefer\n",
    disks: [{ image: disk, attach: "virtio" as const }],
    // 10.0.2.99 answers nothing.
    extra: networkCard("virtio-net-pci", "user,bootfile=tftp://10.0.2.99/pxelinux.0"),
  };
  await withBaton(options, async (machine) => {
    await machine.serial.waitFor(/baton: network: .*no TFTP server at 10\.0\.2\.99 answers within 20 s/);
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/vmlinuz ${OPTIONS} from=disk initrd=/initrd`,
      initrds: [system],
    });
  });
});
