/**
 * A model's folder: its files and a stamp that says what they are. The stamp is written last, so a folder with one is
 * whole.
 */
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { failure } from '../../schemas/errors.ts';
import { Failure } from '../../schemas/failure.ts';
import { ModelCard, Sha256, type ModelFile } from '../../schemas/model.ts';
import { Bytes, Closed, Nullable, Optional } from '../../schemas/words.ts';
import { moveOwn, replaceFile } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';
import { sha256Of } from './part-file.ts';

const STAMP = 'earshot-model.json',
  MOST_STAMP_BYTES = 4 * 1024 ** 2;

export const Stamp = Closed({
  installedAt: Type.String(),
  files: Type.Array(
    Closed({
      name: Type.String(),
      bytes: Bytes,
      sha256: Sha256,
      pinned: Type.Boolean(),
      source: Type.Enum(['local', 'hub', 'wheels', 'built', 'import']),
    }),
  ),
  /** Of the files that are not pinned: what the registry named when they were fetched. */
  revision: Optional(Type.String()),
  /** Imported models bring their own card. */
  card: Optional(ModelCard),
  /** What the last check found wrong. */
  failure: Optional(Nullable(Failure)),
});
export type Stamp = Static<typeof Stamp>;

const check = Compile(Stamp);
/**
 * Stamps as last read, by path, with the time and size of the file they were read from: looking again costs one stat.
 */
const read = new Map<string, { mtimeMs: number; size: number; stamp: Stamp | null }>();

/** The stamp of a folder, or null when there is none that we understand. */
export function readStamp(folder: string): Stamp | null {
  const path = join(folder, STAMP),
    stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    read.delete(path);
    return null;
  }
  const before = read.get(path);
  if (before && before.mtimeMs === stat.mtimeMs && before.size === stat.size) return before.stamp;
  let stamp: Stamp | null = null;
  try {
    const value: unknown = JSON.parse(readSmallNow(path, MOST_STAMP_BYTES).toString('utf8'));
    if (check.Check(value)) stamp = value;
  } catch {
    /* half written by hand: as if it were not there */
  }
  read.set(path, { mtimeMs: stat.mtimeMs, size: stat.size, stamp });
  return stamp;
}

export const writeStamp = async (folder: string, stamp: Stamp): Promise<void> =>
  replaceFile(join(folder, STAMP), JSON.stringify(stamp, null, 2), 0o666);

/** What the registry names for files that only their hub knows the sums of. */
export const revisionOf = (card: ModelCard): string =>
  [
    ...new Set(
      card.files.flatMap(file =>
        file.sha256 === null
          ? file.sources.flatMap(source => (source.kind === 'hub' ? [`${source.repository}@${source.revision}`] : []))
          : [],
      ),
    ),
  ].join(' ');

/** What was built here has a checksum of its own: its weights were held to theirs. */
export const isAsPinned = (
  { sha256 }: Pick<ModelFile, 'sha256'>,
  has: Pick<Stamp['files'][number], 'sha256' | 'source'>,
): boolean => sha256 === null || sha256 === has.sha256 || has.source === 'built';

/** Whether the registry has moved on since: it works as it is. */
export const isOutdated = (card: ModelCard, stamp: Stamp): boolean =>
  card.files.some(file => stamp.files.some(has => has.name === file.name && !isAsPinned(file, has))) ||
  (stamp.revision !== undefined && stamp.revision !== revisionOf(card));

/**
 * What a look at names and sizes says: a failure, or null when all is in place, be it of an older revision. The content
 * is `verifyFolder`'s business.
 */
export function lookAt(card: ModelCard, folder: string, stamp: Stamp): Failure | null {
  if (stamp.failure) return stamp.failure;
  for (const { name } of card.files) {
    const has = stamp.files.find(file => file.name === name);
    if (!has) return failure('modelNotInstalled', { model: card.id, file: name });
    const size = sizeOf(join(folder, name));
    if (size !== has.bytes)
      return failure('modelBroken', { model: card.id, file: name, expectedBytes: has.bytes, actualBytes: size });
  }
  return null;
}

/** Reads every byte and compares. */
export async function verifyFolder(card: ModelCard, folder: string, stamp: Stamp): Promise<Failure | null> {
  for (const file of stamp.files) {
    const size = sizeOf(join(folder, file.name));
    if (size !== file.bytes)
      return failure('modelBroken', { model: card.id, file: file.name, expectedBytes: file.bytes, actualBytes: size });
    const actual = await sha256Of(join(folder, file.name));
    if (actual !== file.sha256)
      return failure('checksumMismatch', { model: card.id, file: file.name, expected: file.sha256, actual });
  }
  return null;
}

/**
 * Removes a model's folder and what a cut installation left. `onGone` is called when the model is no longer there,
 * before its files are deleted, which may take long.
 */
export async function removeFolder(models: string, id: string, onGone: () => void): Promise<void> {
  const gone = join(models, `.removing-${id}-${process.pid}`);
  await moveOwn(join(models, id), gone).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  onGone();
  await rm(gone, { recursive: true, force: true, maxRetries: 3 });
  await rm(join(models, `.partial-${id}`), { recursive: true, force: true, maxRetries: 3 });
}

export function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
