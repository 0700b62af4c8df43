/**
 * The index over all that was ever said: FTS5 without a copy of the text, which lies in `outputs`. An utterance's row
 * is numbered by its job and its place in it, so that a job's rows are one range. Finishing a step only marks its job
 * as `stale`; `indexSome` takes in what is stale, in pieces, away from the steps: the same way for a running job, after
 * a crash, and for a database from before there was an index.
 */
import { isFinal, STAGES, type JobState, type Stage } from '../../../schemas/words.ts';
import type { SearchHit, SearchPage, SearchQuery } from '../../../schemas/search.ts';
import type { Utterance } from '../../../schemas/job.ts';
import { sourceText } from '../../../schemas/job.ts';
import { joiner } from '../../../text/subtitles/width.ts';
import { matching, phrases, snippet, type Marked, type Phrase } from '../../search/question.ts';
import { SAID } from './migrations.ts';
import type { Sql } from './sql.ts';
import { utterances } from './utterances.ts';
import { indexed, terms } from '../../search/terms.ts';

/** Utterances that a job can have in the index. */
const BLOCK = 2 ** 20;
/** Matches that are ranked, the newest: to rank all that have a common word would take most of the time. */
const RANKED = 2_000;
/**
 * With fewer matches within single utterances, pairs of them are looked at too; and so many rows of each word, the
 * newest.
 */
const FEW = 200,
  WALKED = 100_000;
/** What was said is found by itself, where no translation of it could stand. */
const translationOf = ({ nmt }: Utterance): string => (nmt?.refused === undefined ? (nmt?.text ?? '') : '');
const TEXT_STAGES: readonly Stage[] = STAGES.filter(stage => stage !== 'tts');

/** What `work` does with the index; a damaged one is made anew, and is filled again by and by. */
export function repairingIndex<T>(sql: Sql, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'SQLITE_CORRUPT_VTAB') throw error;
    sql.batch(() => {
      sql.db.exec(`DROP TABLE said; ${SAID}`);
      sql.run('UPDATE searchable SET upto = 0, stale = 1');
    });
    return work();
  }
}

/** There is something new of this job. Within the transaction that writes it. */
export function markStale(sql: Sql, job: string): void {
  sql.run('INSERT INTO searchable (job) VALUES (?) ON CONFLICT (job) DO UPDATE SET stale = 1 WHERE stale = 0', job);
}

/** What was said is to be taken in anew. */
export function unindex(sql: Sql, job: string, how: 'again' | 'forget'): void {
  const found = sql.one<{ number: number; upto: number }>('SELECT number, upto FROM searchable WHERE job = ?', job);
  if (!found) return;
  if (found.upto)
    sql.run('DELETE FROM said WHERE rowid >= ? AND rowid < ?', found.number * BLOCK, found.number * BLOCK + found.upto);
  sql.run(
    how === 'again'
      ? 'UPDATE searchable SET upto = 0, stale = 1 WHERE job = ?'
      : 'DELETE FROM searchable WHERE job = ?',
    job,
  );
}

/** Takes in so many utterances at most; the newest jobs first. Returns how much was done; 0: nothing is left. */
export function indexSome(sql: Sql, limit: number): number {
  return sql.batch(() => {
    let taken = 0,
      looked = 0;
    for (const { number, job, upto } of sql.all<{ number: number; job: string; upto: number }>(
      'SELECT number, job, upto FROM searchable WHERE stale = 1 ORDER BY number DESC LIMIT ?',
      limit,
    )) {
      const row = sql.one<{ state: JobState; stages: string }>(
        `SELECT state, stages FROM jobs WHERE id = ? AND options ->> '$.source' IS NULL`,
        job,
      );
      const stages = row ? (JSON.parse(row.stages) as Stage[]).filter(stage => TEXT_STAGES.includes(stage)) : [];
      const next = row ? utterances(sql, job, upto, Math.min(limit - taken, BLOCK - upto)) : [];
      // Of a job that goes on, only what will not change.
      const unsettled =
        row && isFinal(row.state) ? -1 : next.findIndex(made => !made.failed && stages.some(stage => !made[stage]));
      const settled = unsettled < 0 ? next : next.slice(0, unsettled);
      for (const made of settled) {
        const text = indexed(sourceText(made)),
          translation = indexed(translationOf(made));
        if (text || translation)
          sql.run(
            'INSERT INTO said (rowid, text, translation) VALUES (?, ?, ?)',
            number * BLOCK + made.index,
            text,
            translation,
          );
      }
      taken += settled.length;
      const more = taken >= limit && settled.length === next.length;
      sql.run(
        'UPDATE searchable SET upto = ?, stale = ? WHERE number = ?',
        upto + settled.length,
        more ? 1 : 0,
        number,
      );
      looked++;
      if (taken >= limit) break;
    }
    return taken + looked;
  });
}

