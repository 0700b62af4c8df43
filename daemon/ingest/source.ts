/**
 * Where an ingest's sound comes from: a recording or one of its parts through ffmpeg, a live session through ffmpeg's
 * pipe or as it is.
 */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exitOf } from '../../client/exit.ts';
import { failure, type Failure } from '../../schemas/errors.ts';
import { BYTES_PER_MS, SAMPLES_PER_MS } from '../../schemas/pcm.ts';
import { ffmpegProgram, pipedInput, passedFile, recordingInput, streamInput, type Input } from '../workers/ffmpeg.ts';
import { endTree, startProgram } from '../workers/spawn.ts';
import type { ChildRequest } from './channel.ts';
import { startClock, type Clock } from './clock.ts';
import {
  clockFacts,
  decodeArguments,
  decodeStreamArguments,
  readDecoding,
  TIMES_FD,
  type DecodingReport,
} from './decoding.ts';
import { partsOf } from './parts.ts';
import { startScaling } from './scaling.ts';
import { repairOf } from './sizes.ts';
import { stop } from './stop.ts';
import { lengthIsOpen, tailIsCut } from './tail.ts';
import { readPieces, timedSound } from './timed.ts';
import { verdict } from './verdict.ts';

const SAMPLE_BYTES = BYTES_PER_MS / SAMPLES_PER_MS;

/** `end` judges, once all of the PCM came; `stop` lets go of it at any time. */
export interface Source {
  pcm: AsyncIterable<Buffer>;
  taken(): number;
  /** What the container says of its tracks; null: there is no container. */ tracks(): Promise<DecodingReport | null>;
  end(readMs: number): Promise<Failure[]>;
  stop(): void;
}

/** ffmpeg at work: on a live session, or on a recording or a part of it. */
interface Decoder {
  program: ReturnType<typeof startProgram>;
  report: DecodingReport;
  /** What its header says has been read. */ header: Promise<void>;
  /** Exit status, or the signal that ended it. */ exited: Promise<number | NodeJS.Signals>;
}

/** What of a recording is listened to: a track, and of that the sum of its sides or one of them. */
export interface Side {
  track: number;
  oneSide: boolean;
}

function startDecoder(
  request: ChildRequest,
  input: Input,
  { track, args, timed }: { track: number; args: readonly string[]; timed: boolean },
  onStart: () => void,
): Decoder {
  const piped = input.source === 'stdin';
  const program = startProgram(
    ffmpegProgram({
      ffmpeg: request.ffmpeg,
      inputs: [input],
      args,
      permissions: null, // this process's own, which it inherits
      says: 'everything',
      group: 'shared',
    }),
    // Its times come behind the recording, or behind nothing in its place.
    [
      piped ? 'pipe' : 'ignore',
      'pipe',
      'pipe',
      ...(timed ? [...(piped ? (['ignore'] as const) : []), 'pipe' as const] : []),
    ],
  );
  // Without a reader Node throws away what a program said that has ended: all of a very short recording.
  for (const pipe of [program.stdout, timesOf(program)]) pipe?.on('readable', () => {});
  const exited = exitOf(program).then(
    ({ code, signal }) => code ?? signal ?? 0,
    (error: Error) => {
      throw stop(failure('noFfmpeg', { path: request.ffmpeg }, error.message));
    },
  );
  exited.catch(() => {});
  const decoding = readDecoding(),
    { promise: header, resolve: headerRead } = Promise.withResolvers<void>();
  let started = false;
  program.stderr!.once('close', () => {
    decoding.end();
    headerRead();
  });
  program.stderr!.on('data', (bytes: Buffer) => {
    decoding.push(bytes);
    if (!decoding.report.headerDone) return;
    headerRead();
    if (!started && decoding.report.audioTracks > track) onStart();
    started = true;
  });
  return { program, report: decoding.report, header, exited };
}
const timesOf = (program: Decoder['program']): Readable | undefined => program.stdio[TIMES_FD] as Readable | undefined;

/** A live session in any format. `input`: its bytes as they come. */
export function liveSource(
  request: ChildRequest,
  input: AsyncIterable<Buffer>,
  onStart: (durationMs: null) => void,
): Source {
  const decoder = startDecoder(request, streamInput(), { track: 0, args: decodeStreamArguments, timed: false }, () =>
    onStart(null),
  );
  let taken = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of input) {
      yield chunk;
      taken += chunk.length;
    }
  }
  // When ffmpeg ends early its pipe breaks: its exit says why.
  pipeline(Readable.from(counted()), decoder.program.stdin!).catch(() => {});
  return {
    pcm: scaled(decoder.program.stdout as AsyncIterable<Buffer>),
    taken: () => taken,
    tracks: () => decoder.header.then(() => decoder.report),
    async end(readMs) {
      const exit = await decoder.exited;
      // It may end before it said anything, and it ends where it is left.
      if (taken > 0 || readMs > 0) {
        const { failure } = verdict({ ...evidenceOf(request, decoder.report, 0), exit, readMs });
        if (failure) throw stop(failure);
      }
      return [];
    },
    stop: () => endTree(decoder.program, 'shared'),
  };
}

async function* scaled(floats: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const scale = startScaling();
  for await (const chunk of floats) yield scale(chunk);
}

const evidenceOf = (request: ChildRequest, report: DecodingReport, track: number) => ({
  report,
  endsEarly: false,
  lengthOpen: false,
  readable: true,
  clockOverruled: false,
  path: request.recording,
  audioTrack: track,
  ffmpeg: request.ffmpeg,
  sandboxed: request.permissions !== null,
});

/** What a later part of a joined file may lack without a word: it is no sound of this recording. */
const NOTHING_THERE: readonly string[] = ['noAudioTrack', 'noSuchTrack', 'emptyFile'];

