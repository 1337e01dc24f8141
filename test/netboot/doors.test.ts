/** Menus of iPXE that are read when somebody opens them, against a server that counts what it is asked for. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { formatDiagnostic } from "../../src/entry.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { logLines } from "../../src/log.ts";
import { Network } from "../../src/netboot/network.ts";
import { bootList } from "../../src/policy/list.ts";

const menu = (title: string, items: Readonly<Record<string, string>>, choose = "choose what && goto ${what}"): string =>
  `#!ipxe\n:top\nmenu ${title}\n${Object.keys(items)
    .map((name) => `item ${name} ${name}\n`)
    .join("")}${choose}\n${Object.entries(items)
    .map(([name, commands]) => `:${name}\n${commands}\n`)
    .join("")}`;

/** The menus of a site like netboot.xyz. */
async function site(t: TestContext, files: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const posted: string[] = [];
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      let body = "";
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => posted.push(`${request.url} ${body} ${request.headers["x-site"] ?? ""}`.trim()));
    }
    if (request.method === "GET" && request.url!.endsWith(".ipxe")) asked.push(request.url!);
    const text = files[request.url!.slice(1)];
    response.writeHead(text === undefined ? 404 : 200, { "content-length": Buffer.byteLength(text ?? "") });
    response.end(request.method === "HEAD" ? undefined : text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const network = new Network(new Fetcher({}), { firmware: "efi", arch: "x86_64" }, true);
  const failure = await network.ask([{ url: `${base}/menu.ipxe`, lease: null, extras: { initrd: [], options: "" } }]);
  assert.equal(failure, null);
  const list = () => bootList(network.configs, (ref) => network.check(ref));
  const titles = () =>
    list().entries.map(({ submenu, title, opens }) => [...submenu, title].join(" > ") + (opens ? " …" : ""));
  const open = (title: string, answers?: Readonly<Record<string, string>>) =>
    network.open(
      list().entries.find((entry) => entry.title === title)!.opens!,
      answers && new Map(Object.entries(answers)),
    );
  return { base, asked, posted, list, titles, open };
}

const FILES = {
  "menu.ipxe": menu("Main", {
    disk: "kernel local\nboot",
    linux: "chain linux.ipxe",
    tools: "chain --autofree tools.ipxe",
  }),
  "linux.ipxe": menu("Linux", {
    debian: "set mirror http://deb.example\nchain debian.ipxe",
    back: "chain menu.ipxe",
    again: "goto top",
  }),
  "debian.ipxe": menu("Debian", { stable: "kernel ${mirror}/stable\nboot", back: "chain linux.ipxe" }),
  "tools.ipxe": "#!ipxe\nkernel memtest.bin\nboot\n",
  local: "a kernel",
  "memtest.bin": "a kernel",
};

test("a menu's scripts are fetched when they are opened, with what was set on the way", async (t) => {
  const { asked, list, titles, open } = await site(t, FILES);
  assert.deepEqual(titles(), ["disk", "linux …", "tools …"]);
  assert.ok(list().entries.every(({ bootable }) => bootable));
  assert.deepEqual(asked, ["/menu.ipxe"]);
  await open("linux");
  assert.deepEqual(titles(), ["disk", "linux > debian …", "tools …"]);
  await open("debian");
  assert.deepEqual(titles(), ["disk", "linux > debian > stable", "tools …"]);
  assert.deepEqual(list().entries[1]!.linux, { url: "http://deb.example/stable" });
  await open("tools");
  assert.deepEqual(titles(), ["disk", "linux > debian > stable", "tools"]);
  assert.equal(list().entries[2]!.opens, undefined);
  assert.deepEqual([...new Set(asked)], ["/menu.ipxe", "/linux.ipxe", "/debian.ipxe", "/tools.ipxe"]);
});

test("what would boot without a person is followed at once, through every menu on the way", async (t) => {
  const files = {
    "menu.ipxe": menu(
      "Main",
      { tools: "chain tools.ipxe", linux: "chain linux.ipxe" },
      "choose --default linux --timeout 5000 what && goto ${what}",
    ),
    "linux.ipxe": menu(
      "Linux",
      { old: "chain old.ipxe", new: "chain new.ipxe" },
      "choose --default new what && goto ${what}",
    ),
    "new.ipxe": "#!ipxe\nkernel vmlinuz new\nboot\n",
    vmlinuz: "a kernel",
  };
  const { asked, list, titles } = await site(t, files);
  assert.deepEqual(titles(), ["tools …", "linux > old …", "linux > new"]);
  const { defaultId, entries } = list();
  assert.equal(entries.find(({ id }) => id === defaultId)?.options, "new");
  assert.ok(!asked.includes("/old.ipxe"));
});

