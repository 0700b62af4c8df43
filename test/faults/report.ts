/** docs/reliability.md: each script writes its own part and leaves the others'. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrapped } from '../../scripts/wrap.ts';

const PATH = join(import.meta.dirname, '..', '..', 'docs', 'reliability.md');
/** In this order on the page. */
const PARTS = ['chaos', 'faults', 'soak', 'fleet'] as const;
const TITLE =
  '# Reliability\n\nWhat was done to Earshot, and what became of its work. Each section is written by the ' +
  'script it names, and its zeros are\nasserted.\n';

export function section(part: (typeof PARTS)[number], text: string): void {
  const page = readFileSync(PATH, 'utf8');
  const now = new Map(
    PARTS.map(name => [name, new RegExp(`<!-- ${name} -->\\n(.*?)<!-- /${name} -->`, 's').exec(page)?.[1] ?? '']),
  );
  now.set(part, `${wrapped(text.trimEnd())}\n`);
  writeFileSync(
    PATH,
    [
      TITLE,
      ...PARTS.filter(name => now.get(name)).map(name => `<!-- ${name} -->\n${now.get(name)}<!-- /${name} -->\n`),
    ].join('\n'),
  );
}
