import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { BatonError } from "../../src/errors.ts";
import { type Dhcp4Options, dhcp4 } from "../../src/net/dhcp4.ts";
import {
  addressBytes,
  classlessRoutes,
  DHCP,
  type DhcpMessage,
  decodeMessage,
  encodeQuestion,
  maskBits,
  searchList,
} from "../../src/net/dhcp4packet.ts";
import type { Link } from "../../src/net/links.ts";

const LINK: Link = { name: "test0", index: 9, mac: "52:54:00:12:34:56", hardwareType: 1, driver: null };
const UUID = "c0ffee00-1111-2222-3333-444455556666";

type Options = readonly (readonly [number, Uint8Array | string])[];
interface Reply {
  readonly type: number;
  readonly yiaddr?: string;
  readonly siaddr?: string;
  readonly file?: string;
  readonly options?: Options;
  /** The option 54. */
  readonly server?: string;
}

function encodeReply(
  question: DhcpMessage,
  { type, yiaddr, siaddr, file, options = [], server = "10.0.0.1" }: Reply,
): Buffer {
  const all: Options = [[53, Uint8Array.of(type)], [54, addressBytes(server)], ...options];
  const bytes = encodeQuestion({
    ...{ xid: question.xid, mac: question.chaddr, hardwareType: 1, secs: 0, broadcast: false },
    options: all.map(([code, value]) => [code, typeof value === "string" ? Buffer.from(value) : value]),
  });
  bytes[0] = 2;
  if (yiaddr) bytes.set(addressBytes(yiaddr), 16);
  if (siaddr) bytes.set(addressBytes(siaddr), 20);
  if (file) bytes.write(file, 108, "latin1");
  return bytes;
}

const typeOf = (message: DhcpMessage): number => message.options.get(53)?.[0] ?? 0;

/** A DHCP server on this machine. @param answer what it says to each question, at the server's or the proxy's port */
async function server(
  t: TestContext,
  answer: (question: DhcpMessage, port: "server" | "proxy") => readonly Reply[],
): Promise<{ options: Dhcp4Options; questions: DhcpMessage[] }> {
  const questions: DhcpMessage[] = [];
  const open = async (port: "server" | "proxy"): Promise<Socket> => {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.on("message", (bytes, from) => {
      bytes[0] = 1;
      const question = decodeMessage(bytes);
      assert.ok(question);
      questions.push(question);
      for (const reply of answer(question, port)) socket.send(encodeReply(question, reply), from.port, from.address);
    });
    t.after(() => socket.close());
    return socket;
  };
  const [main, proxy] = [await open("server"), await open("proxy")];
  const ports = { client: 0, server: main.address().port, proxy: proxy.address().port, host: "127.0.0.1" };
  const times = { retry: 60, gatherGood: 30, gather: 120, grant: 300 };
  return { options: { firmware: "efi", arch: "x86_64", uuid: UUID, timeoutMs: 30_000, times, ports }, questions };
}

const GOOD: Reply = {
  type: DHCP.offer,
  yiaddr: "10.0.0.50",
  siaddr: "10.0.0.2",
  file: "boot/grubx64.efi",
  options: [
    [1, addressBytes("255.255.255.0")],
    [3, addressBytes("10.0.0.254")],
    [6, Uint8Array.of(...addressBytes("10.0.0.53"), ...addressBytes("10.0.0.54"))],
    [12, "host"],
    [15, "example.org"],
    [26, Uint8Array.of(5, 120)],
    [42, addressBytes("10.0.0.123")],
    [51, Uint8Array.of(0, 0, 14, 16)],
    [209, "my.cfg"],
    [210, "http://10.0.0.3/tree/"],
  ],
};

/** Offers, and grants what was asked for. */
const grants =
  (...offers: readonly Reply[]) =>
  (question: DhcpMessage): readonly Reply[] => {
    if (typeOf(question) === DHCP.discover) return offers;
    const wanted = Buffer.from(question.options.get(54) ?? []).join(".");
    const chosen = offers.find((offer) => (offer.server ?? "10.0.0.1") === wanted) ?? offers[0]!;
    return [{ ...chosen, type: DHCP.ack }];
  };

async function failure(work: Promise<unknown>, code: string, pattern: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof BatonError, String(error));
  assert.match(error.message, pattern);
  assert.equal(error.code, code);
}

