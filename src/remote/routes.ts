/** What can be asked over the network: one table. The server and the OpenAPI description are made from it. */

import type { Deeds, Given, Outcome } from "./deeds.ts";

/** A field of a request's body. */
interface Field {
  readonly type: "string" | "integer";
  readonly about: string;
  readonly required?: boolean;
  /** Characters of a text; the greatest number. */
  readonly maximum: number;
}

export type Body = Readonly<Record<string, string | number>>;

interface Common {
  readonly path: string;
  readonly about: string;
}

/** What is looked at. */
export interface Look extends Common {
  readonly method: "GET";
  readonly gives: "state" | "events" | "page" | "description";
  /** Told without the token: it has nothing of this machine. */
  readonly isOpen?: boolean;
}

/** What makes something happen. */
export interface Deed extends Common {
  readonly method: "POST";
  readonly fields: Readonly<Record<string, Field>>;
  /** @param by who asks, for the log */
  run(deeds: Deeds, body: Body, by: string): Promise<Outcome> | Outcome;
}

export type Route = Look | Deed;

/** As long as a kernel's command line may be. */
const MAX_OPTIONS = 4096;
const ID: Field = { type: "string", about: "the entry's id", required: true, maximum: 1024 };
const GIVEN: Readonly<Record<keyof Given, Field>> = {
  password: { type: "string", about: "the owner's, or a user's, where what is asked for is shut", maximum: 1024 },
  user: { type: "string", about: "whose password that is, where a configuration names users", maximum: 256 },
};
const MAX_HOLD = 86400;

export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/", about: "The page for people.", gives: "page", isOpen: true },
  { method: "GET", path: "/v1/openapi.json", about: "This description.", gives: "description", isOpen: true },
  {
    method: "GET",
    path: "/v1/state",
    about: "The list as baton list --json prints it, what is selected, the countdown, progress and the log.",
    gives: "state",
  },
  {
    method: "GET",
    path: "/v1/events",
    about: "Server-sent events: status as it changes, list when the list is another, log with new lines.",
    gives: "events",
  },
  {
    method: "POST",
    path: "/v1/boot",
    about: "Boots an entry, with another command line where options says one.",
    fields: {
      id: ID,
      options: { type: "string", about: "the kernel command line for this boot", maximum: MAX_OPTIONS },
      ...GIVEN,
    },
    run: (deeds, { id, options, ...given }, by) =>
      deeds.boot(id as string, options as string | undefined, given as Given, by),
  },
  {
    method: "POST",
    path: "/v1/select",
    about: "Selects an entry on every console; a countdown stops, as by a key.",
    fields: { id: ID },
    run: (deeds, { id }) => deeds.select(id as string),
  },
  {
    method: "POST",
    path: "/v1/hold",
    about: "Stops the countdown as a key does, or gives it so many seconds more.",
    fields: { seconds: { type: "integer", about: "what the countdown gets more", maximum: MAX_HOLD } },
    run: (deeds, { seconds }) => deeds.hold(seconds as number | undefined),
  },
  {
    method: "POST",
    path: "/v1/rescan",
    about: "Looks at every device again.",
    fields: {},
    run: (deeds) => deeds.rescan(),
  },
  {
    method: "POST",
    path: "/v1/reboot",
    about: "Restarts the machine.",
    fields: GIVEN,
    run: (deeds, given, by) => deeds.leave("reboot", given as Given, by),
  },
  {
    method: "POST",
    path: "/v1/power-off",
    about: "Powers the machine off.",
    fields: GIVEN,
    run: (deeds, given, by) => deeds.leave("poweroff", given as Given, by),
  },
];

/** @returns the body's fields, or why it is none that the route takes */
export function readBody({ fields }: Deed, text: string): Body | string {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    return "The body is no JSON.";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "The body must be a JSON object.";
  const body: Record<string, string | number> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) return `Unknown field: ${name.slice(0, 40)}.`;
    if (field.type === "string") {
      // A line break or a NUL can't stand in what the menu's own line takes either.
      const isText = typeof given === "string" && given.length <= field.maximum && !/\p{Cc}/u.test(given);
      if (!isText) return `${name} must be a text of at most ${field.maximum} characters, without control characters.`;
    } else if (!Number.isInteger(given) || given < 1 || given > field.maximum)
      return `${name} must be a whole number from 1 to ${field.maximum}.`;
    body[name] = given;
  }
  const missing = Object.entries(fields).find(([name, { required }]) => required === true && body[name] === undefined);
  return missing === undefined ? body : `${missing[0]} is missing.`;
}

/** OpenAPI 3.1. @param version Baton's */
export function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const operation = route.method === "GET" ? lookOperation(route) : deedOperation(route);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  const token = { type: "http", scheme: "bearer" };
  const error = {
    ...{ type: "object", required: ["error"], properties: { error: { type: "string" } } },
  };
  return {
    openapi: "3.1.0",
    info: { title: "Baton", version },
    paths,
    components: { securitySchemes: { token }, schemas: { Error: error } },
  };
}

const failure = (about: string) => ({
  description: about,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});
const TOKEN_FAILURES = { 401: failure("Not the token."), 429: failure("Too many wrong tokens.") };

function lookOperation({ about, gives, isOpen }: Look): Record<string, unknown> {
  const type = {
    state: "application/json",
    description: "application/json",
    events: "text/event-stream",
    page: "text/html",
  };
  const done = { 200: { description: about, content: { [type[gives]]: {} } } };
  return isOpen === true
    ? { summary: about, responses: done }
    : { summary: about, security: [{ token: [] }], responses: { ...done, ...TOKEN_FAILURES } };
}

function deedOperation({ about, fields }: Deed): Record<string, unknown> {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, { type, about: description, maximum }]) => [
      name,
      { type, description, ...(type === "string" ? { maxLength: maximum } : { minimum: 1, maximum }) },
    ]),
  );
  const required = Object.keys(fields).filter((name) => fields[name]!.required === true);
  const schema = { type: "object", properties, ...(required.length > 0 && { required }), additionalProperties: false };
  return {
    ...{ summary: about, security: [{ token: [] }] },
    requestBody: { required: required.length > 0, content: { "application/json": { schema } } },
    responses: {
      202: { description: "It is being done." },
      ...{ 400: failure("A body that is none."), 403: failure("It is shut."), 404: failure("No such entry.") },
      ...{ 409: failure("Not now, or not here."), 413: failure("A body that is too large."), ...TOKEN_FAILURES },
    },
  };
}
