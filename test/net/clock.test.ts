import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { askNtp, correctClock, earliestTime } from "../../src/net/clock.ts";

const NTP_EPOCH = 2_208_988_800;

test("no clock is right that stands before the kernel was built", () => {
  const debian = "Linux version 6.1.0-50-amd64 (d@d) (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-01)\n";
  assert.equal(earliestTime(debian), Date.UTC(2026, 6, 1));
  const own = "Linux version 6.12.1 (me@here) (gcc) #3 SMP Sat Nov 21 08:28:26 UTC 2026\n";
  assert.equal(earliestTime(own), Date.UTC(2026, 10, 21, 8, 28, 26));
  assert.equal(earliestTime("Linux version 6.18 (b@s) #1 SMP PREEMPT_DYNAMIC @0"), Date.UTC(2026, 0, 1));
  assert.equal(earliestTime("Linux version 4 #1 SMP Sat Nov 21 08:28:26 UTC 2015"), Date.UTC(2026, 0, 1));
});

async function ntpServer(t: TestContext, stratum: number, time: number): Promise<number> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.on("message", (question, from) => {
    assert.equal(question[0]! & 7, 3, "a client's question");
    const answer = Buffer.alloc(48);
    answer[0] = (4 << 3) | 4;
    answer[1] = stratum;
    answer.writeUInt32BE(time / 1000 + NTP_EPOCH, 40);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket.address().port;
}

test("an NTP server tells the time; one that must not be asked does not", async (t) => {
  const time = Date.UTC(2027, 1, 3);
  assert.equal(await askNtp("127.0.0.1", await ntpServer(t, 2, time)), time);
  await assert.rejects(askNtp("127.0.0.1", await ntpServer(t, 0, time)), /no answer within 4 s/);
});

test("a clock that has stopped is set by an HTTP server's date, and a right one left alone", async (t) => {
  let date = "Wed, 03 Feb 2027 00:00:00 GMT";
  const server = createServer((_, response) => response.writeHead(404, { date }).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const given: number[] = [];
  const set = async (time: number): Promise<void> => void given.push(time);
  assert.equal(await correctClock([], ["http://127.0.0.1:1", site], 0, set), true);
  assert.deepEqual(given, [Date.UTC(2027, 1, 3)]);
  assert.equal(await correctClock([], [site], Date.UTC(2030, 0, 1), set), true);
  assert.equal(given.length, 1);
  date = "Thu, 01 Jan 1970 00:00:10 GMT";
  assert.equal(await correctClock([], [site], 0, set), false, "a server whose clock has stopped as well");
  assert.equal(given.length, 1);
});
