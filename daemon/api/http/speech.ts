/** POST /v1/audio/speech: a text becomes a job whose source is text, and its track the answer. */
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { exitOf } from '../../../client/exit.ts';
import { writeAnew } from '../../../client/files.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import { ffmpegProgram, ownInput } from '../../workers/ffmpeg.ts';
import { mediaPermissions } from '../../workers/sandbox/permissions.ts';
import { endTree, startProgram } from '../../workers/spawn.ts';
import { speakText } from '../../pipeline/awaited-job.ts';
import { HttpProblem, languageCode } from './problem.ts';
import type { RequestContext } from './request-context.ts';
import { receiveJson } from './upload.ts';

const MAX_BODY_BYTES = 1024 * 1024,
  MAX_CHARACTERS = 100_000,
  /** A track of this size holds no sound. */
  WAV_HEADER_BYTES = 44;

/** What ffmpeg makes of the track, and how it is called. OpenAI's raw samples are at 24 kHz. */
const ENCODINGS: Record<string, { type: string; args: readonly string[] }> = {
  mp3: { type: 'audio/mpeg', args: ['-c:a', 'libmp3lame', '-q:a', '4', '-f', 'mp3'] },
  opus: { type: 'audio/ogg', args: ['-c:a', 'libopus', '-b:a', '48k', '-f', 'ogg'] },
  aac: { type: 'audio/aac', args: ['-c:a', 'aac', '-b:a', '96k', '-f', 'adts'] },
  flac: { type: 'audio/flac', args: ['-c:a', 'flac', '-f', 'flac'] },
  wav: { type: 'audio/wav', args: ['-c:a', 'pcm_s16le', '-f', 'wav'] },
  pcm: { type: 'audio/pcm', args: ['-ar', '24000', '-c:a', 'pcm_s16le', '-f', 's16le'] },
};

export interface SpeechWanted {
  input: string;
  voice: string | undefined;
  model: string | undefined;
  language: string | undefined;
  format: string;
  speed: number;
}

