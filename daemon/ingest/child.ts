/**
 * The ingest's own process: starts ffmpeg, writes its PCM to the file, finds the speech in it and reports to the daemon
 * what it found. Of a live session it reads the sound as it comes: PCM as it lies there, anything else through ffmpeg's
 * pipe. Media and native code stay out of the daemon; when the daemon goes, so does this process, and ffmpeg with its
 * pipe.
 */
import type { FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { failure, isDiskFull, type Failure } from '../../schemas/errors.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { enterSandboxLate, limitMemory, sandboxSupport } from '../workers/sandbox/linux.ts';
import { openOwn, syncFolder } from '../../client/files.ts';
import { freeBytes } from '../system/disk.ts';
import { LineSplitter } from '../system/lines.ts';
import { CHANNEL, LIMITS, type ChildRequest, type FromChild, type Grown, type Prepare } from './channel.ts';
import { doubting, RECORDED, SPOKEN, startCutting, type UtteranceTimes } from './cutting.ts';
import { explained } from './content.ts';
import type { DecodingReport } from './decoding.ts';
import { openDetector, SENSITIVE, USUAL, type Look } from './detector.ts';
import { protectionOf } from './encryption.ts';
import { growing } from './growing.ts';
import { openRecording } from './recording.ts';
import { liveSource, pcmSource, recordingSource, type Side } from './source.ts';
import { stop } from './stop.ts';

const PROGRESS_EVERY_MS = 100;
/** So much sound, which is decoded in a hundredth of its time, is looked at together for ends of utterances. */
const CHUNK_BYTES = 1024 * BYTES_PER_MS;
const ZEROS = Buffer.alloc(1 << 16);
/** Of a recording with more tracks, the others are not searched for speech. */
const MOST_TRACKS = 16;

const daemon = new Socket({ fd: CHANNEL });
const send = (message: FromChild, then?: () => void): void => {
  daemon.write(`${JSON.stringify(message)}\n`, then);
};

/** Sound of a live session; the daemon says how much of it is there. */
const sound = growing();

interface Ingested {
  side: Side;
  durationMs: number;
  warnings: Failure[];
  utterances: number;
  /** There is more in it than zeros. */
  audible: boolean;
  report: DecodingReport | null;
}

interface Files {
  /** Where the PCM goes; null: it lies there already. */
  pcm: FileHandle | null;
  /** Null: it is live. */
  recording: FileHandle | null;
}

/** `defaultTrack`: of a container that marks another track than this one, that is taken instead. */
async function ingest(
  request: ChildRequest,
  files: Files,
  side: Side,
  { look = USUAL, defaultTrack = false }: { look?: Look; defaultTrack?: boolean } = {},
): Promise<Ingested> {
  const { live } = request,
    { pcm: file, recording } = files;
  const started = (durationMs: number | null): void => send({ type: 'started', durationMs });
  const source = recording
    ? await recordingSource(request, recording, side, started)
    : live!.format === 'pcm'
      ? pcmSource(sound.read(live!.inputPath))
      : liveSource(request, sound.read(live!.inputPath), started);
  // While ffmpeg reads its first packets, the library loads.
  const detector = detectorOf(request.sherpaDirectory, look);
  const report = await source.tracks();
  if (defaultTrack && report && report.defaultTrack !== side.track) {
    source.stop();
    spare = { sherpaDirectory: request.sherpaDirectory, detector };
    return ingest(request, files, { ...side, track: report.defaultTrack });
  }
  const pace = live ? SPOKEN : RECORDED,
    cutting = startCutting(look === USUAL ? pace : doubting(pace));
  const before = (await file?.stat())?.size ?? 0;
  let utterances = 0,
    bytes = 0,
    written = before,
    audible = false;
  let sentAt = 0,
    later: NodeJS.Timeout | null = null,
    cut = { bytes: 0, taken: 0 };
  const quiet = (): void => {
    if (later) clearTimeout(later);
    later = null;
  };
  const sendProgress = (): void => {
    quiet();
    sentAt = performance.now();
    send({
      type: 'progress',
      ms: Math.floor(cut.bytes / BYTES_PER_MS),
      taken: cut.taken,
      ...(live ? { speaking: cutting.speaking() } : {}),
    });
  };
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
      looked = -LOOK_EVERY_BYTES;
    for await (const chunk of source.pcm) {
      // Written before it is reported: whoever gets an utterance can read its sound. Silence is a hole and takes no
      // room.
      const zero = isZero(chunk);
      audible ||= !zero;
      if (file && (bytes < before || !zero)) {
        await writeAll(file, chunk, bytes, request.pcmPath);
        written = bytes + chunk.length;
      }
      bytes += chunk.length;
      if (bytes > (request.limits ?? LIMITS).hours * HOUR_BYTES) throw tooMuch(request);
      if (file && written >= looked + LOOK_EVERY_BYTES) {
        looked = written;
        await keepRoom(request);
      }
      const whole = odd.length ? Buffer.concat([odd, chunk]) : chunk;
      const even = whole.length - (whole.length % 2);
      odd = whole.subarray(even);
      // In pieces: an utterance is reported as soon as its end is found.
      for (let at = 0; at < even; at += CHUNK_BYTES)
        await found(cutting.push(detector.push(samplesOf(whole.subarray(at, Math.min(even, at + CHUNK_BYTES))))));
      cut = { bytes, taken: source.taken() };
      const due = sentAt + PROGRESS_EVERY_MS - performance.now();
      if (due <= 0) sendProgress();
      // Of sound that comes with time, the last piece is not left unsaid until the next one.
      else if (live) later ??= setTimeout(sendProgress, due);
    }
    quiet();
    const durationMs = Math.floor(bytes / BYTES_PER_MS);
    const warnings = await source.end(durationMs);
    await found([...cutting.push(detector.end()), ...cutting.end(durationMs)]);
    await file?.truncate(bytes);
    await file?.datasync();
    await syncFolder(dirname(request.pcmPath));
    send({ type: 'progress', ms: durationMs, taken: source.taken() });
    return { side, durationMs, warnings, utterances, audible, report };
  } finally {
    quiet();
    source.stop();
  }
}

