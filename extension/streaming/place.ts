/**
 * Where the pieces of a transcript stand in a document that people edit meanwhile. Pure; offsets in UTF-16 units.
 *
 * A piece that somebody changed is theirs: it is never touched again. Text typed between two pieces, or right after the
 * last, stays where it is. New pieces go in after their neighbour.
 */
import type { Piece } from './layout.ts';

export interface Placed {
  key: string;
  start: number;
  end: number;
  text: string;
  /** Somebody edited it. */ theirs: boolean;
}
export interface Edit {
  start: number;
  end: number;
  text: string;
}
/** The pieces of one transcript; `origin` is where the first goes while there is none. */
export interface Placement {
  origin: number;
  pieces: Placed[];
}

export const fresh = (origin: number): Placement => ({ origin, pieces: [] });
export const endOf = (placement: Placement): number => placement.pieces.at(-1)?.end ?? placement.origin;

/**
 * Moves an offset for an edit elsewhere; one right at the place of an insertion stays before it (`after`: goes behind).
 */
function moved(offset: number, { start, end, text }: Edit, after: boolean): number {
  if (offset < start || (offset === start && !after)) return offset;
  if (offset >= end) return offset + text.length - (end - start);
  return start + (after ? text.length : 0);
}

/** The placement after somebody else's edit. */
export function shifted({ origin, pieces }: Placement, edit: Edit): Placement {
  const insertion = edit.start === edit.end;
  return {
    origin: moved(origin, edit, false),
    pieces: pieces.map(piece => {
      // Swallowed whole, or empty already: nothing is left of it, and what is typed there is not it.
      if (piece.start === piece.end || (!insertion && edit.start <= piece.start && edit.end >= piece.end)) {
        const at = piece.start === piece.end ? moved(piece.start, edit, false) : edit.start;
        return { ...piece, start: at, end: at, theirs: true };
      }
      const inside = insertion
        ? edit.start > piece.start && edit.start < piece.end
        : edit.start < piece.end && edit.end > piece.start;
      const start = moved(piece.start, edit, true),
        end =
          inside && edit.end < piece.end
            ? piece.end + edit.text.length - (edit.end - edit.start)
            : moved(piece.end, edit, false);
      return { ...piece, start: Math.min(start, end), end: Math.max(start, end), theirs: piece.theirs || inside };
    }),
  };
}

/** The shortest edit that turns `from` (standing at `at`) into `to`; null: they are equal. */
export function difference(from: string, to: string, at: number): Edit | null {
  if (from === to) return null;
  let head = 0,
    tail = 0;
  while (head < from.length && head < to.length && from[head] === to[head]) head += 1;
  while (
    tail < from.length - head &&
    tail < to.length - head &&
    from[from.length - 1 - tail] === to[to.length - 1 - tail]
  )
    tail += 1;
  return { start: at + head, end: at + from.length - tail, text: to.slice(head, to.length - tail) };
}

/**
 * The pieces that stay where they are: as many as can while the order becomes the wanted one, those that somebody
 * edited before all others. The rest of the known pieces move (a turn of a labeled speaker takes its translation
 * along).
 */
function inOrder(there: readonly Placed[], wanted: readonly Piece[]): Set<string> {
  const places = new Map(there.map((piece, place) => [piece.key, place]));
  let known = wanted.flatMap(({ key }) => {
    const place = places.get(key);
    return place === undefined ? [] : [{ key, place }];
  });
  if (known.every(({ place }, i) => i === 0 || place > known[i - 1]!.place))
    return new Set(known.map(({ key }) => key));
  // Between two edited pieces that stay, only what stands between them may.
  let last = -1;
  const anchors = new Set(
    known.flatMap(({ key, place }) => {
      if (!there[place]!.theirs || place < last) return [];
      last = place;
      return [key];
    }),
  );
  let from = -1,
    to = Infinity;
  known = known
    .filter(({ key, place }) => {
      if (anchors.has(key)) from = place;
      return place >= from;
    })
    .reverse()
    .filter(({ key, place }) => {
      if (anchors.has(key)) to = place;
      return place <= to;
    })
    .reverse();
  // The longest run in order: the smallest last place of a run of each length, and what comes before it.
  const ends: number[] = [],
    before: number[] = [];
  for (const [i, { place }] of known.entries()) {
    let low = 0,
      high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (known[ends[middle]!]!.place < place) low = middle + 1;
      else high = middle;
    }
    before[i] = ends[low - 1] ?? -1;
    ends[low] = i;
  }
  const kept = new Set<string>();
  for (let i = ends.at(-1) ?? -1; i >= 0; i = before[i]!) kept.add(known[i]!.key);
  return kept;
}

