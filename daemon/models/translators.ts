/**
 * Translation models in CTranslate2's format: which family they are of, by their vocabulary and their tokenizers'
 * files.
 */
import { basename, join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { readSmallText } from './byte-reader.ts';

/** The m2m100 family's vocabularies take up to 5 MB. */
const MOST_VOCABULARY = 16 * 1024 ** 2,
  MOST_SETTINGS = 1024 ** 2;

/** One tokenizer for both languages, or one for each. */
const BOTH = ['sentencepiece.bpe.model', 'sentencepiece.model', 'spm.model', 'spm.128k.model'],
  EACH = ['source.spm', 'target.spm'];
const VOCABULARIES = ['shared', 'source', 'target'].flatMap(name => [
  `${name}_vocabulary.json`,
  `${name}_vocabulary.txt`,
]);
const ABOUT = ['config.json', 'tokenizer_config.json', 'vocab.json', 'special_tokens_map.json', 'added_tokens.json'];

/** Every file that such a model may have. */
export const TRANSLATOR_FILES: readonly string[] = ['model.bin', ...VOCABULARIES, ...BOTH, ...EACH, ...ABOUT];

/** By words that only its vocabularies have. */
const FAMILIES: readonly [family: string, mark: RegExp][] = [
  ['m2m100', /__[a-z]{2,3}__/],
  ['nllb', /(?:^|["\n])[a-z]{3}_[A-Z][a-z]{3}(?:["\r\n]|$)/],
];

export interface Translator extends Pick<ModelCard, 'family' | 'languages' | 'parameters'> {
  files: string[];
}

/**
 * What a folder with a model of CTranslate2's `TransformerSpec` is; null: no translator that runs here.
 * @throws modelBroken: a part is missing, or nothing says which languages it is for
 */
export function translatorIn(folder: string, has: (name: string) => boolean): Translator | null {
  const vocabularies = VOCABULARIES.filter(has),
    [read] = vocabularies;
  if (read === undefined) return null;
  const broken = (name: string, why: string): EarshotError =>
    new EarshotError('modelBroken', { path: join(folder, name) }, why);
  const words = readSmallText(join(folder, read), MOST_VOCABULARY),
    others = ABOUT.filter(has),
    family = FAMILIES.find(([, mark]) => mark.test(words))?.[0];
  if (family) {
    const pieces = BOTH.find(has);
    if (pieces === undefined) throw broken(BOTH[0]!, `${BOTH[0]} is missing`);
    return { family, languages: [], parameters: { family }, files: ['model.bin', ...vocabularies, pieces, ...others] };
  }
  if (!EACH.some(has)) return null;
  for (const each of EACH) if (!has(each)) throw broken(each, `${each} is missing`);
  const { from, to } = pairOf(folder, has);
  if (to === null && !/>>[A-Za-z_]+<</.test(words))
    throw broken(
      'tokenizer_config.json',
      'neither its tokenizer_config.json nor the name of its folder (opus-mt-en-de) says which language it writes',
    );
  return {
    family: 'opus-mt',
    languages: from === null ? [] : [from],
    parameters: { family: 'opus-mt', ...(to === null ? {} : { to }) },
    files: ['model.bin', ...vocabularies, ...EACH, ...others],
  };
}

/** Bases of BCP 47 tags; null: not known, or a group of languages. */
function pairOf(folder: string, has: (name: string) => boolean): { from: string | null; to: string | null } {
  const said = has('tokenizer_config.json') ? settingsIn(join(folder, 'tokenizer_config.json')) : {},
    named = /opus-mt-(?:tc-)?(?:big-|base-|tiny-)?([a-z]{2,3})-([a-z]{2,3})(?![a-z])/i.exec(basename(folder));
  return { from: single(said.source_lang) ?? single(named?.[1]), to: single(said.target_lang) ?? single(named?.[2]) };
}

function settingsIn(path: string): { source_lang?: unknown; target_lang?: unknown } {
  try {
    return (JSON.parse(readSmallText(path, MOST_SETTINGS)) ?? {}) as object;
  } catch {
    return {};
  }
}

/** "en" of "en" and "eng". Groups ("ROMANCE", "mul", "gmw") have no code of two letters. */
function single(code: unknown): string | null {
  if (typeof code !== 'string' || !/^[a-z]{2,3}$/i.test(code)) return null;
  const { language } = new Intl.Locale(code.toLowerCase());
  return language.length === 2 ? language : null;
}
