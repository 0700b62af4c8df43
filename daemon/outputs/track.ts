/** The spoken track: every utterance at its own start time, so that it can be laid over the recording. */
import type { FileHandle } from 'node:fs/promises';
import { openFile } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { samplesInput } from '../workers/ffmpeg.ts';
import { mediaPermissions } from '../workers/sandbox/permissions.ts';
import { runFfmpeg } from './ffmpeg.ts';
import { BREATH_MS, inARow, lagOf, place, spread, type Placement } from './placing.ts';
import { inFile, MAX_WAV_SAMPLES, readWav, wavHeader, type WavInfo } from '../audio/wav.ts';

export interface TrackUtterance {
  startMs: number;
  endMs: number;
  wav: string;
  /** Its sentences, where it is known when each was said: their samples are those of the file, one after the other. */
  sentences?: readonly { startMs: number; samples: number }[];
}

export interface TrackRequest {
  /** In order; `wav` is mono 16-bit. */
  utterances: readonly TrackUtterance[];
  /** Of the recording: the track is at least this long. Null: there is none, and the utterances follow each other. */
  durationMs: number | null;
  /** An empty file, open for writing, and where it lies. */
  file: FileHandle;
  path: string;
  /** Whose track it is, named in failures. */
  recording: string;
  audio: 'wav' | 'mp3' | 'm4a';
  ffmpeg: string;
  /** With no more permissions than it needs. */
  sandboxed: boolean;
  signal?: AbortSignal;
}

/** An utterance, or a sentence of one: a range of samples in its file. */
interface Part {
  wav: string;
  info: WavInfo;
  first: number;
  frames: number;
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
 * with its length and how far the latest utterance begins behind the recording, ms.
 *
 * Throws noFfmpeg, ffmpegFailed, diskFull, cancelled,
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
  sandboxed,
  signal,
}: TrackRequest): Promise<{ durationMs: number; lagMs: number }> {
  const infos = await Promise.all(utterances.map(({ wav }) => infoOf(wav)));
  const sampleRate = Math.max(...infos.map(info => info.sampleRate), 0) || 22_050;
  const spoken = utterances.map(({ startMs }, n) => ({
      startMs,
      durationMs: (infos[n]!.frames * 1000) / infos[n]!.sampleRate,
    })),
    placements = durationMs === null ? inARow(spoken, PAUSE_MS) : place(spoken);
  const parts = utterances.flatMap((utterance, n) =>
    partsOf(utterance, infos[n]!, placements[n]!, (placements[n + 1]?.startMs ?? Infinity) - BREATH_MS),
  );
  const last = placements.at(-1);
  const endMs = Math.max(durationMs ?? 0, last ? last.startMs + last.durationMs : 0),
    samples = Math.round((endMs * sampleRate) / 1000);
  if (audio === 'wav' && samples > MAX_WAV_SAMPLES)
    throw new EarshotError('outputNotWritable', { path: recording }, 'longer than a WAV file can be');

  const tool = (place?: string) => ({
    ffmpeg,
    permissions: sandboxed ? mediaPermissions({ files: [], ffmpeg, place }) : null,
    signal,
  });
  const sound = trackSound(parts, sampleRate, samples, tool());
  if (audio === 'wav') {
    await file.writeFile(wavHeader(sampleRate, samples));
    for await (const chunk of sound) await file.writeFile(chunk);
  } else
    await runFfmpeg({
      ...tool(path),
      path: recording,
      inputs: [samplesInput(sampleRate)],
      stdin: sound,
      args: [...['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'], ...ENCODERS[audio]],
      output: { fd: file.fd, path },
    });
  return { durationMs: endMs, lagMs: durationMs === null ? 0 : lagOf(spoken, placements) };
}

/** `freeMs`: until when it may be spoken. */
function partsOf({ wav, endMs, sentences }: TrackUtterance, info: WavInfo, whole: Placement, freeMs: number): Part[] {
  if (!sentences || sentences.reduce((sum, { samples }) => sum + samples, 0) !== info.frames)
    return [{ wav, info, first: 0, frames: info.frames, placement: whole }];
  const spoken = sentences.map(({ startMs, samples }) => ({ startMs, durationMs: (samples * 1000) / info.sampleRate })),
    placements = spread(whole, spoken, Math.min(endMs, freeMs));
  let first = 0;
  return sentences.map(({ samples }, n) => {
    const part = { wav, info, first, frames: samples, placement: placements[n]! };
    first += samples;
    return part;
  });
}

