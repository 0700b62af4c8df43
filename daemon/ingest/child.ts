/**
 * The ingest's own process: starts ffmpeg, writes its PCM to the file, finds the speech in it and reports to the daemon
 * what it found. Of a live session it reads the sound as it comes: PCM as it lies there, anything else through ffmpeg's
 * pipe. Media and native code stay out of the daemon; when the daemon goes, so does this process, and ffmpeg with its
 * pipe.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { failure, isDiskFull, type Failure } from '../../schemas/errors.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { environment } from '../workers/environment.ts';
import { enterSandboxLate, sandboxSupport, limitReader } from '../workers/sandbox/linux.ts';
import { endTree, exitOf, startProgram, SYSTEM_FOLDER } from '../workers/spawn.ts';
import { syncFolder } from '../system/durable.ts';
import { LineSplitter } from '../system/lines.ts';
import { CHANNEL, type ChildRequest, type FromChild, type Grown, type Prepare } from './channel.ts';
import { RECORDED, SPOKEN, startCutting, type UtteranceTimes } from './cutting.ts';
import { decodeArguments, decodeStreamArguments, readDecoding, startsAfter } from './decoding.ts';
import { openDetector } from './detector.ts';
import { growing } from './growing.ts';
import { tailIsCut } from './tail.ts';
import { verdict } from './verdict.ts';

const PROGRESS_EVERY_MS = 100;
/** Every client of a session gets each of these; ten sessions at once are enough traffic. */
const LIVE_PROGRESS_EVERY_MS = 250;
/** A quarter of a second. */
const CHUNK_BYTES = 256 * BYTES_PER_MS;
const ZEROS = Buffer.alloc(1 << 16);

/**
 * Carries a failure to the end of this file. Imports nothing, because the schemas take longer to load than everything
 * else here.
 */
const stop = (failure: Failure): Error => Object.assign(new Error(failure.code), { failure });
const daemon = new Socket({ fd: CHANNEL });
const send = (message: FromChild, then?: () => void): void => {
  daemon.write(`${JSON.stringify(message)}\n`, then);
};

/** Where PCM comes from. `end` judges, once all of it came; `stop` lets go of it at any time. */
interface Source {
  pcm: AsyncIterable<Buffer>;
  /** It lies in the PCM file already. */ inPlace: boolean;
  taken(): number;
  /** Known at its end. */ stereo(): boolean;
  end(readMs: number): Promise<Failure[]>;
  stop(): void;
}

/** Sound of a live session; the daemon says how much of it is there. */
const sound = growing();

