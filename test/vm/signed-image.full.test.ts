/**
 * Secure Boot with one's own keys, from an empty firmware on, as docs/security.md tells it: keys made by `baton keys`, an
 * image signed by `npm run image`, enrolled from Baton's shell; then what the firmware and Baton start, and what not.
 */

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { inside, menuReady, until } from "./baton.ts";
import { type Content, diskImage, ESP } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { CACHE, ROOT, run } from "./host.ts";
import { type Machine, withMachine } from "./machine.ts";
import { choose, closeBox } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";
import { withoutSignature } from "./signing.ts";

const UUID = "5a6b1c2d-0033-4000-8000-000000000033";
const OPTIONS = `root=UUID=${UUID} ro console=ttyS0 quiet`;
const FOLDER = join(CACHE, "signed-image");
const KEYS = join(FOLDER, "keys");
/** The firmware's own memory, which the machines hand on to each other. */
const VARIABLES = join(FOLDER, "variables");
const baton = (...args: string[]) => run(process.execPath, [join(ROOT, "dist/baton.cjs"), ...args]);

/** The kernels of the disk, by what is the matter with each. */
const kernel = (name: string): string => join(FOLDER, `vmlinuz-${name}`);

async function sign(unsigned: string, to: string): Promise<void> {
  await run("sbsign", ["--key", `${KEYS}/db.key`, "--cert", `${KEYS}/db.crt`, "--output", to, unsigned]);
}

before(async () => {
  await rm(FOLDER, { recursive: true, force: true });
  await run("mkdir", ["-p", FOLDER]);
  await baton("keys", "--name", "Test owner", KEYS);
  // Of Debian's own keys Debian's kernel trusts none; firmware's it does.
  await baton("keys", "--add", KERNEL, KEYS);
  // A shell on ttyS1 beside Baton.
  const wrapper = join(FOLDER, "init");
  const wait = "while ! [ -c /dev/ttyS1 ]; do /bin/busybox sleep 0.1; done";
  const shell = `(${wait}; while :; do /bin/busybox setsid sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done) &`;
  await writeFile(wrapper, `#!/bin/busybox sh\n${shell}\nexec /init\n`, { mode: 0o755 });
  const words =
    "console=ttyS0 quiet init_on_alloc=0 cryptomgr.notests rootfstype=ramfs baton.timeout=-1 rdinit=/shell-init";
  const image = ["--quiet", "--format", "efi", "--cmdline", words, "--add", `${wrapper}=/shell-init`, "--output"];
  await run("npx", ["tsx", "initramfs/image.ts", ...image, join(FOLDER, "unsigned")], { cwd: ROOT });
  const signer = ["--sign", `${KEYS}/db.key`, "--cert", `${KEYS}/db.crt`];
  await run("npx", ["tsx", "initramfs/image.ts", ...image, join(FOLDER, "signed"), ...signer], { cwd: ROOT });

  const debian = await readFile(KERNEL);
  const changed = Buffer.from(debian);
  changed[4 << 20]! ^= 1;
  const bare = withoutSignature(debian);
  // Another kernel as its digest goes: a word more in the zeros behind its name.
  const other = Buffer.from(bare);
  other[bare.length - 1]! ^= 1;
  await writeFile(kernel("tampered"), changed);
  await writeFile(kernel("unsigned"), bare);
  await writeFile(`${kernel("revoked")}.bare`, other);
  await sign(`${kernel("revoked")}.bare`, kernel("revoked"));
});

