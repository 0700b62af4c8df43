/** Recognition by audio/transcriptions. */
import { Type } from 'typebox';
import type { AsrOutput } from '../../../schemas/job.ts';
import type { StepInputs } from '../../contracts/worker-protocol.ts';
import { utteranceWav } from '../sound.ts';
import { timeWords, type TimedWord } from '../words.ts';
import { isAskedWrong, readAnswer, request, type Refused, type Server } from './http.ts';

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
  detected_language_probability: Type.Optional(Type.Number()),
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

/** How servers differ. */
interface Way {
  /** It knows times of words and segments. */ verbose: boolean;
  /** "en" or "en-US". */ language: 'bare' | 'regional';
  /** False: the language chooses it. */ model: boolean;
}
/**
 * What a server is asked for, the most telling first; one that refuses it is asked in the next way, and in the one that
 * it took from then on. The last ones are NVIDIA's (NIM, Riva), whose models are chosen by a language with its region.
 */
const WAYS: readonly Way[] = [
  { verbose: true, language: 'bare', model: true },
  { verbose: false, language: 'bare', model: true },
  { verbose: false, language: 'regional', model: true },
  { verbose: false, language: 'regional', model: false },
];

/** Less sound than this says little about its language, and a server's guess less than this. */
const BRIEF_MS = 3000,
  SURE = 0.8;

/** Hears utterances through a server, and knows how it wants to be asked. */
export class ServerRecognizer {
  private readonly server: Server;
  private readonly model: string;
  private way = 0;

  constructor(server: Server, model: string) {
    this.server = server;
    this.model = model;
  }

  /**
   * What an utterance says. Where nobody said in which language, the server listens for itself; what it is not sure of,
   * it is asked for once more, in the language of the recording.
   */
  async recognize(input: StepInputs['asr'], signal: AbortSignal): Promise<AsrOutput> {
    const heard = await this.hear(input, signal),
      expected = input.language === null ? input.expected : undefined,
      ms = (input.audio.endSample - input.audio.startSample) / 16;
    const isUnclear = ms < BRIEF_MS || heard.languageProbability < SURE;
    return expected !== undefined && heard.language !== expected.split('-')[0] && isUnclear
      ? this.hear({ ...input, language: expected }, signal)
      : heard;
  }

  private async hear(input: StepInputs['asr'], signal: AbortSignal): Promise<AsrOutput> {
    const wav = await utteranceWav(input.audio);
    let first: Refused | null = null;
    for (let way = this.way; way < WAYS.length; way++)
      try {
        const form = formOf(WAYS[way]!, wav, this.model, input),
          bytes = await request(this.server, 'POST', 'audio/transcriptions', form, signal);
        this.way = way;
        return outputOf(bytes, input);
      } catch (error) {
        if (!isAskedWrong(error)) throw error;
        first ??= error;
        // Without a language there is no region to name.
        if (!input.language && WAYS[way + 1]?.language === 'regional') break;
      }
    throw first!;
  }
}

function formOf(way: Way, wav: Buffer<ArrayBuffer>, model: string, input: StepInputs['asr']): FormData {
  const fields = new FormData();
  fields.set('file', new Blob([wav], { type: 'audio/wav' }), 'utterance.wav');
  if (way.model) fields.set('model', model);
  fields.set('temperature', '0');
  if (input.language)
    fields.set('language', way.language === 'bare' ? bareOf(input.language) : regional(input.language));
  const context = [input.hotwords.join(', '), input.prompt].filter(text => text.trim() !== '').join('. ');
  if (context) fields.set('prompt', context);
  fields.set('response_format', way.verbose ? 'verbose_json' : 'json');
  if (way.verbose) for (const each of ['word', 'segment']) fields.append('timestamp_granularities[]', each);
  return fields;
}

const bareOf = (language: string): string => language.split('-')[0]!;

/** "en-US" for "en", "pt-BR" for "pt-BR". */
function regional(language: string): string {
  const { language: bare, region } = new Intl.Locale(language).maximize();
  return region ? `${bare}-${region}` : language;
}

/** Times that a server does not know are spread over the utterance. @throws badAnswer */
function outputOf(bytes: Buffer, input: StepInputs['asr']): AsrOutput {
  const answer = readAnswer(bytes, Answer),
    startMs = Math.round(input.audio.startSample / 16),
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
  const probability = answer.language_probability ?? answer.detected_language_probability,
    text = answer.text.replace(/\s+/gu, ' ').trim(),
    heard = languageCode(answer.language ?? null);
  return {
    text,
    words: timeWords(text, words, startMs, endMs),
    language: input.language ?? heard ?? 'und',
    languageProbability: input.language ? 1 : heard ? Math.min(1, Math.max(0, probability ?? 0.9)) : 0,
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
