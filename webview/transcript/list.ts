/**
 * Where utterances stand in the page. They are laid out in chunks, of which only those near the view are there; each of
 * the others is a box as tall as its rows were, or are expected to be. The browser keeps the view in place while chunks
 * come and go.
 */
import { listed, page } from './state.ts';

export const CHUNK = 10;
/** Rows that were never laid out, px. */
const EXPECTED_PX = 62;
/** So close to the end is at it. */
const END_PX = 60;

const near = new Set<number>([0]),
  heights = new Map<number, number>(),
  observed = new WeakSet<Element>();
let observer: IntersectionObserver | null = null;

export const isNear = (chunk: number): boolean => near.has(chunk);
/** Of a chunk of so many rows that is not laid out, px. */
export const heightOf = (chunk: number, rows: number): number => Math.round(heights.get(chunk) ?? rows * EXPECTED_PX);

const pane = (): HTMLElement | null => document.querySelector('.pane');

function onSight(entries: IntersectionObserverEntry[]): void {
  let changed = false;
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    const n = Number((target as HTMLElement).dataset.chunk);
    if (!target.isConnected || isIntersecting === near.has(n)) continue;
    changed = true;
    if (isIntersecting) near.add(n);
    // What is being typed in, or has the focus, stays.
    else if (!target.contains(document.activeElement)) {
      heights.set(n, boundingClientRect.height);
      near.delete(n);
    }
  }
  if (changed) page.paint();
}

/** After a painting: chunks that are new are watched. */
export function watchChunks(): void {
  const root = pane();
  if (!root) return;
  observer ??= new IntersectionObserver(onSight, { root, rootMargin: '800px 0px' });
  for (const chunk of root.querySelectorAll('.chunk'))
    if (!observed.has(chunk)) {
      observed.add(chunk);
      observer.observe(chunk);
    }
}

const belowEnd = (): number => {
  const last = pane()?.querySelector('.chunk:last-child')?.getBoundingClientRect().bottom;
  return last === undefined ? 0 : last - pane()!.getBoundingClientRect().bottom;
};
/** The last line is in view. */
export const atEnd = (): boolean => belowEnd() < END_PX;
export function toEnd(): void {
  const below = belowEnd();
  if (below > 0) pane()!.scrollTop += below;
}

/** Other utterances than before stand in the list. */
export function forgetHeights(): void {
  heights.clear();
}

/** The row of an utterance, laid out; null: it is not in the list. */
export function rowOf(index: number): HTMLElement | null {
  const place = listed().findIndex(u => u.index === index);
  if (place < 0) return null;
  const chunk = Math.floor(place / CHUNK);
  if (!near.has(chunk)) {
    near.add(chunk);
    page.paintNow();
  }
  return document.getElementById(`u${index}`);
}

/** Scrolls an utterance into view, if it is not there. */
export function reveal(index: number, where: ScrollLogicalPosition = 'nearest', smooth = false): HTMLElement | null {
  const row = rowOf(index);
  row?.scrollIntoView({ block: where, behavior: smooth ? 'smooth' : 'instant' });
  return row;
}

export function focusRow(index: number): void {
  page.remember({ at: index });
  page.paintNow();
  const row = reveal(index);
  row?.focus({ preventScroll: true });
}

/** The first row in view and how far it is scrolled out. */
export function topRow(): { index: number; px: number } | null {
  const box = pane(),
    edge = box?.getBoundingClientRect().top ?? 0;
  for (const row of box?.querySelectorAll<HTMLElement>('.utterance') ?? []) {
    const { top, bottom } = row.getBoundingClientRect();
    if (bottom > edge) return { index: Number(row.id.slice(1)), px: edge - top };
  }
  return null;
}

export function scrollToTop({ index, px }: { index: number; px: number }): void {
  const box = pane(),
    row = reveal(index, 'start');
  if (box && row) box.scrollTop += px + row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}
