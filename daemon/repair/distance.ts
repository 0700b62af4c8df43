/** How far two pieces of text are apart, for the eye and for the ear. Pure and the same for all languages. */

/** 1: the same letters and digits; 0: nothing in common. Case, accents and punctuation do not count. */
export function similarity(a: string, b: string): number {
  const x = [...bare(a)], y = [...bare(b)];
  if (!x.length && !y.length) return 1;
  return 1 - editCost(x, y, () => 1, () => 1) / Math.max(x.length, y.length);
}

const bare = (text: string): string => text.toLowerCase().normalize('NFD').replace(/[^\p{L}\p{N}]/gu, '');

/**
 * 0: sounds the same; towards 1: nothing alike. Letters are brought to rough sounds (Cyrillic by its Latin letters), spaces weigh little,
 * vowels and consonants that recognisers mistake for one another cost less. A guess at acoustics that knows no language.
 */
export function soundDistance(a: string, b: string): number {
  const x = [...sounds(a)], y = [...sounds(b)];
  if (!x.length || !y.length) return x.length === y.length ? 0 : 1;
  return editCost(x, y, substitution, insertion) / Math.max(x.filter(isSound).length, y.filter(isSound).length);
}

const isSound = (symbol: string): boolean => symbol !== ' ';

const CYRILLIC: Record<string, string> = {
  а: 'a', б: 'b', в: 'v', г: 'g', д: 'd', е: 'e', ё: 'e', ж: 'j', з: 'z', и: 'i', й: 'i', к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't',
  у: 'u', ф: 'f', х: 'h', ц: 'ts', ч: 'c', ш: 'x', щ: 'x', ъ: '', ы: 'i', ь: '', э: 'e', ю: 'u', я: 'a', і: 'i', ї: 'i', є: 'e', ґ: 'g', ў: 'u', ј: 'j', љ: 'l', њ: 'n', ћ: 'c', ђ: 'd', џ: 'j',
};

/** Spelling to rough sounds: lower case, no accents, digraphs as one symbol, doubled letters once. */
function sounds(text: string): string {
  return text.toLowerCase().replace(/ё/gu, 'е').replace(/[а-яґєіїўѐ-џ]/gu, letter => CYRILLIC[letter] ?? letter)
    .replace(/ñ/gu, 'ny').replace(/ß/gu, 'ss').replace(/œ/gu, 'e').replace(/æ/gu, 'e').replace(/ç/gu, 's')
    .normalize('NFD').replace(/\p{M}/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
    .replace(/sch|sh|ch/gu, 'x').replace(/ph/gu, 'f').replace(/th/gu, 't').replace(/qu|ck|q/gu, 'k').replace(/c(?=[eiy])/gu, 's').replace(/c/gu, 'k')
    .replace(/g(?=[eiy])/gu, 'j').replace(/gu(?=[eiy])/gu, 'g').replace(/gn/gu, 'ny').replace(/ll(?=[aeiou])/gu, 'y').replace(/h/gu, '').replace(/w/gu, 'v').replace(/eau|au/gu, 'o').replace(/ou/gu, 'u')
    .replace(/(\p{L})\1+/gu, '$1');
}

const VOWELS = 'aeiouy';
const isVowel = (symbol: string): boolean => VOWELS.includes(symbol);
/** Consonants that recognisers mix up, in groups: same voicing partner, same place in the mouth. */
const ALIKE = ['bpv', 'vf', 'dt', 'gk', 'szx', 'xj', 'mn', 'lr', 'yj', 'ny', 'rd', 'kx', 'lny', 'td'];

function substitution(a: string, b: string): number {
  if (a === b) return 0;
  if (a === ' ' || b === ' ') return 0.9;
  if (isVowel(a) && isVowel(b)) return 0.45;
  if (ALIKE.some(group => group.includes(a) && group.includes(b))) return 0.45;
  return isVowel(a) !== isVowel(b) ? 1.2 : 1;
}

const insertion = (symbol: string): number => symbol === ' ' ? 0.1 : isVowel(symbol) ? 0.6 : 0.8;

function editCost(x: readonly string[], y: readonly string[], substitute: (a: string, b: string) => number, insert: (symbol: string) => number): number {
  let row = [0];
  for (const symbol of y) row.push(row.at(-1)! + insert(symbol));
  for (const a of x) {
    const next = [row[0]! + insert(a)];
    for (let j = 0; j < y.length; j++) {
      const b = y[j]!;
      next.push(Math.min(row[j + 1]! + insert(a), next[j]! + insert(b), row[j]! + (a === b ? 0 : substitute(a, b))));
    }
    row = next;
  }
  return row.at(-1)!;
}
