/** Composes the image's configuration and what a command was given into the policy of what may boot here. */

import { Configuration } from "../../init/configuration.ts";
import { inOwnImage } from "../../linux/ownimage.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../policy/settings.ts";
import { TrustPolicy } from "../../trust/policy.ts";

/**
 * In Baton's image the image's own, whatever the command is given; on a host that of the file given by `--config`.
 */
export async function policyHere(given: Settings = DEFAULT_SETTINGS): Promise<TrustPolicy> {
  if (!inOwnImage()) return TrustPolicy.from(given);
  const own = await Configuration.load({ settings: {}, config: null, problems: [] });
  return TrustPolicy.from(own.settings);
}
