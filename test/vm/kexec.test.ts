/**
 * The hand-over by kexec_load on real machines: what the second kernel is told about its machine, below and above
 * 4 GiB, with several processors, and under UEFI.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleTables, readModule } from "../../initramfs/kernel.ts";
import { type ArchiveFile, archive } from "./archive.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import type { Machine } from "./machine.ts";
import { imageKernel, initrdFile, KERNEL, type Payload, payload, userlandFiles } from "./payload.ts";

/** Says what the second kernel knows of its machine, then powers off in the orderly way, which needs ACPI. */
const REPORT = `
say() { echo "machine: $*"; }
set -- $(busybox od -An -tx4 -j 192 -N 8 /sys/kernel/boot_params/data)
say "initrd above 4 GiB: $([ "$1" = 00000000 ] && echo no || echo yes)"
say "edd: $(busybox od -An -tu1 -j 489 -N 1 /sys/kernel/boot_params/data)"
say "video: $(busybox od -An -tx1 -j 15 -N 1 /sys/kernel/boot_params/data)"
say "processors: $(busybox grep -c ^processor /proc/cpuinfo)"
say "memory: $(busybox awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
say "acpi: $(busybox dmesg | busybox grep -c 'ACPI: RSDP 0x')"
say "crng: $(busybox dmesg | busybox grep -c 'crng init done')"
say "kaslr: $(busybox grep ' _text$' /proc/kallsyms)"
if [ -d /sys/firmware/efi ]; then
  busybox insmod /efivarfs.ko
  busybox mount -t efivarfs efivarfs /sys/firmware/efi/efivars
  say "efi variables: $(busybox ls /sys/firmware/efi/efivars | busybox wc -l)"
  say "framebuffer: $(busybox cat /sys/class/graphics/fb0/name)"
fi
say end
busybox poweroff -f
`;

async function reporter(): Promise<Payload> {
  const kernel = await imageKernel();
  const { path } = (await moduleTables(kernel)).dep.get("efivarfs")!;
  const efivarfs = Buffer.from(await readModule(kernel, path));
  const files: ArchiveFile[] = [...(await userlandFiles(REPORT)), { path: "efivarfs.ko", bytes: efivarfs }];
  const packed = archive([...files, { path: "payload/none", bytes: Buffer.from("x") }]);
  return { file: await initrdFile("reporter", packed), name: "none", sha256: "", size: packed.length };
}

/** A disk whose entry boots into {@link REPORT}, with two more initrds behind it. */
async function reportDisk(): Promise<{ image: string; more: readonly Payload[] }> {
  const uuid = "5a6b1c2d-0021-4000-8000-000000000021";
  const first = await reporter();
  const more = [
    await payload("kexec-more", { userland: false, payloadBytes: 5000 }),
    await payload("kexec-packed", { userland: false, payloadBytes: 70_000, gzip: true }),
  ];
  const entry = {
    title: "Report",
    id: "report",
    linux: "/boot/vmlinuz root=/dev/none ro console=ttyS0 quiet",
    initrd: "/boot/initrd.img /boot/more.img /boot/packed.img",
  };
  const image = await diskImage({
    name: "kexec-report",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [entry]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: first.file },
          "/boot/more.img": { host: more[0]!.file },
          "/boot/packed.img": { host: more[1]!.file },
        },
      },
    ],
  });
  return { image, more };
}

/** What the second system said, by its words before the colon. */
async function report(machine: Machine, more: readonly Payload[]): Promise<Map<string, string>> {
  const { match: loaded } = await machine.serial.waitFor(/baton: loaded \S+ by (\S+) in/, { timeoutMs: 300_000 });
  const { match } = await machine.serial.waitFor(/payload: begin([\s\S]*?)machine: end/, { timeoutMs: 180_000 });
  const files = [...match[1]!.matchAll(/^payload: file (\S+) ([0-9a-f]{64})$/gm)].map((found) => found.slice(1));
  for (const { name, sha256 } of more)
    assert.deepEqual(
      files.find((file) => file[0] === name),
      [name, sha256],
    );
  const said = [...match[1]!.matchAll(/^machine: (.*?): *(.*)$/gm)].map((found): [string, string] => [
    found[1]!,
    found[2]!,
  ]);
  return new Map([...said, ["method", loaded[1]!]]);
}

