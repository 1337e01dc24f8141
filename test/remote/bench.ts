/** A server over a menu that boots nothing, for tests. */

import { type IncomingHttpHeaders, request } from "node:http";
import { entryJson } from "../../src/commands/shared/json.ts";
import type { BootEntry } from "../../src/entry.ts";
import { type MenuActions, type MenuState, MenuStore } from "../../src/menu/model.ts";
import { RemoteServer } from "../../src/remote/server.ts";

export const TOKEN = "0123456789abcdef";

export const entry = (id: string, more: Partial<BootEntry> = {}): BootEntry =>
  ({
    ...{ id, title: id.toUpperCase(), submenu: [], type: "grub", source: "vda1:/boot/grub/grub.cfg", kind: "linux" },
    ...{ linux: null, initrd: [], devicetree: null, modules: [], options: `root=${id}`, restricted: null, writes: [] },
    ...{ isDefault: false, bootable: true, reason: null },
    ...more,
  }) as unknown as BootEntry;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** A menu whose actions are only noted. */
export function withMenu(state: Partial<MenuState>): { store: MenuStore; actions: MenuActions; done: string[] } {
  const done: string[] = [];
  const store = new MenuStore({ scanning: false, ...state });
  const actions: MenuActions = {
    boot: async ({ id }, options) =>
      void done.push(options === undefined ? `boot ${id}` : `boot ${id} with ${options}`),
    selected: (one) => void done.push(`selected ${one?.id}`),
    unlock: async (password) => ({ ok: password === "open sesame", waitMs: 0 }),
    openUrl: async (url) => {
      done.push(`fetch ${url}`);
      store.update({ entries: [...store.state.entries, entry("fetched")] });
    },
    rescan: async () => void done.push("rescan"),
    stopCountdown: () => {
      done.push("stop");
      store.update({ countdown: null });
    },
    addTime: (seconds) => void done.push(`+${seconds}`),
    reboot: async () => void done.push("reboot"),
    powerOff: async () => void done.push("power off"),
    log: () => [{ at: 1, level: 6, text: "a line" }],
  };
  return { store, actions, done };
}

export async function withServer(
  state: Partial<MenuState>,
  body: (bench: {
    readonly port: number;
    readonly store: MenuStore;
    /** What was made happen. */
    readonly done: string[];
    ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  }) => Promise<void>,
): Promise<void> {
  const { store, actions, done } = withMenu(state);
  const list = () => ({ entries: store.state.entries.map(entryJson), devices: [] });
  const server = new RemoteServer({
    store,
    actions,
    list,
    token: TOKEN,
    credentials: null,
    host: "127.0.0.1",
    port: 0,
  });
  const port = await server.start();
  const ask = (method: string, path: string, sent?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const text = sent === undefined ? "" : typeof sent === "string" ? sent : JSON.stringify(sent);
      const given = {
        Authorization: `Bearer ${TOKEN}`,
        ...(text !== "" && { "Content-Type": "application/json" }),
        ...headers,
      };
      const asked = request({ host: "127.0.0.1", port, method, path, headers: given, agent: false }, (response) => {
        let got = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          got += part;
        });
        response.on("end", () => {
          const isJson = response.headers["content-type"] === "application/json";
          const json = isJson ? (JSON.parse(got) as Record<string, unknown>) : {};
          resolve({ status: response.statusCode!, headers: response.headers, text: got, json });
        });
      });
      asked.on("error", reject);
      asked.end(text);
    });
  try {
    await body({ port, store, done, ask });
  } finally {
    await server.close();
  }
}
