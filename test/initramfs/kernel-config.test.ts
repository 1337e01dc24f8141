import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { configText, parseFragment, unmet } from "../../initramfs/kernel-config.ts";

test("a fragment is lines of symbol and value, and comments", () => {
  const text = '# why\nCONFIG_KEXEC=y\n\nCONFIG_NR_CPUS=64\nCONFIG_LSM="lockdown"\n# CONFIG_MODULES is not set\n';
  const demands = parseFragment(text, "base", "6.1.1");
  assert.equal(configText(demands), 'CONFIG_KEXEC=y\nCONFIG_NR_CPUS=64\nCONFIG_LSM="lockdown"\n');
});

test("a line behind `# since` is for that version and later ones, and only that line", () => {
  const text = "# since 6.4\nCONFIG_NEW=y\nCONFIG_OLD=y\n";
  const symbols = (kernel: string) => parseFragment(text, "x", kernel).map(({ symbol }) => symbol);
  assert.deepEqual(symbols("6.1.192"), ["CONFIG_OLD"]);
  for (const kernel of ["6.4", "6.4.1", "6.12.118", "7.3"])
    assert.deepEqual(symbols(kernel), ["CONFIG_NEW", "CONFIG_OLD"]);
});

test("a line that is neither is an error with its number", () => {
  for (const line of ["CONFIG_X=m", "CONFIG_X", "CONFIG_X=y # why", 'CONFIG_X="a\\"b"', "X=y"]) {
    assert.throws(
      () => parseFragment(`# why\n${line}\n`, "base.config", "6.1"),
      /base\.config:2: .* is no CONFIG_NAME=VALUE/,
    );
  }
});

test("demands that a configuration doesn't have are found: off, another value, or unknown", () => {
  const demands = parseFragment("CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=3\nCONFIG_D=y\n", "x", "6.1");
  const made = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=4\nCONFIG_DD=y\n";
  assert.deepEqual(
    unmet(demands, made).map(({ symbol }) => symbol),
    ["CONFIG_B", "CONFIG_C", "CONFIG_D"],
  );
});

test("the fragments in configs/kernel can be read, and none demands what another does with another value", () => {
  const values = new Map<string, string>();
  for (const name of readdirSync("configs/kernel")) {
    for (const { symbol, value } of parseFragment(readFileSync(`configs/kernel/${name}`, "utf8"), name, "99")) {
      assert.equal(values.get(symbol) ?? value, value, `${name}: ${symbol}`);
      values.set(symbol, value);
    }
  }
  assert.ok(values.size > 100);
});
