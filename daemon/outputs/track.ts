/** The spoken track: every utterance at its own start time, so that it can be laid over the recording. */
import { open, type FileHandle } from 'node:fs/promises';
import { EarshotError } from '../../schemas/errors.ts';
import { runFfmpeg } from './ffmpeg.ts';
import { inARow, place, type Placement, type Spoken } from './placing.ts';
import { inFile, MAX_WAV_SAMPLES, readWav, wavHeader, type WavInfo } from '../audio/wav.ts';

export interface TrackRequest {
  /** In order; `wav` is mono 16-bit. */
  utterances: readonly { startMs: number; endMs: number; wav: string }[];
  /** Of the recording: the track is at least this long. Null: there is none, and the utterances follow each other. */
  durationMs: number | null;
  /** An empty file, open for writing, and where it lies. */
  file: FileHandle;
  path: string;
  /** Whose track it is, named in failures. */
  recording: string;
  audio: 'wav' | 'mp3' | 'm4a';
  ffmpeg: string;
  signal?: AbortSignal;
}

interface Part {
  wav: string;
  info: WavInfo;
  placement: Placement;
}

/** Between the pieces of a text. */
const PAUSE_MS = 250;
const SILENCE = Buffer.alloc(1 << 16);
const ENCODERS = {
  mp3: ['-c:a', 'libmp3lame', '-q:a', '4', '-f', 'mp3'],
  m4a: ['-c:a', 'aac', '-b:a', '96k', '-f', 'ipod'],
} as const;

/**
 * Writes the track into the file; memory does not grow with its length. Equal utterances give an equal file. Resolves
 * with its length and the most that an utterance begins late, ms. Throws noFfmpeg, ffmpegFailed, diskFull, cancelled,
 * outputNotWritable (longer than WAV can be), or a file system error.
 */
export async function buildTrack({
  utterances,
  durationMs,
  file,
  path,
  recording,
  audio,
  ffmpeg,
  signal,
}: TrackRequest): Promise<{ durationMs: number; latestMs: number }> {
  const infos = await Promise.all(utterances.map(({ wav }) => infoOf(wav)));
  const sampleRate = Math.max(...infos.map(info => info.sampleRate), 0) || 22_050;
  const placements = (durationMs === null ? (spoken: Spoken[]) => inARow(spoken, PAUSE_MS) : place)(
    utterances.map(({ startMs }, n) => ({ startMs, durationMs: (infos[n]!.frames * 1000) / infos[n]!.sampleRate })),
  );
  const parts = utterances.map(({ wav }, n): Part => ({ wav, info: infos[n]!, placement: placements[n]! }));
  const last = placements.at(-1);
  const endMs = Math.max(durationMs ?? 0, last ? last.startMs + last.durationMs : 0),
    samples = Math.round((endMs * sampleRate) / 1000);
  if (audio === 'wav' && samples > MAX_WAV_SAMPLES)
    throw new EarshotError('outputNotWritable', { path: recording }, 'longer than a WAV file can be');

  const sound = trackSound(parts, sampleRate, samples, ffmpeg, signal);
  if (audio === 'wav') {
    await file.writeFile(wavHeader(sampleRate, samples));
    for await (const chunk of sound) await file.writeFile(chunk);
  } else
    await runFfmpeg({
      ffmpeg,
      path: recording,
      input: sound,
      args: [
        '-y',
        '-f',
        's16le',
        '-ar',
        String(sampleRate),
        '-ac',
        '1',
        '-i',
        'pipe:0',
        '-map_metadata',
        '-1',
        '-fflags',
        '+bitexact',
        '-flags:a',
        '+bitexact',
        ...ENCODERS[audio],
        `file:${path}`,
      ],
      signal,
    });
  return {
    durationMs: endMs,
    latestMs: Math.max(0, ...placements.map((placement, n) => placement.startMs - utterances[n]!.startMs)),
  };
}

async function infoOf(wav: string): Promise<WavInfo> {
  const file = await open(wav, 'r');
  try {
    const info = await readWav(await inFile(file)).catch((error: Error) => {
      throw new Error(`${wav}: ${error.message}`, { cause: error });
    });
    if (info.channels !== 1 || info.samples !== 'int16') throw new Error(`${wav}: not mono 16-bit PCM`);
    return info;
  } finally {
    await file.close();
  }
}

/** The track as PCM, exactly `samples` long. */
async function* trackSound(
  parts: readonly Part[],
  sampleRate: number,
  samples: number,
  ffmpeg: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let written = 0;
  for (const { wav, info, placement } of parts) {
    if (signal?.aborted) throw new EarshotError('cancelled');
    const begin = Math.round((placement.startMs * sampleRate) / 1000);
    // A changed speed comes out a few samples longer or shorter than planned.
    const end = Math.min(samples, Math.round(((placement.startMs + placement.durationMs) * sampleRate) / 1000));
    yield* silence(begin - written);
    written = begin;
    const sound =
      placement.speed === 1 && info.sampleRate === sampleRate
        ? samplesOf(wav, info)
        : changed(wav, placement.speed, sampleRate, ffmpeg, signal);
    for await (const chunk of sound) {
      const fitting = chunk.subarray(0, (end - written) * 2);
      written += fitting.length / 2;
      yield fitting;
    }
  }
  yield* silence(samples - written);
}

function* silence(samples: number): Generator<Buffer> {
  for (let left = samples * 2; left > 0; left -= SILENCE.length)
    yield left >= SILENCE.length ? SILENCE : SILENCE.subarray(0, left);
}

async function* samplesOf(wav: string, { dataStart, frames: samples }: WavInfo): AsyncGenerator<Buffer> {
  const file = await open(wav, 'r');
  try {
    for (let at = 0; at < samples * 2;) {
      const chunk = Buffer.alloc(Math.min(1 << 16, samples * 2 - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, dataStart + at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield chunk.subarray(0, bytesRead - (bytesRead % 2));
    }
  } finally {
    await file.close();
  }
}

async function* changed(
  wav: string,
  speed: number,
  sampleRate: number,
  ffmpeg: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  yield await runFfmpeg({
    ffmpeg,
    path: wav,
    signal,
    args: [
      '-i',
      `file:${wav}`,
      ...(speed === 1 ? [] : ['-af', `atempo=${speed.toFixed(4)}`]),
      '-ar',
      String(sampleRate),
      '-ac',
      '1',
      '-f',
      's16le',
      'pipe:1',
    ],
  });
}
