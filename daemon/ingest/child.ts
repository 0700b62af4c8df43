/**
 * The ingest's own process: starts ffmpeg, writes its PCM to the file, hears the speech in it and tells the daemon what it found, over IPC.
 * Of a live session it reads the sound as it comes: PCM as it lies there, anything else through ffmpeg's pipe.
 * Media and native code stay out of the daemon; when the daemon goes, so does this process, and ffmpeg with its pipe.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Failure } from '../../schemas/errors.ts';
import { RECORDED, SPOKEN, startCutting, type UtteranceTimes } from './cutting.ts';
import { BYTES_PER_MS, decodeArguments, decodeStreamArguments, readDecoding } from './decoding.ts';
import { openDetector } from './detector.ts';
import { growing } from './growing.ts';
import { verdict } from './verdict.ts';

/** `live`: the sound comes with time, as bytes in `inputPath`; for PCM that is the PCM file itself. */
export interface ChildRequest { recording: string; audioTrack: number; pcmPath: string; ffmpeg: string; sherpaDirectory: string; live?: { format: 'pcm' | 'container'; inputPath: string } }
export interface Grown { type: 'grown'; bytes: number; ended: boolean }
export type FromChild =
  | { type: 'started'; durationMs: number | null }
  | { type: 'utterances'; rows: UtteranceTimes[] }
  /** `taken`: bytes of a live session's input that were looked at. */
  | { type: 'progress'; ms: number; taken: number }
  | { type: 'done'; durationMs: number; warnings: Failure[] }
  | { type: 'failed'; failure: Failure };

const PROGRESS_EVERY_MS = 100;
/** A session's clients hear of each; ten sessions at once tell enough. */
const LIVE_PROGRESS_EVERY_MS = 250;

/** Carries a failure to the end of this file. Imports nothing, because the schemas take longer to load than everything else here. */
const stop = (failure: Failure): Error => Object.assign(new Error(failure.code), { failure });
const tell = (message: FromChild): void => { process.send!(message); };

/** Where PCM comes from. `end` judges, once all of it came; `stop` lets go of it at any time. */
interface Source { pcm: AsyncIterable<Buffer>; /** It lies in the PCM file already. */ inPlace: boolean; taken(): number; end(readMs: number): Promise<Failure[]>; stop(): void }

/** Sound of a live session; the daemon says how much of it is there. */
const sound = growing();

function decoded(request: ChildRequest): Source {
  const { live } = request;
  const ffmpeg: ChildProcess = spawn(request.ffmpeg, live ? decodeStreamArguments : decodeArguments(request.recording, request.audioTrack), { stdio: [live ? 'pipe' : 'ignore', 'pipe', 'pipe'], windowsHide: true });
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    ffmpeg.once('error', error => reject(stop({ code: 'noFfmpeg', args: { path: request.ffmpeg }, detail: error.message })));
    ffmpeg.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  exited.catch(() => {});
  const decoding = readDecoding();
  let started = false, taken = 0;
  ffmpeg.stderr!.on('data', (bytes: Buffer) => {
    decoding.push(bytes);
    if (!started && decoding.report.headerDone && decoding.report.audioTracks > request.audioTrack) {
      started = true;
      tell({ type: 'started', durationMs: live ? null : decoding.report.durationMs });
    }
  });
  async function* counted(path: string): AsyncGenerator<Buffer> { for await (const chunk of sound.read(path)) { yield chunk; taken += chunk.length; } }
  // When ffmpeg ends early its pipe breaks: its exit says why.
  if (live) pipeline(Readable.from(counted(live.inputPath)), ffmpeg.stdin!).catch(() => {});
  return {
    pcm: ffmpeg.stdout as AsyncIterable<Buffer>, inPlace: false, taken: () => taken,
    async end(readMs) {
      const exit = await exited;
      decoding.end();
      // A live session may end before it said anything.
      if (live && taken === 0 && readMs === 0) return [];
      const { failure, warning } = verdict({ report: decoding.report, exit, readMs, path: request.recording, audioTrack: request.audioTrack });
      if (failure) throw stop(failure);
      // A stream ends where it is left.
      return warning && !live ? [warning] : [];
    },
    stop: () => { ffmpeg.kill('SIGKILL'); },
  };
}

