/**
 * What goes to a terminal: text made harmless, widths as a terminal counts them, colours only where they are wanted.
 */
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/**
 * Control characters, escape sequences, and the marks that turn text around: nothing in a name or in speech may steer
 * the terminal.
 */
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/g;

/** Text from outside on one line: blanks for line ends and tabs, � for anything that would steer the terminal. */
export const clean = (text: string): string => text.replace(/[\t\n\r\u2028\u2029]+/g, ' ').replace(HARMFUL, '\ufffd');

/** The same, but line ends stay: for whole documents. */
export const cleanLines = (text: string): string =>
  text
    .split(/\r?\n/)
    .map(line => line.replace(/\t/g, '  ').replace(HARMFUL, '\ufffd'))
    .join('\n');

export const width = (text: string): number => stringWidth(text);

/** Cut to a width in columns, with … where something is missing. Plain text only. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let cut = '',
    used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += width(segment);
    if (used > columns - 1) break;
    cut += segment;
  }
  return columns > 0 ? `${cut}…` : '';
}

/** The end of a text, with … before it. */
export function fitEnd(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let cut = '',
    used = 0;
  for (const { segment } of [...new Intl.Segmenter().segment(text)].reverse()) {
    used += width(segment);
    if (used > columns - 1) break;
    cut = segment + cut;
  }
  return columns > 0 ? `…${cut}` : '';
}

export const pad = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));
export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - width(text))) + text;

/** Wrapped at words (anywhere in scripts without blanks), further lines indented. */
export function wrap(text: string, columns: number, indent: number): string[] {
  return wrapAnsi(text, Math.max(20, columns - indent), { hard: true, trim: true })
    .split('\n')
    .map((line, i) => (i === 0 ? line : ' '.repeat(indent) + line));
}

/** Cut to a width, colours and all. */
export const cut = (painted: string, columns: number): string =>
  width(painted) <= columns
    ? painted
    : wrapAnsi(painted, columns, { hard: true, trim: false, wordWrap: false }).split('\n')[0]!;

export type Colour = Parameters<typeof styleText>[0];
export type Paint = (colour: Colour, text: string) => string;

/** Colours when the stream is a terminal and neither NO_COLOR nor TERM=dumb forbids them. FORCE_COLOR turns them on. */
export function painter(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Paint {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const on = !env.NO_COLOR && (forced || (stream.isTTY === true && env.TERM !== 'dumb'));
  return on ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

export interface Column {
  title: string;
  align?: 'right';
  /** Shrinks when the terminal is narrow. */ give?: boolean;
}

/**
 * A table of plain cells; `style` paints whole cells after they are laid out. Columns that give share what is missing.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: number,
  style: (text: string, row: number, column: number) => string,
): string[] {
  const widths = columns.map((column, i) => Math.max(width(column.title), ...rows.map(row => width(row[i] ?? ''))));
  const giving = columns.map((column, i) => (column.give ? i : -1)).filter(i => i >= 0);
  let over = widths.reduce((sum, each) => sum + each, 0) + 2 * (columns.length - 1) - total;
  // The widest of those that give is cut first.
  while (over > 0 && giving.some(i => widths[i]! > 8)) {
    const widest = giving.reduce((a, b) => (widths[a]! >= widths[b]! ? a : b));
    widths[widest]! -= 1;
    over -= 1;
  }
  const line = (cells: readonly string[], row: number): string =>
    columns
      .map((column, i) => {
        const cell = fit(cells[i] ?? '', widths[i]!);
        const last = i === columns.length - 1;
        return style(
          column.align === 'right' ? padStart(cell, widths[i]!) : last ? cell : pad(cell, widths[i]!),
          row,
          i,
        );
      })
      .join('  ')
      .trimEnd();
  return [
    line(
      columns.map(column => column.title),
      -1,
    ),
    ...rows.map((row, i) => line(row, i)),
  ];
}

/** ████▌░░░ : eighths of a column, so that it moves smoothly. */
export function bar(fraction: number, columns: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, fraction)) * columns * 8);
  const full = Math.floor(eighths / 8),
    rest = eighths % 8;
  return '█'.repeat(full) + (rest > 0 ? ' ▏▎▍▌▋▊▉'[rest]! : '') + '░'.repeat(columns - full - (rest > 0 ? 1 : 0));
}
