/** Debian's installer from its own netboot tree, by DHCP and TFTP of dnsmasq and by a site of iPXE menus, to its first screen. */

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { SITE } from "../netboot/site.ts";
import { menuReady, withBaton } from "./baton.ts";
import { run, runAsRoot } from "./host.ts";
import { selects } from "./menudisk.ts";
import { networkCard, type Served, serveWeb } from "./network.ts";

const TAP = "batontap0";
const PACKAGE = "debian-installer-12-netboot-amd64";
const TREE = "usr/lib/debian-installer/images/12/amd64/text";
const MENUS = ["debian-installer/amd64/boot-screens/txt.cfg", "debian-installer/amd64/grub/grub.cfg"];

/** The package's tree, its installer's screen on the serial line. */
async function installerTree(t: TestContext): Promise<string> {
  const { root } = await debianPackages([PACKAGE], { suite: "bookworm" });
  const directory = mkdtempSync(join(tmpdir(), "baton-installer-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(join(root, TREE), directory, { recursive: true, verbatimSymlinks: true });
  for (const menu of MENUS) {
    const file = join(directory, menu);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("vga=788", "console=ttyS0"));
  }
  await run("chmod", ["-R", "a+rX", directory]);
  return directory;
}

const FIRST_SCREEN = /Select a language|Choose language|Choose the language/;

/** A network of its own with dnsmasq in it: 10.77.0.1. */
async function serve(t: TestContext, tree: string, bootFile: string): Promise<void> {
  await runAsRoot("ip", ["link", "del", TAP]).catch(() => {});
  const user = (await run("id", ["-un"])).trim();
  await runAsRoot("ip", ["tuntap", "add", TAP, "mode", "tap", "user", user]);
  t.after(() => runAsRoot("ip", ["link", "del", TAP]).catch(() => {}));
  await runAsRoot("ip", ["addr", "add", "10.77.0.1/24", "dev", TAP]);
  await runAsRoot("ip", ["link", "set", TAP, "up"]);
  const words = [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", `--interface=${TAP}`],
    ...["--dhcp-range=10.77.0.50,10.77.0.99,1h", `--dhcp-leasefile=${tree}/leases`, `--dhcp-boot=${bootFile}`],
    ...["--enable-tftp", `--tftp-root=${tree}`, "--user=root", "--pid-file="],
  ];
  const elevate = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const [program, ...rest] = [...elevate, "dnsmasq", ...words];
  const server: ChildProcess = spawn(program!, rest, { stdio: "ignore" });
  t.after(() => (elevate.length > 0 ? runAsRoot("kill", [String(server.pid)]) : server.kill("SIGKILL")));
}

for (const [loader, bootFile] of [
  ["PXELINUX", "pxelinux.0"],
  ["GRUB", "debian-installer/amd64/bootnetx64.efi"],
] as const) {
  test(`Debian's installer by its tree for ${loader}, over dnsmasq, to its first screen`, async (t) => {
    await serve(t, await installerTree(t), bootFile);
    const netdev = `tap,id=net0,ifname=${TAP},script=no,downscript=no`;
    const extra = ["-netdev", netdev, "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:00:00:01"];
    const options = { name: `net-installer-${loader.toLowerCase()}`, words: "baton.timeout=0", extra };
    await withBaton(options, async (machine) => {
      await machine.serial.waitFor(/baton: loaded \S+ by/);
      await machine.serial.waitFor(FIRST_SCREEN, { timeoutMs: 400_000 });
    });
  });
}

test("Debian's installer at the end of a site of iPXE menus, chosen by keys, to its first screen", async (t) => {
  const { root } = await debianPackages([PACKAGE], { suite: "bookworm" });
  const files: Record<string, Served[string]> = { "/hook.sh": "#!/bin/sh\n" };
  for (const [name, text] of Object.entries(SITE)) files[`/${name}`] = text;
  for (const name of ["linux", "initrd.gz"]) {
    files[`/12/amd64/${name}`] = { host: join(root, TREE, "debian-installer/amd64", name) };
  }
  const web = await serveWeb(t, files);
  const ours = `set mirror ${web.url}\nset cmdline console=ttyS0 quiet`;
  files["/site.cfg"] = SITE["site.cfg"]!.replace("set mirror http://mirror.example", ours);
  const options = { words: `baton.url=${web.url}/menu.ipxe`, extra: networkCard("virtio-net-pci") };
  await withBaton({ name: "net-installer-ipxe", ...options }, async (machine) => {
    const { serial } = machine;
    await menuReady(machine);
    await serial.type("<home>");
    await selects(machine, /Own disk/);
    await serial.type("<down>");
    for (const [title, below] of [
      [/Linux/, /Debian/],
      [/Debian/, /Debian 13/],
    ] as const) {
      await selects(machine, title);
      await serial.type("<enter>");
      await selects(machine, below);
    }
    await serial.type("<down>");
    await selects(machine, /Debian 12/);
    await serial.type("<enter>");
    await selects(machine, /Text/);
    await serial.type("<enter>");
    await serial.waitFor(/baton: loaded \S+ by/);
    await serial.waitFor(FIRST_SCREEN, { timeoutMs: 400_000 });
  });
});
