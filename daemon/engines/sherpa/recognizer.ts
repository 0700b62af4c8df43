/** One model in sherpa-onnx: from samples to words. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import type { AsrOutput } from '../../../schemas/job.ts';
import type { LoadRequest } from '../../contracts/worker-protocol.ts';
import { configOf, type ModelConfig } from './config.ts';
import { audiblePart, piecesOf } from './pieces.ts';
import { likelihood, plainText, wordsOf, type Heard } from './words.ts';

const RATE = 16_000;
/** Less than this is continued with silence: some models look back from its end. */
const LEAST_SAMPLES = RATE / 2;

interface Stream {
  acceptWaveform(wave: { sampleRate: number; samples: Float32Array }): void;
  setOption(name: 'language', value: string): void;
}
interface OfflineRecognizer {
  createStream(): Stream;
  decodeAsync(stream: Stream): Promise<Heard>;
  setConfig(config: object): void;
}
interface Sherpa {
  OfflineRecognizer: { createAsync(config: object): Promise<OfflineRecognizer> };
}

/** What a model heard in a stretch of sound. */
export interface Recognized extends Pick<AsrOutput, 'text' | 'words'> {
  /** A code of the model's, where it says so. */
  language: string | null;
  /** How likely it holds its words; null where it does not say. */
  likelihood: number | null;
}

/** Whisper's codes that differ from BCP 47. */
const TO_BCP47: Readonly<Record<string, string>> = { jw: 'jv' },
  FROM_BCP47: Readonly<Record<string, string>> = { jv: 'jw', iw: 'he', fil: 'tl', nb: 'no', in: 'id', cmn: 'zh' };
/** The library ends its process at any other. */
const WHISPERS = new Set(
  (
    'en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la ' +
    'mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be ' +
    'tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue'
  ).split(' '),
);

export class Recognizer {
  readonly #native: OfflineRecognizer;
  readonly #model: ModelConfig;
  readonly #whisper: boolean;
  /** The model's languages by their English names, where that is what they are called to it. */
  readonly #names: ReadonlyMap<string, string>;
  #language: string;

  private constructor(
    native: OfflineRecognizer,
    model: ModelConfig,
    { whisper, names, language }: { whisper: boolean; names: ReadonlyMap<string, string>; language: string },
  ) {
    this.#native = native;
    this.#model = model;
    this.#whisper = whisper;
    this.#names = names;
    this.#language = language;
  }

  /** @throws modelBroken: a file is missing. A file that is none of its kind ends the process. */
  static async open(
    runtime: string,
    { directory, parameters, threads }: Pick<LoadRequest, 'directory' | 'parameters' | 'threads'>,
  ): Promise<Recognizer> {
    const model = configOf(directory, parameters, threads),
      whisper = parameters.kind === 'whisper';
    const library = createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as Sherpa;
    const language = model.takesLanguage && !whisper ? 'en' : '',
      names = new Map(model.takesName ? namesOf(String(parameters.languages ?? '')) : []);
    return new Recognizer(await library.OfflineRecognizer.createAsync(model.config(language)), model, {
      whisper,
      names,
      language,
    });
  }

  get namesLanguage(): boolean {
    return this.#model.namesLanguage === true;
  }
  /** It takes anything for the language that it is given. */
  get needsLanguage(): boolean {
    return this.#model.takesLanguage === true && !this.#model.namesLanguage;
  }

  /**
   * `samples`: 16 kHz, [-1, 1), beginning at `startMs` of the recording. `language`: BCP 47; null: it listens for
   * itself where it can.
   *
   * @throws languageNotSupported, engineFailed
   */
  async hear(
    samples: Float32Array,
    startMs: number,
    language: string | null,
    signal: AbortSignal,
  ): Promise<Recognized> {
    this.#expect(language);
    const found: Heard[] = [],
      words: AsrOutput['words'] = [];
    const ms = (sample: number): number => Math.round(startMs + (sample * 1000) / RATE);
    for (const piece of piecesOf(samples, this.#model.mostSeconds * RATE)) {
      // The library cannot stop inside a piece.
      signal.throwIfAborted();
      const heard = await this.#decode(samples.subarray(...piece), this.#nameOf(language)),
        [from, to] = audiblePart(samples, piece);
      words.push(...wordsOf(heard, { startMs: ms(piece[0]), endMs: ms(piece[1]), fromMs: ms(from), toMs: ms(to) }));
      found.push(heard);
    }
    const named = this.#codeOf(found.find(({ text, lang }) => lang && plainText(text) !== '')?.lang ?? '');
    return {
      text: joined(found.map(({ text }) => plainText(text))),
      words,
      language: named === null ? null : (TO_BCP47[named] ?? named),
      likelihood: likelihood({ text: '', ys_log_probs: found.flatMap(({ ys_log_probs = [] }) => ys_log_probs) }),
    };
  }

  #expect(language: string | null): void {
    if (!this.#model.takesLanguage) return;
    const base = (language ?? '').split('-')[0]!.toLowerCase(),
      code = this.#whisper ? (FROM_BCP47[base] ?? base) : base;
    if (this.#whisper && code !== '' && !WHISPERS.has(code))
      throw new EarshotError('languageNotSupported', { language: language! }, `the model does not know ${language}`);
    const wanted = code === '' && !this.#whisper ? 'en' : code;
    if (wanted === this.#language) return;
    this.#native.setConfig(this.#model.config(wanted));
    this.#language = wanted;
  }

  /** What the model calls a language that it is told; null: nothing that it knows. */
  #nameOf(language: string | null): string | null {
    const base = (language ?? '').split('-')[0]!.toLowerCase();
    return [...this.#names].find(([, code]) => code === base)?.[0] ?? null;
  }

  /** Of a language that the model names: "en" of "en", "<|en|>" and "English". */
  #codeOf(lang: string): string | null {
    return /^(?:<\|)?([a-z]{2,3})(?:\|>)?$/.exec(lang)?.[1] ?? this.#names.get(lang) ?? null;
  }

  async #decode(samples: Float32Array, name: string | null): Promise<Heard> {
    const stream = this.#native.createStream();
    if (name !== null) stream.setOption('language', name);
    let whole = samples;
    if (samples.length < LEAST_SAMPLES) {
      whole = new Float32Array(LEAST_SAMPLES);
      whole.set(samples);
    }
    stream.acceptWaveform({ sampleRate: RATE, samples: whole });
    return this.#native.decodeAsync(stream);
  }
}

/** English names of languages with their codes; `codes`: with spaces between them. */
function namesOf(codes: string): [name: string, code: string][] {
  const english = new Intl.DisplayNames('en', { type: 'language' });
  return codes
    .split(' ')
    .filter(Boolean)
    .map(code => [english.of(code)!, code.split('-')[0]!]);
}

/** Pieces of text with a space between them, where their scripts have spaces. */
const joined = (texts: readonly string[]): string =>
  texts
    .filter(text => text !== '')
    .reduce(
      (all, text) =>
        all === ''
          ? text
          : all + (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。！？]$/u.test(all) ? '' : ' ') + text,
      '',
    );
