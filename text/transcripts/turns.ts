/**
 * Utterances in which several people speak, parted where one stops and the next begins. Words have times, so the cut
 * falls between two words, and at a sentence's end where one is near. Pure.
 */
import { sourceText, type Turn, type Utterance, type Word } from '../../schemas/job.ts';
import { sentencesOf } from '../sentences.ts';
import { timelineOf } from './timing.ts';

/** So far from where the voice changes, a sentence's end is a better place than the word at hand. */
const NEAR_MS = 700;
/** Others who speak for less while somebody talks are not worth a word. */
const LEAST_CROSSTALK_MS = 300;

interface Token {
  /** Up to where it goes in the text, with what follows it. */ end: number;
  startMs: number;
  endMs: number;
  endsSentence: boolean;
}

/**
 * An utterance as one of each turn; itself where one person speaks, where words have no times, or where `translated`
 * asks for a translation that cannot be parted with its sentences.
 */
export function spokenApart(utterance: Utterance, translated: boolean): Utterance[] {
  const { turns, asr, nmt } = utterance,
    text = sourceText(utterance);
  if (!turns || !asr?.words.length || !text.trim()) return [utterance];
  const tokens = tokensOf(text, asr.words, utterance),
    parts = partsOf(tokens, turns);
  if (parts.length < 2) return [utterance];
  const cuts = parts.map(({ to }) => tokens[to - 1]!.end),
    sentences = translated && nmt ? translationParts(nmt.text, nmt.language, text, asr.language, cuts) : null;
  if (translated && nmt && !sentences) return [utterance];
  return parts.map(({ from, to, speaker }, n) => {
    const own = text.slice(cuts[n - 1] ?? 0, cuts[n]).trim(),
      startMs = n === 0 ? utterance.startMs : tokens[from]!.startMs,
      endMs = n === parts.length - 1 ? utterance.endMs : Math.max(startMs, tokens[to - 1]!.endMs),
      words = asr.words.filter(word => {
        const middle = (word.startMs + word.endMs) / 2;
        return middle >= (n === 0 ? -Infinity : startMs) && middle < (tokens[to]?.startMs ?? Infinity);
      });
    return {
      ...utterance,
      startMs,
      endMs,
      speaker,
      asr: { ...asr, text: own, words },
      ...(utterance.repair ? { repair: { ...utterance.repair, text: own, changes: [] } } : {}),
      ...(nmt && sentences ? { nmt: { ...nmt, text: sentences[n]! } } : {}),
    };
  });
}

function tokensOf(text: string, words: readonly Word[], { startMs, endMs, asr }: Utterance): Token[] {
  const times = timelineOf(text, words, startMs, endMs),
    language = asr!.language,
    ends = new Set<number>();
  let at = 0;
  for (const sentence of sentencesOf(text, language)) ends.add((at += sentence.length));
  const tokens: Token[] = [];
  for (const { index, segment, isWordLike } of segmenterOf(language).segment(text)) {
    const end = index + segment.length,
      last = tokens.at(-1);
    // Marks and spaces belong to the word before them.
    if (isWordLike || !last)
      tokens.push({ end, startMs: times.startMs[index]!, endMs: times.endMs[end - 1]!, endsSentence: false });
    else last.end = end;
    tokens.at(-1)!.endsSentence ||= ends.has(end);
  }
  return tokens;
}

function segmenterOf(language: string): Intl.Segmenter {
  try {
    return new Intl.Segmenter(language, { granularity: 'word' });
  } catch {
    return new Intl.Segmenter(undefined, { granularity: 'word' });
  }
}

interface Part {
  from: number;
  to: number;
  speaker: string;
}

/** Runs of words of one speaker. In overlapping speech whoever was speaking goes on. */
function partsOf(tokens: readonly Token[], turns: readonly Turn[]): Part[] {
  let current = turns[0]!.speaker;
  const speakers = tokens.map(({ startMs, endMs }) => {
    const middle = (startMs + endMs) / 2,
      now = turns.filter(turn => turn.startMs <= middle && middle < turn.endMs);
    if (now.length && !now.some(turn => turn.speaker === current)) current = now.at(-1)!.speaker;
    return current;
  });
  const parts: Part[] = [];
  for (let at = 1; at < tokens.length; at++) {
    if (speakers[at] === speakers[at - 1]) continue;
    const cut = cutNear(tokens, at, parts.at(-1)?.to ?? 0);
    parts.push({ from: parts.at(-1)?.to ?? 0, to: cut, speaker: speakers[at - 1]! });
  }
  parts.push({ from: parts.at(-1)?.to ?? 0, to: tokens.length, speaker: speakers.at(-1)! });
  // Two that a cut brought together are one.
  return parts
    .filter(({ from, to }) => to > from)
    .reduce<Part[]>((joined, part) => {
      const last = joined.at(-1);
      if (last?.speaker === part.speaker) last.to = part.to;
      else joined.push({ ...part });
      return joined;
    }, []);
}

/** The place of a cut: before token `at`, or where a sentence ends close by. */
function cutNear(tokens: readonly Token[], at: number, least: number): number {
  const { startMs } = tokens[at]!;
  let best = at,
    away = Infinity;
  for (let place = least + 1; place < tokens.length; place++) {
    const off = Math.abs(tokens[place]!.startMs - startMs);
    if (tokens[place - 1]!.endsSentence && off <= NEAR_MS && off < away) [best, away] = [place, off];
  }
  return best;
}

/** A translation in as many parts, where it has the sentences of the text and each part ends with one. */
function translationParts(
  translation: string,
  language: string,
  text: string,
  textLanguage: string,
  cuts: readonly number[],
): string[] | null {
  const theirs = sentencesOf(text, textLanguage),
    mine = sentencesOf(translation, language);
  if (mine.length !== theirs.length) return null;
  const ends: number[] = [];
  let at = 0;
  for (const sentence of theirs) ends.push((at += sentence.length));
  const parts: string[] = [];
  let from = 0;
  for (const cut of cuts) {
    const to = cut >= text.length ? mine.length : ends.indexOf(cut) + 1;
    if (to <= from) return null;
    parts.push(mine.slice(from, to).join('').trim());
    from = to;
  }
  return parts;
}

/** Who else speaks while somebody does: names, in order. */
export const crosstalkIn = ({ turns = [], startMs, endMs, speaker }: Utterance): string[] => [
  ...new Set(
    turns
      .filter(
        turn =>
          turn.overlap &&
          turn.speaker !== speaker &&
          Math.min(endMs, turn.endMs) - Math.max(startMs, turn.startMs) >= LEAST_CROSSTALK_MS,
      )
      .map(turn => turn.speaker),
  ),
];
