/** Recognition by a model in sherpa-onnx, and by an installed Whisper where that model has no answer. */
import { openFile } from '../../../client/files.ts';
import { readAt } from '../../../client/small-file.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import type { AsrOutput } from '../../../schemas/job.ts';
import type { LoadRequest, PcmRange, RunRequest, StepInputs } from '../../contracts/worker-protocol.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { languageOf } from './language.ts';
import { isSilent } from './pieces.ts';
import { Recognizer, type Recognized } from './recognizer.ts';
import { StreamingRecognizer } from './streaming.ts';

/** Below this likelihood the model may be hearing a language that it does not know. */
const UNSURE = 0.5;
/** A language that the model itself names, or that Whisper does. */
const NAMED = 0.9;

async function load(request: LoadRequest): Promise<Loaded> {
  const runtime = process.env.EARSHOT_SHERPA,
    { parameters, threads } = request;
  if (!runtime) throw new EarshotError('engineMissing', { engine: 'sherpa' }, 'EARSHOT_SHERPA is not set');
  const streaming = parameters.kind === 'streaming-transducer' ? StreamingRecognizer.open(runtime, request) : null,
    own = streaming ?? (await Recognizer.open(runtime, request)),
    languages = String(parameters.languages ?? '')
      .split(' ')
      .filter(Boolean)
      .map(tag => tag.split('-')[0]!);
  const companion = companionOf(parameters);
  let opened: Promise<Recognizer> | null = null;
  /** Another model's answer; null where none is installed. */
  const second = async (...heard: Parameters<Recognizer['hear']>): Promise<AsrOutput | null> => {
    if (!companion) return null;
    const whisper = await (opened ??= Recognizer.open(runtime, { ...companion, threads }));
    const { text, words, language } = await whisper.hear(...heard);
    if (text === '') return null;
    const known = heard[2] ?? language ?? 'und';
    return { text, words, language: known, languageProbability: heard[2] ? 1 : NAMED, model: companion.model };
  };

  const recognize = async (input: StepInputs['asr'], signal: AbortSignal): Promise<AsrOutput> => {
    const samples = await samplesOf(input.audio),
      startMs = input.audio.startSample / 16,
      { language: given, expected } = input;
    if (isSilent(samples)) return nothing(given ?? expected ?? 'en', given ? 1 : 0);
    if (!given && own.needsLanguage && languages.length !== 1) {
      const heard = await second(samples, startMs, expected ?? null, signal);
      if (heard && !languages.includes(heard.language.split('-')[0]!)) return heard;
      const assumed = heard?.language ?? expected ?? 'en';
      const answer = await own.hear(samples, startMs, assumed, signal);
      return { text: answer.text, words: answer.words, language: assumed, languageProbability: heard ? NAMED : 0 };
    }
    const answer = await own.hear(samples, startMs, given, signal);
    // A detector of voices found somebody speaking here.
    if (answer.text === '')
      return (await second(samples, startMs, given, signal)) ?? nothing(given ?? expected ?? 'en', given ? 1 : 0);
    const { text, words } = answer;
    if (given) return { text, words, language: given, languageProbability: 1 };
    const named = nameLanguage(own, answer, languages);
    if (named && !(answer.likelihood !== null && answer.likelihood < UNSURE)) return { text, words, ...named };
    if (languages.length > 0) {
      const heard = await second(samples, startMs, null, signal);
      if (heard && !languages.includes(heard.language.split('-')[0]!)) return heard;
      if (heard) return { text, words, language: heard.language, languageProbability: NAMED };
    }
    return { text, words, ...(named ?? { language: expected ?? 'und', languageProbability: 0 }) };
  };

  const hearPart = async (input: StepInputs['asr'], signal: AbortSignal): Promise<AsrOutput> => {
    if (!streaming) throw new EarshotError('internal', {}, 'a partial step for a model that does none');
    const language = input.language ?? input.expected ?? null,
      text = await streaming.follow(input.audio, language, samplesOf, signal);
    return { text, words: [], language: language ?? 'und', languageProbability: 0 };
  };

  return {
    forget: path => streaming?.forget(path),
    detail: { kind: parameters.kind, ...(companion ? { companion: companion.model } : {}) },
    async run({ stage, steps }: RunRequest, emit: Emit, signal: AbortSignal) {
      if (stage !== 'asr') throw new EarshotError('wrongStage', { model: request.model, stage });
      for (const [n, { index, input }] of steps.entries()) {
        emit.result(index, await (input.partial ? hearPart : recognize)(input, signal));
        emit.progress((n + 1) / steps.length);
      }
    },
  };
}

/** By the model's own word, by there being no other, or by the text. */
function nameLanguage(
  own: Pick<Recognizer, 'namesLanguage'>,
  { language, text }: Recognized,
  languages: readonly string[],
): Pick<AsrOutput, 'language' | 'languageProbability'> | null {
  if (own.namesLanguage && language) return { language, languageProbability: NAMED };
  if (languages.length === 1) return { language: languages[0]!, languageProbability: 1 };
  const guess = languageOf(text, languages);
  return guess && { language: guess.language, languageProbability: guess.probability };
}

const nothing = (language: string, languageProbability: number): AsrOutput => ({
  text: '',
  words: [],
  language,
  languageProbability,
});

function companionOf(
  parameters: LoadRequest['parameters'],
): (Pick<LoadRequest, 'directory' | 'parameters'> & { model: string }) | null {
  const { companion, companionDirectory, companionParameters } = parameters;
  return typeof companion === 'string' && typeof companionDirectory === 'string'
    ? {
        model: companion,
        directory: companionDirectory,
        parameters: JSON.parse(String(companionParameters)) as LoadRequest['parameters'],
      }
    : null;
}

/** [-1, 1). @throws unreadableFile */
async function samplesOf({ path, startSample, endSample }: PcmRange): Promise<Float32Array> {
  try {
    const file = await openFile(path);
    try {
      const bytes = await readAt(file, startSample * 2, (endSample - startSample) * 2),
        samples = new Float32Array(bytes.length >> 1);
      for (let n = 0; n < samples.length; n++) samples[n] = bytes.readInt16LE(n * 2) / 32768;
      return samples;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new EarshotError('unreadableFile', { path }, String(error));
  }
}

serveWorker({ engine: 'sherpa', load });