/** What the body asks for; a field that is null is as if it were not there. @throws HttpProblem */
export function speechWanted(body: Record<string, unknown>): SpeechWanted {
  const text = (name: string): string | undefined => {
    const value = body[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw new HttpProblem(400, 'bad_type', `${name} must be a string.`, name);
    return value;
  };
  const input = text('input'),
    format = text('response_format') ?? 'mp3',
    speed = typeof body.speed === 'string' && body.speed.trim() ? Number(body.speed) : (body.speed ?? 1),
    { voice } = body,
    streamFormat = text('stream_format') ?? 'audio';
  if (!input?.trim()) throw new HttpProblem(400, 'no_input', 'input must be the text to speak.', 'input');
  if (input.length > MAX_CHARACTERS)
    throw new HttpProblem(400, 'input_too_long', `input may have ${MAX_CHARACTERS} characters.`, 'input');
  if (!Object.hasOwn(ENCODINGS, format))
    throw new HttpProblem(
      400,
      'bad_response_format',
      `response_format must be one of ${Object.keys(ENCODINGS).join(', ')}.`,
      'response_format',
    );
  if (typeof speed !== 'number' || !(speed >= 0.25 && speed <= 4))
    throw new HttpProblem(400, 'bad_speed', 'speed must be from 0.25 to 4.', 'speed');
  text('instructions'); // no voice of ours takes any
  if (streamFormat !== 'audio')
    throw new HttpProblem(400, 'bad_stream_format', 'stream_format must be audio.', 'stream_format');
  return {
    input,
    format,
    speed,
    language: languageCode(text('language')),
    model: text('model'),
    voice:
      typeof voice === 'object' && voice !== null && 'id' in voice && typeof voice.id === 'string'
        ? voice.id
        : text('voice'),
  };
}

const SCRIPTS: readonly [RegExp, string][] = [
  [/\p{scx=Hira}|\p{scx=Kana}/u, 'ja'],
  [/\p{sc=Han}/u, 'zh'],
  [/\p{sc=Hang}/u, 'ko'],
  [/\p{sc=Cyrl}/u, 'ru'],
  [/\p{sc=Arab}/u, 'ar'],
  [/\p{sc=Grek}/u, 'el'],
  [/\p{sc=Deva}/u, 'hi'],
  [/\p{sc=Thai}/u, 'th'],
];
/** By its script; English otherwise, since Latin letters tell no more. */
export const guessLanguage = (text: string): string => SCRIPTS.find(([script]) => script.test(text))?.[1] ?? 'en';

export async function speak(
  context: RequestContext,
  request: IncomingMessage,
  response: ServerResponse,
  place: string,
  signal: AbortSignal,
): Promise<void> {
  const wanted = speechWanted(await receiveJson(request, MAX_BODY_BYTES));
  // A voice may be named as the voice or as the model; the names of OpenAI's own stand for the language's default.
  const named = context.voiceNamed(wanted.voice),
    voice = named?.model ?? context.modelFor('tts', wanted.model),
    spoken = wanted.language ?? guessLanguage(wanted.input);
  const language =
    wanted.language ?? (voice && !context.speaks(voice, spoken) ? (context.languageOf(voice) ?? spoken) : spoken);
  await mkdir(place, { recursive: true, mode: 0o700 });
  const recording = join(place, 'speech.txt');
  await writeAnew(recording, wanted.input, 0o600);
  // It starts while the text is spoken.
  const encoder = wanted.format === 'wav' && wanted.speed === 1 ? null : startEncoder(context, wanted);
  try {
    const { track } = await speakText(context, { recording, language, model: voice, voice: named?.voice, signal });
    if ((await stat(track)).size <= WAV_HEADER_BYTES)
      throw new HttpProblem(400, 'nothing_to_speak', 'input has nothing in it that can be spoken.', 'input');
    response.writeHead(200, { 'content-type': ENCODINGS[wanted.format]!.type });
    if (encoder) await encoder.encode(track, response, signal);
    else await pipeline(createReadStream(track), response);
  } finally {
    encoder?.stop();
  }
}

interface Encoder {
  /** Straight into the answer; half an answer is broken off, so that nobody takes it for whole. */
  encode(track: string, response: ServerResponse, signal: AbortSignal): Promise<void>;
  stop(): void;
}

function startEncoder(context: RequestContext, { format, speed }: SpeechWanted): Encoder {
  const ffmpeg = context.ffmpeg();
  const child = startProgram(
    ffmpegProgram({
      ffmpeg,
      inputs: [ownInput('stdin', 'wav')],
      args: [
        ...['-map_metadata', '-1', ...(speed === 1 ? [] : ['-af', tempo(speed)])],
        ...ENCODINGS[format]!.args,
        'pipe:1',
      ],
      permissions: context.sandboxed() ? mediaPermissions({ files: [], ffmpeg }) : null,
    }),
    ['pipe', 'pipe', 'pipe'],
  );
  const exited = exitOf(child);
  exited.catch(() => {});
  let words = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  return {
    async encode(track, response, signal) {
      // When it ends early its pipe breaks: its exit says why.
      pipeline(createReadStream(track), child.stdin!).catch(() => {});
      const [, { code }] = await Promise.all([pipeline(child.stdout!, response, { end: false, signal }), exited]);
      if (code !== 0) throw new EarshotError('ffmpegFailed', { path: track, exit: code ?? 'killed' }, words);
      response.end();
    },
    stop: () => endTree(child),
  };
}

/** One filter does half to double at most. */
export function tempo(speed: number): string {
  const steps: number[] = [];
  let left = speed;
  for (; left > 2; left /= 2) steps.push(2);
  for (; left < 0.5; left *= 2) steps.push(0.5);
  return [...steps, left].map(step => `atempo=${step}`).join(',');
}
