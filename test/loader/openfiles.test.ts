import assert from "node:assert/strict";
import { test } from "node:test";
import type { Discovery } from "../../src/discovery/discovery.ts";
import { BatonError } from "../../src/errors.ts";
import { openFiles } from "../../src/loader/openfiles.ts";

test("where one file can't be fetched the others are not waited for, and it is the one that is named", async () => {
  const fetch = (url: string, _: unknown, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      // It would come some day; the kernel, which stands first, ends only because the other has failed.
      signal.addEventListener("abort", () => reject(new BatonError("cancelled", `${url}: cancelled`)));
      if (url.endsWith("initrd")) setTimeout(() => reject(new BatonError("not-found", `${url}: 404`)), 10);
    });
  const discovery = { network: { fetch } } as unknown as Discovery;
  await assert.rejects(openFiles(discovery, [{ url: "http://h/kernel" }, { url: "http://h/initrd" }]), /initrd: 404/);
});
