/**
 * Baton's network as the initramfs brings it up, run by namespaces.ts in a network namespace: logs to stdout, then one
 * line `result JSON`, and goes on until it is killed, since leases are kept.
 */

import { readFileSync } from "node:fs";
import { formatFileRef } from "../../../src/entry.ts";
import { addLogSink } from "../../../src/log.ts";
import { MachineNetwork } from "../../../src/netboot/machinenetwork.ts";
import type { ClientOptions, ClientResult } from "../namespaces.ts";

const options = JSON.parse(process.argv[2]!) as ClientOptions;
addLogSink(({ text, at }) => console.log(`log ${at} ${text}`));
const { network = null, url = null, firmware = "efi", carrierMs, addressMs } = options;
const times = { ...(carrierMs === undefined ? {} : { carrierMs }), ...(addressMs === undefined ? {} : { addressMs }) };
const machine = new MachineNetwork({ firmware, arch: "x86_64" }, network, () => console.log("changed"), times);
const failure = await machine.start(url);
const result: ClientResult = {
  failure,
  leases: machine.leases,
  entries: machine.network.configs.flatMap(({ entries }) =>
    entries.map(({ title, linux, options }) => ({ title, linux: linux && formatFileRef(linux), options })),
  ),
  resolvConf: readFileSync("/etc/resolv.conf", "utf8"),
};
console.log(`result ${JSON.stringify(result)}`);
setInterval(() => {}, 1 << 30);