test("a menu that leads back to itself ends, however it is named, and so does one without a floor", async (t) => {
  const files = {
    "menu.ipxe": menu("Main", { one: "chain x.ipxe?n=1", two: "chain x.ipxe?n=2", disk: "kernel local\nboot" }),
    local: "a kernel",
  };
  // Each menu leads to one more, without end.
  const endless = new Proxy(files as Record<string, string>, {
    get: (known, path: string) =>
      path.startsWith("x.ipxe")
        ? menu(path, { first: "kernel local\nboot", [`deeper-${path.length}`]: `chain x.ipxe?n=${path}` })
        : known[path],
  });
  const { titles, open, list } = await site(t, endless);
  assert.deepEqual(titles(), ["one > first", "one > deeper-10 …", "two …", "disk"]);
  let opened = 0;
  for (; opened < 30; opened++) {
    const next = list().entries.find((entry) => entry.opens !== undefined);
    if (next === undefined) break;
    const failure = await open(next.title).then(
      () => null,
      (error: Error) => error.message,
    );
    if (failure !== null) {
      assert.match(failure, /leads back to a menu that stands above it, or to nothing/);
      break;
    }
  }
  assert.ok(opened > 2 && opened < 30, `${opened}`);
});

test("a script that is not there says so when it is chosen, and the menu stays as it was", async (t) => {
  const { titles, open } = await site(t, {
    "menu.ipxe": menu("Main", { disk: "kernel local\nboot", gone: "chain gone.ipxe || goto top" }),
    local: "a kernel",
  });
  assert.deepEqual(titles(), ["disk", "gone …"]);
  await assert.rejects(open("gone"), /gone\.ipxe/);
  assert.deepEqual(titles(), ["disk", "gone …"]);
});

test("a script that starts another loader leads to what that loader would read, with options 209 and 210", async (t) => {
  const pxe =
    "DEFAULT a\nTIMEOUT 50\nLABEL a\n KERNEL vmlinuz\n APPEND quiet\nMENU BEGIN more\nMENU TITLE More\nLABEL b\n KERNEL other\nMENU END\n";
  const { titles, list, open } = await site(t, {
    "menu.ipxe": menu("Main", {
      disk: "kernel local\nboot",
      pxe: "set 209:string cfg/menu\nset 210:string /tree/\nchain ${210:string}lpxelinux.0",
      grub: "chain grub/grubx64.efi",
      nothing: "chain gone/grubx64.efi",
    }),
    local: "a kernel",
    "tree/lpxelinux.0": "PXELINUX",
    "tree/cfg/menu": pxe,
    "grub/grubx64.efi": "GRUB",
    "grub/grub.cfg": "menuentry Grubbed { linux (http)/k }\n",
  });
  assert.deepEqual(titles(), ["disk", "pxe …", "grub …", "nothing …"]);
  await open("pxe");
  await open("grub");
  assert.deepEqual(titles(), ["disk", "pxe > a", "pxe > More > b", "grub > Grubbed", "nothing …"]);
  assert.equal(list().entries[1]!.options, "BOOT_IMAGE=vmlinuz quiet");
});

