/**
 * The ingest's own process: starts ffmpeg, writes its PCM to the file, hears the speech in it and tells the daemon what it found, over IPC.
 * Media and native code stay out of the daemon; when the daemon goes, so does this process, and ffmpeg with its pipe.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Failure } from '../../schemas/errors.ts';
import { startCutting, type UtteranceTimes } from './cutting.ts';
import { BYTES_PER_MS, decodeArguments, readDecoding } from './decoding.ts';
import { openDetector } from './detector.ts';
import { verdict } from './verdict.ts';

export interface ChildRequest { recording: string; audioTrack: number; pcmPath: string; ffmpeg: string; sherpaDirectory: string }
export type FromChild =
  | { type: 'started'; durationMs: number | null }
  | { type: 'utterances'; rows: UtteranceTimes[] }
  | { type: 'progress'; ms: number }
  | { type: 'done'; durationMs: number; warnings: Failure[] }
  | { type: 'failed'; failure: Failure };

const PROGRESS_EVERY_MS = 100;

/** Carries a failure to the end of this file. Imports nothing, because the schemas take longer to load than everything else here. */
const stop = (failure: Failure): Error => Object.assign(new Error(failure.code), { failure });
const tell = (message: FromChild): void => { process.send!(message); };

async function ingest(request: ChildRequest): Promise<{ durationMs: number; warnings: Failure[] }> {
  const ffmpeg = spawn(request.ffmpeg, decodeArguments(request.recording, request.audioTrack), { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    ffmpeg.once('error', error => reject(stop({ code: 'noFfmpeg', args: { path: request.ffmpeg }, detail: error.message })));
    ffmpeg.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  exited.catch(() => {});
  const decoding = readDecoding();
  let started = false;
  ffmpeg.stderr.on('data', (bytes: Buffer) => {
    decoding.push(bytes);
    if (!started && decoding.report.headerDone && decoding.report.audioTracks > request.audioTrack) {
      started = true;
      tell({ type: 'started', durationMs: decoding.report.durationMs });
    }
  });
  // While ffmpeg reads its first packets, the library loads.
  const detector = detectorOf(request.sherpaDirectory);
  const cutting = startCutting();
  const file = await openInPlace(request.pcmPath);
  try {
    let bytes = 0, odd: Buffer = Buffer.alloc(0), told = 0;
    for await (const chunk of ffmpeg.stdout as AsyncIterable<Buffer>) {
      // Written before it is told of: whoever hears of an utterance can read it.
      await writeAll(file, chunk, bytes, request.pcmPath);
      bytes += chunk.length;
      const whole = odd.length ? Buffer.concat([odd, chunk]) : chunk;
      const even = whole.length - whole.length % 2;
      odd = whole.subarray(even);
      const rows = cutting.push(detector.push(samplesOf(whole.subarray(0, even))));
      if (rows.length) tell({ type: 'utterances', rows });
      const now = performance.now();
      if (now - told >= PROGRESS_EVERY_MS) { told = now; tell({ type: 'progress', ms: Math.floor(bytes / BYTES_PER_MS) }); }
    }
    const exit = await exited;
    decoding.end();
    const durationMs = Math.floor(bytes / BYTES_PER_MS);
    const { failure, warning } = verdict({ report: decoding.report, exit, readMs: durationMs, path: request.recording, audioTrack: request.audioTrack });
    if (failure) throw stop(failure);
    const rows = [...cutting.push(detector.end()), ...cutting.end(durationMs)];
    if (rows.length) tell({ type: 'utterances', rows });
    await file.truncate(bytes);
    await file.datasync();
    tell({ type: 'progress', ms: durationMs });
    return { durationMs, warnings: warning ? [warning] : [] };
  } finally {
    ffmpeg.kill('SIGKILL');
    await file.close();
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
const [request] = await once(process, 'message') as [ChildRequest];
const last: FromChild = await ingest(request).then(
  result => ({ type: 'done', ...result }), (error: unknown) => ({ type: 'failed', failure: failureOf(error) }));
process.send!(last, () => process.disconnect());
