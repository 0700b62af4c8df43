/**
 * Spelling dictionaries by language: Hunspell itself, compiled to WebAssembly, over the dictionaries of its community.
 * Loaded when first asked for.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Dictionary {
  knows(word: string): boolean;
  /** Near words, nearest first; may split a word in two. */
  suggest(word: string): string[];
}

export interface Dictionaries {
  /** null: there is none for this language. */
  of(language: string): Promise<Dictionary | null>;
}

export const NO_DICTIONARIES: Dictionaries = { of: async () => null };

interface Hunspell {
  testSpelling(word: string): boolean;
  getSpellingSuggestions(word: string): string[];
}
interface Library {
  createHunspellFromFiles(affixes: string, words: string): Promise<Hunspell>;
}

/** Dictionaries out of a folder with the packages `hunspell-wasm` and `dictionary-<language>` in its node_modules. */
export function openDictionaries(folder: string): Dictionaries {
  const packages = join(folder, 'node_modules');
  const open = new Map<string, Promise<Dictionary | null>>();
  return {
    of(language) {
      const code = language.split('-')[0]!;
      let dictionary = open.get(code);
      if (!dictionary) open.set(code, (dictionary = load(packages, code)));
      return dictionary;
    },
  };
}

async function load(packages: string, code: string): Promise<Dictionary | null> {
  const folder = join(packages, `dictionary-${code}`);
  if (!/^[a-z]{2,3}$/u.test(code) || !existsSync(folder)) return null;
  const library = (await import(pathToFileURL(join(packages, 'hunspell-wasm', 'dist', 'Hunspell.js')).href)) as Library;
  const hunspell = await library.createHunspellFromFiles(join(folder, 'index.aff'), join(folder, 'index.dic'));
  const known = new Map<string, boolean>(),
    near = new Map<string, string[]>();
  return {
    knows: word => remember(known, word, () => hunspell.testSpelling(word)),
    suggest: word => remember(near, word, () => hunspell.getSpellingSuggestions(word)),
  };
}

const REMEMBERED = 20_000;
function remember<T>(memory: Map<string, T>, word: string, find: () => T): T {
  const before = memory.get(word);
  if (before !== undefined) return before;
  const found = find();
  if (memory.size >= REMEMBERED) memory.clear();
  memory.set(word, found);
  return found;
}
