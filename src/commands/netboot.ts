/** `baton netboot`: what the network would boot, or booting it. */

import { statSync } from "node:fs";
import { machine } from "node:os";
import { Discovery } from "../discovery/discovery.ts";
import { thisPlatform } from "../discovery/platform.ts";
import { BatonError } from "../errors.ts";
import { Fetcher } from "../fetch/fetcher.ts";
import type { Platform } from "../formats/format.ts";
import { Network } from "../netboot/network.ts";
import { bootChosen } from "./boot.ts";
import { listText } from "./list.ts";
import { parsePlatform } from "./shared/diskspec.ts";
import { listJson } from "./shared/json.ts";
import { leasePlatform, parseLease } from "./shared/leaseoption.ts";
import { NETBOOT_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { complain, printJson } from "./shared/output.ts";
import { policyHere } from "./shared/ownpolicy.ts";

/** @returns the exit code; a boot that works doesn't come back */
export async function netboot(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: NETBOOT_OPTIONS });
  if (positionals.length > 1) {
    throw new BatonError("usage", `one ENTRY is booted, not ${positionals.length}; quote a title that has spaces`);
  }
  if (values.json && !values.list && !values["dry-run"]) {
    throw new BatonError("usage", "--json says what --list or --dry-run found; give one of them");
  }
  if (values.mirror !== undefined && !statSync(values.mirror, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BatonError("usage", `--mirror ${values.mirror}: it is not a directory`);
  }
  const lease = parseLease(values.lease ?? []);
  // With a mirror nothing of the host is read, nor where a list is made for the machine that a lease stands for.
  const isOther = values.mirror !== undefined || (values.list === true && lease !== null);
  const isStated = isOther || values.platform !== undefined || values.arch !== undefined;
  const own: Platform = isStated ? parsePlatform(values.platform, values.arch) : thisPlatform();
  const platform = leasePlatform(lease, own);

  const discovery = new Discovery(platform);
  const network = new Network(new Fetcher(values.mirror === undefined ? {} : { mirror: values.mirror }), platform);
  const extras = { initrd: values.initrd ?? [], options: values.append ?? "" };
  const isAsked = values.url !== undefined || lease !== null;
  const failure = isAsked ? await network.ask([{ url: values.url ?? null, lease, extras }]) : null;
  discovery.setNetwork(network);

  if (values.list) {
    if (values.json) printJson(listJson(discovery.list, discovery.devices));
    else process.stdout.write(listText(discovery));
    // A URL was named and leads to nothing; a lease that leads nowhere is an answer like another.
    if (failure === null || values.url === undefined) return 0;
    complain(failure);
    return 1;
  }
  const options = {
    json: values.json === true,
    dryRun: values["dry-run"] === true,
    policy: await policyHere(),
    lister: "baton netboot --list",
    failure: isAsked ? failure : "nothing is asked of the network: give --url or --lease",
  };
  return bootChosen(
    discovery,
    positionals[0],
    values.arch ?? (isStated ? platform.arch : machine()),
    options,
    async () => {},
  );
}
