import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startRelay } from "./relay.ts";
import { fetch, own, sha256 } from "./tftpclient.ts";
import { data, oack, startTftpd } from "./tftpserver.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-tftp-"));
const tftpd = await startTftpd(directory);
after(() => {
  tftpd?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("block numbers roll over past 65,535", { skip: tftpd === null && "needs tftpd-hpa and root" }, async () => {
  const bytes = randomBytes(8 * 70_000 + 3);
  writeFileSync(join(directory, "long"), bytes);
  const fetched = await fetch(tftpd!.port, "long", { blksize: 8, windowsize: 1, times: { retry: 200, giveUp: 5000 } });
  assert.equal(sha256(fetched.bytes), sha256(bytes));
});
test("loss, doubling, delay and overtaking change nothing", {
  skip: tftpd === null && "needs tftpd-hpa and root",
}, async (t) => {
  const bytes = randomBytes(60_000);
  writeFileSync(join(directory, "file"), bytes);
  for (const rate of [0, 0.05, 0.2]) {
    const relay = await startRelay(tftpd!.port, { loss: rate, duplicate: rate, reorder: rate, delay: 1, seed: 7 });
    t.after(() => relay.close());
    const fetched = await fetch(relay.port, "file", { times: { retry: 100, giveUp: 20_000 } });
    assert.equal(sha256(fetched.bytes), sha256(bytes), `at ${rate * 100} %`);
  }
});
test("a server that rolls over to 1 is understood", async (t) => {
  const total = 65_537;
  const server = await own(t, async (asked) => {
    asked.send(oack({ blksize: 8, tsize: 8 * total + 2 }));
    for (let block = 0; block <= total; block++) {
      await asked.next();
      const wire = block < 65_535 ? block + 1 : ((block - 65_535) % 65_535) + 1;
      asked.send(data(wire, Buffer.alloc(block === total ? 2 : 8, block & 0xff)));
    }
  });
  const { bytes } = await fetch(server.port, "x", { blksize: 8, windowsize: 1 });
  assert.equal(bytes.length, 8 * total + 2);
});
