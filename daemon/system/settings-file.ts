/** The settings file: only what differs from the defaults, checked when it is read and before it is written. */
import { lstatSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import type { Logger } from 'pino';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS, Settings } from '../../schemas/settings.ts';
import { moveOwnNow, replaceFile } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';

const MOST_BYTES = 4 * 1024 ** 2;
const checker = Compile(Settings);
/** The part of JSON Schema that settings use. */
interface Schema {
  type?: string;
  minimum?: number;
  maximum?: number;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  pattern?: string;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
}
const properties = Settings.properties as Record<string, Schema>;

export interface SettingsFile {
  get(): Settings;
  /** All or nothing. @throws unknownSetting, settingRange (with the allowed range) */
  set(values: Readonly<Record<string, unknown>>): Settings;
}

/** A value's shape as JSON, for what has no range. */
function shape({ type, enum: values, anyOf, items, pattern, properties: parts, patternProperties }: Schema): string {
  if (values) return values.join(' | ');
  if (anyOf) return anyOf.map(shape).join(' | ');
  if (items) return `[${shape(items)}, …]`;
  if (patternProperties) return `{"…": ${Object.values(patternProperties).map(shape).join(' | ')}}`;
  if (parts)
    return `{${Object.entries(parts)
      .map(([name, part]) => `"${name}": ${shape(part)}`)
      .join(', ')}}`;
  if (pattern === '^https?://') return '"http://…" | "https://…"';
  return type === 'string' ? '"…"' : type === 'boolean' ? 'true | false' : (type ?? '…');
}

/** What a setting allows, in words that fit every language: "1 … 64", "warm | never". */
function range(name: string): string {
  const schema = properties[name]!,
    numeric = schema.minimum !== undefined ? schema : schema.anyOf?.find(each => each.minimum !== undefined);
  if (schema.enum) return schema.enum.join(' | ');
  return numeric ? `${numeric.minimum} … ${numeric.maximum ?? '∞'}` : shape(schema);
}

function merge(current: Settings, values: Readonly<Record<string, unknown>>): Settings {
  const next: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(properties, name)) throw new EarshotError('unknownSetting', { name });
    next[name] = value === null && DEFAULTS[name as keyof Settings] !== null ? DEFAULTS[name as keyof Settings] : value;
    if (!checker.Check({ ...DEFAULTS, [name]: next[name] }))
      throw new EarshotError('settingRange', { name, value: JSON.stringify(value) ?? '', range: range(name) });
  }
  const settings = next as Settings;
  if (settings.minimumConcurrentTasks > settings.concurrentTasks)
    throw new EarshotError('settingRange', {
      name: 'minimumConcurrentTasks',
      value: String(settings.minimumConcurrentTasks),
      range: `1 … ${settings.concurrentTasks}`,
    });
  if (settings.batchMinimum > settings.batchMaximum)
    throw new EarshotError('settingRange', {
      name: 'batchMinimum',
      value: String(settings.batchMinimum),
      range: `1 … ${settings.batchMaximum}`,
    });
  return settings;
}

/** Settings that files of earlier versions hold under another name. */
const RENAMED: Readonly<Record<string, keyof Settings>> = { watchQuietSeconds: 'watchSettleSeconds' };

/** A file's values under their present names; where both are there, the present one holds. */
const present = (values: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (Object.hasOwn(RENAMED, name) ? [[RENAMED[name], value]] : [])),
  ),
  ...Object.fromEntries(Object.entries(values).filter(([name]) => !Object.hasOwn(RENAMED, name))),
});

/** A file that cannot be read as settings is set aside under another name, and the defaults hold. */
export function openSettings(path: string, log: Logger): SettingsFile {
  let settings = DEFAULTS;
  if (lstatSync(path, { throwIfNoEntry: false }))
    try {
      settings = merge(
        DEFAULTS,
        present(JSON.parse(readSmallNow(path, MOST_BYTES).toString('utf8')) as Record<string, unknown>),
      );
    } catch (error) {
      moveOwnNow(path, `${path}.bad`);
      log.warn(error, `settings set aside as ${path}.bad`);
    }
  return {
    get: () => settings,
    set(values) {
      const next = merge(settings, values);
      const changed = Object.fromEntries(
        Object.entries(next).filter(
          ([name, value]) => JSON.stringify(value) !== JSON.stringify(DEFAULTS[name as keyof Settings]),
        ),
      );
      replaceFile(path, JSON.stringify(changed, null, 2) + '\n', 0o600);
      return (settings = next);
    },
  };
}