test("2 GiB, BIOS: kexec_load, three initrds as they lie in their files, disks and ACPI as the firmware told", async () => {
  const { image, more } = await reportDisk();
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "kexec-bios", words: "baton.timeout=0", vga: true, disks }, async (machine) => {
    const said = await report(machine, more);
    assert.equal(said.get("method"), "kexec_load");
    assert.equal(said.get("initrd above 4 GiB"), "no");
    assert.equal(said.get("acpi"), "1");
    assert.equal(said.get("edd"), "1", "the firmware's disks (EDD)");
    assert.equal(said.get("video"), "01", "a VGA text mode that the new kernel may write to");
    assert.ok(Number(said.get("memory")) > 1900, `memory: ${said.get("memory")} MiB`);
    await machine.ended;
  });
});

test("6 GiB, two processors: the initrd lies above 4 GiB, and all memory and processors are there", async () => {
  const { image, more } = await reportDisk();
  const disks = [{ image, attach: "ahci" }] as const;
  // Page tables of four levels; all other machines have five.
  const extra = ["-smp", "2", "-cpu", "max,la57=off"];
  await withBaton({ name: "kexec-6g", words: "baton.timeout=0", memoryMiB: 6144, disks, extra }, async (machine) => {
    const said = await report(machine, more);
    assert.equal(said.get("method"), "kexec_load");
    assert.equal(said.get("initrd above 4 GiB"), "yes");
    assert.equal(said.get("processors"), "2");
    assert.ok(Number(said.get("memory")) > 5700, `memory: ${said.get("memory")} MiB`);
    await machine.ended;
  });
});

test("UEFI: variables, ACPI, the framebuffer and power-off are there for the second kernel", async () => {
  const { image, more } = await reportDisk();
  const disks = [{ image, attach: "ahci" }] as const;
  const options = { name: "kexec-uefi", firmware: "uefi", words: "baton.timeout=0", vga: true, disks } as const;
  await withBaton(options, async (machine) => {
    const said = await report(machine, more);
    assert.equal(said.get("method"), "kexec_load");
    assert.equal(said.get("acpi"), "1");
    assert.ok(Number(said.get("efi variables")) > 10, `variables: ${said.get("efi variables")}`);
    assert.match(said.get("framebuffer") ?? "", /EFI VGA/);
    await machine.ended;
  });
});

/** Where the text of a kernel begins that was loaded and unpacked ahead, and jumped into by Enter. */
async function stagedTextAddress(): Promise<string> {
  const { image, more } = await reportDisk();
  const disks = [{ image, attach: "virtio" }] as const;
  const options = { name: "kexec-kaslr", words: "baton.timeout=-1 baton.debug", shell: true, disks };
  let address = "";
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await inside(machine, "until dmesg | grep -q 'unpacked ahead in'; do sleep 1; done");
    machine.serial.write("\r");
    address = (await report(machine, more)).get("kaslr") ?? "";
    await machine.ended;
  });
  return address;
}

test("a kernel that was unpacked ahead lies at another address at each start (KASLR)", async () => {
  const addresses = [await stagedTextAddress(), await stagedTextAddress()];
  for (const address of addresses) assert.match(address, /^ffffffff[89a-b][0-9a-f]{7} [tT] _text$/);
  // One of some five hundred pairs is the same by chance.
  if (addresses[0] === addresses[1]) addresses.push(await stagedTextAddress());
  assert.ok(new Set(addresses).size > 1, `always at ${addresses[0]}`);
});
