/**
 * Of a large recording only what the recognizer hears: decoded as it would be here, and packed without loss. Another
 * machine then finds the same utterances in it, to the sample.
 */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../../schemas/errors.ts';
import { makeFolder, openNew } from '../../client/files.ts';
import { startIngest } from '../ingest/ingest.ts';
import { submittedFacts } from '../jobs/request.ts';
import { runFfmpeg } from '../outputs/ffmpeg.ts';
import type { JobRow } from '../contracts/store.ts';
import { samplesInput } from '../workers/ffmpeg.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { AS_IT_IS_BYTES } from './sound.ts';

const SAMPLE_RATE = 16_000;

export interface DecodeTools {
  /** Where it may write. */
  folder: string;
  /** Null while they are being fetched. */
  tools(): { ffmpeg: string; sherpaDirectory: string } | null;
  sandboxed: boolean;
  /** Larger recordings are decoded; for tests. */
  asItIsBytes?: number;
}

type How = Parameters<typeof startIngest>[0];
/** Decodes it as it was submitted; where anybody speaks, other machines find out. */
const ingest = (
  row: JobRow,
  how: Pick<How, 'ffmpeg' | 'sherpaDirectory' | 'sandboxed' | 'pcmPath' | 'signal' | 'onStart'>,
): ReturnType<typeof startIngest> =>
  startIngest({
    ...how,
    recording: row.path,
    audioTrack: row.options.audioTrack ?? null,
    expected: submittedFacts(row),
    node: process.execPath,
    prewarmed: undefined,
    onUtterances: () => {},
    onProgress: () => {},
  });

/** How long it is, by its container's own word; null: it says nothing. */
export async function lengthOf(
  row: JobRow,
  { folder, tools, sandboxed }: DecodeTools,
  signal: AbortSignal,
): Promise<number | null> {
  const found = tools();
  if (!found) return null;
  const place = join(folder, `${row.id}-length`),
    known = new AbortController();
  await makeFolder(place, 0o700);
  let length: number | null = null;
  try {
    await ingest(row, {
      ...found,
      sandboxed,
      pcmPath: join(place, 'pcm.s16le'),
      signal: AbortSignal.any([signal, known.signal]),
      onStart: ({ durationMs }) => {
        length = durationMs;
        known.abort();
      },
    });
  } catch (error) {
    if (!known.signal.aborted) throw error;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  return length;
}

/** Null: it is sent as it is. */
export async function decode(
  row: JobRow,
  { folder, tools, sandboxed, asItIsBytes = AS_IT_IS_BYTES }: DecodeTools,
  signal: AbortSignal,
): Promise<{ path: string; warnings: Failure[]; remove(): Promise<void> } | null> {
  const found = row.bytes > asItIsBytes ? tools() : null;
  if (!found) return null;
  const place = join(folder, row.id),
    pcm = join(place, 'pcm.s16le'),
    path = join(place, 'sound.flac');
  const remove = (): Promise<void> => rm(place, { recursive: true, force: true });
  await remove();
  await makeFolder(place, 0o700);
  try {
    const { warnings } = await ingest(row, { ...found, sandboxed, pcmPath: pcm, signal, onStart: () => {} });
    await using output = await openNew(path, 0o600);
    await runFfmpeg({
      ffmpeg: found.ffmpeg,
      path,
      inputs: [samplesInput(SAMPLE_RATE)],
      stdin: createReadStream(pcm) as AsyncIterable<Buffer>,
      args: ['-c:a', 'flac', '-f', 'flac'],
      output: { fd: output.fd, path },
      permissions: sandboxed ? mediaPermissions({ files: [], ffmpeg: found.ffmpeg, place: path }) : null,
      signal,
    });
    await rm(pcm, { force: true });
    return { path, warnings, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
