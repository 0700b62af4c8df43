/** Which of thousands of rows of differing heights are in view. Pure; pixels. */
export interface Window {
  from: number;
  to: number;
}

/** tops[i] is where row i begins; the last entry is the height of all. */
export function tops<T>(rows: readonly T[], heightOf: (row: T) => number): Float64Array {
  const result = new Float64Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) result[i + 1] = result[i]! + heightOf(rows[i]!);
  return result;
}

/** The row that covers y, by halving. */
export function rowAt(all: Float64Array, y: number): number {
  let low = 0,
    high = all.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (all[middle]! <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** Rows in [scroll, scroll + height) and a margin on both sides, so that a quick scroll finds them painted. */
export function visible(all: Float64Array, scroll: number, height: number, margin = 300): Window {
  if (all.length < 2) return { from: 0, to: 0 };
  return { from: rowAt(all, Math.max(0, scroll - margin)), to: rowAt(all, scroll + height + margin) + 1 };
}

/** Where to scroll so that row i is whole in view; null: it is. */
export function reveal(all: Float64Array, i: number, scroll: number, height: number): number | null {
  const top = all[i]!,
    bottom = all[i + 1]!;
  if (top < scroll) return top;
  return bottom > scroll + height ? bottom - height : null;
}
