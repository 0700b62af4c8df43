/**
 * Copies of recordings that play in VS Code, made once by ffmpeg without permissions, in a folder of ours that stays
 * within a size: what was played longest ago goes first.
 */
import { createHash } from 'node:crypto';
import { readdir, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { makeFolder, moveOwn, openAnew } from '../../client/files.ts';
import { readAt } from '../../client/small-file.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { readDecoding } from '../ingest/decoding.ts';
import { factsOf, openRecording, type RecordingFacts } from '../ingest/recording.ts';
import { runFfmpeg } from '../outputs/ffmpeg.ts';
import { freeBytes, LEAST_FREE_BYTES } from '../system/disk.ts';
import { ffmpegProgram, recordingInput } from '../workers/ffmpeg.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { run } from '../workers/spawn.ts';
import { copyArguments, expectedBytes, HEADINGS, playsAsIs, streamsOf, type Streams } from './playable.ts';

export interface PlaybackDeps {
  /** Where the copies are. */
  folder: string;
  /** @throws noFfmpeg */
  ffmpeg(): string;
  sandboxed(): boolean;
  clock(): number;
  /** All copies together. */
  mostBytes?: number;
  /** Bytes on the disk of the copies; missing: as the system says. */
  free?(): Promise<number>;
}

/** `path`: what to play. `fraction` is null where nobody can tell. */
export type Playable = { state: 'ready'; path: string } | { state: 'making'; fraction: number | null };

interface Making {
  abort: AbortController;
  part: string;
  expected: number | null;
  /** Why it failed; whoever asks next gets it, and may try again. */
  failed: unknown;
  done: Promise<void>;
}

const MOST_BYTES = 4 * 1024 ** 3;
const PROBE_MS = 60_000,
  FIRST_BYTES = 16;
const PART = '.part';

export class Playback {
  readonly #deps: PlaybackDeps;
  readonly #making = new Map<string, Making>();
  /** What was found to play as it is, by its key. */
  readonly #asIs = new Set<string>();

  constructor(deps: PlaybackDeps) {
    this.#deps = deps;
  }

  /**
   * What plays of a recording: itself, its copy, or how far the copy is that is being made from now on. Asked again
   * until it is ready.
   * @throws noSuchFile, unreadableFile, noFfmpeg, ffmpegFailed, diskFull, cancelled
   */
  async playable(path: string): Promise<Playable> {
    const facts = await factsOf(path),
      key = keyOf(path, facts);
    if (this.#asIs.has(key)) return { state: 'ready', path };
    const making = this.#making.get(key);
    if (making?.failed) {
      this.#making.delete(key);
      throw making.failed;
    }
    if (making) {
      const bytes = await sizeOf(making.part);
      return { state: 'making', fraction: making.expected ? Math.min(0.99, bytes / making.expected) : null };
    }
    const found = await this.#copy(key);
    if (found) return { state: 'ready', path: found };
    const next: Making = {
      abort: new AbortController(),
      part: join(this.#deps.folder, `${key}${PART}`),
      expected: null,
      failed: null,
      done: Promise.resolve(),
    };
    this.#making.set(key, next);
    next.done = this.#make(path, facts, key, next).then(
      () => void this.#making.delete(key),
      (error: unknown) => {
        next.failed = error;
      },
    );
    return { state: 'making', fraction: null };
  }

  /** Stops making a copy; nothing of it is left. */
  async cancel(path: string): Promise<void> {
    const key = keyOf(path, await factsOf(path)),
      making = this.#making.get(key);
    making?.abort.abort();
    await making?.done;
    this.#making.delete(key);
  }

  async close(): Promise<void> {
    for (const { abort } of this.#making.values()) abort.abort();
    await Promise.all([...this.#making.values()].map(({ done }) => done));
  }

  async #copy(key: string): Promise<string | null> {
    for (const extension of ['.mp3', '.mp4']) {
      const path = join(this.#deps.folder, key + extension),
        now = this.#deps.clock() / 1000;
      // Played last: the last to go.
      if (
        (await sizeOf(path)) > 0 &&
        (await utimes(path, now, now).then(
          () => true,
          () => false,
        ))
      )
        return path;
    }
    return null;
  }

  async #make(path: string, facts: RecordingFacts, key: string, making: Making): Promise<void> {
    const { folder, ffmpeg, sandboxed } = this.#deps,
      { signal } = making.abort,
      program = ffmpeg();
    await makeFolder(folder, 0o700);
    const source = await openRecording(path, facts);
    try {
      const input = recordingInput({ fd: source.fd, path }),
        streams = await probe(program, source, input, sandboxed(), signal);
      if (playsAsIs(streams, extname(path).toLowerCase())) {
        this.#asIs.add(key);
        return;
      }
      if (streams.audio === null && streams.video === null) throw new EarshotError('notMedia', { path });
      making.expected = expectedBytes(streams, facts.bytes);
      // How long a copy gets is the recording's to say.
      const room = (await (this.#deps.free?.() ?? freeBytes(folder))) - LEAST_FREE_BYTES;
      if (room <= 0) throw new EarshotError('diskFull', { path: folder });
      const { args, extension } = copyArguments(streams),
        file = await openAnew(making.part, 0o600);
      try {
        await runFfmpeg({
          ffmpeg: program,
          path,
          inputs: [input],
          args: [...args, '-fs', String(room)],
          output: { fd: file.fd, path: making.part },
          permissions: sandboxed() ? mediaPermissions({ files: [], ffmpeg: program, place: making.part }) : null,
          signal,
        });
        if ((await file.stat()).size >= room) throw new EarshotError('diskFull', { path: folder });
      } finally {
        await file.close();
      }
      await moveOwn(making.part, join(folder, key + extension));
      await this.#evict(key + extension);
    } catch (error) {
      await rm(making.part, { force: true });
      throw error;
    } finally {
      await source.close();
    }
  }

  /** Copies go until the rest fits; the newest stays. So do halves of copies that nobody makes any more. */
  async #evict(newest: string): Promise<void> {
    const { folder, mostBytes = MOST_BYTES } = this.#deps,
      made = new Set([...this.#making.values()].map(({ part }) => part));
    const files = await Promise.all(
      (await readdir(folder)).map(async name => {
        const { size, mtimeMs } = await stat(join(folder, name));
        return { name, size, mtimeMs };
      }),
    );
    let sum = 0;
    for (const { name, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      const path = join(folder, name);
      if (made.has(path)) continue;
      if (!name.endsWith(PART)) sum += size;
      if (name !== newest && (sum > mostBytes || name.endsWith(PART))) await rm(path, { force: true });
    }
  }
}

/** The same file with other content has another. */
const keyOf = (path: string, { bytes, modifiedAt, fileId }: RecordingFacts): string =>
  createHash('sha256')
    .update(JSON.stringify([path, bytes, modifiedAt, fileId]))
    .digest('hex')
    .slice(0, 32);

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function probe(
  ffmpeg: string,
  source: FileHandle,
  input: ReturnType<typeof recordingInput>,
  sandboxed: boolean,
  signal: AbortSignal,
): Promise<Streams> {
  const { program, args, ...how } = ffmpegProgram({
    ffmpeg,
    inputs: [input],
    args: HEADINGS,
    says: 'everything',
    permissions: sandboxed ? mediaPermissions({ files: [], ffmpeg }) : null,
  });
  const { output, errors } = await run(program, args, { ...how, signal, timeoutMs: PROBE_MS }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.syscall?.startsWith('spawn')) throw new EarshotError('noFfmpeg', { path: program }, error.message);
      throw error;
    },
  );
  const said = readDecoding();
  said.push(Buffer.from(errors));
  said.end();
  return streamsOf(await readAt(source, 0, FIRST_BYTES), output.toString('latin1'), said.report.durationMs);
}
