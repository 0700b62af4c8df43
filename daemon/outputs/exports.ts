/**
 * Files that follow a transcript. Which there are, and how they are made, is in the transcript itself; whether one
 * still holds what we wrote is known by its content: by the checksum that this machine keeps, and elsewhere because it
 * says what the transcript says. So they need no job, and move with their folder. A file that somebody changed by hand
 * stays as it is until that person has decided: kept, replaced, or both changes merged.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { InUse } from '../../client/files.ts';
import { readSmall } from '../../client/small-file.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { Export, Transcript } from '../../schemas/job.ts';
import type { ExportedFile, Params } from '../../schemas/rpc.ts';
import { isTextFormat, type Format } from '../../schemas/words.ts';
import { merged } from '../../text/merge.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { shownBy } from '../../text/transcripts/render.ts';
import type { Store } from '../contracts/store.ts';
import { content } from '../documents/documents.ts';
import { checksumOfBytes } from '../system/checksum.ts';
import type { Bases } from './bases.ts';
import { contentOf, putBack } from './draft.ts';
import { explained } from './deliver.ts';
import { namedFrom } from './exports-of-job.ts';
import { namesFrom, type Outputs, type Owner } from './outputs.ts';
import { readTranscript } from './transcript-file.ts';

export interface ExportDeps {
  store: Store;
  outputs: Outputs;
}

/** Whose file an export is: nobody's job, and one at a time. */
const ownerOf = (json: string): Owner => ({
  id: `export-${createHash('sha256').update(json).digest('hex').slice(0, 20)}`,
  path: json,
  createdAt: Date.now(),
});

/** @throws noSuchFile, notATranscript */
async function opened(path: string): Promise<{ json: string; transcript: Transcript }> {
  const json = await realpath(path).catch(() => path);
  return { json, transcript: await readTranscript(json) };
}

type To = NonNullable<Params<'transcript/export'>['to']>;

/**
 * Writes a transcript to a place that somebody chose; unless `follow` is false it is an export from then on. What lies
 * there and is not ours stays, and the new file goes beside it; `replace`: somebody agreed to lose it.
 * @throws noSuchFile, notATranscript, fontMissing, outputNotWritable, diskFull
 */
export async function exportTo(path: string, to: To, deps: ExportDeps): Promise<ExportedFile> {
  const { json, transcript } = await opened(path),
    { format, options, follow = true, replace = false } = to,
    owner = ownerOf(json),
    bytes = Buffer.from(await content(transcript, format, shownBy(options)));
  let written: ExportedFile;
  try {
    const there = replace ? await contentOf(to.path) : null;
    const length = there === null ? null : await deps.outputs.swap(to.path, there, bytes, owner);
    if (length !== null) {
      claim(to.path, json, checksumOfBytes(bytes), deps.store);
      written = { path: to.path, format, state: 'written', bytes: length, canMerge: false };
    } else {
      const placed = await deps.outputs.write(owner, namesFrom(to.path), file => file.writeFile(bytes));
      written = { path: placed.path, format, state: 'written', bytes: placed.bytes, canMerge: false };
    }
    await keepBase(format, bytes, deps.outputs.bases);
    if (follow)
      await listed(
        json,
        { path: namedFrom(dirname(json), written.path), format, ...(options ? { options } : {}) },
        deps,
      );
  } catch (error) {
    throw explained(error, dirname(to.path));
  }
  return written;
}

/** The transcript with one more export, or with other options of one that it has. Somebody may save it just now. */
const TRIES = 5;
async function listed(json: string, added: Export, { outputs }: ExportDeps): Promise<void> {
  for (let n = 0; n < TRIES; n++) {
    const checksum = await contentOf(json),
      now = await readTranscript(json),
      exports = [...(now.exports ?? []).filter(each => each.path !== added.path), added],
      { utterances, warnings, ...head } = now;
    if (checksum === null) continue;
    const text = toJson({ ...head, exports, utterances, warnings });
    if ((await outputs.swap(json, checksum, text, null, ownerOf(json).id)) !== null) return;
  }
  throw new EarshotError('outputNotWritable', { path: json }, 'it changes all the time');
}

const claim = (path: string, json: string, checksum: string, store: Store): void =>
  store.willWrite(path, { recording: json, job: null, checksum });

async function keepBase(format: Format, bytes: Buffer, bases: Bases | null): Promise<void> {
  if (isTextFormat(format)) await bases?.keep(checksumOfBytes(bytes), bytes.toString('utf8'));
}

