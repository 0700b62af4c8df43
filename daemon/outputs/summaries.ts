/**
 * Where a summary comes from and where it goes: the transcript of a job or of a file, and the same again with the
 * summary in it.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Value } from 'typebox/value';
import { EarshotError } from '../../schemas/errors.ts';
import { Transcript, type Output, type Summary } from '../../schemas/job.ts';
import { FORMATS, type Format } from '../../schemas/words.ts';
import type { Static } from 'typebox';
import { render } from '../../text/transcripts/render.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { same } from './same.ts';
import { transcriptOf, writeWhole } from './deliver.ts';
import type { JobWork } from '../jobs/work.ts';
import type { JobRow, Store } from '../contracts/store.ts';

const MOST_BYTES = 256 * 1024 * 1024;
export const isJob = (transcript: string): boolean => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(transcript);

/** @throws noSuchFile, notATranscript */
export async function readTranscript(path: string): Promise<Transcript> {
  const facts = await stat(path).catch(() => null);
  if (!facts?.isFile()) throw new EarshotError('noSuchFile', { path });
  if (facts.size > MOST_BYTES) throw new EarshotError('notATranscript', { path });
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new EarshotError('notATranscript', { path }, String(error));
  }
  if (!Value.Check(Transcript, value)) throw new EarshotError('notATranscript', { path }, basename(path));
  return value;
}

/** @throws unknownJob, what readTranscript throws */
export async function transcriptFor(source: string, store: Store): Promise<Transcript> {
  if (!isJob(source)) return readTranscript(source);
  const row = store.job(source);
  if (!row) throw new EarshotError('unknownJob', { id: source });
  return transcriptOf({ row, made: store.utterances(source) });
}

/**
 * Puts the summary where its transcript is: into the store and the files of its job that nobody has changed, or into
 * the file. @throws outputNotWritable, diskFull
 */
export async function deliverSummary(
  { row, made }: Pick<JobWork, 'row' | 'made'>,
  store: Store,
  nameOf: (model: string) => string,
): Promise<Static<typeof Output>[]> {
  const source = row.options.transcript!,
    text = made.at(-1)?.summary?.text,
    failed = made.find(each => each.failed)?.failed?.failure;
  // Of parts alone nobody could tell that something is missing.
  if (failed) return [];
  if (!text) throw new EarshotError('nothingSaid', { path: row.path });
  const summary: Summary = { text, language: row.language ?? 'en', model: nameOf(row.models.summary!) };
  return isJob(source) ? intoJob(source, summary, row, store) : intoFile(source, summary);
}

async function intoFile(path: string, summary: Summary): Promise<Static<typeof Output>[]> {
  await writeWhole(path, toJson({ ...(await readTranscript(path)), summary }));
  return [{ kind: 'json', path, bytes: (await stat(path)).size }];
}

async function intoJob(
  id: string,
  summary: Summary,
  { id: job }: JobRow,
  store: Store,
): Promise<Static<typeof Output>[]> {
  const row = store.job(id);
  if (!row) throw new EarshotError('unknownJob', { id });
  const utterances = store.utterances(id),
    before = transcriptOf({ row, made: utterances }),
    written: Static<typeof Output>[] = [];
  const kept = { job, made: summary },
    after = transcriptOf({ row: { ...row, summary: kept }, made: utterances });
  for (const { kind, path } of row.outputs) {
    const [format, text = 'original'] = kind.split(':') as [Format, ('original' | 'translation' | 'bilingual')?];
    if (!FORMATS.includes(format)) continue;
    const [old, next] = [render(before, format, { text }), render(after, format, { text })],
      there = await readFile(path, 'utf8').catch(() => '');
    // Done again after a crash, the file has it already.
    if (old === next || !(same(format, there, old) || there === next)) continue;
    await writeWhole(path, next);
    written.push({ kind, path, bytes: (await stat(path)).size });
  }
  store.update(id, { summary: kept });
  return written;
}
