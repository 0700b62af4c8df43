/**
 * What people type as what is looked for: words, "phrases" and beginnings*. Nothing of it reaches the index's own
 * language but our terms in quotes.
 */
import { terms, type Term } from './terms.ts';

/** Terms next to each other; `open`: the last one may go on. */
export interface Phrase {
  terms: string[];
  open: boolean;
}

const MOST_PHRASES = 20;
/** Beginnings shorter than this would be half of all words. */
const SHORTEST_OPEN = 2;

/** `typing`: the last word is still being typed, so that it is a beginning too. */
export function phrases(question: string, typing = false): Phrase[] {
  const found: Phrase[] = [];
  for (const match of question.matchAll(/"([^"]*)"?|[^\s"]+/g)) {
    const quoted = match[1] !== undefined,
      isLast = match.index + match[0].length === question.length;
    const parts = terms(quoted ? match[1]! : match[0]).map(each => each.term);
    const last = parts.at(-1);
    if (last === undefined) continue;
    const open = !quoted && (match[0].endsWith('*') || (typing && isLast && last.length >= SHORTEST_OPEN));
    found.push({ terms: parts, open });
  }
  return found.slice(0, MOST_PHRASES);
}

/** In the language of FTS5. Terms are letters, digits and marks alone: nothing in them can end the quotes. */
export const matching = (wanted: readonly Phrase[]): string =>
  wanted.map(({ terms: parts, open }) => `"${parts.join(' ')}"${open ? ' *' : ''}`).join(' AND ');

export interface Marked {
  text: string;
  marks: [from: number, to: number][];
}

/** Where the phrases stand in a text, in order and without overlaps. */
export function marksIn(text: string, wanted: readonly Phrase[]): [from: number, to: number][] {
  const all = terms(text),
    marks: [number, number][] = [];
  for (let at = 0; at < all.length; at++) {
    const longest = Math.max(0, ...wanted.map(phrase => (standsAt(all, at, phrase) ? phrase.terms.length : 0)));
    if (longest === 0) continue;
    const last = marks.at(-1),
      from = all[at]!.from,
      to = all[at + longest - 1]!.to;
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else marks.push([from, to]);
  }
  return marks;
}

const standsAt = (all: readonly Term[], at: number, { terms: parts, open }: Phrase): boolean =>
  at + parts.length <= all.length &&
  parts.every((part, i) => {
    const { term } = all[at + i]!;
    return open && i === parts.length - 1 ? term.startsWith(part) : term === part;
  });

const SNIPPET = 200,
  LEAD = 60;

/** The part of a text around its first mark. */
export function snippet(text: string, wanted: readonly Phrase[]): Marked {
  const marks = marksIn(text, wanted),
    first = marks[0];
  if (!first || text.length <= SNIPPET) return { text, marks };
  const edges = terms(text);
  const from = first[0] <= LEAD ? 0 : edges.find(each => each.from >= first[0] - LEAD)!.from;
  const end =
    text.length - from <= SNIPPET
      ? text.length
      : Math.max(first[1], edges.findLast(each => each.to <= from + SNIPPET)?.to ?? 0);
  const before = from > 0 ? '…' : '',
    shift = before.length - from;
  return {
    text: `${before}${text.slice(from, end)}${end < text.length ? '…' : ''}`,
    marks: marks.filter(mark => mark[1] <= end).map(([a, b]) => [a + shift, b + shift]),
  };
}