function asItLies(path: string): Source {
  let taken = 0;
  async function* counted(): AsyncGenerator<Buffer> { for await (const chunk of sound.read(path)) { taken += chunk.length; yield chunk; } }
  return { pcm: counted(), inPlace: true, taken: () => taken, end: async () => [], stop: () => {} };
}

async function ingest(request: ChildRequest): Promise<{ durationMs: number; warnings: Failure[] }> {
  const { live } = request;
  const source = live?.format === 'pcm' ? asItLies(live.inputPath) : decoded(request);
  // While ffmpeg reads its first packets, the library loads.
  const detector = detectorOf(request.sherpaDirectory);
  const cutting = startCutting(live ? SPOKEN : RECORDED);
  const file = source.inPlace ? null : await openInPlace(request.pcmPath);
  try {
    let bytes = 0, odd: Buffer = Buffer.alloc(0), told = 0;
    for await (const chunk of source.pcm) {
      // Written before it is told of: whoever hears of an utterance can read it.
      if (file) await writeAll(file, chunk, bytes, request.pcmPath);
      bytes += chunk.length;
      const whole = odd.length ? Buffer.concat([odd, chunk]) : chunk;
      const even = whole.length - whole.length % 2;
      odd = whole.subarray(even);
      const rows = cutting.push(detector.push(samplesOf(whole.subarray(0, even))));
      if (rows.length) tell({ type: 'utterances', rows });
      const now = performance.now();
      if (now - told >= (live ? LIVE_PROGRESS_EVERY_MS : PROGRESS_EVERY_MS)) { told = now; tell({ type: 'progress', ms: Math.floor(bytes / BYTES_PER_MS), taken: source.taken() }); }
    }
    const durationMs = Math.floor(bytes / BYTES_PER_MS);
    const warnings = await source.end(durationMs);
    const rows = [...cutting.push(detector.end()), ...cutting.end(durationMs)];
    if (rows.length) tell({ type: 'utterances', rows });
    await file?.truncate(bytes);
    await file?.datasync();
    tell({ type: 'progress', ms: durationMs, taken: source.taken() });
    return { durationMs, warnings };
  } finally {
    source.stop();
    await file?.close();
  }
}

/**
 * Opens without emptying: after a crash the same recording is decoded once more to the same bytes, and utterances known before can be read all along.
 */
async function openInPlace(path: string): Promise<FileHandle> {
  try { return await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600); } catch (error) { throw notWritten(error, path); }
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number, path: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at, chunk.length - at, position + at)).bytesWritten;
  } catch (error) { throw notWritten(error, path); }
}

const notWritten = (error: unknown, path: string): Error => {
  const { code, message } = error as NodeJS.ErrnoException;
  return stop({ code: code === 'ENOSPC' || code === 'EDQUOT' ? 'diskFull' : 'internal', args: { path }, detail: message });
};

function detectorOf(sherpaDirectory: string): ReturnType<typeof openDetector> {
  try { return openDetector(sherpaDirectory); } catch (error) {
    throw stop({ code: 'engineMissing', args: { engine: 'sherpa' }, detail: error instanceof Error ? error.message : String(error) });
  }
}

const failureOf = (error: unknown): Failure =>
  (error as { failure?: Failure }).failure ?? { code: 'internal', args: {}, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };

/** A view where the bytes lie aligned, else a copy. */
const samplesOf = (bytes: Buffer): Int16Array =>
  bytes.byteOffset % 2 === 0 ? new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : new Int16Array(new Uint8Array(bytes).buffer);

process.once('disconnect', () => process.exit(0));
process.on('message', (message: ChildRequest | Grown) => { if ('type' in message) sound.grown(message.bytes, message.ended); });
const [request] = await once(process, 'message') as [ChildRequest];
const last: FromChild = await ingest(request).then(
  result => ({ type: 'done', ...result }), (error: unknown) => ({ type: 'failed', failure: failureOf(error) }));
process.send!(last, () => process.disconnect());
