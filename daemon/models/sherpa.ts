/**
 * Recognizers in the layouts that sherpa-onnx publishes: which kind they are by their files and by the metadata inside
 * them, and what each file is for.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Detected } from './detected.ts';
import { isOrt, readOnnx } from './onnx/outline.ts';

export const SHERPA_KINDS = [
  'transducer',
  'nemo-transducer',
  'streaming-transducer',
  'whisper',
  'sense-voice',
  'moonshine',
  'moonshine-merged',
  'qwen3-asr',
  'canary',
] as const;
export type SherpaKind = (typeof SHERPA_KINDS)[number];

/** What files are called, by what they are for; `.int8` and the like may stand before the ending. */
const onnxNamed = (name: string): RegExp => new RegExp(`(^|[-_])${name}([-.][A-Za-z0-9._-]*)?\\.onnx$`);
const TOKENS = /(^|-)tokens\.txt$/;
const encoder = onnxNamed('encoder'),
  decoder = onnxNamed('decoder');
const LAYOUTS: readonly { files: Record<string, RegExp>; kinds: readonly SherpaKind[] }[] = [
  {
    files: {
      preprocessor: onnxNamed('preprocess(or)?'),
      encoder: /^encoder?([-.][A-Za-z0-9._-]*)?\.onnx$/,
      uncachedDecoder: /^uncached_decoder?([-.][A-Za-z0-9._-]*)?\.onnx$/,
      cachedDecoder: /^cached_decoder?([-.][A-Za-z0-9._-]*)?\.onnx$/,
      tokens: TOKENS,
    },
    kinds: ['moonshine'],
  },
  {
    files: { encoder: /^encoder_model\.ort$/, mergedDecoder: /^decoder_model_merged\.ort$/, tokens: TOKENS },
    kinds: ['moonshine-merged'],
  },
  {
    files: {
      convFrontend: /^conv_frontend([-.][A-Za-z0-9._-]*)?\.onnx$/,
      encoder,
      decoder,
      vocabulary: /^vocab\.json$/,
      merges: /^merges\.txt$/,
      tokenizer: /^tokenizer_config\.json$/,
    },
    kinds: ['qwen3-asr'],
  },
  {
    files: { encoder, decoder, joiner: onnxNamed('joiner'), tokens: TOKENS },
    kinds: ['nemo-transducer', 'transducer', 'streaming-transducer'],
  },
  { files: { encoder, decoder, tokens: TOKENS }, kinds: ['whisper', 'canary'] },
  { files: { model: /^model([-.][A-Za-z0-9._-]*)?\.onnx$/, tokens: TOKENS }, kinds: ['sense-voice'] },
];

/** Of the file that names its kind; the others are held to be of one set. */
const KIND_BY_TYPE: readonly [type: RegExp, kind: SherpaKind][] = [
  [/^EncDec(Hybrid)?RNNT/, 'nemo-transducer'],
  [/^(conformer|zipformer2?|lstm)$/, 'transducer'],
  [/^whisper/, 'whisper'],
  [/^EncDecMultiTask/, 'canary'],
  [/^sense_voice/, 'sense-voice'],
];
/**
 * What only the encoders of recognizers for streams say, and what else they must: the library ends its process where it
 * is missing.
 */
const STREAMING: readonly { mark: string; metadata: readonly string[] }[] = [
  { mark: 'decode_chunk_len', metadata: ['T', 'num_encoder_layers'] },
  {
    mark: 'cache_last_channel_dim1',
    metadata: [
      'vocab_size',
      'window_size',
      'chunk_shift',
      'subsampling_factor',
      'pred_rnn_layers',
      'pred_hidden',
      ...[2, 3].map(n => `cache_last_channel_dim${n}`),
      ...[1, 2, 3].map(n => `cache_last_time_dim${n}`),
    ],
  },
];
const FAMILIES: Record<SherpaKind, string> = {
  transducer: 'zipformer',
  'nemo-transducer': 'parakeet',
  'streaming-transducer': 'streaming',
  whisper: 'whisper',
  'sense-voice': 'sense-voice',
  moonshine: 'moonshine',
  'moonshine-merged': 'moonshine',
  'qwen3-asr': 'qwen3-asr',
  canary: 'canary',
};
/** Where a kind is made for so many and a file does not say which. */
const LANGUAGES: Partial<Record<SherpaKind, readonly string[]>> = {
  'sense-voice': ['zh', 'en', 'ja', 'ko', 'yue'],
  canary: ['en', 'es', 'de', 'fr'],
  'qwen3-asr': 'zh en yue ar de fr es pt id it ko ru th vi ja tr hi ms nl sv da fi pl cs fil fa el hu mk ro'.split(' '),
};
/** Where Qwen3's tokenizer lies, in what is published. */
const INSIDE = 'tokenizer';

/** The files of a layout among these names, by what they are for; of two precisions the smaller. Null: some lack. */
export function layoutIn(
  names: readonly string[],
): { files: Record<string, string>; kinds: readonly SherpaKind[] } | null {
  const plain = names.filter(name => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name));
  for (const { files, kinds } of LAYOUTS) {
    const found: Record<string, string> = {};
    for (const [role, pattern] of Object.entries(files)) {
      const fitting = plain.filter(name => pattern.test(name)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      const name = fitting.find(each => each.includes('.int8.')) ?? fitting[0];
      if (name !== undefined) found[role] = name;
    }
    if (Object.keys(files).every(role => role in found)) return { files: found, kinds };
  }
  return null;
}