async function infoOf(wav: string): Promise<WavInfo> {
  await using file = await openFile(wav);
  const info = await readWav(await inFile(file)).catch((error: Error) => {
    throw new Error(`${wav}: ${error.message}`, { cause: error });
  });
  if (info.channels !== 1 || info.samples !== 'int16') throw new Error(`${wav}: not mono 16-bit PCM`);
  return info;
}

type Tool = Pick<Parameters<typeof runFfmpeg>[0], 'ffmpeg' | 'permissions' | 'signal'>;
/** Utterances whose speed is changed together. */
const TOGETHER = 16;

/** The track as PCM, exactly `samples` long. */
async function* trackSound(
  parts: readonly Part[],
  sampleRate: number,
  samples: number,
  tool: Tool,
): AsyncGenerator<Buffer> {
  const at = ({ placement: { startMs, durationMs } }: Part): { begin: number; end: number } => ({
    begin: Math.round((startMs * sampleRate) / 1000),
    end: Math.min(samples, Math.round(((startMs + durationMs) * sampleRate) / 1000)),
  });
  const asItIs = ({ placement, info }: Part): boolean => placement.speed === 1 && info.sampleRate === sampleRate;
  const changing = parts.filter(part => !asItIs(part)),
    changed = new Map<Part, Buffer>();
  let written = 0;
  for (const part of parts) {
    if (tool.signal?.aborted) throw new EarshotError('cancelled');
    const { begin, end } = at(part);
    yield* silence(begin - written);
    written = begin;
    if (!asItIs(part) && !changed.has(part)) {
      const first = changing.indexOf(part),
        together = changing.slice(first, first + TOGETHER);
      changed.clear();
      const lengths = together.map(each => Math.max(1, at(each).end - at(each).begin));
      for (const [n, sound] of (await change(together, lengths, sampleRate, tool)).entries())
        changed.set(together[n]!, sound);
    }
    for await (const chunk of changed.has(part) ? [changed.get(part)!] : samplesOf(part)) {
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

async function* samplesOf({ wav, info, first, frames }: Part): AsyncGenerator<Buffer> {
  await using file = await openFile(wav);
  const start = info.dataStart + first * 2;
  for (let at = 0; at < frames * 2;) {
    const chunk = Buffer.alloc(Math.min(1 << 16, frames * 2 - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, start + at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead - (bytesRead % 2));
  }
}

/**
 * At the speed and rate that the track needs, each exactly so many samples long: a changed speed comes out a few longer
 * or shorter than planned. One ffmpeg does all: it takes their samples one after the other, and apart again.
 */
async function change(
  parts: readonly Part[],
  lengths: readonly number[],
  sampleRate: number,
  tool: Tool,
): Promise<Buffer[]> {
  let at = 0;
  const chains = parts.map(({ info, frames, placement }, n) => {
    const from = at;
    at += frames;
    return [
      `[in${n}]atrim=start_sample=${from}:end_sample=${at}`,
      'asetpts=PTS-STARTPTS',
      ...(info.sampleRate === sampleRate ? [] : [`asetrate=${info.sampleRate}`]),
      ...(placement.speed === 1 ? [] : [`atempo=${placement.speed.toFixed(4)}`]),
      ...(info.sampleRate === sampleRate ? [] : [`aresample=${sampleRate}`]),
      `apad=whole_len=${lengths[n]}`,
      `atrim=end_sample=${lengths[n]}[out${n}]`,
    ].join(',');
  });
  const all = (name: string): string => parts.map((_, n) => `[${name}${n}]`).join('');
  const sound = await runFfmpeg({
    ...tool,
    path: parts[0]!.wav,
    inputs: [samplesInput(sampleRate)],
    stdin: inARowOf(parts),
    args: [
      '-filter_complex',
      [
        `[0:a]asplit=${parts.length}${all('in')}`,
        ...chains,
        `${all('out')}concat=n=${parts.length}:v=0:a=1[sound]`,
      ].join(';'),
      ...['-map', '[sound]', '-ar', String(sampleRate), '-ac', '1', '-f', 's16le', 'pipe:1'],
    ],
  });
  let taken = 0;
  return lengths.map(length => sound.subarray(taken * 2, (taken += length) * 2));
}

async function* inARowOf(parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield* samplesOf(part);
}
