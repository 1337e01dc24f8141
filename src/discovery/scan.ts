/** Reading one configuration: what fails becomes a diagnostic. */

import { describeError } from "../errors.ts";
import type { Format, FormatContext, FormatResult } from "../formats/format.ts";
import { EMPTY_RESULT } from "../formats/format.ts";
import { log } from "../log.ts";

/** A configuration that was read. */
export interface Scan {
  readonly format: Format;
  readonly path: string;
  readonly result: FormatResult;
}

/** Never rejects. */
export async function scanConfig(format: Format, path: string, context: FormatContext): Promise<Scan> {
  const source = `${context.volume.name}:${path}`;
  try {
    const result = await format.parse(path, context);
    log.info(`${source}: ${result.entries.length} ${format.name} entries`);
    return { format, path, result };
  } catch (error) {
    const message = describeError(error);
    log.warn(`${source}: ${message}`);
    const diagnostic = { severity: "error", source, line: null, column: null, message } as const;
    return { format, path, result: { ...EMPTY_RESULT, diagnostics: [diagnostic] } };
  }
}
