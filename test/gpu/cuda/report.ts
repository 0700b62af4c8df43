/**
 * What was proven on a GPU, as it is found: gpu.json and gpu.md are written anew after every entry, so that nothing is
 * lost when time runs out.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Thrown by a part for which something is not here. */
export class Missing extends Error {}

export interface Check {
  what: string;
  held: boolean;
  measured: string;
}
export interface Table {
  head: string[];
  rows: (string | number)[][];
}
/** open: it began and has not ended. missing: something that it needs is not here. late: no time was left. */
export type PartState = 'open' | 'done' | 'broke' | 'missing' | 'late';
export interface Part {
  name: string;
  title: string;
  state: PartState;
  why: string | null;
  seconds: number;
  checks: Check[];
  tables: Table[];
  notes: string[];
}
export interface Report {
  machine: Record<string, string>;
  startedAt: string;
  parts: Part[];
}

/** What a part writes down. */
export class Section {
  readonly part: Part;
  private readonly changed: () => void;

  constructor(part: Part, changed: () => void) {
    this.part = part;
    this.changed = changed;
  }

  check(what: string, held: boolean, measured: string): void {
    this.part.checks.push({ what, held, measured });
    this.changed();
  }
  table(head: string[], rows: (string | number)[][]): void {
    this.part.tables.push({ head, rows });
    this.changed();
  }
  note(text: string): void {
    this.part.notes.push(text);
    this.changed();
  }
}

export const broken = ({ parts }: Report): number =>
  parts.reduce(
    (sum, part) => sum + part.checks.filter(check => !check.held).length + (part.state === 'broke' ? 1 : 0),
    0,
  );

export function writeReport(folder: string, report: Report): void {
  writeFileSync(join(folder, 'gpu.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'gpu.md'), markdown(report));
}

const ENDS: Readonly<Record<PartState, string>> = {
  open: 'stopped before its end',
  done: 'done',
  broke: 'broke off',
  missing: 'not possible here',
  late: 'no time was left',
};

const cells = (row: readonly (string | number)[]): string =>
  `| ${row.map(cell => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

export function markdown(report: Report): string {
  const held = report.parts.flatMap(part => part.checks).filter(check => check.held).length,
    wrong = broken(report);
  const lines = [
    '# On a GPU',
    '',
    `Made by \`npm run test:cuda\`, ${report.startedAt}. ${held} checks held, ${wrong} did not.`,
    '',
    ...Object.entries(report.machine).map(([name, value]) => `- ${name}: ${value}`),
  ];
  for (const { title, state, why, seconds, checks, tables, notes } of report.parts) {
    lines.push('', `## ${title}`, '', `${ENDS[state]}${why ? `: ${why}` : ''}, ${seconds.toFixed(0)} s.`);
    if (checks.length)
      lines.push(
        '',
        cells(['', 'check', 'measured']),
        cells(['---', '---', '---']),
        ...checks.map(check => cells([check.held ? '✓' : '✗', check.what, check.measured])),
      );
    for (const { head, rows } of tables) lines.push('', cells(head), cells(head.map(() => '---')), ...rows.map(cells));
    for (const note of notes) lines.push('', note);
  }
  return `${lines.join('\n')}\n`;
}