/**
 * Brings all exports of a transcript up to date. `look`: writes none, and learns which are in step; whoever opens a
 * transcript does this, so that a file that is changed by hand afterwards is known to be.
 * @throws noSuchFile, notATranscript, outputNotWritable, diskFull
 */
export async function followAll(
  path: string,
  { look = false, transcript }: { look?: boolean; transcript?: Transcript },
  deps: ExportDeps,
): Promise<ExportedFile[]> {
  const { json, transcript: read } = transcript ? { json: path, transcript } : await opened(path),
    files: ExportedFile[] = [];
  for (const each of read.exports ?? []) files.push(await follow(json, read, each, look, deps));
  return files;
}

/** What a path of a transcript may lead to: its own folder and what is below, through no link. */
async function isInside(json: string, target: string): Promise<boolean> {
  const [folder, place] = await Promise.all([
    realpath(dirname(json)),
    realpath(dirname(target)).catch(() => dirname(target)),
  ]);
  return place === folder || place.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * Whether a transcript that says `replace` may: it could be a stranger's, and the file any of those beside it, which
 * programs read (`.git/config`).
 */
function mayReplace(json: string, target: string, { format }: Export, known: { recording: string } | null): boolean {
  if (known?.recording === json) return true;
  const stem = basename(json).replace(/\.earshot\.json$/i, '');
  return (
    /^[^.]/.test(stem) &&
    dirname(target) === dirname(json) &&
    basename(target).startsWith(stem) &&
    target.toLowerCase().endsWith(`.${format}`)
  );
}

async function follow(
  json: string,
  transcript: Transcript,
  wanted: Export,
  look: boolean,
  { store, outputs }: ExportDeps,
): Promise<ExportedFile> {
  const { format, ifEdited } = wanted,
    target = resolve(dirname(json), wanted.path),
    known = store.written(target),
    said = (state: ExportedFile['state'], more: Partial<ExportedFile> = {}): ExportedFile => ({
      path: target,
      format,
      state,
      bytes: null,
      canMerge: false,
      ...more,
    });
  // A transcript may be a stranger's: it names no file outside of its folder, unless we wrote that one for it here.
  if (target === json || (known?.recording !== json && !(await isInside(json, target)))) return said('elsewhere');
  if (isAnothers(json, known?.job ?? null, store)) return said('elsewhere');
  try {
    await putBack(target);
    const there = await contentOf(target);
    if (there === null) return said('missing');
    const bytes = Buffer.from(await content(transcript, format, shownBy(wanted.options))),
      checksum = checksumOfBytes(bytes);
    const replaced = async (made: Buffer): Promise<number | null> => {
      const length = await outputs.swap(target, there, made, ownerOf(json));
      if (length === null) return null;
      // What we would have written: a merged file is one that somebody changed.
      claim(target, json, checksum, store);
      await keepBase(format, bytes, outputs.bases);
      return length;
    };
    if (there === checksum) {
      if (known?.checksum !== checksum || known.recording !== json) {
        claim(target, json, checksum, store);
        await keepBase(format, bytes, outputs.bases);
      }
      return said('same', { bytes: bytes.length });
    }
    const isOld = known?.checksum === there;
    if (!isOld && ifEdited === 'replace' && !mayReplace(json, target, wanted, known)) return said('elsewhere');
    if (isOld || ifEdited === 'replace') {
      if (look) return said(isOld ? 'old' : 'edited');
      const length = await replaced(bytes);
      return length === null ? said('edited') : said('written', { bytes: length });
    }
    const base = isTextFormat(format) ? await outputs.bases?.of(known?.checksum ?? null) : null,
      canMerge = typeof base === 'string';
    if (look || ifEdited !== 'merge' || !canMerge) return said('edited', { canMerge });
    const mine = (await readSmall(target, MOST_BYTES)).toString('utf8'),
      { text, conflicts } = merged(mine, base, bytes.toString('utf8'));
    const length = await replaced(Buffer.from(text));
    return length === null ? said('edited', { canMerge }) : said('written', { bytes: length, conflicts, canMerge });
  } catch (error) {
    if (error instanceof InUse) return said('inUse');
    throw explained(error, dirname(target));
  }
}

const MOST_BYTES = 64 * 1024 * 1024;

/** A file that a job with another transcript wrote: two that ran together keep a file each. */
function isAnothers(json: string, job: string | null, store: Store): boolean {
  const own = job === null ? null : store.job(job)?.outputs.find(({ kind }) => kind === 'json');
  return own !== undefined && own !== null && own.path !== json && basename(own.path) !== basename(json);
}
