/** Where a line may be broken in scripts that part no words by spaces. */

/** Words of a script without spaces; closing marks stay with what is before them, opening ones with what follows. */
export function unspacedPieces(chunk: string, language: string): [number, number][] {
  const pieces: [number, number][] = [];
  let opening = -1;
  for (const { index, segment } of segmenter(language === 'und' ? 'zh' : language).segment(chunk)) {
    const end = index + segment.length;
    if (/^[\p{Ps}\p{Pi}]+$/u.test(segment)) {
      if (opening < 0) opening = index;
      continue;
    }
    if (pieces.length && opening < 0 && /^[\p{P}\p{S}ー々]+$/u.test(segment)) pieces.at(-1)![1] = end;
    else {
      pieces.push([opening < 0 ? index : opening, end]);
      opening = -1;
    }
  }
  if (opening >= 0) {
    if (pieces.length) pieces.at(-1)![1] = chunk.length;
    else pieces.push([0, chunk.length]);
  }
  return pieces;
}

const segmenters = new Map<string, Intl.Segmenter>();
function segmenter(language: string): Intl.Segmenter {
  let made = segmenters.get(language);
  if (!made) segmenters.set(language, (made = new Intl.Segmenter(language, { granularity: 'word' })));
  return made;
}