/** A recording, part by part where it was joined of several. */
export async function recordingSource(
  request: ChildRequest,
  recording: FileHandle,
  { track, oneSide }: Side,
  onStart: (durationMs: number | null) => void,
): Promise<Source> {
  const { link } = request,
    { size } = await recording.stat(),
    repair = await repairOf(recording),
    wholeFile = repair === 'wholeFile',
    header = repair === null || repair === 'wholeFile' ? null : repair.header,
    parts = header ? [{ start: 0, end: size, goesBack: false }] : partsOf(recording.fd, size),
    clock = startClock(),
    args = decodeArguments(track, oneSide);
  const warnings: Failure[] = [];
  let bytes = 0,
    joinedAt: number | null = null;
  const start = (n: number): Decoder => {
    const opened = recordingInput(
      {
        fd: recording.fd,
        path: request.recording,
        ...(link === null ? {} : { link }),
        ...(parts.length === 1 ? {} : { range: parts[n]! }),
      },
      { wholeFile, allFrames: parts[n]!.goesBack },
    );
    const made = startDecoder(request, header ? pipedInput() : opened, { track, args, timed: true }, () => {
      if (n === 0) onStart(parts.length === 1 ? decoder.report.durationMs : null);
    });
    // When ffmpeg ends early its pipe breaks: its exit says why.
    if (header) pipeline(behind(header, recording), made.program.stdin!).catch(() => {});
    return made;
  };
  let decoder = start(0);
  const { header: headerRead, report: firstReport } = decoder;

  /** Judges a part that has been read to its end. */
  async function judge(n: number, readMs: number): Promise<void> {
    const exit = await decoder.exited,
      { report } = decoder,
      last = n === parts.length - 1;
    const name = link ?? passedFile(0);
    if (name !== null)
      report.lastLines.splice(0, Infinity, ...report.lastLines.map(line => line.replaceAll(name, request.recording)));
    const { failure, warning } = verdict({
      ...evidenceOf(request, report, track),
      exit,
      readMs,
      endsEarly: last && (await tailIsCut(recording, report.format)),
      lengthOpen: repair !== null || (report.corrupt && (await lengthIsOpen(recording))),
      readable: report.format !== null || (await isReadable(recording, size)),
      clockOverruled: clock.overruledAt() !== null,
    });
    if (failure && (n === 0 || failure.code === 'workerCrashed')) throw stop(failure);
    if (failure && !NOTHING_THERE.includes(failure.code))
      warnings.push({ code: 'damagedFile', args: { path: request.recording }, detail: failure.detail ?? failure.code });
    if (warning)
      warnings.push(
        warning.code === 'truncatedFile' && n > 0
          ? { ...warning, args: { path: request.recording, readMs: Math.floor(bytes / BYTES_PER_MS) } }
          : warning,
      );
  }

  async function* all(): AsyncGenerator<Buffer> {
    for (let n = 0; n < parts.length; n++) {
      if (n > 0) decoder = start(n);
      const before = bytes;
      for await (const chunk of placed(decoder, clock)) {
        bytes += chunk.length;
        yield chunk;
      }
      // Chained Ogg is one recording in every player.
      if (n > 0 && bytes > before && decoder.report.format !== 'ogg') joinedAt ??= before;
      await judge(n, Math.floor((bytes - before) / BYTES_PER_MS));
    }
  }
  return {
    pcm: all(),
    taken: () => 0,
    tracks: () => headerRead.then(() => firstReport),
    async end() {
      const at = Math.min(clock.overruledAt() ?? Infinity, joinedAt === null ? Infinity : joinedAt / SAMPLE_BYTES);
      const times =
        at === Infinity
          ? []
          : [failure('unreliableTimes', { path: request.recording, atMs: Math.floor(at / SAMPLES_PER_MS) })];
      return [...new Map([...warnings, ...times].map(each => [each.code, each])).values()];
    },
    stop: () => endTree(decoder.program, 'shared'),
  };
}

/** A file with another beginning of the same length. */
async function* behind(header: Buffer, recording: FileHandle): AsyncGenerator<Buffer> {
  yield header;
  yield* recording.createReadStream({ start: header.length, autoClose: false });
}

/** The sound of one part, where its clock says that it is. */
async function* placed({ program, report, header }: Decoder, clock: Clock): AsyncGenerator<Buffer> {
  const timed = timedSound(),
    times = timesOf(program);
  await header;
  clock.part(clockFacts(report));
  const push = readPieces(piece => timed.place(clock.push(piece)));
  const read = (): void => {
    for (let chunk = times?.read() as Buffer | null; chunk; chunk = times?.read() as Buffer | null) push(chunk);
  };
  times?.on('readable', read);
  read();
  for await (const chunk of scaled(program.stdout as AsyncIterable<Buffer>)) {
    timed.push(chunk);
    yield* timed.take();
  }
  if (times && !times.readableEnded && !times.closed)
    await new Promise<void>(resolve => times.once('end', resolve).once('close', resolve));
  timed.place(clock.end());
  yield* timed.take();
  yield* timed.rest();
}

async function isReadable(file: FileHandle, size: number): Promise<boolean> {
  const byte = Buffer.alloc(1);
  return Promise.all([0, Math.max(0, size - 1)].map(at => file.read(byte, 0, 1, at))).then(
    () => true,
    () => false,
  );
}

/** A live session that is PCM already. */
export function pcmSource(input: AsyncIterable<Buffer>): Source {
  let taken = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of input) {
      taken += chunk.length;
      yield chunk;
    }
  }
  return { pcm: counted(), taken: () => taken, tracks: async () => null, end: async () => [], stop: () => {} };
}