function decoded(request: ChildRequest, oneSide: boolean): Source {
  const { live } = request;
  const ffmpeg = startProgram(
    {
      program: request.ffmpeg,
      args: live ? decodeStreamArguments : decodeArguments(request.recording, request.audioTrack, oneSide),
      cwd: SYSTEM_FOLDER,
      env: environment('local'),
      group: 'shared',
    },
    [live ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  );
  if (request.permissions && ffmpeg.pid) limitReader(ffmpeg.pid);
  // Without a reader Node throws away what a program said that has ended: all of a very short recording.
  ffmpeg.stdout!.on('readable', () => {});
  const exited = exitOf(ffmpeg).then(
    ({ code, signal }) => code ?? signal ?? 0,
    (error: Error) => {
      throw stop(failure('noFfmpeg', { path: request.ffmpeg }, error.message));
    },
  );
  exited.catch(() => {});
  const decoding = readDecoding();
  let started = false,
    taken = 0,
    headerRead = (): void => {};
  const header = new Promise<void>(resolve => {
    headerRead = resolve;
  });
  ffmpeg.stderr!.once('close', headerRead);
  ffmpeg.stderr!.on('data', (bytes: Buffer) => {
    decoding.push(bytes);
    if (decoding.report.headerDone) headerRead();
    if (!started && decoding.report.headerDone && decoding.report.audioTracks > request.audioTrack) {
      started = true;
      send({ type: 'started', durationMs: live ? null : decoding.report.durationMs });
    }
  });
  async function* counted(path: string): AsyncGenerator<Buffer> {
    for await (const chunk of sound.read(path)) {
      yield chunk;
      taken += chunk.length;
    }
  }
  // When ffmpeg ends early its pipe breaks: its exit says why.
  if (live) pipeline(Readable.from(counted(live.inputPath)), ffmpeg.stdin!).catch(() => {});
  async function* placed(): AsyncGenerator<Buffer> {
    await header;
    for (let left = startsAfter(decoding.report, request.audioTrack) * BYTES_PER_MS; left > 0; left -= ZEROS.length)
      yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    yield* ffmpeg.stdout as AsyncIterable<Buffer>;
  }
  return {
    pcm: placed(),
    inPlace: false,
    taken: () => taken,
    stereo: () => decoding.report.stereo[request.audioTrack] ?? false,
    async end(readMs) {
      const exit = await exited;
      decoding.end();
      // A live session may end before it said anything.
      if (live && taken === 0 && readMs === 0) return [];
      const { failure, warning } = verdict({
        report: decoding.report,
        exit,
        endsEarly: !live && (await tailIsCut(request.recording, decoding.report.format)),
        readMs,
        path: request.recording,
        audioTrack: request.audioTrack,
        ffmpeg: request.ffmpeg,
        sandboxed: request.permissions !== null,
      });
      if (failure) throw stop(failure);
      // A stream ends where it is left.
      return warning && !live ? [warning] : [];
    },
    stop: () => endTree(ffmpeg, 'shared'),
  };
}

function asItLies(path: string): Source {
  let taken = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of sound.read(path)) {
      taken += chunk.length;
      yield chunk;
    }
  }
  return {
    pcm: counted(),
    inPlace: true,
    taken: () => taken,
    stereo: () => false,
    end: async () => [],
    stop: () => {},
  };
}

interface Ingested {
  durationMs: number;
  warnings: Failure[];
  utterances: number;
  stereo: boolean;
}

async function ingest(request: ChildRequest, oneSide = false): Promise<Ingested> {
  const { live } = request;
  const source = live?.format === 'pcm' ? asItLies(live.inputPath) : decoded(request, oneSide);
  // While ffmpeg reads its first packets, the library loads.
  const detector = detectorOf(request.sherpaDirectory);
  const cutting = startCutting(live ? SPOKEN : RECORDED);
  const file = source.inPlace ? null : await openInPlace(request.pcmPath),
    before = (await file?.stat())?.size ?? 0;
  let utterances = 0,
    bytes = 0,
    written = before;
  const found = async (rows: UtteranceTimes[]): Promise<void> => {
    if (!rows.length) return;
    if (file && written < bytes) {
      await extend(file, bytes, request.pcmPath);
      written = bytes;
    }
    utterances += rows.length;
    send({ type: 'utterances', rows });
  };
  try {
    let odd: Buffer = Buffer.alloc(0),
      sentAt = 0;
    for await (const chunk of source.pcm) {
      // Written before it is reported: whoever gets an utterance can read its sound. Silence is a hole and takes no
      // room.
      if (file && (bytes < before || !isZero(chunk))) {
        await writeAll(file, chunk, bytes, request.pcmPath);
        written = bytes + chunk.length;
      }
      bytes += chunk.length;
      const whole = odd.length ? Buffer.concat([odd, chunk]) : chunk;
      const even = whole.length - (whole.length % 2);
      odd = whole.subarray(even);
      // In pieces: an utterance is reported as soon as its end is found.
      for (let at = 0; at < even; at += CHUNK_BYTES)
        await found(cutting.push(detector.push(samplesOf(whole.subarray(at, Math.min(even, at + CHUNK_BYTES))))));
      const now = performance.now();
      if (now - sentAt >= (live ? LIVE_PROGRESS_EVERY_MS : PROGRESS_EVERY_MS)) {
        sentAt = now;
        send({ type: 'progress', ms: Math.floor(bytes / BYTES_PER_MS), taken: source.taken() });
      }
    }
    const durationMs = Math.floor(bytes / BYTES_PER_MS);
    const warnings = await source.end(durationMs);
    await found([...cutting.push(detector.end()), ...cutting.end(durationMs)]);
    await file?.truncate(bytes);
    await file?.datasync();
    await syncFolder(dirname(request.pcmPath));
    send({ type: 'progress', ms: durationMs, taken: source.taken() });
    return { durationMs, warnings, utterances, stereo: source.stereo() };
  } finally {
    source.stop();
    await file?.close();
  }
}