/**
 * Opens without emptying: after a crash the same recording is decoded once more to the same bytes, and utterances known
 * before can be read all along.
 */
async function openInPlace(path: string): Promise<FileHandle> {
  try {
    return await openOwn(path, 0o600);
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

const HOUR_BYTES = 3_600_000 * BYTES_PER_MS,
  LOOK_EVERY_BYTES = 16 * 1024 ** 2;
const tooMuch = ({ recording, limits = LIMITS }: ChildRequest): Error =>
  stop(failure('tooMuchSound', { path: recording, hours: limits.hours }));

/** Before the disk is full for everybody. */
async function keepRoom({ pcmPath, limits = LIMITS }: ChildRequest): Promise<void> {
  const path = dirname(pcmPath),
    free = await freeBytes(path);
  if (free < limits.freeBytes)
    throw stop(failure('diskFull', { path, neededBytes: limits.freeBytes, freeBytes: free }));
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

let spare: { sherpaDirectory: string; detector: ReturnType<typeof openDetector> } | null = null;

function detectorOf(sherpaDirectory: string, look: Look): ReturnType<typeof openDetector> {
  const ready = spare;
  spare = null; // it remembers what it heard: once only
  if (ready?.sherpaDirectory === sherpaDirectory && look === USUAL) return ready.detector;
  try {
    return openDetector(sherpaDirectory, look);
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
      spare = { sherpaDirectory: message.sherpaDirectory, detector: openDetector(message.sherpaDirectory) };
    } catch {
      /* then */
    }
}, Infinity);
daemon.on('data', (chunk: Buffer) => {
  lines.push(chunk);
});
const request = await asked.promise;

/** Opened before the sandbox is entered, where nothing can be made or written any more, and nothing else be read. */
async function enter({ live, expected, permissions, pcmPath, recording }: ChildRequest): Promise<Files> {
  const files: Files = {
    pcm: live?.format === 'pcm' ? null : await openInPlace(pcmPath),
    recording: expected && (await openRecording(recording, expected)),
  };
  if (permissions) {
    limitMemory();
    const own = files.recording ? [`/proc/self/fd/${files.recording.fd}`] : [];
    await enterSandboxLate({ ...permissions, read: [...permissions.read, ...own] });
  }
  return files;
}

/**
 * Nobody speaks: that is only said when each other way of hearing the recording agrees. Two sides may cancel each other
 * out in their sum (a plug wired wrong), somebody may speak on another track, or so quietly, or in such noise, that it
 * takes a more sensitive detector. What that one hears, the recognizer judges.
 */
async function hear(files: Files): Promise<Ingested> {
  const { recording: path, audioTrack, live } = request,
    by = files.recording && (await protectionOf(files.recording, audioTrack));
  if (by) throw stop(failure('encryptedFile', { path, by }));
  const usual: Side = { track: audioTrack ?? 0, oneSide: false },
    first = await ingest(request, files, usual, { defaultTrack: audioTrack === null });
  if (first.utterances > 0) return first;
  const silent: Ingested[] = [first];
  if (!live && first.report) {
    const { audioTracks, stereo } = first.report,
      { track } = first.side;
    const others = audioTrack === null ? [...Array(Math.min(MOST_TRACKS, audioTracks)).keys()] : [];
    for (const other of [track, ...others.filter(each => each !== track)])
      for (const oneSide of stereo[other] ? [false, true] : [false]) {
        if (other === track && !oneSide) continue;
        const heard = await ingest(request, files, { track: other, oneSide }).catch(unlessOfTheTrack);
        if (!heard) continue;
        if (heard.utterances > 0) return heard;
        silent.push(heard);
      }
  }
  // The last one first: its sound lies in the file.
  for (const { side } of silent.filter(each => each.audible).reverse()) {
    const heard = await ingest(request, files, side, { look: SENSITIVE });
    if (heard.utterances > 0) return heard;
  }
  return first;
}

/** Another track that cannot be decoded is none to look for speech on. @throws everything else */
function unlessOfTheTrack(error: unknown): null {
  const { code } = failureOf(error);
  if (code === 'ffmpegFailed' || code === 'emptyFile' || code === 'notMedia' || code === 'truncatedFile') return null;
  throw error;
}

async function listen(): Promise<Ingested> {
  const files = await enter(request);
  try {
    return await hear(files);
  } catch (error) {
    throw stop(await explained(failureOf(error), files.recording));
  }
}

/** Which track of several was taken, where nobody chose one, and where another might hold more than the chosen one. */
function ofTracks({ side, utterances, report }: Ingested): Failure[] {
  if (!report || report.audioTracks < 2 || (request.audioTrack !== null && utterances > 0)) return [];
  const named = report.languages.map((language, track) => (language ? `${track} (${language})` : String(track)));
  return [
    failure('otherTracks', {
      path: request.recording,
      track: side.track,
      tracks: report.audioTracks,
      list: named.join(', ').slice(0, 500),
      speech: utterances > 0 ? 1 : 0,
    }),
  ];
}

const last: FromChild = await listen().then(
  heard => ({ type: 'done', durationMs: heard.durationMs, warnings: [...heard.warnings, ...ofTracks(heard)] }),
  (error: unknown) => ({ type: 'failed', failure: failureOf(error) }),
);
send(last, () => process.exit(0));
