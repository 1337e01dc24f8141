/**
 * What the machine's owner lets boot. A policy can't be made invalid: one that isn't whole is one that lets nothing boot,
 * and says why. Pure, and without cryptography, so that a machine without a policy pays nothing for it.
 */

/** The settings that make a policy. They count in the image alone (init/configuration.ts). */
export interface TrustSettings {
  readonly trust: "off" | "warn" | "require";
  /** `BASE64` or `BASE64 NAME`: an Ed25519 public key's 32 bytes (RFC 8032, 5.1.5). */
  readonly trustkeys: readonly string[];
  readonly trustthreshold: number;
  readonly trustversion: number;
}

export interface TrustKey {
  /** The 32 bytes in base64. */
  readonly text: string;
  /** What the owner calls it; the key itself where it has no name. */
  readonly name: string;
}

/** As `baton sign` prints it. */
export const TRUST_KEY = /^([A-Za-z0-9+/]{43}=)(?:\s+(\S.*))?$/;

export class TrustPolicy {
  static readonly off = new TrustPolicy({ trust: "off", trustthreshold: 1, trustversion: 0 }, [], null);

  /** warn: what isn't verified boots, and that is said. */
  readonly mode: TrustSettings["trust"];
  readonly keys: readonly TrustKey[];
  /** How many of the keys must have signed. */
  readonly threshold: number;
  /** The least version of a manifest that counts; what was signed before it is too old. */
  readonly leastVersion: number;
  /** Why nothing can be verified; null for a policy that is whole. */
  readonly problem: string | null;

  private constructor(
    { trust, trustthreshold, trustversion }: Omit<TrustSettings, "trustkeys">,
    keys: readonly TrustKey[],
    problem: string | null,
  ) {
    this.mode = trust;
    this.keys = problem === null ? keys : [];
    this.threshold = trustthreshold;
    this.leastVersion = trustversion;
    this.problem = problem;
  }

  static from(settings: TrustSettings): TrustPolicy {
    const { trust, trustkeys, trustthreshold } = settings;
    if (trust === "off") return TrustPolicy.off;
    const keys = new Map<string, TrustKey>();
    const wrong: string[] = [];
    for (const text of trustkeys) {
      const [, key, name] = TRUST_KEY.exec(text) ?? [];
      if (key === undefined) wrong.push(text);
      // One key under two names is one.
      else keys.set(key, { text: key, name: name ?? key });
    }
    const problems = [
      wrong.length > 0 ? `trustkeys: '${wrong[0]!.slice(0, 60)}' is no key as baton sign prints it` : null,
      keys.size === 0 ? "trustkeys names no key" : null,
      trustthreshold > keys.size
        ? `trustthreshold asks for ${trustthreshold} keys, and trustkeys has ${keys.size}`
        : null,
    ];
    return new TrustPolicy(settings, [...keys.values()], problems.find((one) => one !== null) ?? null);
  }
}
