/** Kokoro's files (`model.onnx`, `voices.bin`) made ready for sherpa-onnx; the result is kept. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import { prepareOnnx } from '../piper/onnx.ts';
import { prepared, type Prepared } from '../prepared.ts';

export interface PreparedKokoro extends Prepared {
  voices: string;
}

/** Raise it when the preparation changes: older results are made again. */
const PREPARATION = 1;
const SAMPLE_RATE = 24_000;
/** A style for each length of text, up to 510 tokens, of 256 numbers. */
const MOST_TOKENS = 510,
  STYLE = 256,
  VOICE_BYTES = MOST_TOKENS * STYLE * 4;

/** Signs of the phonetic alphabet, as the model counts them (config.json of Kokoro-82M). */
const TOKENS: readonly (readonly [number, string])[] = [
  [1, ';:,.!?'],
  [9, '—…"()“” \u0303ʣʥʦʨᵝ\uab67AI'],
  [31, 'O'],
  [33, 'Q'],
  [35, 'ST'],
  [39, 'W'],
  [41, 'Yᵊabcdef'],
  [50, 'hijklmnopqrstuvwxyzɑɐɒæ'],
  [75, 'βɔɕç'],
  [80, 'ɖðʤə'],
  [85, 'ɚɛɜ'],
  [90, 'ɟ'],
  [92, 'ɡ'],
  [99, 'ɥ'],
  [101, 'ɨɪʝ'],
  [110, 'ɯɰŋɳɲɴø'],
  [118, 'ɸθœ'],
  [123, 'ɹ'],
  [125, 'ɾɻ'],
  [128, 'ʁɽʂʃʈʧ'],
  [135, 'ʊʋ'],
  [138, 'ʌɣɤ'],
  [142, 'χʎ'],
  [147, 'ʒʔ'],
  [156, 'ˈˌː'],
  [162, 'ʰ'],
  [164, 'ʲ'],
  [169, '↓'],
  [171, '→↗↘'],
  [177, 'ᵻ'],
];
export const tokensText = (): string =>
  TOKENS.flatMap(([from, signs]) => [...signs].map((sign, n) => `${sign} ${from + n}\n`)).join('');

/** @param names of the voices, in the order of `voices.bin` @throws modelBroken */
export async function prepareKokoro(
  directory: string,
  cache: string,
  names: readonly string[],
): Promise<PreparedKokoro> {
  const broken = (detail: string): EarshotError => new EarshotError('modelBroken', { path: directory }, detail),
    onnx = join(directory, 'model.onnx'),
    voices = join(directory, 'voices.bin');
  const [model, styles] = await Promise.all([stat(onnx), stat(voices)]).catch((error: Error) => {
    throw broken(error.message);
  });
  // Beyond the end of its voices the library reads what is not theirs.
  if (!names.length || styles.size !== names.length * VOICE_BYTES)
    throw broken(`voices.bin has ${styles.size / VOICE_BYTES} voices, not ${names.length}`);
  const of = [PREPARATION, onnx, model.size, model.mtimeMs, names];
  return {
    voices,
    ...(await prepared(cache, 'kokoro', of, async () => {
      try {
        return { model: prepareOnnx(await readFile(onnx), metadataOf(names)), tokens: tokensText() };
      } catch (error) {
        throw broken((error as Error).message);
      }
    })),
  };
}

/** sherpa-onnx ends its process when one of these is missing. */
const metadataOf = (names: readonly string[]): Record<string, string | number> => ({
  model_type: 'kokoro',
  language: 'multi',
  voice: 'en-us',
  has_espeak: 1,
  version: 1,
  sample_rate: SAMPLE_RATE,
  max_token_len: MOST_TOKENS,
  style_dim: `${MOST_TOKENS},1,${STYLE}`,
  n_speakers: names.length,
  speaker_names: names.join(','),
  id2speaker: names.map((name, n) => `${n}->${name}`).join(','),
  speaker2id: names.map((name, n) => `${name}->${n}`).join(','),
});
