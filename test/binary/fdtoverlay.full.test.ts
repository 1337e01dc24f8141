/** Devicetree overlays against dtc and fdtoverlay(1). */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { readFdt, writeFdt } from "../../src/binary/fdt.ts";
import { applyOverlay } from "../../src/binary/fdtoverlay.ts";

const { root } = await debianPackages(["device-tree-compiler", "libfdt1", "libyaml-0-2"]);
const directory = mkdtempSync(join(tmpdir(), "baton-overlay-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const env = { ...process.env, LD_LIBRARY_PATH: join(root, "usr/lib/x86_64-linux-gnu") };
const run = (program: string, ...args: string[]): Buffer =>
  execFileSync(join(root, "usr/bin", program), args, { env, cwd: directory, stdio: ["ignore", "pipe", "ignore"] });

function compile(name: string, source: string): Buffer {
  writeFileSync(join(directory, `${name}.dts`), source);
  run("dtc", "-@", "-q", "-I", "dts", "-O", "dtb", "-o", name, `${name}.dts`);
  return readFileSync(join(directory, name));
}

/** As text, sorted, so that only what it says counts. */
function sourceOf(blob: Uint8Array): string {
  writeFileSync(join(directory, "shown"), blob);
  return run("dtc", "-q", "-s", "-I", "dtb", "-O", "dts", "shown").toString();
}

const BASE = `/dts-v1/;
/ {
  compatible = "acme,board"; #address-cells = <1>; #size-cells = <1>;
  aliases { bus = &i2c1; };
  clk: clock { #clock-cells = <0>; };
  soc { compatible = "simple-bus"; ranges; #address-cells = <1>; #size-cells = <1>;
    gpio: gpio@100 { reg = <0x100 4>; #gpio-cells = <2>; interrupt-parent = <&intc>; };
    intc: intc@200 { reg = <0x200 4>; clocks = <&clk>; };
    i2c1: i2c@300 { reg = <0x300 4>; status = "disabled"; #address-cells = <1>; #size-cells = <0>; };
  };
};`;

const OVERLAYS: Readonly<Record<string, string>> = {
  labels: `/dts-v1/; /plugin/;
&i2c1 { status = "okay"; fixed: regulator { startup = <1>; };
  rtc: rtc@68 { reg = <0x68>; vcc = <&fixed>; gpios = <&gpio 4 0>, <&gpio 5 1>; interrupts-extended = <&intc 3>; }; };
&gpio { line { gpio-hog; input; }; };`,
  paths: `/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/soc"; __overlay__ { label = "changed"; extra: extra@400 { reg = <0x400 4>; user = <&extra>; }; }; };
    fragment@1 { target-path = "bus"; __overlay__ { clock-frequency = <400000>; }; }; };`,
  replace: `/dts-v1/; /plugin/;
&{/soc/gpio@100} { reg = <0x180 8>; empty; };
&clk { one: one { two { deep = <&one>; text = "a", "b"; }; }; };`,
};

for (const name of Object.keys(OVERLAYS)) {
  test(`the overlay '${name}' gives what fdtoverlay gives`, () => {
    const base = compile("base", BASE);
    const overlay = compile(name, OVERLAYS[name]!);
    run("fdtoverlay", "-i", "base", "-o", "merged", name);
    const tree = readFdt(base);
    applyOverlay(tree, readFdt(overlay));
    assert.equal(sourceOf(writeFdt(tree)), sourceOf(readFileSync(join(directory, "merged"))));
  });
}

test("one overlay on top of another gives what fdtoverlay gives", () => {
  const base = compile("base", BASE);
  const first = compile("first", OVERLAYS.labels!);
  const second = compile(
    "second",
    '/dts-v1/; /plugin/; &rtc { wakeup-source; note = <&gpio>; }; &fixed { name2 = "x"; };',
  );
  run("fdtoverlay", "-i", "base", "-o", "merged", "first", "second");
  const tree = readFdt(base);
  applyOverlay(tree, readFdt(first));
  applyOverlay(tree, readFdt(second));
  assert.equal(sourceOf(writeFdt(tree)), sourceOf(readFileSync(join(directory, "merged"))));
});
