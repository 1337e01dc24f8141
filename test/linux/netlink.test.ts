import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { openUevents, parseUevent, type Uevent } from "../../src/linux/netlink.ts";
import { attachLoop, withoutRoot } from "./loop.ts";
import { linuxFile, runProgram } from "./program.ts";

function message(...parts: string[]): Uint8Array {
  return Buffer.from(`${parts.join("\0")}\0`, "utf8");
}

test("reads the kernel's form of an event", () => {
  const event = parseUevent(
    message("add@/devices/virtual/block/loop0", "ACTION=add", "SUBSYSTEM=block", "DEVNAME=loop0", "NAME=a=b", "EMPTY="),
  );
  assert.equal(event?.action, "add");
  assert.equal(event?.devpath, "/devices/virtual/block/loop0");
  assert.equal(event?.subsystem, "block");
  assert.equal(event?.properties.DEVNAME, "loop0");
  assert.equal(event?.properties.NAME, "a=b");
  assert.equal(event?.properties.EMPTY, "");
});

test("ignores udev's own messages and whatever else isn't an event", () => {
  const udev = Buffer.concat([Buffer.from("libudev\0"), Buffer.from([0xfe, 0xed, 0xca, 0xfe])]);
  assert.equal(parseUevent(udev), null);
  for (const text of ["", "\0\0", "add", "add@", "@/devices", "add@devices", "ADD @/x", "x".repeat(70_000)]) {
    assert.equal(parseUevent(Buffer.from(text)), null, JSON.stringify(text.slice(0, 20)));
  }
});

test("an event's keys can't reach an object's own machinery", () => {
  const event = parseUevent(message("change@/x", "__proto__=1", "constructor=2", "=3", "nothing"));
  assert.deepEqual(Object.keys(event!.properties), ["__proto__", "constructor"]);
  assert.equal(event!.subsystem, "");
});

/** Waits for the event that `wanted` describes while `cause` makes it happen. */
async function nextEvent(wanted: (event: Uevent) => boolean, cause: () => void): Promise<Uevent> {
  // The listener doesn't keep the process running; the test does.
  const alive = setInterval(() => {}, 1000);
  try {
    return await new Promise((resolve, reject) => {
      const listener = openUevents((event) => {
        if (!wanted(event)) return;
        listener.close();
        resolve(event);
      });
      try {
        cause();
      } catch (error) {
        listener.close();
        reject(error);
      }
    });
  } finally {
    clearInterval(alive);
  }
}

test("hears the kernel's events of a block device", { skip: withoutRoot }, async () => {
  const loop = attachLoop(1024 * 1024);
  const name = loop.node.replace("/dev/", "");
  try {
    const event = await nextEvent(
      (e) => e.devpath.endsWith(`/${name}`) && e.action === "change" && e.properties.SYNTH_ARG_TEST === "baton",
      () => writeFileSync(`/sys/block/${name}/uevent`, "change 0d4bd3ea-1b5a-4ba5-9fbc-3f3a4d3a4e0c TEST=baton"),
    );
    assert.equal(event.subsystem, "block");
    assert.equal(event.properties.DEVNAME, name);
  } finally {
    loop.detach();
  }
});

test("says that events were lost when more came than it could hold", { skip: withoutRoot }, async () => {
  const loop = attachLoop(1024 * 1024);
  const uevent = `/sys/block/${loop.node.replace("/dev/", "")}/uevent`;
  const alive = setInterval(() => {}, 1000);
  try {
    let seen = 0;
    const sent = 400;
    const lost = new Promise<void>((resolve) => {
      const listener = openUevents(
        () => seen++,
        () => {
          listener.close();
          resolve();
        },
        { receiveBuffer: 8192 },
      );
      // All while this thread isn't reading.
      for (let i = 0; i < sent; i++) writeFileSync(uevent, "change");
    });
    await lost;
    assert.ok(seen < sent, `${seen} of ${sent}`);
  } finally {
    clearInterval(alive);
    loop.detach();
  }
});

test("a listener that throws doesn't end the listening", { skip: withoutRoot }, async () => {
  const loop = attachLoop(1024 * 1024);
  const name = loop.node.replace("/dev/", "");
  let seen = 0;
  try {
    await nextEvent(
      (e) => {
        if (!e.devpath.endsWith(`/${name}`)) return false;
        if (++seen === 1) throw new Error("the first one is too much");
        return true;
      },
      () => {
        writeFileSync(`/sys/block/${name}/uevent`, "change");
        writeFileSync(`/sys/block/${name}/uevent`, "change");
      },
    );
    assert.equal(seen, 2);
  } finally {
    loop.detach();
  }
});

test("closing twice is harmless, and an open listener lets the process end", async () => {
  const listener = openUevents(() => {});
  listener.close();
  listener.close();
  // Left open on purpose: node:test ends this file only because nothing keeps its process alive.
  openUevents(() => {});
});

test("an event while the process ends doesn't abort it", { skip: withoutRoot }, async () => {
  const loop = attachLoop(1024 * 1024);
  try {
    const uevent = JSON.stringify(`/sys/block/${loop.node.replace("/dev/", "")}/uevent`);
    const printed = await runProgram(`
      import { writeFileSync } from "node:fs";
      import { openUevents } from ${linuxFile("netlink.ts")};
      process.on("exit", () => {
        writeFileSync(${uevent}, "change");
        console.log("ended");
      });
      openUevents(() => {}, () => {});
    `);
    assert.equal(printed, "ended\n");
  } finally {
    loop.detach();
  }
});