/**
 * Opens without emptying: after a crash the same recording is decoded once more to the same bytes, and utterances known
 * before can be read all along.
 */
async function openInPlace(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  } catch (error) {
    throw notWritten(error, path);
  }
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number, path: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length;)
      at += (await file.write(chunk, at, chunk.length - at, position + at)).bytesWritten;
  } catch (error) {
    throw notWritten(error, path);
  }
}

const isZero = (chunk: Buffer): boolean =>
  chunk.length <= ZEROS.length && ZEROS.compare(chunk, 0, chunk.length, 0, chunk.length) === 0;
async function extend(file: FileHandle, size: number, path: string): Promise<void> {
  try {
    await file.truncate(size);
  } catch (error) {
    throw notWritten(error, path);
  }
}

const notWritten = (error: unknown, path: string): Error =>
  stop({ code: isDiskFull(error) ? 'diskFull' : 'internal', args: { path }, detail: (error as Error).message });

let prepared: { sherpaDirectory: string; detector: ReturnType<typeof openDetector> } | null = null;

function detectorOf(sherpaDirectory: string): ReturnType<typeof openDetector> {
  const ready = prepared;
  prepared = null; // it remembers what it heard: once only
  if (ready?.sherpaDirectory === sherpaDirectory) return ready.detector;
  try {
    return openDetector(sherpaDirectory);
  } catch (error) {
    throw stop({
      code: 'engineMissing',
      args: { engine: 'sherpa' },
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}

const failureOf = (error: unknown): Failure =>
  (error as { failure?: Failure }).failure ?? {
    code: 'internal',
    args: {},
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };

/** A view where the bytes lie aligned, else a copy. */
const samplesOf = (bytes: Buffer): Int16Array =>
  bytes.byteOffset % 2 === 0
    ? new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    : new Int16Array(new Uint8Array(bytes).buffer);

daemon.once('close', () => process.exit(0)).on('error', () => {});
const asked = Promise.withResolvers<ChildRequest>();
const lines = new LineSplitter(line => {
  const message = JSON.parse(line.toString('utf8')) as ChildRequest | Grown | Prepare;
  if (!('type' in message)) asked.resolve(message);
  else if (message.type === 'grown') sound.grown(message.bytes, message.ended);
  // What cannot be loaded now says so when it is needed.
  else
    try {
      sandboxSupport();
      prepared = { sherpaDirectory: message.sherpaDirectory, detector: openDetector(message.sherpaDirectory) };
    } catch {
      /* then */
    }
}, Infinity);
daemon.on('data', (chunk: Buffer) => {
  lines.push(chunk);
});
const request = await asked.promise;
if (request.permissions) await enterSandboxLate(request.permissions);
/**
 * Two sides may cancel each other out in their sum (a plug wired wrong): where nothing was heard, one of them is
 * listened to.
 */
const listen = async (): Promise<Ingested> => {
  const both = await ingest(request);
  return both.stereo && both.utterances === 0 && !request.live ? ingest(request, true) : both;
};
const last: FromChild = await listen().then(
  ({ durationMs, warnings }) => ({ type: 'done', durationMs, warnings }),
  (error: unknown) => ({ type: 'failed', failure: failureOf(error) }),
);
send(last, () => process.exit(0));
