/**
 * Where a transcript goes over to something else: long pauses part chapters, and a chapter is called by what is said
 * first in it. Pure.
 */

export interface Span {
  startMs: number;
  endMs: number;
  text: string;
}

/** A pause that parts chapters, where nobody says another. */
export const CHAPTER_PAUSE_MS = 10_000;
/** A chapter is at least this long: pauses close together are one hesitation. */
const LEAST_MS = 60_000;
const LONGEST_TITLE = 60;

/**
 * The positions at which chapters begin; none when there is only one. What is known of a beginning does not change with
 * what comes later, so headings stay where they are while a transcript streams in (the first one appears with the
 * second).
 */
export function chaptersOf(spans: readonly Span[], pauseMs: number): number[] {
  if (pauseMs <= 0) return [];
  const begins: number[] = [];
  for (const [i, { startMs }] of spans.entries()) {
    const before = spans[i - 1],
      last = spans[begins.at(-1) ?? 0];
    if (!before || (startMs - before.endMs >= pauseMs && startMs - last!.startMs >= LEAST_MS)) begins.push(i);
  }
  return begins.length > 1 ? begins : [];
}

export interface Chapter {
  /** Of the utterance that it begins with. */
  index: number;
  startMs: number;
  title: string;
}
/** The chapters of a transcript by name; where nothing is said, none begins. */
export function namedChapters(spans: readonly (Span & { index: number })[], pauseMs: number): Chapter[] {
  const spoken = spans.filter(({ text }) => text.trim() !== '');
  return chaptersOf(spoken, pauseMs).map(at => {
    const { index, startMs, text } = spoken[at]!;
    return { index, startMs, title: titleOf(text) };
  });
}

/** The end of a sentence; a point behind “Mr”, “Dr” or an initial is none. */
const SENTENCE_END = /(?<=[!?…]|(?<!(?<!\p{L})(?:\p{Lu}|Mrs?|Ms|Dr|Prof|St|Mme|Hr|Fr|Sr|Sra))\.)\s|(?<=[。！？])/u;

/** The first sentence, cut at a word where it is long. */
export function titleOf(text: string): string {
  const [first = ''] = text.trim().split(SENTENCE_END, 1),
    title = first.replace(/(?<![.。…])[.。…]+$/u, '');
  if (title.length <= LONGEST_TITLE) return title;
  const at = title.lastIndexOf(' ', LONGEST_TITLE);
  return `${title.slice(0, at > 20 ? at : LONGEST_TITLE).replace(/(?<![,;:–—\\])[,;:–—\\]+$/u, '')}…`;
}
