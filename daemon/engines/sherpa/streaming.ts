/**
 * A streaming transducer in sherpa-onnx: it is given sound as it comes and goes on from where it was. What is kept of a
 * recording is one stream of the library, for the utterance that is being said.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LoadRequest, PcmRange } from '../../contracts/worker-protocol.ts';
import { configOf } from './config.ts';
import { audiblePart } from './pieces.ts';
import type { Recognized } from './recognizer.ts';
import { plainText, wordsOf, type Heard } from './words.ts';

const RATE = 16_000;
/** A model looks ahead: the last word of an utterance comes out once so much silence follows it. */
const TAIL = new Float32Array(RATE * 1.5);
/** Recordings that something is kept of; of further ones what was not used for longest is heard anew. */
const MOST_KEPT = 16;

/**
 * The library frees a stream when its object is collected, and the collector does not know that there are megabytes
 * behind it: it is told after so many.
 */
const MOST_DROPPED = 8;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Stream {
  acceptWaveform(wave: { sampleRate: number; samples: Float32Array }): void;
  setOption(name: 'language', value: string): void;
}
interface OnlineRecognizer {
  createStream(): Stream;
  isReady(stream: Stream): boolean;
  decode(stream: Stream): void;
  getResult(stream: Stream): Heard;
}
interface Sherpa {
  OnlineRecognizer: new (config: object) => OnlineRecognizer;
}

interface Kept {
  stream: Stream;
  /** Samples of the recording: where the utterance begins, and how far the stream was given it. */
  startSample: number;
  until: number;
}

export class StreamingRecognizer {
  readonly namesLanguage = false;
  readonly needsLanguage = false;
  readonly #native: OnlineRecognizer;
  readonly #languages: readonly string[];
  /** By the recording's path; used last, stands last. */
  readonly #kept = new Map<string, Kept>();
  #dropped = 0;

  private constructor(native: OnlineRecognizer, languages: readonly string[]) {
    this.#native = native;
    this.#languages = languages;
  }

  /** @throws modelBroken: a file is missing. A file that is none of its kind ends the process. */
  static open(
    runtime: string,
    { directory, parameters, threads }: Pick<LoadRequest, 'directory' | 'parameters' | 'threads'>,
  ): StreamingRecognizer {
    const model = configOf(directory, parameters, threads),
      library = createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as Sherpa;
    const languages = String(parameters.languages ?? '').split(' ');
    return new StreamingRecognizer(new library.OnlineRecognizer(model.config('')), languages);
  }

  /** A whole utterance, of which nothing is kept. `samples`: 16 kHz, [-1, 1), from `startMs` of the recording. */
  async hear(
    samples: Float32Array,
    startMs: number,
    language: string | null,
    signal: AbortSignal,
  ): Promise<Recognized> {
    const stream = this.#open(language);
    stream.acceptWaveform({ sampleRate: RATE, samples });
    stream.acceptWaveform({ sampleRate: RATE, samples: TAIL });
    await this.#decode(stream, signal);
    this.#drop();
    const heard = this.#native.getResult(stream),
      ms = (sample: number): number => Math.round(startMs + (sample * 1000) / RATE),
      [from, to] = audiblePart(samples, [0, samples.length]);
    const span = { startMs: ms(0), endMs: ms(samples.length), fromMs: ms(from), toMs: ms(to) };
    return { text: plainText(heard.text), words: wordsOf(heard, span), language: null, likelihood: null };
  }

  /**
   * What is heard in a stretch of a recording that grows: only what it was not given before is read. A stretch that
   * begins elsewhere, ends earlier, or of which nothing is kept any more is heard from its beginning.
   */
  async follow(
    { path, startSample, endSample }: PcmRange,
    language: string | null,
    read: (range: PcmRange) => Promise<Float32Array>,
    signal: AbortSignal,
  ): Promise<string> {
    let kept = this.#kept.get(path);
    this.#kept.delete(path);
    if (kept?.startSample !== startSample || kept.until > endSample) {
      if (kept) this.#drop();
      kept = { stream: this.#open(language), startSample, until: startSample };
    }
    if (endSample > kept.until) {
      const samples = await read({ path, startSample: kept.until, endSample });
      kept.stream.acceptWaveform({ sampleRate: RATE, samples });
      kept.until = endSample;
    }
    this.#kept.set(path, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.forget(oldest);
    }
    await this.#decode(kept.stream, signal);
    return plainText(this.#native.getResult(kept.stream).text);
  }

  /** Models for many languages (NeMo's) are told which of theirs it is; the others do not look at it. */
  #open(language: string | null): Stream {
    const stream = this.#native.createStream(),
      base = language?.split('-')[0],
      known = this.#languages,
      mine =
        [language, base].find(each => each && known.includes(each)) ?? known.find(each => each.split('-')[0] === base);
    if (mine) stream.setOption('language', mine);
    return stream;
  }

  /** Its utterance is over, or its session. */
  forget(path: string): void {
    if (this.#kept.delete(path)) this.#drop();
  }

  #drop(): void {
    if (++this.#dropped % MOST_DROPPED === 0) collect();
  }

  /** What is decoded is kept where it ends early. */
  async #decode(stream: Stream, signal: AbortSignal): Promise<void> {
    while (this.#native.isReady(stream)) {
      this.#native.decode(stream);
      // The request to stop is read between two pieces of some hundred milliseconds.
      await turn();
      signal.throwIfAborted();
    }
  }
}
