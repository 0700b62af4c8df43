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

type Part = (typeof PARTS)[number];

const sectionOf = (page: string, part: Part): string =>
  new RegExp(`<!-- ${part} -->\\n(.*?)<!-- /${part} -->`, 's').exec(page)?.[1] ?? '';

/** The rows of a section's tables as they stand: what is in the first column, then the other cells. */
export const rowsOf = (part: Part): Map<string, string[]> =>
  new Map(
    sectionOf(readFileSync(PATH, 'utf8'), part)
      .split('\n')
      .filter(line => line.startsWith('| '))
      .map(
        line =>
          line
            .slice(1, -1)
            .split('|')
            .map(cell => cell.trim()) as [string, ...string[]],
      )
      .map(([first, ...cells]) => [first, cells]),
  );

export function section(part: Part, text: string): void {
  const page = readFileSync(PATH, 'utf8');
  const now = new Map(PARTS.map(name => [name, sectionOf(page, name)]));
  now.set(part, `${wrapped(text.trimEnd())}\n`);
  writeFileSync(
    PATH,
    [
      TITLE,
      ...PARTS.filter(name => now.get(name)).map(name => `<!-- ${name} -->\n${now.get(name)}<!-- /${name} -->\n`),
    ].join('\n'),
  );
}