test("a lease has everything that the server said", async (t) => {
  const { options, questions } = await server(t, grants(GOOD));
  const got = await dhcp4(LINK, options);
  got.close();
  const {
    ip,
    netmask,
    gateway,
    dns,
    hostname,
    domain,
    mtu,
    ntp,
    server: from,
    file,
    conf,
    prefix,
    seconds,
  } = got.lease;
  assert.deepEqual(
    { ip, netmask, gateway, dns, hostname, domain, mtu, ntp, from, file, conf, prefix, seconds },
    {
      ...{ ip: "10.0.0.50", netmask: "255.255.255.0", gateway: "10.0.0.254", dns: ["10.0.0.53", "10.0.0.54"] },
      ...{ hostname: "host", domain: "example.org", mtu: 1400, ntp: ["10.0.0.123"], from: "10.0.0.2" },
      ...{ file: "boot/grubx64.efi", conf: "my.cfg", prefix: "http://10.0.0.3/tree/", seconds: 3600 },
    },
  );
  // What PXE servers go by.
  const [first] = questions;
  assert.equal(Buffer.from(first!.options.get(60)!).toString(), "PXEClient:Arch:00007:UNDI:003016");
  assert.deepEqual([...first!.options.get(93)!], [0, 7]);
  assert.equal(Buffer.from(first!.options.get(61)!).toString("hex"), "01525400123456");
  assert.equal(Buffer.from(first!.options.get(97)!).toString("hex"), "0000eeffc0111122223333444455556666");
});

test("of several servers the one that says what to boot is taken, whoever comes first", async (t) => {
  const poor: Reply = { type: DHCP.offer, yiaddr: "10.0.0.99", server: "10.0.0.9" };
  const { options, questions } = await server(t, grants(poor, GOOD));
  const got = await dhcp4(LINK, options);
  got.close();
  assert.equal(got.lease.ip, "10.0.0.50");
  assert.deepEqual([...questions.at(-1)!.options.get(54)!], [10, 0, 0, 1]);
});

test("where an address is all that is wanted, nobody else is waited for", async (t) => {
  const plain: Reply = { type: DHCP.offer, yiaddr: "10.0.0.50" };
  const { options, questions } = await server(t, grants(plain));
  const got = await dhcp4(LINK, { ...options, needsBootFile: false, times: { ...options.times, gather: 100_000 } });
  got.close();
  assert.equal(got.lease.ip, "10.0.0.50");
  assert.ok(questions.every((question) => Buffer.from(question.options.get(60)!).toString().startsWith("PXEClient")));
});

test("questions are repeated until somebody answers, and given up in time", async (t) => {
  let asked = 0;
  const patient = await server(t, (question) => (++asked < 3 ? [] : grants(GOOD)(question)));
  const got = await dhcp4(LINK, patient.options);
  got.close();
  assert.equal(got.lease.ip, "10.0.0.50");
  const silent = await server(t, () => []);
  await failure(
    dhcp4(LINK, { ...silent.options, timeoutMs: 1200 }),
    "timeout",
    /test0: no DHCP server gave an address within 1 s \(nobody answered\)/,
  );
  assert.ok(silent.questions.length >= 3);
});

test("a server that takes its offer back is asked again, three times", async (t) => {
  let naks = 0;
  const nak: Reply = { type: DHCP.nak, options: [[56, "address in use"]] };
  const once = await server(t, (question) =>
    typeOf(question) === DHCP.request && naks++ === 0 ? [nak] : grants(GOOD)(question),
  );
  const got = await dhcp4(LINK, once.options);
  got.close();
  assert.equal(got.lease.ip, "10.0.0.50");
  const always = await server(t, (question) => (typeOf(question) === DHCP.request ? [nak] : grants(GOOD)(question)));
  await failure(dhcp4(LINK, always.options), "refused", /NAK: address in use\), 3 times/);
});

test("a server that falls silent after its offer is named", async (t) => {
  const { options } = await server(t, (question) => (typeOf(question) === DHCP.discover ? [GOOD] : []));
  await failure(
    dhcp4(LINK, { ...options, timeoutMs: 900 }),
    "timeout",
    /10\.0\.0\.1 made an offer and then fell silent/,
  );
});

test("a proxy's boot file is joined with another server's address, asked for on its own port", async (t) => {
  const plain: Reply = { type: DHCP.offer, yiaddr: "10.0.0.50", options: [[1, addressBytes("255.255.255.0")]] };
  const proxyOffer: Reply = { type: DHCP.offer, server: "10.0.0.7", options: [[60, "PXEClient"]] };
  // Here the proxy's address is this machine.
  const local: Reply = { ...proxyOffer, server: "127.0.0.1" };
  const { options } = await server(t, (question, port) => {
    if (port === "proxy") return [{ type: DHCP.ack, server: "127.0.0.1", siaddr: "10.0.0.8", file: "pxelinux.0" }];
    return typeOf(question) === DHCP.discover ? [plain, local] : [{ ...plain, type: DHCP.ack }];
  });
  const got = await dhcp4(LINK, options);
  assert.equal(got.proxy, "127.0.0.1");
  const whole = await got.askProxy();
  got.close();
  assert.deepEqual([whole.ip, whole.server, whole.file], ["10.0.0.50", "10.0.0.8", "pxelinux.0"]);
});

