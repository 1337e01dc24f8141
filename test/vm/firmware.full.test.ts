/** What only firmware can do, under OVMF: other EFI loaders by BootNext, its set-up, systemd-boot's variables. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { BATON_GUID } from "../../src/state/guids.ts";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage, ESP } from "./disks.ts";
import { efiText, GLOBAL, LOADER, loadOption, setVariable, variable } from "./efivars.ts";
import { inFolder, ROOT, run } from "./host.ts";
import { withMachine } from "./machine.ts";
import { selects } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const PARTUUID = "5a6b1c2d-0011-4000-8000-000000000011";
const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

test("another EFI loader starts by BootNext, and f leads into the firmware's set-up", () =>
  inFolder(async (folder) => {
    const variables = join(folder, "vars");
    const other = await payload("firmware");
    const sizeMiB = 160;
    const image = await diskImage({
      name: "firmware",
      scheme: "gpt",
      partitions: [
        {
          type: "vfat",
          sizeMiB,
          partitionType: ESP,
          uuid: "5EED-0011",
          partuuid: PARTUUID,
          files: {
            "/EFI/baton/baton.efi": { host: join(ROOT, "dist/baton.efi") },
            // Whatever firmware starts is as good as Windows: a kernel is an EFI program, too.
            "/EFI/Microsoft/Boot/bootmgfw.efi": { host: KERNEL },
            "/initrd.img": { host: other.file },
          },
        },
      ],
    });
    const disks = [{ image, attach: "ahci" }] as const;
    // The owner's boot entries, as efibootmgr makes them.
    const making = { name: "firmware-entries", firmware: "uefi", variables, shell: true, disks } as const;
    await withBaton({ ...making, words: "baton.timeout=-1" }, async (machine) => {
      await machine.serial.waitFor(/baton: menu ready/);
      const partition = { number: 1, startMiB: 1, sizeMiB, partuuid: PARTUUID };
      const words = "console=ttyS0 quiet baton.timeout=-1 baton.writes=bootloader-state";
      const baton = loadOption("Baton", partition, "\\EFI\\baton\\baton.efi", words);
      const loader = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi";
      const windows = loadOption("Windows Boot Manager", partition, loader, `initrd=\\initrd.img ${OPTIONS}`);
      await setVariable(machine, "Boot0006", GLOBAL, baton);
      await setVariable(machine, "Boot0007", GLOBAL, windows);
      await setVariable(machine, "BootOrder", GLOBAL, Buffer.from([6, 0, 7, 0]));
    });
    const start = { name: "firmware-bootnext", firmware: "uefi", variables, mayReset: true, disks } as const;
    await withMachine(start, async (machine) => {
      await machine.serial.waitFor(/baton: menu ready/, { timeoutMs: 300_000 });
      await machine.serial.waitForScreen(/Windows Boot Manager/, { timeoutMs: 60_000 });
      // The disk's own entry for the same file, which kexec can't start, has given way to the firmware's.
      assert.equal(machine.serial.terminal.text().match(/Windows Boot Manager/g)?.length, 1);
      await machine.serial.type("/windows<enter>", 200);
      await selects(machine, /Windows Boot Manager/);
      await machine.serial.type("<enter>");
      await machine.serial.waitFor(/payload: cmdline <initrd=\\initrd\.img root=\/dev\/none/, { timeoutMs: 300_000 });
      await machine.serial.waitFor(new RegExp(`payload: file firmware ${other.sha256}`));
    });
    await withMachine({ ...start, name: "firmware-setup" }, async (machine) => {
      // BootNext counts once: Baton is there again.
      await machine.serial.waitFor(/baton: menu ready/, { timeoutMs: 300_000 });
      await machine.serial.type("f", 300);
      await machine.serial.waitForScreen(/Restart into the firmware's set-up\?/);
      await machine.serial.type("y");
      await machine.serial.waitForScreen(/Boot Maintenance Manager/, { timeoutMs: 300_000 });
    });
  }));

test("systemd-boot's one-shot entry boots once, then its default, counted by renaming; without leave they are only listed", () =>
  inFolder(async (folder) => {
    const variables = join(folder, "vars");
    const system = await payload("firmware-bls");
    const entry = (title: string): string =>
      `title ${title}\nlinux /vmlinuz\ninitrd /initrd.img\noptions ${OPTIONS} which=${title}\n`;
    const image = await diskImage({
      name: "firmware-bls",
      scheme: "gpt",
      partitions: [
        {
          type: "vfat",
          sizeMiB: 64,
          partitionType: ESP,
          uuid: "5EED-0012",
          files: {
            "/loader/loader.conf": "timeout 0\ndefault first.conf\n",
            "/loader/entries/first.conf": entry("first"),
            "/loader/entries/second.conf": entry("second"),
            "/loader/entries/third+3.conf": entry("third"),
            "/vmlinuz": { host: KERNEL },
            "/initrd.img": { host: system.file },
          },
        },
      ],
    });
    const booted = (which: string) => ({ cmdline: `${OPTIONS} which=${which}`, initrds: [system] });
    const common = { firmware: "uefi", variables } as const;
    const disks = [{ image, attach: "nvme" }] as const;
    await withBaton(
      { ...common, name: "firmware-set", words: "baton.timeout=-1", shell: true, disks },
      async (machine) => {
        await menuReady(machine);
        await setVariable(machine, "LoaderEntryOneShot", LOADER, efiText("second.conf"));
        await setVariable(machine, "LoaderEntryDefault", LOADER, efiText("third.conf"));
      },
    );
    const after = join(folder, "after.img");
    const writable = [{ image, attach: "nvme", writable: { keepAs: after } }] as const;
    const words = "baton.writes=bootloader-state baton.tries=5";
    await withBaton({ ...common, name: "firmware-oneshot", words, disks: writable }, async (machine) => {
      await expectBooted(machine, booted("second"));
    });
    const counted = join(folder, "counted.img");
    const again = [{ image: after, attach: "nvme", writable: { keepAs: counted } }] as const;
    await withBaton({ ...common, name: "firmware-default", words, disks: again }, async (machine) => {
      await expectBooted(machine, booted("third"));
    });
    const names = await run("mdir", ["-b", "-i", `${counted}@@${1 << 20}`, "::/loader/entries"]);
    assert.deepEqual(names.trim().split(/\s+/).sort(), [
      "::/loader/entries/first.conf",
      "::/loader/entries/second.conf",
      "::/loader/entries/third+2-1.conf",
    ]);
    // The operator's choice stays; what counted once is gone.
    const looking = { ...common, name: "firmware-left", words: "baton.timeout=-1", shell: true } as const;
    await withBaton({ ...looking, disks: [{ image: counted, attach: "nvme" }] }, async (machine) => {
      await menuReady(machine);
      assert.equal(await variable(machine, "LoaderEntryOneShot", LOADER), null);
      assert.deepEqual(await variable(machine, "LoaderEntryDefault", LOADER), efiText("third.conf"));
      // Baton's own count of boots that nobody has confirmed, until somebody does.
      const counts = async (): Promise<string> => String(await variable(machine, "BatonState", BATON_GUID));
      assert.match((await counts()).replaceAll("\0", ""), /second\S*=1\nlast=\S+third\S*\ntries\.\S+third\S*=1$/);
      await inside(machine, "mount -o remount,rw /sys/firmware/efi/efivars");
      assert.match(await inside(machine, "baton confirm"), /third\S* is confirmed$/);
      assert.match((await counts()).replaceAll("\0", ""), /^tries\.\S+second\S*=1$/);
    });
  }));
