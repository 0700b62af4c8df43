/** A model's configuration for sherpa-onnx: its card's parameters say its kind, and what its files are called. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest } from '../../contracts/worker-protocol.ts';

/** The kinds that `daemon/models/sherpa.ts` finds. */
type Kind =
  | 'transducer'
  | 'nemo-transducer'
  | 'streaming-transducer'
  | 'whisper'
  | 'sense-voice'
  | 'moonshine'
  | 'moonshine-merged'
  | 'qwen3-asr'
  | 'canary';

interface KindOfModel {
  /** Its part of the configuration; `at`: the path of a file, by what it is for. */
  config(at: (role: string) => string, language: string, directory: string): Record<string, unknown>;
  files: readonly string[];
  /** It is given a language before each utterance. */
  takesLanguage?: true;
  /** It can be told the language of a stretch, by its English name. */
  takesName?: true;
  /** It says which language it heard. */
  namesLanguage?: true;
  /** Longer sound is cut at pauses. */
  mostSeconds: number;
}

const transducer = (modelType: string): KindOfModel => ({
  config: at => ({ transducer: { encoder: at('encoder'), decoder: at('decoder'), joiner: at('joiner') }, modelType }),
  files: ['encoder', 'decoder', 'joiner', 'tokens'],
  mostSeconds: 60,
});
const KINDS: Record<Kind, KindOfModel> = {
  transducer: transducer('transducer'),
  'nemo-transducer': transducer('nemo_transducer'),
  // Which one it is, and so its type, the library finds out by its files.
  'streaming-transducer': transducer(''),
  whisper: {
    config: (at, language) => ({
      whisper: {
        encoder: at('encoder'),
        decoder: at('decoder'),
        language,
        task: 'transcribe',
        // Only exports that show the decoder's attention have times; the others say so in the log.
        enableTokenTimestamps: true,
      },
    }),
    files: ['encoder', 'decoder', 'tokens'],
    takesLanguage: true,
    namesLanguage: true,
    // It looks at 30 s, the last half of which is kept free.
    mostSeconds: 29,
  },
  'sense-voice': {
    config: at => ({ senseVoice: { model: at('model'), language: 'auto', useInverseTextNormalization: 1 } }),
    files: ['model', 'tokens'],
    namesLanguage: true,
    mostSeconds: 30,
  },
  moonshine: {
    config: at => ({
      moonshine: {
        preprocessor: at('preprocessor'),
        encoder: at('encoder'),
        uncachedDecoder: at('uncachedDecoder'),
        cachedDecoder: at('cachedDecoder'),
      },
    }),
    files: ['preprocessor', 'encoder', 'uncachedDecoder', 'cachedDecoder', 'tokens'],
    mostSeconds: 30,
  },
  'moonshine-merged': {
    config: at => ({ moonshine: { encoder: at('encoder'), mergedDecoder: at('mergedDecoder') } }),
    files: ['encoder', 'mergedDecoder', 'tokens'],
    // sherpa-onnx 1.13 returns nothing for more than 384 frames of its encoder, 9.2 s.
    mostSeconds: 9,
  },
  'qwen3-asr': {
    config: (at, _language, directory) => ({
      qwen3Asr: {
        convFrontend: at('convFrontend'),
        encoder: at('encoder'),
        decoder: at('decoder'),
        tokenizer: directory,
        maxTotalLen: 512,
        maxNewTokens: 200,
      },
    }),
    files: ['convFrontend', 'encoder', 'decoder', 'vocabulary', 'merges', 'tokenizer'],
    takesName: true,
    namesLanguage: true,
    // 13 tokens a second, and its answer, within 512.
    mostSeconds: 20,
  },
  canary: {
    config: (at, language) => ({
      canary: { encoder: at('encoder'), decoder: at('decoder'), srcLang: language, tgtLang: language, usePnc: 1 },
    }),
    files: ['encoder', 'decoder', 'tokens'],
    takesLanguage: true,
    mostSeconds: 40,
  },
};

export interface ModelConfig extends Pick<
  KindOfModel,
  'takesLanguage' | 'takesName' | 'namesLanguage' | 'mostSeconds'
> {
  /** For the constructor; `language`: a code of the model's, '' where it shall listen. */
  config(language: string): object;
}

/** The library ends its process where a file is missing, so that is found out before. @throws modelBroken */
export function configOf(directory: string, parameters: LoadRequest['parameters'], threads: number): ModelConfig {
  const kind = KINDS[String(parameters.kind) as Kind] as KindOfModel | undefined;
  if (!kind) throw new EarshotError('modelBroken', { path: directory }, `unknown kind "${String(parameters.kind)}"`);
  const at = (role: string): string => {
    const name = String(parameters[role] ?? '');
    if (name === '' || !existsSync(join(directory, name)))
      throw new EarshotError('modelBroken', { path: join(directory, name) }, `the ${role} is missing`);
    return join(directory, name);
  };
  for (const role of kind.files) at(role);
  return {
    ...kind,
    config: language => ({
      featConfig: { sampleRate: 16_000, featureDim: 80 },
      modelConfig: {
        ...kind.config(at, language, directory),
        tokens: kind.files.includes('tokens') ? at('tokens') : '',
        numThreads: threads,
        provider: 'cpu',
        debug: 0,
      },
      decodingMethod: 'greedy_search',
    }),
  };
}
