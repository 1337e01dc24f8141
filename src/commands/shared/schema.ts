/** JSON Schema files for editors. */

/**
 * draft-07, which editors and their YAML plugins read, with a name that doesn't depend on where the file lies.
 * @param name of the file in configs/, without `.schema.json`
 */
export function schemaFile(name: string, body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { $schema: "http://json-schema.org/draft-07/schema#", $id: `urn:baton:schema:${name}`, ...body };
}
