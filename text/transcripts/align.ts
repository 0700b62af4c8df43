/** Which word sounds when: the words of a corrected text, timed by the recognised words that they come from. Pure. */
export interface Timed {
  text: string;
  startMs: number;
  endMs: number;
  /** The recognized word that it is, by its place; null: a person or the repair put it there. */
  heard: number | null;
}
export interface Heard {
  text: string;
  startMs: number;
  endMs: number;
}

const plain = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** Words with the space before each kept; a text without spaces goes by characters. */
export const tokens = (text: string): string[] =>
  /\s/.test(text.trim()) || !/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}/u.test(text)
    ? (text.match(/(?<!\s)\s*\S+/g) ?? [])
    : [...text];

const NO_ROW = new Uint16Array(0);

/** Longest common run of equal words; what has no partner shares the time between its neighbours. */
export function align(text: string, heard: readonly Heard[], startMs: number, endMs: number): Timed[] {
  const words = tokens(text),
    a = words.map(plain),
    b = heard.map(h => plain(h.text));
  // Most texts stand as they were heard, or begin so: these words need no table.
  let same = 0;
  while (same < a.length && a[same] && a[same] === b[same]) same += 1;
  const best =
    same < a.length && same < b.length
      ? Array.from({ length: a.length + 1 }, (_row, i) => (i < same ? NO_ROW : new Uint16Array(b.length + 1)))
      : [];
  for (let i = a.length - 1; i >= same; i--)
    for (let j = b.length - 1; j >= same; j--)
      best[i]![j] = a[i] && a[i] === b[j] ? best[i + 1]![j + 1]! + 1 : Math.max(best[i + 1]![j]!, best[i]![j + 1]!);
  const result: (Timed | null)[] = words.map(() => null);
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] && a[i] === b[j]) {
      result[i] = { text: words[i]!, startMs: heard[j]!.startMs, endMs: heard[j]!.endMs, heard: j };
      i++;
      j++;
    } else if (best[i + 1]![j]! >= best[i]![j + 1]!) i++;
    else j++;
  }
  for (let i = 0; i < result.length;) {
    if (result[i]) {
      i++;
      continue;
    }
    let end = i;
    while (end < result.length && !result[end]) end++;
    const from = result[i - 1]?.endMs ?? startMs,
      to = Math.max(from, result[end]?.startMs ?? endMs),
      step = (to - from) / (end - i);
    for (let k = i; k < end; k++)
      result[k] = {
        text: words[k]!,
        startMs: Math.round(from + (k - i) * step),
        endMs: Math.round(from + (k - i + 1) * step),
        heard: null,
      };
    i = end;
  }
  return result as Timed[];
}

/** The last item that began at or before `ms`, by halving; -1: none yet. */
export function current(items: readonly { startMs: number }[], ms: number): number {
  let low = 0,
    high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle]!.startMs <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