test("what a script asks is asked when its entry is opened, and the answers go to the script, and its form to the server", async (t) => {
  const { list, titles, open, posted } = await site(t, {
    "menu.ipxe": menu("Main", {
      disk: "kernel local\nboot",
      deploy:
        "login\nparams --name f\nparam --params f user ${username}\nparam --params f password ${password}\n" +
        "param --params f --header X-Site lab 3\nchain answer.ipxe##params=f",
      preseed: "echo -n Where is the answer file? ${} && read url:string\nkernel vmlinuz url=${url}\nboot",
      address:
        "form Network\nitem netX/ip Address\nitem --secret key Key\npresent\nkernel vmlinuz ip=${ip} k=${key}\nboot",
      mirror: "echo Mirror:\nread mirror\ngoto top",
    }),
    "answer.ipxe": "#!ipxe\nkernel vmlinuz deploy=yes\nboot\n",
    ...{ local: "a kernel", vmlinuz: "a kernel" },
  });
  assert.deepEqual(titles(), ["disk", "deploy …", "preseed …", "address …", "mirror …"]);
  const asked = list().entries.map(({ asks }) => asks?.map(({ text, isSecret }) => text + (isSecret ? " *" : "")));
  assert.deepEqual(asked, [
    ...[undefined, ["User name", "Password *"], ["Where is the answer file?"], ["Address", "Key *"], ["mirror"]],
  ]);
  await open("deploy", { username: "ann", password: "a&b c" });
  assert.deepEqual(posted, ["/answer.ipxe user=ann&password=a%26b%20c lab 3"]);
  await open("preseed", { "url:string": "http://h/p.cfg" });
  await open("address", { "netX/ip": "not an address", key: "" });
  assert.match(list().entries[3]!.reason ?? "", /no value of type ipv4/);
  assert.deepEqual(
    list()
      .entries.slice(1, 3)
      .map(({ options, source }) => [options, new URL(source).hash]),
    [
      ["deploy=yes", ""],
      ["url=http://h/p.cfg", ""],
    ],
  );
  // The menu that the answer goes back to is shown once more, with what it changes.
  await open("mirror", { mirror: "http://m" });
  assert.deepEqual(titles().slice(4), [
    "mirror > disk",
    "mirror > deploy …",
    "mirror > preseed …",
    "mirror > address …",
    "mirror > mirror …",
  ]);
});

test("a form behind an item is sent when the item is opened, also to the script that made the menu", async (t) => {
  const { titles, open, posted } = await site(t, {
    "menu.ipxe": "#!ipxe\nchain boot.ipxe\n",
    "boot.ipxe": menu("Main", {
      disk: "kernel local\nboot",
      remove: "params\nparam remove 1\nchain boot.ipxe##params",
    }),
    local: "a kernel",
  });
  assert.deepEqual([titles(), posted], [["disk", "remove …"], []]);
  // The server answers with the same menu: nothing new.
  await assert.rejects(open("remove"), /leads back/);
  assert.deepEqual(posted, ["/boot.ipxe remove=1"]);
});

test("what was typed as a password into a URL is in no message, log or list", async (t) => {
  const { list, open } = await site(t, {
    "menu.ipxe": menu("Main", {
      missing: "login\nchain gone.ipxe?${username}=${password}",
      kernel: "login\nkernel nothing?p=${password} quiet\nboot",
      script: "login\nchain inner.ipxe?p=${password}",
    }),
    "inner.ipxe": "#!ipxe\nbogus command\nchain gone.ipxe\n",
  });
  for (const title of ["missing", "kernel", "script"]) {
    await open(title, { username: "me", password: "hunter2" }).catch(() => {});
    const { entries, diagnostics } = list();
    const said = [...entries.map(({ reason }) => reason), ...diagnostics.map(formatDiagnostic)].join("\n");
    assert.doesNotMatch(said, /hunter2/, title);
    assert.doesNotMatch(diagnostics.map(({ source }) => source).join("\n"), /hunter2/, title);
    assert.doesNotMatch(
      logLines()
        .map(({ text }) => text)
        .join("\n"),
      /hunter2/,
      title,
    );
  }
});

test("what was typed as a password is in no message about the command that it went into", async (t) => {
  const secret = "se cret/1";
  const { list, open } = await site(t, {
    "menu.ipxe": menu("Main", {
      user: "login\nchain http://${username:uristring}:${password:uristring}@127.0.0.1:1/gone.ipxe",
      query: "login\nchain gone.ipxe?p=${password:uristring}",
      plain: "login\nchain ${password}",
      bytes: "login\nchain gone.ipxe?p=${password:base64}",
    }),
  });
  for (const title of ["user", "query", "plain", "bytes"]) {
    await open(title, { username: "me", password: secret });
    const { entries, diagnostics } = list();
    const said = [...entries.map(({ reason }) => reason), ...diagnostics.map(({ message }) => message)].join("\n");
    assert.match(said, /chain|gone/, title);
    assert.doesNotMatch(said, /se cret|se%20cret|c2UgY3JldC8x/i, title);
  }
});