/** Null: nothing of this kind lies there. @throws modelBroken: cut, or of a kind that no engine here runs */
export function detectSherpa(folder: string): Detected | null {
  const names = readdirSync(folder),
    inner =
      names.includes(INSIDE) && statSync(join(folder, INSIDE)).isDirectory() ? readdirSync(join(folder, INSIDE)) : [];
  const layout = layoutIn([...names, ...inner]);
  if (!layout) return null;
  const at = (name: string): string => join(folder, ...(names.includes(name) ? [] : [INSIDE]), name);
  const broken = (name: string, why: string): EarshotError => new EarshotError('modelBroken', { path: at(name) }, why);
  let metadata: Record<string, string> = {};
  for (const [role, name] of Object.entries(layout.files)) {
    if (!/\.(onnx|ort)$/.test(name)) continue;
    if (name.endsWith('.ort')) {
      if (!isOrt(at(name))) throw broken(name, "not a model in ONNX Runtime's format");
      continue;
    }
    const outline = readOnnx(at(name));
    if (!outline.onnx) throw broken(name, 'not an ONNX model');
    if (!outline.whole) throw broken(name, 'the file ends before its last field');
    if (role === 'encoder' || role === 'model') metadata = outline.metadata;
  }
  // A single model may be anything: a voice, a detector.
  if (layout.files.model && !metadata.model_type?.startsWith('sense_voice')) return null;
  const kind = kindOf(layout.kinds, metadata, why => broken(layout.files.encoder ?? layout.files.model!, why));
  // What is too large for one file lies beside it.
  const beside = Object.values(layout.files).flatMap(name =>
    [`${name}.data`, name.replace(/\.onnx$/, '.weights')].filter(each => each !== name && existsSync(at(each))),
  );
  const files = [...Object.values(layout.files), ...beside];
  const bytes = files.reduce((sum, name) => sum + statSync(at(name)).size, 0);
  return {
    card: cardOf(kind, layout.files, nameOf(folder), bytes, metadata),
    files: files.map(name => ({ name, path: at(name) })),
  };
}

function kindOf(
  kinds: readonly SherpaKind[],
  metadata: Record<string, string>,
  broken: (why: string) => EarshotError,
): SherpaKind {
  if (kinds.length === 1) return kinds[0]!;
  const streams = STREAMING.find(({ mark }) => metadata[mark] !== undefined);
  if (streams) {
    if (!kinds.includes('streaming-transducer'))
      throw broken('a recognizer for streams that is no transducer, which no engine here runs');
    const lacking = streams.metadata.filter(key => metadata[key] === undefined);
    if (lacking.length > 0) throw broken(`a recognizer for streams whose encoder lacks: ${lacking.join(', ')}`);
    return 'streaming-transducer';
  }
  const type = metadata.model_type ?? '',
    kind = KIND_BY_TYPE.find(([pattern]) => pattern.test(type))?.[1];
  // Icefall's older exports do not say what they are.
  if (!kind && kinds.includes('transducer')) return metadata.pred_hidden ? 'nemo-transducer' : 'transducer';
  if (!kind || !kinds.includes(kind)) throw broken(`a recognizer of a kind that no engine here runs ("${type}")`);
  return kind;
}

/** The last part of a path that says more than "model". */
const nameOf = (folder: string): string =>
  folder.split(/[/\\]/).findLast(part => part !== '' && !/^[0-9a-f]{40}$/.test(part)) ?? 'model';

/** Of streaming models, which are published with the codes of theirs in their names. */
const PUBLISHED = new Set(
    'ar bn cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh'.split(' '),
  ),
  SPELLED: Readonly<Record<string, string>> = { chinese: 'zh', english: 'en', french: 'fr', korean: 'ko' };
const languagesIn = (name: string): string[] => {
  const parts = name.toLowerCase().split(/[-_.]/);
  return [...new Set(parts.map(part => SPELLED[part] ?? part).filter(part => PUBLISHED.has(part)))];
};

/** Languages that a model for many says it can be told: "en-US", "en" … */
function languagesOf({ prompt_dictionary: listed = '' }: Record<string, string>): string[] {
  const named = [...listed.matchAll(/(?<![A-Za-z])([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?)["'\s]*[:=]\s*\d/g)].flatMap(
    ([, code]) => {
      try {
        return Intl.getCanonicalLocales(code!.replace('_', '-'));
      } catch {
        return [];
      }
    },
  );
  return [...new Set(named)];
}

function cardOf(
  kind: SherpaKind,
  files: Record<string, string>,
  name: string,
  bytes: number,
  metadata: Record<string, string>,
): Omit<ModelCard, 'id' | 'files'> {
  const english = /[-_.]en([-_.]|$)/.test(name) && !/[-_]en[-_][a-z]{2}\b/.test(name);
  return {
    name,
    family: FAMILIES[kind],
    engine: 'sherpa',
    stages: ['asr'],
    languages:
      kind === 'whisper'
        ? metadata.is_multilingual === '0'
          ? ['en']
          : []
        : kind === 'streaming-transducer'
          ? metadata.prompt_dictionary
            ? languagesOf(metadata)
            : languagesIn(name)
          : [...(LANGUAGES[kind] ?? (english ? ['en'] : []))],
    licence: '',
    homepage: '',
    memory: { cpu: Math.ceil(bytes * 1.5) + 250 * 1024 ** 2 },
    precision: { cpu: Object.values(files).some(each => each.includes('int8')) ? 'int8' : 'float32' },
    size: bytes / 1024 ** 3,
    parameters: { kind, ...files },
  };
}
