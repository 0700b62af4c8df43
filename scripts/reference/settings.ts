/** docs/reference/settings.md, and what the editor shows of the settings. Pure. */
import { MEDIA_WHEN } from '../../schemas/media.ts';
import { about, IN_EDITOR, inEditor, Settings } from '../../schemas/settings.ts';
import { FORMATS, PRIORITIES } from '../../schemas/words.ts';

/** The part of JSON Schema that settings use. */
interface Schema {
  type?: string;
  enum?: readonly string[];
  anyOf?: Schema[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  pattern?: string;
}
type Name = keyof Settings;
interface Section {
  id: string;
  properties: Record<string, Record<string, unknown>>;
}
interface Manifest {
  contributes: { configuration: Section[] };
}

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;
const SECTION = 'earshot.machine';
const all = Object.keys(Settings.properties) as Name[];
const schemaOf = (name: Name): Schema => Settings.properties[name] as unknown as Schema;
/** The schema without the null that stands for "empty", and whether there was one. */
const parts = (name: Name): { schema: Schema; empty: boolean } => {
  const schema = schemaOf(name);
  return schema.anyOf ? { schema: schema.anyOf[0]!, empty: true } : { schema, empty: false };
};
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Bytes as people read them. */
function figure(name: Name, value: number): string {
  if (!name.endsWith('Bytes') || value < MiB) return String(value);
  return value % GiB === 0 ? `${value / GiB} GiB` : `${value / MiB} MiB`;
}

function allowed(name: Name): string {
  const { schema, empty } = parts(name);
  const text = schema.enum
    ? schema.enum.map(value => `\`${value}\``).join(', ')
    : schema.minimum !== undefined
      ? `${figure(name, schema.minimum)} … ${schema.maximum === undefined ? '' : figure(name, schema.maximum)}`.trim()
      : schema.type === 'array'
        ? 'list'
        : (schema.type ?? '');
  return empty ? `${text}, or \`null\`` : text;
}

export function settingsPage(): string {
  const rows = all.map(name => {
    const { description, enumDescriptions } = about(name),
      values = enumDescriptions?.map((each, i) => `\`${schemaOf(name).enum![i]!}\`: ${each}`) ?? [],
      preset =
        typeof about(name).default === 'number'
          ? figure(name, about(name).default as number)
          : JSON.stringify(about(name).default),
      shown = (IN_EDITOR as readonly Name[]).includes(name) ? `\`${SECTION}.${inEditor(name).name}\`` : '';
    return `| \`${name}\` | ${cell([description, ...values].join(' '))} | \`${preset}\` | ${cell(allowed(name))} | ${shown} |`;
  });
  return `# Settings

Written by \`npm run reference\` from \`schemas/settings.ts\`. \`earshot settings set NAME VALUE\` changes one;
[docs/settings.md](../settings.md) says more. "Empty" in the editor is \`null\` on the command line.

| name | | default | allowed | in VS Code |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** One of the editor's own settings, from its schema. */
function shownIn(name: Name, order: number): Record<string, unknown> {
  const { schema, empty } = parts(name),
    { default: preset, enumDescriptions } = about(name),
    { name: key, unit } = inEditor(name);
  const scaled = (value: number | undefined): number | undefined => (value === undefined ? undefined : value / unit);
  const property: Record<string, unknown> = {
    // The editor has a field for a text, none for a text that may be null: there an empty one stands for it.
    type: schema.enum || schema.type === 'string' ? 'string' : empty ? [schema.type, 'null'] : schema.type,
    default: typeof preset === 'number' ? scaled(preset) : preset === null && schema.type === 'string' ? '' : preset,
    markdownDescription: `%setting.machine.${key}%`,
    scope: 'machine',
    enum: schema.enum,
    markdownEnumDescriptions: enumDescriptions && schema.enum!.map(value => `%setting.machine.${key}.${value}%`),
    items: schema.items && { type: schema.items.type },
    minimum: scaled(schema.minimum),
    maximum: scaled(schema.maximum),
    pattern: schema.pattern,
    order,
  };
  return Object.fromEntries(Object.entries(property).filter(([, value]) => value !== undefined));
}

/** package.json with the settings of the machine, and the lists that other settings choose from. */
export function manifest(text: string): string {
  const json = JSON.parse(text) as Manifest;
  const sections = json.contributes.configuration;
  sections.find(section => section.id === 'machine')!.properties = Object.fromEntries(
    IN_EDITOR.map((name, order) => [`${SECTION}.${inEditor(name).name}`, shownIn(name, order)]),
  );
  const property = (name: string): Record<string, unknown> =>
    sections.find(section => name in section.properties)!.properties[name]!;
  (property('earshot.outputFormats').items as Schema).enum = FORMATS;
  property('earshot.priority').enum = PRIORITIES;
  const folder = (property('earshot.watchedFolders').items as { properties: Record<string, Schema> }).properties;
  folder.formats!.items!.enum = FORMATS;
  folder.priority!.enum = PRIORITIES;
  // A clause over endings that has mp3 among them is that of recordings.
  const menus = JSON.stringify(json, null, 2).replace(
    /resourceExtname =~ \/\^(?:(?!\/i).)*\bmp3\b(?:(?!\/i).)*\/i/g,
    () => JSON.stringify(MEDIA_WHEN).slice(1, -1),
  );
  return `${menus}\n`;
}

/** package.nls.json with the English of the settings of the machine. The Chinese is written by hand. */
export function sentences(text: string): string {
  const json = JSON.parse(text) as Record<string, string>;
  for (const name of IN_EDITOR) {
    const { description, enumDescriptions } = about(name),
      key = `setting.machine.${inEditor(name).name}`;
    json[key] = inEditor(name).unit === 1 ? description : `${description} In MiB.`;
    enumDescriptions?.forEach((each, i) => {
      json[`${key}.${schemaOf(name).enum![i]!}`] = each;
    });
  }
  return `${JSON.stringify(json, null, 2)}\n`;
}
