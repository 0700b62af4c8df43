/** What subtitle files are called, and what that says. Pure. */
import { basename } from 'node:path';

const ENDING = /\.(?:srt|vtt|ass|ssa)$/i;
/** film.de.srt, film.pt-BR.forced.srt */
const MARKS = /\.(?:[a-z]{2,3}(?:-[A-Za-z]{2,4})?|forced|sdh|cc|hi|default)$/i;

/** The name without its ending and without what says its language or kind, the longest first: film.de, film. */
export function stemsOf(path: string): string[] {
  const stems = [basename(path).replace(ENDING, '')];
  for (let last = stems[0]!; MARKS.test(last); stems.push(last)) last = last.replace(MARKS, '');
  return stems;
}

/** The language that a file's name gives it: "de" for film.de.srt. */
export const languageOfName = (path: string): string | null => {
  const [, code] =
    /\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?)(?:\.(?:forced|sdh|cc|hi|default))*\.(?:srt|vtt|ass|ssa)$/.exec(basename(path)) ??
    [];
  try {
    return code && new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(code) ? code : null;
  } catch {
    return null;
  }
};
