/**
 * Where a summary comes from and where it goes: the transcript of a job or of a file, and the same again with the
 * summary in it.
 */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Summary, Transcript } from '../../schemas/job.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { contentOf } from './draft.ts';
import { explained, transcriptOf, type Delivered } from './deliver.ts';
import { followAll } from './exports.ts';
import type { Outputs } from './outputs.ts';
import { rewriteAll } from './rewrite.ts';
import { readTranscript } from './transcript-file.ts';
import type { JobWork } from '../jobs/work.ts';
import type { Store } from '../contracts/store.ts';

export const isJob = (transcript: string): boolean => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(transcript);

/** @throws unknownJob, what readTranscript throws */
export async function transcriptFor(source: string, store: Store): Promise<Transcript> {
  if (!isJob(source)) return readTranscript(source);
  const row = store.job(source);
  if (!row) throw new EarshotError('unknownJob', { id: source });
  return transcriptOf({ row, made: store.utterances(source) });
}

/**
 * Puts the summary where its transcript is: into its job and the files of that which nobody has changed, or into the
 * file. @throws outputNotWritable, diskFull
 */
export async function deliverSummary(
  { row, made }: Pick<JobWork, 'row' | 'made'>,
  deps: { store: Store; outputs: Outputs },
  nameOf: (model: string) => string,
): Promise<Delivered> {
  const source = row.options.transcript!,
    text = made.at(-1)?.summary?.text,
    failed = made.find(each => each.failed)?.failed?.failure;
  // Parts alone would not show that something is missing.
  if (failed) return { outputs: [] };
  if (!text) throw new EarshotError('nothingSaid', { path: row.path });
  const dropped = made.reduce((sum, each) => sum + (each.summary?.dropped ?? 0), 0);
  const summary: Summary = {
    text,
    language: row.language ?? 'en',
    model: nameOf(row.models.summary!),
    ...(dropped ? { dropped } : {}),
    ...(made.at(-1)?.summary?.quoted ? { quoted: true } : {}),
  };
  return isJob(source) ? intoJob(source, summary, row.id, deps) : intoFile(source, summary, row.id, deps);
}

/** Somebody may save the file at this very moment: then it is read again. */
const TRIES = 5;

async function intoFile(
  named: string,
  summary: Summary,
  job: string,
  deps: { store: Store; outputs: Outputs },
): Promise<Delivered> {
  const path = await realpath(named).catch(() => named);
  try {
    for (let n = 0; n < TRIES; n++) {
      const checksum = await contentOf(path),
        text = toJson({ ...(await readTranscript(path)), summary });
      const bytes = checksum === null ? null : await deps.outputs.swap(path, checksum, text, null, job);
      if (bytes === null) continue;
      await followAll(path, {}, deps);
      return { outputs: [{ kind: 'json', path: named, bytes }] };
    }
  } catch (error) {
    throw explained(error, dirname(path));
  }
  throw new EarshotError('outputNotWritable', { path }, 'it changes all the time');
}

async function intoJob(
  id: string,
  made: Summary,
  job: string,
  { store, outputs }: { store: Store; outputs: Outputs },
): Promise<Delivered> {
  const row = store.job(id);
  if (!row) throw new EarshotError('unknownJob', { id });
  const utterances = store.utterances(id),
    summary = { job, made },
    before = transcriptOf({ row, made: utterances }),
    after = transcriptOf({ row: { ...row, summary }, made: utterances });
  const written = await rewriteAll(row, before, after, { store, outputs }, edited => ({ ...edited, summary: made }));
  return {
    outputs: written.changed,
    warnings: written.warnings,
    of: { job: id, change: { summary, outputs: written.outputs } },
  };
}
