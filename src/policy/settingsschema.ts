/** JSON Schema of Baton's configuration, for editors: `configs/baton.schema.json`. Pure. */

import { SETTINGS, type Setting } from "./settings.ts";

export function settingsSchema(): Record<string, unknown> {
  const rows: readonly Setting[] = SETTINGS;
  return {
    title: "Baton's configuration",
    type: "object",
    properties: {
      ...Object.fromEntries(
        rows.flatMap(({ name, aliases = [], about, kind: { schema } }) => [
          [name, { description: about, ...schema }],
          ...aliases.map((alias) => [alias, { description: `The same as ${name}.`, ...schema }]),
        ]),
      ),
      entries: {
        description:
          "Boot entries may stand in the same file (entries.schema.json); the configuration leaves them alone.",
        type: "array",
      },
    },
    additionalProperties: false,
  };
}
