/** The last word on a repair: what may not become of an utterance, whoever proposed it. */
import { similarity, soundDistance } from './distance.ts';

export type Refusal = 'empty' | 'numbers' | 'names' | 'dropped' | 'added' | 'neighbour' | 'drift' | 'script';

export interface Repaired {
  heard: string;
  repaired: string;
  before: string;
  terms: readonly string[];
}

/** Why `repaired` may not stand for `heard`; null when it may. */
export function refusalOf({ heard, repaired, before, terms }: Repaired): Refusal | null {
  const said = wordsOf(heard),
    now = wordsOf(repaired);
  if (!now.length) return said.length ? 'empty' : null;
  if (numbersOf(heard) !== numbersOf(repaired)) return 'numbers';
  if (now.length < said.length * 0.8 - 1) return 'dropped';
  if (now.length > said.length * 1.2 + 1) return 'added';
  if (before && similarity(repaired, before) > Math.max(0.8, similarity(heard, before) + 0.1)) return 'neighbour';
  if (scriptsOf(repaired).some(script => !scriptsOf(heard + terms.join(' ')).includes(script))) return 'script';
  if (namesOf(heard).some(name => !now.some(word => soundDistance(word, name) < 0.5))) return 'names';
  if (soundDistance(heard, repaired) > 0.3) return 'drift';
  return null;
}

const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}]+/gu) ?? [];
const numbersOf = (text: string): string => (text.match(/\p{Nd}+/gu) ?? []).join(' ');
/** Words in the middle of a sentence that begin with a capital. */
const namesOf = (text: string): string[] => [...text.matchAll(/(?<=[\p{Ll},] )\p{Lu}[\p{L}]+/gu)].map(([name]) => name);
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Thai',
] as const;
const scriptsOf = (text: string): string[] =>
  SCRIPTS.filter(script => new RegExp(`\\p{Script=${script}}`, 'u').test(text));
