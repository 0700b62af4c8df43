/** A Piper voice's files (`NAME.onnx`, `NAME.onnx.json`) made ready for sherpa-onnx; the result is kept. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import { prepared, type Prepared } from '../prepared.ts';
import { prepareOnnx } from './onnx.ts';

/** What we read of a voice's configuration. */
interface VoiceConfig {
  audio: { sample_rate: number };
  espeak: { voice: string };
  phoneme_id_map: Record<string, number[]>;
  phoneme_type?: string;
  num_speakers?: number;
  inference?: { noise_scale?: number; noise_w?: number; length_scale?: number };
  language?: { name_english?: string };
}

export interface PreparedVoice {
  sampleRate: number;
  speakers: number;
  vits: Prepared & { noiseScale: number; noiseScaleW: number; lengthScale: number };
}

/** Raise it when the preparation changes: older results are made again. */
const PREPARATION = 1;

/** Throws `modelBroken` when the files are not a voice that can be used. */
export async function prepareVoice(directory: string, cache: string): Promise<PreparedVoice> {
  const broken = (detail: string): EarshotError => new EarshotError('modelBroken', { path: directory }, detail);
  const name = (await readdir(directory)).filter(file => file.endsWith('.onnx')).sort()[0];
  if (!name) throw broken('no .onnx file');
  const onnx = join(directory, name);
  const config = parseConfig(
    await readFile(`${onnx}.json`, 'utf8').catch((error: Error) => {
      throw broken(error.message);
    }),
    broken,
  );

  const { size, mtimeMs } = await stat(onnx);
  const { noise_scale = 0.667, noise_w = 0.8, length_scale = 1 } = config.inference ?? {};
  const files = await prepared(
    cache,
    name.slice(0, -'.onnx'.length).slice(0, 60),
    [PREPARATION, onnx, size, mtimeMs, config],
    async () => {
      try {
        return { model: prepareOnnx(await readFile(onnx), metadataOf(config)), tokens: tokensOf(config) };
      } catch (error) {
        throw broken(`${name}: ${(error as Error).message}`);
      }
    },
  );
  return {
    sampleRate: config.audio.sample_rate,
    speakers: config.num_speakers ?? 1,
    vits: { ...files, noiseScale: noise_scale, noiseScaleW: noise_w, lengthScale: length_scale },
  };
}

function parseConfig(text: string, broken: (detail: string) => EarshotError): VoiceConfig {
  let config: VoiceConfig;
  try {
    config = JSON.parse(text) as VoiceConfig;
  } catch (error) {
    throw broken(`configuration: ${(error as Error).message}`);
  }
  if (
    !Number.isInteger(config?.audio?.sample_rate) ||
    typeof config.espeak?.voice !== 'string' ||
    typeof config.phoneme_id_map !== 'object'
  )
    throw broken('configuration: not a Piper voice');
  if ((config.phoneme_type ?? 'espeak') !== 'espeak')
    throw broken(`configuration: phonemes of type ${config.phoneme_type} are not supported`);
  // An empty list makes sherpa-onnx wait for ever.
  if (Object.keys(config.phoneme_id_map).length === 0) throw broken('configuration: no phonemes');
  return config;
}

/** sherpa-onnx ends its process when one of these is missing. */
const metadataOf = (config: VoiceConfig): Record<string, string | number> => ({
  model_type: 'vits',
  comment: 'piper',
  language: config.language?.name_english ?? config.espeak.voice,
  voice: config.espeak.voice,
  has_espeak: 1,
  n_speakers: config.num_speakers ?? 1,
  sample_rate: config.audio.sample_rate,
});

/** One code point a token, or sherpa-onnx ends its process. */
const tokensOf = (config: VoiceConfig): string =>
  Object.entries(config.phoneme_id_map)
    .filter(([token, ids]) => [...token].length === 1 && token !== '\n' && ids.length > 0)
    .map(([token, ids]) => `${token} ${ids[0]}\n`)
    .join('');
