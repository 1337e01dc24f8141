/**
 * Baton from the network, started by the machine's own firmware: a BIOS's PXE, UEFI's PXE and UEFI's HTTP boot, from the
 * servers that docs/manual.md has under "From the network", to the menu and on to a disk's kernel.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { ROOT, run, runAsRoot } from "./host.ts";
import { withMachine } from "./machine.ts";
import { expectBooted } from "./payload.ts";
import { systemDisk } from "./systemdisk.ts";

const TAP = "batontap1";
const UUID = "5a6b1c2d-0035-4000-8000-000000000035";

/** What stands indented below a line with this file's name. */
function fromManual(manual: string, name: string): string {
  const [, block] = new RegExp(`^    # ${name.replace(/[.]/g, "\\$&")}\n((?: {4}.*\n)+)`, "m").exec(manual) ?? [];
  if (block === undefined) throw new Error(`docs/manual.md has no ${name}`);
  return block.replace(/^ {4}/gm, "").trimEnd().concat("\n");
}

/** The servers of the manual on a network of their own, 10.77.0.1. */
async function serve(t: TestContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "baton-firmware-netboot-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const manual = await readFile(join(ROOT, "docs/manual.md"), "utf8");
  await mkdir(join(folder, "pxelinux.cfg"));
  await writeFile(join(folder, "pxelinux.cfg/default"), fromManual(manual, "pxelinux.cfg/default"));
  for (const name of ["vmlinuz", "initramfs.cpio.zst", "baton.efi"]) {
    await copyFile(join(ROOT, "dist", name), join(folder, name));
  }
  const { root } = await debianPackages(["pxelinux", "syslinux-common"]);
  await copyFile(join(root, "usr/lib/PXELINUX/pxelinux.0"), join(folder, "pxelinux.0"));
  await copyFile(join(root, "usr/lib/syslinux/modules/bios/ldlinux.c32"), join(folder, "ldlinux.c32"));
  await run("chmod", ["-R", "a+rX", folder]);

  await runAsRoot("ip", ["link", "del", TAP]).catch(() => {});
  const user = (await run("id", ["-un"])).trim();
  await runAsRoot("ip", ["tuntap", "add", TAP, "mode", "tap", "user", user]);
  t.after(() => runAsRoot("ip", ["link", "del", TAP]).catch(() => {}));
  await runAsRoot("ip", ["addr", "add", "10.77.0.1/24", "dev", TAP]);
  await runAsRoot("ip", ["link", "set", TAP, "up"]);
  const config = fromManual(manual, "dnsmasq.conf").replace("interface=eth0", `interface=${TAP}`);
  await writeFile(join(folder, "dnsmasq.conf"), config.replace("/srv/baton", folder));
  const words = ["--keep-in-foreground", `--conf-file=${folder}/dnsmasq.conf`, "--port=0", "--bind-interfaces"];
  const rest = [`--dhcp-leasefile=${folder}/leases`, "--user=root", "--pid-file="];
  const elevate = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const [program, ...args] = [...elevate, "dnsmasq", ...words, ...rest];
  const server: ChildProcess = spawn(program!, args, { stdio: ["ignore", "ignore", "inherit"] });
  t.after(() => (elevate.length > 0 ? runAsRoot("kill", [String(server.pid)]) : server.kill("SIGKILL")));

  const web = createServer(async (request, response) => {
    if (request.url !== "/baton.efi") return response.writeHead(404).end();
    const bytes = await readFile(join(folder, "baton.efi"));
    response.writeHead(200, { "content-length": bytes.length, "content-type": "application/efi" });
    return response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise<void>((resolve) => web.listen(80, "10.77.0.1", resolve));
  t.after(() => {
    web.closeAllConnections();
    web.close();
  });
}

/** Words for QEMU that leave one way to UEFI firmware. */
const without = (...kinds: readonly string[]): readonly string[] =>
  kinds.flatMap((kind) => ["-fw_cfg", `name=opt/org.tianocore/${kind}Support,string=no`]);

async function boots(t: TestContext, firmware: "bios" | "uefi", says: RegExp, more: readonly string[]): Promise<void> {
  await serve(t);
  const { image, boots: expected } = await systemDisk("firmware-netboot", UUID);
  const card = `virtio-net-pci,netdev=net0,mac=52:54:00:00:00:01,bootindex=0${firmware === "uefi" ? ",romfile=" : ""}`;
  const extra = ["-netdev", `tap,id=net0,ifname=${TAP},script=no,downscript=no`, "-device", card, ...more];
  const disks = [{ image, attach: "virtio" }] as const;
  const name = `firmware-netboot-${firmware}-${more.length}`;
  await withMachine({ name, firmware, vga: firmware === "bios", disks, extra }, async (machine) => {
    await machine.serial.waitFor(says, { timeoutMs: 400_000 });
    await machine.serial.waitFor(/baton: menu ready, [1-9]/, { timeoutMs: 600_000 });
    await expectBooted(machine, expected);
  });
}

test("a BIOS's PXE starts PXELINUX, and that Baton", (t) => boots(t, "bios", /baton: start/, []));

test("UEFI's PXE starts baton.efi from the TFTP server", (t) =>
  boots(t, "uefi", /starting Boot\d+ "UEFI PXEv4/, without("IPv6PXE")));

test("UEFI's HTTP boot starts baton.efi from the web server", (t) =>
  boots(t, "uefi", /starting Boot\d+ "UEFI HTTPv4/, without("IPv4PXE", "IPv6PXE")));
