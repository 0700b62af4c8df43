/** Values for schemas, right ones and wrong ones, as fast-check makes them. */
import fc from 'fast-check';

interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

/** Texts that mean something to a shell, a path, SQL, full-text search, JavaScript or a terminal. */
export const NASTY = [
  '',
  '.',
  '..',
  '/',
  '../../etc/passwd',
  '/dev/null/x',
  '/proc/self/mem',
  '~',
  '-rf',
  '$(id)',
  '`id`',
  '; rm',
  '%00',
  'a\0b',
  '\u001b[2J',
  '\u202e',
  '\ud800',
  '__proto__',
  'constructor',
  "' OR 1=1 --",
  '"',
  'NEAR(a b)',
  'a* OR -b',
  '^',
  '{',
  '\n',
] as const;

const text = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }));

/**
 * Values that the schema takes (all but for a few patterns that are not generated exactly). `at`: more for a field of
 * this name.
 */
export function valid(
  schema: Schema,
  at: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
  name = '',
): fc.Arbitrary<unknown> {
  const own = at[name];
  if (own) return own;
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(each => valid(each, at)));
  const {
    minimum = -1e9,
    maximum = Number.MAX_SAFE_INTEGER,
    minLength = 0,
    maxLength = 60,
    minItems = 0,
    maxItems = 3,
  } = schema;
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(
        fc.constantFrom(Math.ceil(minimum), Math.floor(maximum)),
        fc.integer({ min: Math.ceil(minimum), max: Math.min(maximum, 1e9) }),
      );
    case 'number':
      return fc.oneof(
        fc.constantFrom(minimum, maximum),
        fc.double({ min: minimum, max: Math.min(maximum, 1e9), noNaN: true }),
      );
    case 'string':
      return schema.pattern
        ? fc.stringMatching(new RegExp(schema.pattern)).filter(made => made.length <= (schema.maxLength ?? Infinity))
        : text.map(made => made.slice(0, maxLength).padEnd(minLength, 'x'));
    case 'array':
      return fc.array(valid(schema.items ?? {}, at, name), {
        minLength: minItems,
        maxLength: Math.max(minItems, Math.min(maxItems, 3)),
      });
    case 'object': {
      if (schema.patternProperties)
        return fc.dictionary(text, valid(Object.values(schema.patternProperties)[0]!, at), { maxKeys: 3 });
      const made = Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, each]) => [key, valid(each, at, key)]),
      );
      return fc.record(made, { requiredKeys: (schema.required ?? []) as never[] });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0.5,
    1e308,
    [],
    {},
    [[]],
    { __proto__: 1 },
    { toString: 1 },
    'x'.repeat(100_000),
    Array.from({ length: 2000 }, () => 'x'),
  ),
  text,
  fc.jsonValue({ maxDepth: 3 }),
);

/**
 * The value with one place of it taken away, replaced, or joined by another. Many are no longer what the schema takes.
 */
export const mutated = (from: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(from, fc.nat(50), fc.constantFrom('replace', 'remove', 'add', 'whole'), junk, text)
    .map(([value, place, how, other, key]) => {
      const copy: unknown = structuredClone(value);
      const places: [Record<string, unknown>, string][] = [];
      const walk = (each: unknown): void => {
        if (typeof each === 'object' && each !== null)
          for (const name of Object.keys(each)) {
            places.push([each as Record<string, unknown>, name]);
            walk((each as Record<string, unknown>)[name]);
          }
      };
      walk(copy);
      const [owner, name] = places[place % Math.max(1, places.length)] ?? [];
      if (how === 'whole' || !owner || name === undefined) return other;
      // An array has no names of its own: its length is no place for a value.
      if (how === 'replace' || Array.isArray(owner)) owner[name] = other;
      else if (how === 'remove') delete owner[name];
      else Object.defineProperty(owner, key, { value: other, enumerable: true, configurable: true, writable: true });
      return copy;
    });
