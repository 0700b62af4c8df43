/** The schema of an answer as a client checks it: a newer daemon may say more than this client knows. */
import type { TSchema } from 'typebox';

interface Json {
  [key: string]: unknown;
}
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The same schema, but unknown fields pass, a name of a closed list may be another, lists may be longer, and a value of
 * an alternative that is named by a literal (`type`, `kind`) may be of another kind. What is required stays required.
 */
export function openOf(schema: TSchema): TSchema {
  return opened(schema) as TSchema;
}

function opened(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(opened);
  if (!isObject(schema)) return schema;
  if (Array.isArray(schema.enum)) return { type: 'string' };
  const open: Json = {};
  for (const [name, value] of Object.entries(schema)) {
    if ((name === 'additionalProperties' && value === false) || name === 'maxItems') continue;
    // Names in here are those of fields, whatever they are called.
    open[name] =
      name === 'properties' || name === 'patternProperties'
        ? Object.fromEntries(Object.entries(value as Json).map(([field, each]) => [field, opened(each)]))
        : opened(value);
  }
  const other = Array.isArray(schema.anyOf) ? otherKind(schema.anyOf) : null;
  if (other) open.anyOf = [...(open.anyOf as unknown[]), other];
  return open;
}

/** An object whose discriminating literal is none of these; null where there is no such literal. */
function otherKind(alternatives: readonly unknown[]): Json | null {
  const fields = alternatives.map(each => (isObject(each) && isObject(each.properties) ? each.properties : {}));
  const discriminator = Object.keys(fields[0] ?? {}).find(name =>
    fields.every(each => isObject(each[name]) && typeof each[name].const === 'string'),
  );
  if (discriminator === undefined) return null;
  const known = fields.map(each => (each[discriminator] as Json).const);
  return {
    type: 'object',
    required: [discriminator],
    properties: { [discriminator]: { type: 'string', not: { enum: known } } },
  };
}
