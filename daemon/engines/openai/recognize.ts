/** Recognition by audio/transcriptions. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { EarshotError } from '../../../schemas/errors.ts';
import type { AsrOutput } from '../../../schemas/job.ts';
import type { StepInputs } from '../../contracts/worker-protocol.ts';
import { utteranceWav } from '../sound.ts';
import { timeWords, type TimedWord } from '../words.ts';
import { Refused, request, type Server } from './http.ts';

const TimedText = Type.Object({
  word: Type.String(),
  start: Type.Number(),
  end: Type.Number(),
  probability: Type.Optional(Type.Number()),
});
const Answer = Type.Object({
  text: Type.String(),
  language: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  language_probability: Type.Optional(Type.Number()),
  words: Type.Optional(Type.Union([Type.Array(TimedText), Type.Null()])),
  segments: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Array(
        Type.Object({
          start: Type.Number(),
          end: Type.Number(),
          text: Type.String(),
          avg_logprob: Type.Optional(Type.Number()),
          words: Type.Optional(Type.Union([Type.Array(TimedText), Type.Null()])),
        }),
      ),
    ]),
  ),
});

/** Less sound than this says little about its language, and a server's guess less than this. */
const BRIEF_MS = 3000,
  SURE = 0.8;

/**
 * What an utterance says. Where nobody said in which language, the server listens for itself; what it is not sure of,
 * it is asked for once more, in the language of the recording.
 */
export async function recognize(
  server: Server,
  model: string,
  input: StepInputs['asr'],
  signal: AbortSignal,
): Promise<AsrOutput> {
  const heard = await ask(server, model, input, signal),
    expected = input.language === null ? input.expected : undefined,
    ms = (input.audio.endSample - input.audio.startSample) / 16;
  const isUnclear = ms < BRIEF_MS || heard.languageProbability < SURE;
  return expected !== undefined && heard.language !== expected.split('-')[0] && isUnclear
    ? ask(server, model, { ...input, language: expected }, signal)
    : heard;
}

/**
 * Asks for words with times; a server that only knows plain answers is asked plainly (and times are spread over the
 * utterance).
 */
async function ask(server: Server, model: string, input: StepInputs['asr'], signal: AbortSignal): Promise<AsrOutput> {
  const wav = await utteranceWav(input.audio);
  const form = (verbose: boolean): FormData => {
    const fields = new FormData();
    fields.set('file', new Blob([wav], { type: 'audio/wav' }), 'utterance.wav');
    fields.set('model', model);
    fields.set('temperature', '0');
    if (input.language) fields.set('language', input.language.split('-')[0]!);
    const context = [input.hotwords.join(', '), input.prompt].filter(text => text.trim() !== '').join('. ');
    if (context) fields.set('prompt', context);
    fields.set('response_format', verbose ? 'verbose_json' : 'json');
    if (verbose) for (const each of ['word', 'segment']) fields.append('timestamp_granularities[]', each);
    return fields;
  };
  let bytes: Buffer;
  try {
    bytes = await request(server, 'POST', 'audio/transcriptions', form(true), signal);
  } catch (error) {
    if (!(error instanceof Refused) || (error.status !== 400 && error.status !== 422)) throw error;
    bytes = await request(server, 'POST', 'audio/transcriptions', form(false), signal);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(bytes.toString('utf8'));
  } catch {
    answer = null;
  }
  if (!Value.Check(Answer, answer)) throw new EarshotError('badAnswer', {}, bytes.subarray(0, 500).toString('utf8'));

  const startMs = Math.round(input.audio.startSample / 16),
    endMs = Math.round(input.audio.endSample / 16);
  const segments = answer.segments ?? [];
  const timed = answer.words ?? segments.flatMap(segment => segment.words ?? []);
  const sure = (seconds: number): number => {
    const logprob = segments.find(segment => segment.start <= seconds && seconds <= segment.end)?.avg_logprob;
    return logprob === undefined ? 1 : Math.exp(Math.min(0, logprob));
  };
  const words: TimedWord[] = timed.map(({ word, start, end, probability }) => ({
    text: word,
    startMs: startMs + start * 1000,
    endMs: startMs + end * 1000,
    probability: probability ?? sure((start + end) / 2),
  }));
  const text = answer.text.replace(/\s+/gu, ' ').trim(),
    heard = languageCode(answer.language ?? null);
  return {
    text,
    words: timeWords(text, words, startMs, endMs),
    language: input.language ?? heard ?? 'und',
    languageProbability: input.language ? 1 : heard ? Math.min(1, Math.max(0, answer.language_probability ?? 0.9)) : 0,
  };
}

/** "en" for "en", "EN" and "english"; null for what is no language. */
export function languageCode(name: string | null): string | null {
  if (!name) return null;
  const lower = name.trim().toLowerCase();
  if (/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/.test(lower)) return lower.split('-')[0]!;
  return byName().get(lower) ?? null;
}
let names: Map<string, string> | null = null;
function byName(): Map<string, string> {
  if (names) return names;
  names = new Map();
  const english = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  for (const a of letters)
    for (const b of letters) {
      const name = english.of(a + b)?.toLowerCase();
      if (name && !names.has(name)) names.set(name, a + b);
    }
  return names
    .set('castilian', 'es')
    .set('mandarin', 'zh')
    .set('cantonese', 'yue')
    .set('hawaiian', 'haw')
    .set('myanmar', 'my')
    .set('flemish', 'nl');
}
