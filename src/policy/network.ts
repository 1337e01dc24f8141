/** Whether the network comes before the disks: words of `network:` beside those that say how its links are set up. Pure. */

import type { Settings } from "./settings.ts";

/** `prefer`: before the disks. `require`: and nothing else boots by itself. */
const USES = ["prefer", "require"];
const NEVER = /^(no|none|off|never)$/;

const isNetwork = (source: string): boolean => /^(network$|mac[=:])/i.test(source);

/** The words that say how links are set up; null where there are none. */
export function linkWords(words: readonly string[] | null): readonly string[] | null {
  const how = (words ?? []).filter((word) => !USES.includes(word));
  return how.length > 0 ? how : null;
}

/** The owner wants no network: not by itself, and not by a person either. */
export const isNetworkOff = ({ network }: Pick<Settings, "network">): boolean =>
  network?.some((word) => NEVER.test(word)) ?? false;

/** The settings with the order of sources that `network:` asks for. */
export function withNetworkUse(settings: Settings): Settings {
  const { network, order } = settings;
  if (network === null) return settings;
  if (isNetworkOff(settings)) return { ...settings, order: order.filter((one) => !isNetwork(one)) };
  if (network.includes("require")) {
    const own = order.filter(isNetwork);
    return { ...settings, order: own.length > 0 ? own : ["network"] };
  }
  if (!network.includes("prefer") || isNetwork(order[0] ?? "")) return settings;
  return { ...settings, order: ["network", ...(order.length > 0 ? order : ["any"])] };
}

/** The machine boots from the network, or may before its disks: the network is waited for. */
export function wantsNetwork({ url, order }: Pick<Settings, "url" | "order">): boolean {
  return url !== null || order.some(isNetwork);
}
