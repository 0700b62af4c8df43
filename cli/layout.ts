/** Widths as a terminal counts them: cutting, padding, wrapping, tables and bars. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Session } from './session.ts';

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

export interface Column {
  title: string;
  align?: 'right';
  /** Shrinks when the terminal is narrow, to its title or this width. */
  give?: boolean | number;
  /** Left out when the terminal is narrow and shrinking is not enough: the lowest first. */
  drop?: number;
}

const LEAST_COLUMNS = 8;

/**
 * A table of plain cells; `style` paints whole cells after they are laid out, `column` is the place in `columns`.
 * Columns that give share what is missing.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: number,
  style: (text: string, row: number, column: number) => string,
): string[] {
  const laid = layOut(
    columns.map((column, i) => ({
      ...column,
      at: i,
      width: Math.max(width(column.title), ...rows.map(row => width(row[i] ?? ''))),
    })),
    total,
  );
  const line = (cells: readonly string[], row: number): string =>
    laid
      .map((column, i) => {
        const cell = fit(cells[column.at] ?? '', column.width);
        const last = i === laid.length - 1;
        return style(
          column.align === 'right' ? padStart(cell, column.width) : last ? cell : pad(cell, column.width),
          row,
          column.at,
        );
      })
      .join('  ')
      .trimEnd();
  const titles = columns.map(column => column.title);
  return [line(titles, -1), ...rows.map((row, i) => line(row, i))];
}

/** Which columns there is room for, and how wide each is. */
function layOut<C extends Column & { width: number }>(columns: readonly C[], total: number): C[] {
  let laid = columns.filter(column => column.width > 0);
  const excess = (widthOf: (column: C) => number): number =>
    laid.reduce((sum, column) => sum + widthOf(column) + 2, -2) - total;
  const least = ({ give, title, width: natural }: C): number =>
    give ? Math.min(natural, Math.max(width(title), give === true ? LEAST_COLUMNS : give)) : natural;
  const droppable = laid.filter(column => column.drop !== undefined).sort((a, b) => a.drop! - b.drop!);
  for (const next of droppable) if (excess(least) > 0) laid = laid.filter(column => column !== next);
  // The widest of those that give is cut first.
  for (let over = excess(column => column.width); over > 0; over--) {
    const giving = laid.filter(column => column.width > least(column));
    if (giving.length === 0) break;
    giving.reduce((a, b) => (a.width >= b.width ? a : b)).width -= 1;
  }
  return laid;
}

/** ████▌░░░ : eighths of a column, so that it moves smoothly. */
export function bar(fraction: number, columns: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, fraction)) * columns * 8);
  const full = Math.floor(eighths / 8),
    rest = eighths % 8;
  return '█'.repeat(full) + (rest > 0 ? ' ▏▎▍▌▋▊▉'[rest]! : '') + '░'.repeat(columns - full - (rest > 0 ? 1 : 0));
}

/** A table of plain cells, its titles dim. */
export function showTable(
  session: Pick<Session, 'columns' | 'line' | 'paint'>,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): void {
  const style = (text: string, row: number): string => (row < 0 ? session.paint('dim', text) : text);
  for (const line of table(columns, rows, session.columns(), style)) session.line(line);
}
