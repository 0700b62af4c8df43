/** Words of a text for comparison, and what became of a reference's words in a hypothesis. */
export const words = (text: string): string[] =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[’']/g, '')
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** Levenshtein alignment: the errors, and for each word of the reference whether it came through. */
export function compare(reference: string, hypothesis: string): { errors: number; rate: number; right: boolean[] } {
  const a = words(reference),
    b = words(hypothesis);
  const cost = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      cost[i]![j] = Math.min(
        cost[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1]),
        cost[i - 1]![j]! + 1,
        cost[i]![j - 1]! + 1,
      );
  const right = Array<boolean>(a.length).fill(false);
  for (let i = a.length, j = b.length; i > 0 && j > 0;) {
    if (cost[i]![j] === cost[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1])) {
      right[i - 1] = a[i - 1] === b[j - 1];
      i--;
      j--;
    } else if (cost[i]![j] === cost[i - 1]![j]! + 1) i--;
    else j--;
  }
  const errors = cost[a.length]![b.length]!;
  return { errors, rate: errors / Math.max(1, a.length), right };
}