export function find(sql: Sql, query: SearchQuery, { limit, cursor }: { limit: number; cursor: number }): SearchPage {
  const indexing = sql.one('SELECT 1 FROM searchable WHERE stale = 1 LIMIT 1') !== undefined;
  const wanted = phrases(query.words, query.typing);
  if (wanted.length === 0) return { hits: [], next: null, total: 0, indexing };
  const where: string[] = [],
    args: unknown[] = [];
  if (query.language) {
    where.push(`(language = ? OR options ->> '$.translateTo' = ?)`);
    args.push(query.language, query.language);
  }
  if (query.since !== undefined) {
    where.push('created_at >= ?');
    args.push(query.since);
  }
  for (const word of query.path?.split(/\s+/).filter(Boolean) ?? []) {
    where.push(`path LIKE ? ESCAPE '\\'`);
    args.push(`%${word.replace(/[\\%_]/g, '\\$&')}%`);
  }
  const filter = where.length
    ? `AND rowid / ${BLOCK} IN (SELECT number FROM searchable JOIN jobs ON jobs.id = searchable.job WHERE ` +
      `${where.join(' AND ')})`
    : '';
  const matches = sql.all<{ rowid: number; rank: number }>(
    `SELECT rowid, rank FROM said WHERE said MATCH ? ${filter} ORDER BY rowid DESC LIMIT ${RANKED}`,
    matching(wanted),
    ...args,
  );
  // Best first; the newest of equally good ones.
  matches.sort((a, b) => a.rank - b.rank || b.rowid - a.rowid);
  const found = [
    ...matches.map(({ rowid }) => ({ rowid, span: 1 })),
    ...(matches.length < FEW ? acrossTwo(sql, wanted, filter, args).map(rowid => ({ rowid, span: 2 })) : []),
  ];
  const hits = found.slice(cursor, cursor + limit).flatMap(({ rowid, span }) => hitAt(sql, rowid, span, wanted) ?? []);
  return { hits, next: cursor + limit < found.length ? cursor + limit : null, total: found.length, indexing };
}

/**
 * Where the words are spread over two utterances that follow each other: the first of each pair, the newest first.
 * Found by walking the phrases' own rows, so this is for words that seldom meet in one utterance; of those that often
 * do there is enough to show.
 */
function acrossTwo(sql: Sql, wanted: readonly Phrase[], filter: string, args: readonly unknown[]): number[] {
  if (wanted.length < 2 || wanted.length > 8) return [];
  const has = new Map<number, number>(),
    all = (1 << wanted.length) - 1;
  for (const [n, phrase] of wanted.entries()) {
    const rows = sql.numbers(
      `SELECT rowid FROM said WHERE said MATCH ? ${filter} ORDER BY rowid DESC LIMIT ${WALKED}`,
      matching([phrase]),
      ...args,
    );
    // Without its first word there is nothing to complete.
    if (rows.length === 0) return [];
    for (const row of rows) has.set(row, (has.get(row) ?? 0) | (1 << n));
  }
  const pairs: number[] = [];
  for (const [row, mine] of has) {
    const next = has.get(row + 1);
    if (next !== undefined && mine !== all && next !== all && (mine | next) === all && row % BLOCK !== BLOCK - 1)
      pairs.push(row);
  }
  return pairs.sort((a, b) => b - a).slice(0, RANKED);
}

function hitAt(sql: Sql, rowid: number, span: number, wanted: ReturnType<typeof phrases>): SearchHit | null {
  const index = rowid % BLOCK;
  const job = sql.one<{ id: string; path: string; name: string; created_at: number; language: string | null }>(
    'SELECT id, path, name, created_at, language FROM jobs WHERE id = (SELECT job FROM searchable WHERE number = ?)',
    (rowid - index) / BLOCK,
  );
  const [made, next] = job ? utterances(sql, job.id, index, span) : [];
  if (!job || !made) return null;
  const both = (textOf: (each: Utterance) => string): Marked =>
    next ? joined(snippet(textOf(made), wanted), snippet(textOf(next), wanted)) : snippet(textOf(made), wanted);
  const text = both(sourceText);
  return {
    job: job.id,
    recording: { path: job.path, name: job.name },
    createdAt: job.created_at,
    language: job.language,
    index,
    startMs: made.startMs,
    endMs: (next ?? made).endMs,
    atMs: momentOf(made, text),
    text,
    translation: translationOf(made) || (next && translationOf(next)) ? both(translationOf) : null,
  };
}

function joined(a: Marked, b: Marked): Marked {
  const glue = joiner(a.text, b.text),
    by = a.text.length + glue.length;
  return {
    text: a.text + glue + b.text,
    marks: [...a.marks, ...b.marks.map(([from, to]): [number, number] => [from + by, to + by])],
  };
}

/** When the first marked word was spoken. */
function momentOf(made: Utterance, { text, marks }: SearchHit['text']): number {
  const mark = marks[0],
    [first] = mark ? terms(text.slice(...mark)) : [];
  const word = first && made.asr?.words.find(each => terms(each.text).some(({ term }) => term === first.term));
  return word ? Math.max(made.startMs, Math.min(made.endMs, word.startMs)) : made.startMs;
}
