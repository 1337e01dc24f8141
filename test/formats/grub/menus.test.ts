import assert from "node:assert/strict";
import { test } from "node:test";
import { problems, read, titles } from "./support.ts";

// Menus that open one another.

const value = (name: string, one: string, opens: string) =>
  `menuentry "${one}" { set ${name}=${one}; export ${name}; configfile ${opens} }\n`;
const MAIN = "/boot/grub/main.cfg";
const main = `if [ -z "$lang" ]; then set lang=en; export lang; fi
menuentry "Start" { linux /k lang=$lang keys=$keys }
`;

test("a language menu that opens the main menu anew gives that menu in each language, once", async () => {
  const files = {
    [MAIN]: `${main}menuentry "Language" { configfile /lang.cfg }
submenu "Rescue" { menuentry "Shell" { linux /k lang=$lang rescue } }
`,
    "/lang.cfg": value("lang", "de", MAIN) + value("lang", "fr", MAIN),
  };
  const result = await read(`configfile ${MAIN}`, { files });
  assert.deepEqual(titles(result), [
    "Start",
    "Language > de > Start",
    "Language > de > Rescue > Shell",
    "Language > fr > Start",
    "Language > fr > Rescue > Shell",
    "Rescue > Shell",
  ]);
  assert.equal(result.entries[3]!.options, "BOOT_IMAGE=/k lang=fr keys=");
  assert.deepEqual(problems(result), []);
});

test("two such menus are not multiplied by each other", async () => {
  const files = {
    [MAIN]: `${main}submenu "Language" { configfile /lang.cfg }\nsubmenu "Keyboard" { configfile /keys.cfg }\n`,
    "/lang.cfg": value("lang", "de", MAIN) + value("lang", "fr", MAIN),
    "/keys.cfg": value("keys", "be", MAIN),
  };
  assert.deepEqual(titles(await read(`configfile ${MAIN}`, { files })), [
    "Start",
    "Language > de > Start",
    "Language > fr > Start",
    "Keyboard > be > Start",
  ]);
});

test("a menu that leads back to the one that it came from doesn't give that once more", async () => {
  const path = "/boot/grub/grub.cfg";
  const back = (file: string) => `menuentry "Back" { configfile ${file} }\n`;
  const files = { "/sub.cfg": `export seen\nmenuentry "Tool" { linux /t }\n${back(path)}` };
  const result = await read(
    `set seen=yes\n${main}menuentry "Tools" { configfile /sub.cfg }\nmenuentry B { linux /b }\n`,
    {
      files,
    },
  );
  assert.deepEqual(
    result.entries.filter(({ reason }) => reason === null).map(({ submenu, title }) => [...submenu, title].join(" > ")),
    ["Start", "Tools > Tool", "B"],
  );
  assert.match(result.entries[2]?.reason ?? "", /the menu that it opens, .*grub\.cfg, is this one/);
});

test("menus that lead to each other come to an end", async () => {
  const names = ["a", "b", "c", "d"];
  const files = Object.fromEntries(
    names.map((name) => [
      `/${name}.cfg`,
      `menuentry "${name}" { linux /k $way }\n${names.map((to) => `menuentry "to ${to}" { set way=$way${name}; export way; configfile /${to}.cfg }`).join("\n")}\n`,
    ]),
  );
  const result = await read("configfile /a.cfg", { files });
  assert.ok(result.entries.length > 4 && result.entries.length < 2000, String(result.entries.length));
});
