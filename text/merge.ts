/** What two people made of one text, in one: by lines, and within a line that both changed, by words. Pure. */
import { diff3Merge } from 'node-diff3';

export interface Merged {
  text: string;
  /** Places that both changed differently: there `mine` stands. */
  conflicts: number;
}

const together = (mine: readonly string[], base: readonly string[], theirs: readonly string[]) =>
  diff3Merge([...mine], [...base], [...theirs], { excludeFalseConflicts: true });

const wordsOf = (lines: readonly string[]): string[] => lines.join('\n').match(/\s+|[^\s]+/g) ?? [];

export function merged(mine: string, base: string, theirs: string): Merged {
  let conflicts = 0;
  const lines = together(mine.split('\n'), base.split('\n'), theirs.split('\n')).flatMap(region => {
    if (region.ok) return region.ok;
    const { a, o, b } = region.conflict!;
    const words = together(wordsOf(a), wordsOf(o), wordsOf(b)).flatMap(part => {
      if (part.ok) return part.ok;
      conflicts += 1;
      return part.conflict!.a;
    });
    // One side took all of it away, the other changed it: the lines stay apart from their neighbours.
    return words.length || a.length ? [words.join('')] : [];
  });
  return { text: lines.join('\n'), conflicts };
}
