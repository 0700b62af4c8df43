/** docs/reference/rpc.md: every method with what it takes and answers, and the types that they share. Pure. */
import type { TSchema } from 'typebox';
import * as device from '../../schemas/device.ts';
import type { ArgKinds } from '../../schemas/args.ts';
import * as errors from '../../schemas/errors.ts';
import * as failures from '../../schemas/failure.ts';
import * as job from '../../schemas/job.ts';
import * as live from '../../schemas/live.ts';
import * as model from '../../schemas/model.ts';
import { BOTTLENECKS, CHECKS, REASONS } from '../../schemas/reasons.ts';
import * as rpc from '../../schemas/rpc.ts';
import * as search from '../../schemas/search.ts';
import * as settings from '../../schemas/settings.ts';
import * as watch from '../../schemas/watch.ts';
import * as words from '../../schemas/words.ts';

/** The part of JSON Schema that our schemas use. */
interface Schema {
  type?: string;
  const?: string | number | boolean;
  enum?: string[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  minimum?: number;
  maximum?: number;
  description?: string;
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && ['type', 'enum', 'anyOf'].some(key => key in value);

/** Schemas that have a name in schemas/, by what they are: one schema is one object, wherever it is used. */
const names = new Map<Schema, string>(
  [words, failures, job, device, model, live, search, watch, settings, rpc].flatMap(module =>
    Object.entries(module).flatMap(([name, value]: [string, unknown]) => (isSchema(value) ? [[value, name]] : [])),
  ),
);

/** The same by their descriptions: an optional field holds a copy of its schema. */
const described = new Map([...names.keys()].flatMap(each => (each.description ? [[each.description, each]] : [])));
const original = (schema: Schema): Schema => described.get(schema.description ?? '') ?? schema;

const bounds = ({ minimum, maximum }: Schema): string =>
  maximum !== undefined ? ` ${minimum ?? ''} … ${maximum}` : minimum ? ` from ${minimum}` : '';
const isObject = (schema: Schema): boolean => schema.type === 'object' && schema.properties !== undefined;

/** A type in words that fit a cell of a table; `used` gathers the named types in it. */
function shape(found: Schema, used: Set<Schema>): string {
  const schema = original(found);
  const name = names.get(schema);
  if (name === undefined) return bare(schema, used);
  if (name === 'Settings') return '[Settings](settings.md)';
  used.add(schema);
  return `[${name}](#${name.toLowerCase()})`;
}
const grouped = (text: string): string => (text.includes(' \\| ') ? `(${text})` : text);

function bare(schema: Schema, used: Set<Schema>): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map(value => `\`${value}\``).join(' \\| ');
  if (schema.anyOf) return schema.anyOf.map(each => shape(each, used)).join(' \\| ');
  if (schema.type === 'array') return `list of ${schema.items ? grouped(shape(schema.items, used)) : 'anything'}`;
  if (schema.patternProperties) return `map of ${grouped(shape(Object.values(schema.patternProperties)[0]!, used))}`;
  if (schema.properties) {
    const parts = Object.entries(schema.properties).map(
      ([name, each]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${shape(each, used)}`,
    );
    return parts.length === 0 ? 'nothing' : `{ ${parts.join(', ')} }`;
  }
  return `${schema.type ?? 'anything'}${bounds(schema)}`;
}

function fields(schema: Schema, used: Set<Schema>): string {
  const all = Object.entries(schema.properties ?? {}),
    words = (each: Schema): string => (names.has(original(each)) ? '' : (each.description ?? '')),
    explained = all.some(([, each]) => words(each));
  const rows = all.map(([name, each]) => {
    const optional = schema.required?.includes(name) ? '' : ' (optional)';
    return `| \`${name}\`${optional} | ${shape(each, used)} |${explained ? ` ${words(each)} |` : ''}`;
  });
  if (rows.length === 0) return '';
  return `\n| name | type |${explained ? ' |' : ''}\n| --- | --- |${explained ? ' --- |' : ''}\n${rows.join('\n')}\n`;
}

/** What a method takes or answers: a table of its fields, or the name of the type. */
function side(title: string, schema: Schema, used: Set<Schema>): string {
  if (names.has(schema)) return `**${title}:** ${shape(schema, used)}\n`;
  const text = fields(schema, used);
  return text && `**${title}**\n${text}`;
}

function method(name: string, used: Set<Schema>): string {
  const { description, params, result } = (
    rpc.METHODS as unknown as Record<string, { description: string; params: TSchema; result: TSchema }>
  )[name]!;
  const parts = [side('Parameters', params as Schema, used), side('Result', result as Schema, used)].filter(Boolean);
  return `### ${name}\n\n${description}\n${parts.map(part => `\n${part}`).join('')}`;
}

/** The doctor's findings as codes: a check, and each way in which it may end. */
const findings: Readonly<Record<string, ArgKinds>> = Object.fromEntries(
  Object.entries(CHECKS).flatMap(([check, statuses]) =>
    Object.entries(statuses).map(([status, args]: [string, ArgKinds]) => [`${check} ${status}`, args]),
  ),
);

/** A closed list of codes, each with the arguments that it comes with. */
function codes(title: string, intro: string, list: Readonly<Record<string, ArgKinds>>): string {
  const rows = Object.entries(list).map(([code, args]) => {
    const parts = Object.entries(args).map(([name, kind]) => `${name}${kind.endsWith('?') ? '?' : ''}`);
    return `| \`${code}\` | ${parts.join(', ')} |`;
  });
  return `### ${title}\n\n${intro}\n\n| code | arguments |\n| --- | --- |\n${rows.join('\n')}\n`;
}

export function rpcPage(): string {
  const used = new Set<Schema>();
  const groups = Map.groupBy(Object.keys(rpc.METHODS), name => name.split('/')[0]!);
  const methods = [...groups].map(
    ([group, members]) => `## Methods: ${group}\n\n${members.map(name => method(name, used)).join('\n')}`,
  );
  const events =
    `## Events\n\nOne notification, \`${rpc.STATE_EVENTS}\`, from the daemon to a client that subscribed: ` +
    'events in order. `seq`\nis that of the last one, `previous` that of the last one before; a gap means: subscribe ' +
    `again.\n${fields(rpc.StateEvents as unknown as Schema, used)}`;
  const types: string[] = [];
  // A type may bring others; a set gives those too that are added while it is read.
  for (const schema of used) {
    const name = names.get(schema)!,
      text = isObject(schema) ? fields(schema, used) : `\n${bare(schema, used)}\n`;
    types.push(`### ${name}\n${schema.description ? `\n${schema.description}\n` : ''}${text}`);
  }
  return `# The daemon's methods

Written by \`npm run reference\` from \`schemas/rpc.ts\`. JSON-RPC over the daemon's socket,
protocol ${rpc.PROTOCOL}: each message is a \`Content-Length\` header and JSON. A request that does not fit its schema
is refused and changes nothing. A failure is the error ${rpc.FAILURE_CODE} with a [Failure](#failure) in its data.

${methods.join('\n')}
${events}
## Types

${types.sort((a, b) => a.localeCompare(b, 'en')).join('\n')}
## Codes

The daemon answers with codes and arguments, and clients make sentences of them (\`text/messages\`). A newer daemon
may know codes that are not here. A question mark: the argument may be missing.

${[
  codes('Failures', 'The `code` of a [Failure](#failure).', errors.ERRORS),
  codes('Reasons', 'Why a job waits: the `code` of its `waiting`.', REASONS),
  codes('Decisions', 'What was decided about a file of a watched folder.', watch.DECISIONS),
  codes('Checks', 'What the doctor finds, and how it is.', findings),
  codes('Bottlenecks', 'What holds the queue up.', BOTTLENECKS),
].join('\n')}`;
}
