/**
 * The files of a job say something else now: those that nobody has changed are written anew, the others are named. A
 * transcript that somebody has edited since is the truth from then on: it is changed in the same way, and what follows
 * it is made of it.
 */
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InUse } from '../../client/files.ts';
import { readSmall } from '../../client/small-file.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { FORMATS, isTextFormat, type Format } from '../../schemas/words.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { render } from '../../text/transcripts/render.ts';
import { content } from '../documents/documents.ts';
import type { JobRow, Store } from '../contracts/store.ts';
import { explained, followers, type Text } from './deliver.ts';
import { contentOf } from './draft.ts';
import { followAll } from './exports.ts';
import { withExports } from './exports-of-job.ts';
import { keptWarning, type Output, type Outputs } from './outputs.ts';
import { readTranscript } from './transcript-file.ts';

export interface Rewritten {
  /** Every output of the job with its length as it is now. */
  outputs: Output[];
  changed: Output[];
  /** One for each file that was kept. */
  warnings: Failure[];
}

/**
 * @param change does to a transcript what was done to the job's
 * @throws outputNotWritable, diskFull
 */
export async function rewriteAll(
  row: JobRow,
  before: Transcript,
  after: Transcript,
  deps: { store: Store; outputs: Outputs },
  change: (edited: Transcript) => Transcript,
): Promise<Rewritten> {
  const made: Rewritten = { outputs: [], changed: [], warnings: [] },
    own = await editedTranscript(row, before, after);
  const edited = own ? await rewriteEdited(own, change, deps) : null;
  for (const output of row.outputs) {
    const { kind, path } = output,
      [format, text = 'original'] = kind.split(':') as [Format, Text?];
    const followed = edited?.get(path);
    if (followed) {
      const now = followed.bytes === null ? output : { kind, path, bytes: followed.bytes };
      made.outputs.push(now);
      if (followed.bytes !== null) made.changed.push(now);
      if (followed.kept) made.warnings.push(keptWarning({ path, ...(followed.kept === 'inUse' ? { inUse: 1 } : {}) }));
      continue;
    }
    const as = (transcript: Transcript): Transcript =>
      format === 'json' ? withExports(transcript, dirname(path), followers(row, row.outputs)) : transcript;
    if (!FORMATS.includes(format) || !differs(before, after, format, text)) {
      made.outputs.push(output);
      continue;
    }
    try {
      const bytes = await deps.outputs.rewrite(row, path, await content(as(after), format, { text }), async () =>
        holds(format, path, [as(before), as(after)], text),
      );
      const now = bytes === null ? output : { kind, path, bytes };
      made.outputs.push(now);
      if (bytes !== null) made.changed.push(now);
      else made.warnings.push(keptWarning({ path }));
    } catch (error) {
      if (error instanceof InUse) {
        made.outputs.push(output);
        made.warnings.push(keptWarning({ path, inUse: 1 }));
        continue;
      }
      throw explained(error, dirname(path));
    }
  }
  return made;
}

interface Edited {
  path: string;
  transcript: Transcript;
}

/** The job's transcript as it lies there, where somebody made another of it. */
async function editedTranscript(row: JobRow, before: Transcript, after: Transcript): Promise<Edited | null> {
  const path = row.outputs.find(({ kind }) => kind === 'json')?.path,
    transcript = path === undefined ? null : await readTranscript(path).catch(() => null);
  if (path === undefined || !transcript) return null;
  const says = (job: Transcript): boolean => {
    const { exports: _files, ...rest } = transcript;
    return isDeepStrictEqual(rest, JSON.parse(JSON.stringify(job))) && isTheJobs(row, path, transcript);
  };
  return says(before) || says(after) ? null : { path, transcript };
}

/** Its exports are what the job wrote, and nobody has added any or decided about one. */
const isTheJobs = (row: JobRow, path: string, { exports }: Transcript): boolean =>
  exports === undefined ||
  isDeepStrictEqual(exports, withExports({} as Transcript, dirname(path), followers(row, row.outputs)).exports);

/** By path: its length where it was written, and why it was kept where it was not. */
async function rewriteEdited(
  { path, transcript }: Edited,
  change: (edited: Transcript) => Transcript,
  deps: { store: Store; outputs: Outputs },
): Promise<Map<string, { bytes: number | null; kept?: 'edited' | 'inUse' }>> {
  const files = new Map<string, { bytes: number | null; kept?: 'edited' | 'inUse' }>();
  let now = transcript;
  try {
    const checksum = await contentOf(path),
      next = change(now),
      same = isDeepStrictEqual(next, now);
    const bytes =
      same || checksum === null ? null : await deps.outputs.swap(path, checksum, toJson(next), null, 'edited');
    if (bytes !== null) now = next;
    files.set(path, { bytes, ...(same || bytes !== null ? {} : { kept: 'edited' as const }) });
  } catch (error) {
    if (!(error instanceof InUse)) throw explained(error, dirname(path));
    files.set(path, { bytes: null, kept: 'inUse' });
  }
  for (const each of await followAll(path, { transcript: now }, deps)) {
    const decided = transcript.exports?.some(
      ({ path: name, ifEdited }) => ifEdited !== undefined && each.path.endsWith(name),
    );
    files.set(each.path, {
      bytes: each.state === 'written' ? each.bytes : null,
      ...(each.state === 'inUse' || (each.state === 'edited' && !decided) ? { kept: each.state } : {}),
    });
  }
  return files;
}

/** Whether a file of this format would say something else; one that is not text, if a page would. */
function differs(before: Transcript, after: Transcript, format: Format, text: Text): boolean {
  const as = isTextFormat(format) ? format : 'html';
  return render(before, as, { text }) !== render(after, as, { text });
}

/** Empty: there is none, or it is far larger than what it is compared with. */
const textAt = (path: string, most: number): Promise<string> =>
  readSmall(path, most).then(
    bytes => bytes.toString('utf8'),
    () => '',
  );

/** A file from before checksums were kept, or laid out anew: JSON says the same in any order. */
async function holds(format: Format, path: string, either: readonly Transcript[], text: Text): Promise<boolean> {
  if (!isTextFormat(format)) return false;
  const texts = either.map(each => render(each, format, { text })),
    there = await textAt(path, 4 * Math.max(...texts.map(each => each.length)));
  if (format !== 'json') return texts.includes(there);
  try {
    const value: unknown = JSON.parse(there);
    return texts.some(each => isDeepStrictEqual(value, JSON.parse(each)));
  } catch {
    return false;
  }
}