test("iPXE's own settings are read, its priority decides, and no proxy is waited for where they say so", async (t) => {
  const ipxe = (priority: number): Uint8Array =>
    Buffer.from([1, 1, priority, 176, 1, 1, 190, 2, ...Buffer.from("me"), 191, 6, ...Buffer.from("secret")]);
  const offer = (server: string, priority: number): Reply => ({
    ...{ type: DHCP.offer, server, yiaddr: "10.0.0.50", options: [[175, ipxe(priority)]] },
  });
  const { options } = await server(t, grants(offer("10.0.0.8", -5), offer("10.0.0.9", 5)));
  const got = await dhcp4(LINK, { ...options, times: { ...options.times, gather: 100_000 } });
  got.close();
  assert.equal(got.lease.dhcpServer, "10.0.0.9");
  assert.deepEqual(got.lease.ipxe, { priority: "5", "no-pxedhcp": "1", username: "me", password: "secret" });
});

const asksAsIpxe = ({ options }: DhcpMessage): boolean => Buffer.from(options.get(77) ?? []).toString() === "iPXE";

test("where the boot file is iPXE itself, the server is asked again as iPXE asks, for the script", async (t) => {
  for (const program of ["undionly.kpxe", "boot/ipxe.efi", "snponly.efi", "ipxe/netboot-ipxe.efi"]) {
    const { options, questions } = await server(t, (question) => {
      const type = typeOf(question) === DHCP.discover ? DHCP.offer : DHCP.ack;
      return [{ ...GOOD, type, file: asksAsIpxe(question) ? "http://boot.example/menu.ipxe" : program }];
    });
    const got = await dhcp4(LINK, options);
    got.close();
    assert.equal(got.lease.url, "http://boot.example/menu.ipxe", program);
    const last = questions.at(-1)!;
    assert.deepEqual([typeOf(last), asksAsIpxe(last), last.options.has(175)], [DHCP.request, true, true]);
    assert.ok(!questions[0]!.options.has(175));
  }
});

test("a server that has nothing else for iPXE is taken by its first answer", async (t) => {
  for (const again of [[], [{ ...GOOD, file: "ipxe.efi" }], [{ ...GOOD, file: "", options: [] }]]) {
    const { options, questions } = await server(t, (question) => {
      if (typeOf(question) === DHCP.request) return [{ ...GOOD, type: DHCP.ack, file: "ipxe.efi" }];
      return asksAsIpxe(question) ? again : [{ ...GOOD, file: "ipxe.efi" }];
    });
    const got = await dhcp4(LINK, options);
    got.close();
    assert.deepEqual([got.lease.file, asksAsIpxe(questions.at(-1)!)], ["ipxe.efi", false]);
  }
});

test("a proxy that names iPXE is asked again as iPXE asks", async (t) => {
  const plain: Reply = { type: DHCP.offer, yiaddr: "10.0.0.50" };
  const offer: Reply = { type: DHCP.offer, server: "127.0.0.1", options: [[60, "PXEClient"]] };
  const { options } = await server(t, (question, port) => {
    const file = asksAsIpxe(question) ? "http://boot.example/menu.ipxe" : "undionly.kpxe";
    if (port === "proxy") return [{ type: DHCP.ack, server: "127.0.0.1", siaddr: "10.0.0.8", file }];
    return typeOf(question) === DHCP.discover ? [plain, offer] : [{ ...plain, type: DHCP.ack }];
  });
  const got = await dhcp4(LINK, options);
  const whole = await got.askProxy();
  got.close();
  assert.equal(whole.url, "http://boot.example/menu.ipxe");
});

test("a boot file's name that is a URL is one", async (t) => {
  const { options } = await server(t, grants({ ...GOOD, file: "http://boot.example/x.efi" }));
  const got = await dhcp4(LINK, options);
  got.close();
  assert.deepEqual([got.lease.url, got.lease.file], ["http://boot.example/x.efi", null]);
});

test("routes, search lists and netmasks are read as their RFCs have them", () => {
  // The examples of RFC 3442 and RFC 3397.
  assert.deepEqual(classlessRoutes(Uint8Array.of(8, 10, 10, 0, 0, 1, 24, 10, 17, 1, 10, 0, 0, 2, 0, 10, 0, 0, 3)), [
    { network: "10.0.0.0", bits: 8, router: "10.0.0.1" },
    { network: "10.17.1.0", bits: 24, router: "10.0.0.2" },
    { network: "0.0.0.0", bits: 0, router: "10.0.0.3" },
  ]);
  const eng = Buffer.from("\x03eng\x05apple\x03com\0\x09marketing\xc0\x04", "latin1");
  assert.deepEqual(searchList(eng), ["eng.apple.com", "marketing.apple.com"]);
  assert.deepEqual(["255.255.255.0", "255.255.255.255", "0.0.0.0", "255.0.255.0"].map(maskBits), [24, 32, 0, null]);
});

test("no bytes from the network make the client fail or hang", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const header = encodeQuestion({
        xid: 1,
        mac: new Uint8Array(6),
        hardwareType: 1,
        secs: 0,
        broadcast: true,
        options: [],
      });
      decodeMessage(Buffer.from(bytes));
      decodeMessage(Buffer.concat([header.subarray(0, 240), Buffer.from(bytes)]));
      searchList(bytes);
      classlessRoutes(bytes);
    }),
  );
});