/** A machine whose first disk starts by UEFI, with this program on it, and whose second has the kernels. */
async function starts(name: string, program: Content, body: (machine: Machine) => Promise<void>): Promise<void> {
  const auth = ["PK", "KEK", "db", "dbx"].map((one) => [`/keys/${one}.auth`, `${KEYS}/${one}.auth`] as const);
  const there = await Promise.all(
    auth.map(async ([path, host]) => [path, await readFile(host).catch(() => null)] as const),
  );
  const esp = await diskImage({
    name: `signed-image-${name}`,
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 128,
        partitionType: ESP,
        uuid: "5EED-0033",
        files: {
          "/EFI/BOOT/BOOTX64.EFI": program,
          ...(Object.fromEntries(there.filter(([, bytes]) => bytes !== null)) as Record<string, Buffer>),
        },
      },
    ],
  });
  const system = await payload("signed-image");
  const names = ["debian", "tampered", "unsigned", "revoked"];
  const image = await diskImage({
    name: "signed-image-system",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 128,
        uuid: UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(
            UUID,
            names.map((one) => ({
              ...{ title: `The ${one} kernel`, id: one, initrd: "/boot/initrd.img" },
              linux: `/boot/vmlinuz-${one} ${OPTIONS}`,
            })),
          ),
          "/boot/vmlinuz-debian": { host: KERNEL },
          ...Object.fromEntries(names.slice(1).map((one) => [`/boot/vmlinuz-${one}`, { host: kernel(one) }])),
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const disks = [
    { image: esp, attach: "ahci" },
    { image, attach: "virtio" },
  ] as const;
  const machine = { firmware: "setupmode", variables: VARIABLES, secondSerial: true, memoryMiB: 1024 } as const;
  await withMachine({ name: `signed-image-${name}`, ...machine, disks }, body);
}

const signed = () => ({ host: join(FOLDER, "signed/baton.efi") });
/** In Baton's shell, when the disk with the keys is there. */
async function enrol(machine: Machine): Promise<string> {
  await until(machine, "ls /dev", /\bsda1\b/);
  return inside(
    machine,
    "mkdir -p /mnt; mount -t vfat -o ro /dev/sda1 /mnt && baton keys --enrol /mnt/keys; umount /mnt",
  );
}

test("in Setup Mode Baton's shell gives the firmware its keys", async () => {
  await starts("setup", signed(), async (machine) => {
    await menuReady(machine);
    assert.match(await inside(machine, "dmesg | grep -i 'secure boot'"), /Secure boot disabled/i);
    const said = await enrol(machine);
    assert.match(
      said,
      /db: taken by the firmware\s+KEK: taken by the firmware\s+PK: taken by the firmware\s+Secure Boot is on from the next start\./,
    );
  });
});

test("the signed image starts with Secure Boot on, and of the disk's kernels those that are signed, unchanged and not revoked", async () => {
  await baton("keys", "--revoke", kernel("revoked"), KEYS);
  await starts("revoke", signed(), async (machine) => {
    await menuReady(machine);
    assert.match(await inside(machine, "dmesg | grep -i 'secure boot'"), /Secure boot enabled/i);
    assert.match(
      await enrol(machine),
      /db: as the firmware has it\s+dbx: taken by the firmware\s+It holds from the next start\./,
    );
  });
  await starts("chain", signed(), async (machine) => {
    await menuReady(machine);
    const refusals = {
      tampered: /signature is wrong: the file was changed after it was signed/,
      unsigned: /The kernel file has no signature, and Secure Boot is on/,
      revoked: /revoked/,
    };
    for (const [name, sentence] of Object.entries(refusals)) {
      await choose(machine, `The ${name} kernel`);
      await machine.serial.type("<enter>");
      await machine.serial.waitFor(new RegExp(`baton: failed \\S+: [^\\n]*${sentence.source}`));
      await closeBox(machine);
      assert.equal(await inside(machine, "cat /sys/kernel/kexec_loaded"), "0", name);
    }
    await choose(machine, "The debian kernel");
    await machine.serial.type("<enter>");
    const system = await payload("signed-image");
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz-debian ${OPTIONS}`, initrds: [system] });
  });
});

test("the firmware refuses an image that is unsigned, changed or revoked", async () => {
  const refused = async (name: string, program: Content): Promise<void> => {
    await starts(name, program, async (machine) => {
      await machine.serial.waitFor(/BdsDxe: failed to load Boot\d+ [^\n]*(Access Denied|Security Violation)/, {
        timeoutMs: 300_000,
      });
      assert.doesNotMatch(machine.serial.text, /baton: start/);
    });
  };
  await refused("image-unsigned", { host: join(FOLDER, "unsigned/baton.efi") });
  const changed = await readFile(join(FOLDER, "signed/baton.efi"));
  changed[20 << 20]! ^= 1;
  await refused("image-changed", changed);
  await baton("keys", "--revoke", join(FOLDER, "signed/baton.efi"), KEYS);
  await starts("image-enrol", signed(), async (machine) => {
    await menuReady(machine);
    assert.match(await enrol(machine), /dbx: taken by the firmware/);
  });
  await refused("image-revoked", signed());
});
