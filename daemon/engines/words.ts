/** Word times for recognizers that give text alone, or times for words that are spelt otherwise than in their text. */
import type { Word } from '../../schemas/job.ts';

export interface TimedWord {
  text: string;
  startMs: number;
  endMs: number;
  probability: number;
}

/** The words of a text, spread over [startMs, endMs] by their length. */
export function spreadWords(text: string, startMs: number, endMs: number, probability: number): Word[] {
  const texts = text.split(/\s+/u).filter(word => word !== '');
  const total = texts.reduce((sum, word) => sum + word.length + 1, 0);
  let said = 0;
  const at = (): number => Math.round(startMs + ((endMs - startMs) * said) / Math.max(1, total));
  return texts.map(word => {
    const start = at();
    said += word.length + 1;
    return { text: word, startMs: start, endMs: at(), probability };
  });
}

/**
 * The words of `text` (what spaces separate, punctuation included) with the times of `timed`, whose words may be bare,
 * split or joined otherwise. Both are read side by side by their letters; a word without any counterpart gets the time
 * between its neighbours.
 */
export function timeWords(text: string, timed: readonly TimedWord[], startMs: number, endMs: number): Word[] {
  const texts = text.split(/\s+/u).filter(word => word !== '');
  if (!timed.length) return spreadWords(text, startMs, endMs, 1);
  const letters = timed.flatMap(word => [...bare(word.text)].map(letter => ({ letter, word })));
  const found: (TimedWord[] | null)[] = [];
  let at = 0;
  for (const word of texts) {
    const wanted = [...bare(word)],
      here: TimedWord[] = [];
    for (const letter of wanted) {
      // Skips what the text left out, as far as a word or two.
      const next = letters.slice(at, at + 12).findIndex(one => one.letter === letter);
      if (next < 0) continue;
      here.push(letters[at + next]!.word);
      at += next + 1;
    }
    found.push(here.length ? here : null);
  }
  const clamp = (ms: number): number => Math.min(Math.max(Math.round(ms), startMs), endMs);
  let before = startMs;
  return texts.map((word, n) => {
    const mine = found[n];
    const next = found.slice(n + 1).find(one => one)?.[0];
    const start = Math.max(before, clamp(mine ? mine[0]!.startMs : before)),
      end = Math.max(start, clamp(mine ? mine.at(-1)!.endMs : (next?.startMs ?? endMs)));
    before = end;
    return {
      text: word,
      startMs: start,
      endMs: end,
      probability: mine ? Math.min(1, Math.max(0, Math.min(...mine.map(one => one.probability)))) : 1,
    };
  });
}

const bare = (text: string): string =>
  text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '');
