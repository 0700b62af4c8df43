/** What is looked for in the texts: where it is, which of it is shown, and how it lights up. */
import { matchesIn, patternOf } from '../../text/transcripts/search.ts';
import { current } from '../../text/transcripts/align.ts';
import { reveal } from './list.ts';
import { listed, page, state, utteranceOf } from './state.ts';

export interface Hit {
  index: number;
  field: 'text' | 'translation';
  from: number;
  to: number;
}
interface FindState {
  open: boolean;
  replacing: boolean;
  find: string;
  replacement: string;
  matchCase: boolean;
  wholeWord: boolean;
  hits: Hit[];
  /** The hit that is shown; -1: none yet. */
  at: number;
  /** Utterances in which nothing is replaced. */
  except: Set<number>;
}
export const findState: FindState = {
  open: false,
  replacing: false,
  find: '',
  replacement: '',
  matchCase: false,
  wholeWord: false,
  hits: [],
  at: -1,
  except: new Set(),
};

/** Looks again: other words, or other texts. The hit that was shown stays the one where it is still there. */
export function search(): void {
  const { find, matchCase, wholeWord, hits, at } = findState,
    shown = hits[at],
    fields: Hit['field'][] =
      state.shown?.translatedTo && page.remembered.view !== 'original' ? ['text', 'translation'] : ['text'];
  findState.hits = [];
  if (find && findState.open) {
    const pattern = patternOf({ find, matchCase, wholeWord });
    for (const u of listed())
      for (const field of fields)
        for (const match of matchesIn(u[field] ?? '', pattern))
          findState.hits.push({ index: u.index, field, ...match });
  }
  const { places } = state,
    key = (hit: Hit): { startMs: number } => ({ startMs: (places.get(hit.index) ?? 0) * 1e6 + hit.from });
  findState.at = shown ? current(findState.hits.map(key), key(shown).startMs) : -1;
}

/** Other words are looked for: the first hit from the utterance in focus on is shown. */
export function searchAnew(): void {
  findState.at = -1;
  findState.except.clear();
  search();
  const here = state.places.get(page.remembered.at) ?? 0;
  const first = findState.hits.findIndex(hit => state.places.get(hit.index)! >= here);
  show(first < 0 ? 0 : first);
}

export function step(by: 1 | -1): void {
  const { hits, at } = findState;
  if (hits.length) show((at + by + hits.length) % hits.length);
}

function show(at: number): void {
  findState.at = findState.hits.length ? at : -1;
  const hit = findState.hits[at];
  page.paintNow();
  if (!hit) return;
  page.remember({ at: hit.index });
  page.paintNow();
  const row = reveal(hit.index),
    range = row && rangeOf(row, hit),
    box = row?.closest('.pane')?.getBoundingClientRect(),
    place = range?.getBoundingClientRect();
  // A long utterance may be taller than the view.
  if (box && place && (place.top < box.top || place.bottom > box.bottom)) row!.scrollIntoView({ block: 'center' });
  light();
}

/** Hits in one utterance after the other, for a preview of what replacing them makes. */
export function previews(most: number): { index: number; text: string; hits: Hit[] }[] {
  const found = Map.groupBy(
    findState.hits.filter(hit => hit.field === 'text'),
    hit => hit.index,
  );
  return [...found].slice(0, most).map(([index, hits]) => ({ index, text: utteranceOf(index)?.text ?? '', hits }));
}
export const toReplace = (): Hit[] =>
  findState.hits.filter(hit => hit.field === 'text' && !findState.except.has(hit.index));

function rangeOf(row: HTMLElement, { field, from, to }: Hit): Range | null {
  const paragraph = row.querySelector(`p.${field}`);
  if (!paragraph) return null;
  const range = document.createRange(),
    walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
  let at = 0,
    begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    // The template's own line ends around the text do not count.
    if (/^\n\s*$/.test(node.nodeValue!)) continue;
    const { length } = node as Text;
    if (!begun && from < at + length) {
      range.setStart(node, from - at);
      begun = true;
    }
    if (begun && to <= at + length) {
      range.setEnd(node, to - at);
      return range;
    }
    at += length;
  }
  return null;
}

/** After a painting: hits in the rows that are laid out are painted over the text, without touching it. */
export function light(): void {
  const { highlights } = CSS;
  highlights.delete('hit');
  highlights.delete('hit-shown');
  if (!findState.open || !findState.hits.length) return;
  const laid = new Map(
      Array.from(document.querySelectorAll<HTMLElement>('.utterance'), row => [Number(row.id.slice(1)), row]),
    ),
    all = new Highlight();
  for (const [n, hit] of findState.hits.entries()) {
    const row = laid.get(hit.index),
      range = row && rangeOf(row, hit);
    if (!range) continue;
    if (n === findState.at) highlights.set('hit-shown', new Highlight(range));
    else all.add(range);
  }
  highlights.set('hit', all);
}
