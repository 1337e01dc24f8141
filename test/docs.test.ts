/** The documents: what they cite exists, and what people can run is in them. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { type CommandManual, MANUAL } from "../src/commands/shared/manual.ts";

const DOCUMENTS = ["README.md", ...readdirSync("docs").map((name) => join("docs", name))].filter((name) =>
  name.endsWith(".md"),
);
const MAX_README_LINES = 150;
/** Of docs/menu.png. Bytes. */
const MAX_PICTURE_SIZE = 60_000;

const read = (path: string): string => readFileSync(path, "utf8");

/** A heading's name in links, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));

test("every relative link of the documents leads to a file, and to a heading where it names one", () => {
  for (const document of DOCUMENTS) {
    for (const [, link] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path, anchor] = link!.split("#");
      const target = path === "" ? document : normalize(join(dirname(document), path!));
      assert.ok(existsSync(target), `${document} links to ${link}, and there is no ${target}`);
      if (anchor === undefined) continue;
      assert.ok(
        anchorsOf(read(target)).includes(anchor),
        `${document} links to ${link}, and ${target} has no such heading`,
      );
    }
  }
});

test("every path of the repository that the documents cite exists", () => {
  for (const document of DOCUMENTS) {
    const cited = read(document).matchAll(/\b(?:src|test|initramfs|configs|docs)\/[\w./-]*\w\/?/g);
    for (const [path] of cited) assert.ok(existsSync(path), `${document} cites ${path}, which is not there`);
  }
});

test("every comment that cites a document cites one that is there", () => {
  for (const folder of ["src", "initramfs", "test"]) {
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!/\.(?:ts|cjs|js|mjs|sh|S)$/.test(name)) continue;
      const path = join(folder, name);
      for (const [document, section] of [...read(path).matchAll(/\bdocs\/\w+\.\w+(?:, ["`]([^"`]+)["`])?/g)].map(
        (match) => [match[0].split(",")[0]!, match[1]] as const,
      )) {
        assert.ok(existsSync(document), `${path} cites ${document}, which is not there`);
        if (section === undefined) continue;
        assert.ok(anchorsOf(read(document)).includes(anchorOf(section)), `${path}: ${document} has no "${section}"`);
      }
    }
  }
});

test("every command stands in the manual and in the interfaces, and every npm script in a document", () => {
  const all = DOCUMENTS.map(read).join("\n");
  for (const command of Object.keys(MANUAL)) {
    for (const document of ["docs/manual.md", "docs/interfaces.md"])
      assert.match(read(document), new RegExp(`\\bbaton ${command}\\b`), `${document} doesn't name baton ${command}`);
  }
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  // npm itself calls prepack.
  for (const script of Object.keys(scripts).filter((name) => name !== "prepack")) {
    const command = script === "test" ? "npm test" : `npm run ${script}`;
    assert.ok(all.includes(command), `no document names ${command}`);
  }
});

test("every option of the commands stands in the interfaces", () => {
  const text = read("docs/interfaces.md");
  for (const option of Object.values<CommandManual>(MANUAL).flatMap(({ options }) => Object.keys(options))) {
    assert.ok(text.includes(`--${option}`), `docs/interfaces.md doesn't name --${option}`);
  }
});

test("the interfaces name every figure of the benchmark", () => {
  const text = read("docs/interfaces.md");
  for (const name of readdirSync("test/bench")) {
    for (const [, figure] of read(join("test/bench", name)).matchAll(/(?:name: |figure\()"([a-z]+\.\w+)"/g)) {
      assert.ok(text.includes(`\`${figure}\``), `docs/interfaces.md doesn't name ${figure}`);
    }
  }
});

test("README is short, and its picture is a small PNG file with a palette", () => {
  const lines = read("README.md").trimEnd().split("\n").length;
  assert.ok(lines <= MAX_README_LINES, `README.md has ${lines} lines`);
  const picture = readFileSync("docs/menu.png");
  assert.equal(picture.toString("latin1", 1, 4), "PNG");
  // PNG, 11.2.2: the colour type stands behind the size and the bits; 3 is a palette.
  assert.equal(picture[25], 3);
  assert.ok(picture.length < MAX_PICTURE_SIZE, `docs/menu.png has ${picture.length} bytes`);
});
