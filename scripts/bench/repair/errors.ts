/**
 * Word errors: the least number of words to insert, delete or replace. Case and punctuation do not count, accents do.
 */
export function wordErrors(truth: string, heard: string): { errors: number; words: number } {
  const x = plain(truth),
    y = plain(heard);
  let row = y.map((_, j) => j + 1);
  x.forEach((word, i) => {
    const next: number[] = [];
    y.forEach((other, j) =>
      next.push(
        Math.min((j ? row[j - 1]! : i) + (word === other ? 0 : 1), row[j]! + 1, (j ? next[j - 1]! : i + 1) + 1),
      ),
    );
    row = next;
  });
  return { errors: y.length ? row.at(-1)! : x.length, words: x.length };
}

const plain = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
