/**
 * What can be read off the code is not written by hand: `npm run reference` writes
 *   docs/reference/rpc.md        the methods of the daemon, from schemas/rpc.ts
 *   docs/reference/cli.md        commands and options, from cli/program.ts
 *   docs/reference/settings.md   from schemas/settings.ts
 *   schemas/transcript.schema.json   of .earshot.json files
 * and the settings that the editor shows: package.json (types, defaults, ranges) and package.nls.json (English).
 * `npm run reference -- --check` writes nothing and fails when one of them is out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Transcript } from '../schemas/job.ts';
import { cliPage } from './reference/cli.ts';
import { manifest, settingsPage, sentences } from './reference/settings.ts';
import { rpcPage } from './reference/rpc.ts';
import { wrapped } from './wrap.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
};

const transcriptSchema = (): string => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Earshot transcript',
    description:
      'What a job made of a recording: the content of an .earshot.json file. Times are milliseconds from the ' +
      'start of ' +
      'the recording.',
    ...(Transcript as object),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
};

/** Each file with the text that it should have. */
export function pages(): Map<string, string> {
  return new Map([
    ['docs/reference/rpc.md', wrapped(rpcPage())],
    ['docs/reference/cli.md', wrapped(cliPage())],
    ['docs/reference/settings.md', wrapped(settingsPage())],
    ['schemas/transcript.schema.json', transcriptSchema()],
    ['package.json', manifest(read('package.json'))],
    ['package.nls.json', sentences(read('package.nls.json'))],
  ]);
}

/** Files whose text is not what it should be. */
export const outdated = (): string[] =>
  [...pages()].filter(([path, text]) => read(path) !== text).map(([path]) => path);

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help)
    console.log(`Usage: npm run reference [-- --check]

Writes from the code: the pages of docs/reference, the schema of transcripts, and the settings in package.json.

      --check  write nothing; fail when a page is out of date
  -h, --help   print this and write nothing`);
  else if (values.check) {
    const old = outdated();
    if (old.length > 0) console.error(`Out of date: ${old.join(', ')}. Run \`npm run reference\`.`);
    process.exitCode = old.length > 0 ? 1 : 0;
  } else {
    for (const [path, text] of pages()) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  }
}