/** The edits (in order, none overlapping) that bring a document up to date, and the placement after them. */
export function reconcile(placement: Placement, wanted: readonly Piece[]): { edits: Edit[]; after: Placement } {
  const old = new Map(placement.pieces.map(p => [p.key, p])),
    keep = inOrder(placement.pieces, wanted);
  const edits: Edit[] = [],
    pieces: Placed[] = [];
  let shift = 0,
    at = placement.origin;
  const push = (edit: Edit): void => {
    const last = edits.at(-1);
    // Insertions at one place become one edit: an editor does not promise the order of several.
    if (
      last &&
      last.end === edit.start &&
      (last.start === last.end || edit.start === edit.end) &&
      edit.start === last.start
    ) {
      last.text += edit.text;
      last.end = edit.end;
    } else edits.push({ ...edit });
    shift += edit.text.length - (edit.end - edit.start);
  };
  const leave = (piece: Placed): void => {
    if (piece.theirs) pieces.push({ ...piece, start: piece.start + shift, end: piece.end + shift });
    else push({ start: piece.start, end: piece.end, text: '' });
    at = piece.end;
  };
  let next = 0;
  for (const piece of wanted) {
    const found = old.get(piece.key);
    if (!found || !keep.has(piece.key)) {
      if (found?.theirs) continue; // it stays where it is
      // The old pieces that stand before the next known one and are wanted no more go first.
      while (next < placement.pieces.length && !keep.has(placement.pieces[next]!.key)) leave(placement.pieces[next++]!);
      const start = at + shift;
      push({ start: at, end: at, text: piece.text });
      pieces.push({ ...piece, start, end: start + piece.text.length, theirs: false });
      continue;
    }
    while (next < placement.pieces.length && placement.pieces[next]!.key !== piece.key)
      leave(placement.pieces[next++]!);
    next += 1;
    const start = found.start + shift;
    if (!found.theirs) {
      const edit = difference(found.text, piece.text, found.start);
      if (edit) push(edit);
    }
    pieces.push({
      key: piece.key,
      start,
      end: found.end + shift,
      text: found.theirs ? found.text : piece.text,
      theirs: found.theirs,
    });
    at = found.end;
  }
  while (next < placement.pieces.length) leave(placement.pieces[next++]!);
  return { edits, after: { origin: placement.origin, pieces } };
}

/** Finds the pieces again in a document that was closed and opened; what is not found is taken for edited. */
export function refound(
  text: string,
  pieces: readonly { key: string; text: string; theirs: boolean }[],
): Placement | null {
  let at = 0,
    found = 0;
  const placed = pieces.map((piece, i) => {
    // Blanks and marks are everywhere: they are found before what they stand before.
    const next = /[\p{L}\p{N}]/u.test(piece.text) || !pieces[i + 1] || pieces[i + 1]!.theirs ? '' : pieces[i + 1]!.text;
    const start = piece.theirs ? -1 : text.indexOf(piece.text + next, at);
    if (start < 0) return { ...piece, start: at, end: at, theirs: true };
    at = start + piece.text.length;
    found += 1;
    return { ...piece, start, end: at };
  });
  return found === 0 && pieces.length > 0 ? null : { origin: placed[0]?.start ?? text.length, pieces: placed };
}
