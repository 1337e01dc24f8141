/** How fast the menu's list is told over the network: 1,000 entries, https, host clock. */

import { request } from "node:https";
import { listJson } from "../../src/commands/shared/json.ts";
import { MenuStore } from "../../src/menu/model.ts";
import { makeCertificate } from "../../src/remote/certificate.ts";
import { RemoteServer } from "../../src/remote/server.ts";
import { sampleEntry } from "../menu/samples.ts";
import { type Figure, type Group, median } from "./figures.ts";

const ENTRIES = 1000;
const ROUNDS = 15;
const TOKEN = "0123456789abcdef";

async function measure(): Promise<Figure[]> {
  const entries = Array.from({ length: ENTRIES }, (_, index) =>
    sampleEntry({ id: `entry-${index}`, title: `Entry ${index}` }),
  );
  const store = new MenuStore({ entries, scanning: false });
  const nothing = async (): Promise<void> => {};
  const actions = {
    boot: nothing,
    rescan: nothing,
    stopCountdown() {},
    reboot: nothing,
    powerOff: nothing,
    log: () => [],
  };
  const server = new RemoteServer({
    ...{ store, actions, token: TOKEN, credentials: makeCertificate(), host: "127.0.0.1", port: 0 },
    list: () => listJson({ entries, unattended: [], why: "", diagnostics: [] }),
  });
  const port = await server.start();
  try {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // Another state: what was told before is not told again from memory.
      store.update({ countdown: round });
      const start = performance.now();
      await fetchState(port);
      times.push(performance.now() - start);
    }
    return [
      {
        name: "remote.listMs",
        value: median(times),
        meaning: `GET /v1/state of ${ENTRIES} entries with its TLS handshake; the slowest ${Math.max(...times).toFixed(1)} ms`,
        target: 50,
      },
    ];
  } finally {
    await server.close();
  }
}

export const remoteGroup: Group = { prefixes: ["remote."], measure };

/** On a connection of its own. */
function fetchState(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const options = { host: "127.0.0.1", port, path: "/v1/state", headers, agent: false, rejectUnauthorized: false };
    const asked = request(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the server answered ${response.statusCode}`));
      response.resume();
      response.on("end", resolve);
    });
    asked.on("error", reject);
    asked.end();
  });
}
