/** What takes minutes because a server's shortest lease does. */

import { test as anyTest, type TestContext } from "node:test";
import { oneCable, whyNoNamespaces } from "./namespaces.ts";

const skip = (await whyNoNamespaces()) ?? false;
const test = (name: string, body: (t: TestContext) => Promise<void>): void => void anyTest(name, { skip }, body);

test("an address from DHCPv6 is renewed while Baton runs", async (t) => {
  const { server, machine } = await oneCable(t);
  await server.ip("addr flush dev s0", "addr add 2001:db8::1/64 dev s0 nodad");
  await server.dnsmasq(
    ...["--port=0", "--interface=s0", "--enable-ra", "--dhcp-range=2001:db8::50,2001:db8::99,64,2m"],
    "--dhcp-option=option6:59,tftp://[2001:db8::1]/x/",
  );
  const client = await machine.baton({ addressMs: 8000 });
  const { ip } = await client.lease();
  await client.waitFor(new RegExp(`${ip} is renewed`), 0, 90_000);
});
