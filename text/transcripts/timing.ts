/**
 * When each character of a text is said: words with known times are found again in it, what lies between is spread
 * evenly.
 */
import { sentencesOf } from '../sentences.ts';
import type { Word } from '../../schemas/job.ts';

/** For each UTF-16 unit of a text, when it begins and ends, ms. */
export interface Timeline {
  startMs: number[];
  endMs: number[];
}

interface Sound {
  character: string;
  startMs: number;
  endMs: number;
}
/** Larger texts are not compared character by character. */
const LARGEST_COMPARISON = 4_000_000;

const isSound = (character: string): boolean => /[\p{L}\p{N}\p{M}]/u.test(character);
const fold = (character: string): string => character.toLowerCase().normalize('NFD')[0]!;

export function timelineOf(text: string, words: readonly Word[], startMs: number, endMs: number): Timeline {
  const heard = words.flatMap(soundsOf);
  const places: number[] = [],
    characters: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (isSound(character)) {
      places.push(at);
      characters.push(fold(character));
    }
    if (character.length > 1) at++;
  }
  const from = heard[0]?.startMs ?? startMs,
    to = Math.max(from, heard.at(-1)?.endMs ?? endMs);
  const matches = heard.length
    ? align(
        characters,
        heard.map(sound => sound.character),
      )
    : [];
  const times: { startMs: number; endMs: number }[] = [];
  // Between two matches, and before the first and after the last, characters share the time evenly.
  let known = -1,
    knownEnd = from;
  const spread = (until: number, untilMs: number): void => {
    const count = until - known - 1,
      each = count > 0 ? Math.max(0, untilMs - knownEnd) / count : 0;
    for (let i = 0; i < count; i++) times.push({ startMs: knownEnd + i * each, endMs: knownEnd + (i + 1) * each });
  };
  for (const [mine, theirs] of matches) {
    const sound = heard[theirs]!,
      begin = Math.max(knownEnd, sound.startMs);
    spread(mine, begin);
    times.push({ startMs: begin, endMs: Math.max(begin, sound.endMs) });
    known = mine;
    knownEnd = Math.max(begin, sound.endMs);
  }
  spread(characters.length, Math.max(to, knownEnd));

  const line: Timeline = { startMs: new Array<number>(text.length), endMs: new Array<number>(text.length) };
  let last = times[0]?.startMs ?? from,
    next = 0;
  for (let at = 0; at < text.length; at++) {
    const time = places[next] === at ? times[next++]! : { startMs: last, endMs: last };
    line.startMs[at] = Math.round(time.startMs);
    line.endMs[at] = Math.round(time.endMs);
    last = time.endMs;
  }
  if (!places.length && text.length) {
    line.startMs.fill(Math.round(from));
    line.endMs.fill(Math.round(to));
  }
  return line;
}

/**
 * A text that was not heard as it stands (a translation): spread over the sentences' times where both have as many,
 * else over the whole.
 */
export function proportionalTimeline(
  text: string,
  source: string,
  sourceTimes: Timeline,
  language: string,
  startMs: number,
  endMs: number,
): Timeline {
  const from = sourceTimes.startMs[0] ?? startMs,
    to = sourceTimes.endMs.at(-1) ?? endMs;
  const mine = sentenceRanges(text, language),
    theirs = sentenceRanges(source, language);
  const line: Timeline = { startMs: [], endMs: [] };
  const spread = (start: number, end: number, begin: number, finish: number): void => {
    for (let at = start; at < end; at++) {
      line.startMs[at] = Math.round(begin + ((finish - begin) * (at - start)) / (end - start));
      line.endMs[at] = Math.round(begin + ((finish - begin) * (at + 1 - start)) / (end - start));
    }
  };
  if (mine.length !== theirs.length || mine.length < 2) {
    spread(0, text.length, from, to);
    return line;
  }
  mine.forEach((sentence, n) => {
    const { start, end } = theirs[n]!,
      trimmed = source.slice(start, end).trimEnd().length;
    spread(
      sentence.start,
      sentence.end,
      sourceTimes.startMs[start]!,
      sourceTimes.endMs[start + Math.max(0, trimmed - 1)]!,
    );
  });
  return line;
}

function sentenceRanges(text: string, language: string): { start: number; end: number }[] {
  let start = 0;
  return sentencesOf(text, language).map(({ length }) => ({ start, end: (start += length) }));
}

function soundsOf(word: Word): Sound[] {
  const characters = [...word.text].filter(isSound);
  const each = (word.endMs - word.startMs) / (characters.length || 1);
  return characters.map((character, n) => ({
    character: fold(character),
    startMs: word.startMs + n * each,
    endMs: word.startMs + (n + 1) * each,
  }));
}

/** Pairs of equal characters in order: the longest common subsequence, after what both begin and end with. */
function align(a: readonly string[], b: readonly string[]): [number, number][] {
  let head = 0,
    tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const rows = a.length - head - tail,
    columns = b.length - head - tail;
  const middle: [number, number][] = [];
  if (rows && columns && rows * columns <= LARGEST_COMPARISON) {
    const length = new Uint16Array((rows + 1) * (columns + 1)),
      at = (i: number, j: number): number => i * (columns + 1) + j;
    for (let i = rows - 1; i >= 0; i--)
      for (let j = columns - 1; j >= 0; j--) {
        length[at(i, j)] =
          a[head + i] === b[head + j]
            ? length[at(i + 1, j + 1)]! + 1
            : Math.max(length[at(i + 1, j)]!, length[at(i, j + 1)]!);
      }
    for (let i = 0, j = 0; i < rows && j < columns;) {
      if (a[head + i] === b[head + j]) {
        middle.push([head + i, head + j]);
        i++;
        j++;
      } else if (length[at(i + 1, j)]! >= length[at(i, j + 1)]!) i++;
      else j++;
    }
  }
  return [
    ...Array.from({ length: head }, (_, n): [number, number] => [n, n]),
    ...middle,
    ...Array.from({ length: tail }, (_, n): [number, number] => [a.length - tail + n, b.length - tail + n]),
  ];
}
