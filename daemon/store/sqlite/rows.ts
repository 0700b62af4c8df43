/** How a job lies in its row: which column, and which columns hold JSON. And how a stage lies in a column. */
import { KINDS_OF_WORK, PRIORITIES, type Stage } from '../../../schemas/words.ts';
import type { JobRow } from '../../contracts/store.ts';

export const JOB_COLUMNS: readonly (readonly [keyof JobRow, string])[] = [
  ['id', 'id'],
  ['path', 'path'],
  ['name', 'name'],
  ['bytes', 'bytes'],
  ['modifiedAt', 'modified_at'],
  ['fileId', 'file_id'],
  ['durationMs', 'duration_ms'],
  ['fingerprint', 'fingerprint'],
  ['options', 'options'],
  ['stages', 'stages'],
  ['models', 'models'],
  ['priority', 'priority'],
  ['position', 'position'],
  ['state', 'state'],
  ['createdAt', 'created_at'],
  ['startedAt', 'started_at'],
  ['finishedAt', 'finished_at'],
  ['language', 'language'],
  ['ingested', 'ingested'],
  ['ingestedMs', 'ingested_ms'],
  ['failure', 'failure'],
  ['warnings', 'warnings'],
  ['outputs', 'outputs'],
  ['overtaken', 'overtaken'],
  ['crashes', 'crashes'],
  ['live', 'live'],
  ['voices', 'voices'],
  ['casting', 'casting'],
  ['summary', 'summary'],
  ['fleet', 'fleet'],
];
const JSON_KEYS: ReadonlySet<keyof JobRow> = new Set<keyof JobRow>([
  'options',
  'stages',
  'models',
  'failure',
  'warnings',
  'outputs',
  'live',
  'voices',
  'casting',
  'summary',
  'fleet',
]);

/** Missing where there is none. */
const OPTIONAL: ReadonlySet<keyof JobRow> = new Set<keyof JobRow>([
  'fileId',
  'live',
  'voices',
  'casting',
  'summary',
  'fleet',
]);

export type RawJob = Record<string, string | number | null>;

export function toColumn(key: keyof JobRow, value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (key === 'priority') return PRIORITIES.indexOf(value as JobRow['priority']);
  if (JSON_KEYS.has(key)) return JSON.stringify(value);
  return typeof value === 'boolean' ? Number(value) : (value as string | number);
}

export function fromRow(row: RawJob): JobRow {
  const job: Record<string, unknown> = {};
  for (const [key, column] of JOB_COLUMNS) {
    const value = row[column] ?? null;
    if (OPTIONAL.has(key) && value === null) continue;
    job[key] =
      value !== null && JSON_KEYS.has(key)
        ? JSON.parse(value as string)
        : key === 'priority'
          ? PRIORITIES[value as number]
          : key === 'ingested'
            ? value === 1
            : value;
  }
  return job as unknown as JobRow;
}

/** A stage is stored as its place in KINDS_OF_WORK. */
export const stageNumber = (stage: Stage): number => KINDS_OF_WORK.indexOf(stage);
export const stageOf = (stored: number): Stage => KINDS_OF_WORK[stored]!;
