/** The queue as the panel lists it: sections, order, filter, and the places a row can move to. Pure. */
import { isOver } from '../is-over.ts';
import type { JobRow } from '../messages.ts';

export type Section = 'running' | 'waiting' | 'finished';
export type Filter = 'all' | 'active' | 'failed' | 'done';
export type Item =
  | { kind: 'header'; section: Section; count: number; id: string }
  | { kind: 'job'; section: Section; row: JobRow; id: string };

const RANK: Readonly<Partial<Record<string, number>>> = { urgent: 0, high: 1, normal: 2, low: 3 };
/** One that a newer daemon knows is among the normal ones. */
const rank = (row: JobRow): number => RANK[row.priority] ?? 2;

/** Something of it runs this moment. */
const runs = (row: JobRow): boolean => row.stages.some(stage => stage.running > 0);

/** `paused`: the queue is; what had begun waits too, once what ran of it is done. */
export const sectionOf = (row: JobRow, paused = false): Section =>
  row.state === 'processing' ? (paused && !runs(row) ? 'waiting' : 'running') : isOver(row) ? 'finished' : 'waiting';

const inQueue = (a: JobRow, b: JobRow): number =>
  rank(a) - rank(b) || a.position - b.position || (a.id < b.id ? -1 : 1);
const newestFirst = (a: JobRow, b: JobRow): number =>
  (b.finishedAt ?? b.createdAt) - (a.finishedAt ?? a.createdAt) || (a.id < b.id ? 1 : -1);

const passes: Readonly<Record<Filter, (row: JobRow) => boolean>> = {
  all: () => true,
  active: row => sectionOf(row) !== 'finished',
  failed: row => row.state === 'failed',
  done: row => row.state === 'completed',
};

/** Every word must occur in the name, the folder or the last words. */
export function matches(row: JobRow, search: string): boolean {
  const text = `${row.name} ${row.folder} ${row.lastWords}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}

export function arrange(rows: Iterable<JobRow>, filter: Filter, search: string, paused = false): Item[] {
  const sections: Record<Section, JobRow[]> = { running: [], waiting: [], finished: [] };
  for (const row of rows)
    if (passes[filter](row) && (search === '' || matches(row, search))) sections[sectionOf(row, paused)].push(row);
  sections.running.sort(inQueue);
  sections.waiting.sort(inQueue);
  sections.finished.sort(newestFirst);
  return (['running', 'waiting', 'finished'] as const).flatMap(section =>
    sections[section].length === 0
      ? []
      : [
          { kind: 'header' as const, section, count: sections[section].length, id: `header ${section}` },
          ...sections[section].map(row => ({ kind: 'job' as const, section, row, id: row.id })),
        ],
  );
}

/** Whether the order or the membership of sections may differ after a row changed. */
export const sameShape = (a: JobRow | undefined, b: JobRow): boolean =>
  !!a &&
  a.state === b.state &&
  a.priority === b.priority &&
  a.position === b.position &&
  a.finishedAt === b.finishedAt &&
  runs(a) === runs(b);

/** Recordings that several rows are of: those are told apart by more than their name. */
export function twins(rows: Iterable<JobRow>): ReadonlySet<string> {
  const seen = new Set<string>(),
    several = new Set<string>();
  for (const row of rows) {
    const path = pathOf(row);
    if (seen.has(path)) several.add(path);
    seen.add(path);
  }
  return several;
}
export const pathOf = ({ folder, name }: JobRow): string => `${folder}/${name}`;

/** The jobs between two of the list, both among them, in either direction. */
export function between(items: readonly Item[], from: string, to: string): string[] {
  const at = [items.findIndex(item => item.id === from), items.findIndex(item => item.id === to)];
  if (at.includes(-1)) return [to];
  return items.slice(Math.min(...at), Math.max(...at) + 1).flatMap(item => (item.kind === 'job' ? [item.id] : []));
}

export const HEIGHTS = { header: 30, running: 92, waiting: 58, finished: 50 } as const;
export const heightOf = (item: Item): number => (item.kind === 'header' ? HEIGHTS.header : HEIGHTS[item.section]);

export interface Move {
  id: string;
  before?: string;
  after?: string;
  priority?: JobRow['priority'];
}

/**
 * A waiting row one place up or down; past a row of another priority it takes that priority. Null: it is at the end.
 */
export function step(items: readonly Item[], id: string, by: -1 | 1): Move | null {
  const at = items.findIndex(item => item.id === id),
    self = items[at],
    neighbour = items[at + by];
  if (
    self?.kind !== 'job' ||
    self.section !== 'waiting' ||
    neighbour?.kind !== 'job' ||
    neighbour.section !== 'waiting'
  )
    return null;
  return {
    id,
    ...(by < 0 ? { before: neighbour.id } : { after: neighbour.id }),
    ...(neighbour.row.priority !== self.row.priority ? { priority: neighbour.row.priority } : {}),
  };
}

/** A waiting row dropped on another one, above or below its middle. */
export function drop(items: readonly Item[], id: string, target: string, below: boolean): Move | null {
  const self = items.find(item => item.id === id),
    onto = items.find(item => item.id === target);
  if (
    id === target ||
    self?.kind !== 'job' ||
    onto?.kind !== 'job' ||
    self.section !== 'waiting' ||
    onto.section !== 'waiting'
  )
    return null;
  return {
    id,
    ...(below ? { after: target } : { before: target }),
    ...(onto.row.priority !== self.row.priority ? { priority: onto.row.priority } : {}),
  };
}

export interface Totals {
  running: number;
  waiting: number;
  done: number;
  failed: number;
  endAt: number | null;
}

export function totals(rows: Iterable<JobRow>, paused = false): Totals {
  const result: Totals = { running: 0, waiting: 0, done: 0, failed: 0, endAt: null };
  for (const row of rows) {
    const section = sectionOf(row, paused);
    if (section !== 'finished') {
      result[section] += 1;
      // Nobody knows when a paused queue goes on.
      if (row.endAt !== null && !paused) result.endAt = Math.max(result.endAt ?? 0, row.endAt);
    } else if (row.state === 'completed') result.done += 1;
    else if (row.state === 'failed') result.failed += 1;
  }
  return result;
}
