/** Fetches each URL as a kernel is fetched, one after the other, and says `result JSON` for each: `fetch.ts URL…`. */

import { BatonError } from "../../../src/errors.ts";
import { download } from "../../../src/fetch/download.ts";
import { Fetcher } from "../../../src/fetch/fetcher.ts";

for (const url of process.argv.slice(2)) {
  const began = performance.now();
  const result = await download(new Fetcher(), url).then(
    async ({ handle, size, sha256 }) => {
      await handle.close();
      return { size, sha256 };
    },
    (error: unknown) =>
      error instanceof BatonError
        ? { code: error.code, message: error.message }
        : { code: "crash", message: String(error) },
  );
  console.log(`result ${JSON.stringify({ ...result, ms: Math.round(performance.now() - began) })}`);
}
