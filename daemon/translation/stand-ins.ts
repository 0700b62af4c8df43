/**
 * Numbers that a model keeps getting wrong: it is given another one in each place, of two figures, which even small
 * models leave alone, and the true one is put back in the way that the other language writes it. Pure.
 */
import { NUMBER } from './numbers.ts';

/** None of them is a year, a round number, or one that is put in words anywhere. */
const STAND_INS = [37, 42, 58, 64, 73, 86, 95, 29, 48, 53].map(String);

export interface Numbered {
  /** With other numbers in place of its own. */
  text: string;
  /** What was made of it, with the true numbers; null: one of the others is gone. */
  restored(translation: string): string | null;
}

/** Null: it has no numbers, or more than there are others for. */
export function withStandIns(text: string, from: string, to: string): Numbered | null {
  const free = STAND_INS.filter(each => !text.includes(each)),
    others = new Map<string, string>();
  let tooMany = false;
  const asked = text.replace(WHOLE_NUMBER, written => {
    const other = others.get(written) ?? free[others.size];
    if (other === undefined) tooMany = true;
    else others.set(written, other);
    return other ?? written;
  });
  if (tooMany || others.size === 0) return null;
  return {
    text: asked,
    restored(translation) {
      const back = new Map([...others].map(([written, other]) => [other, rewritten(written, from, to)]));
      const found = new Set<string>(),
        whole = translation.replace(FIGURES, figures => {
          if (back.has(figures)) found.add(figures);
          return back.get(figures) ?? figures;
        });
      return found.size === back.size ? whole : null;
    },
  };
}

/** Not in names and words: B52, MP3, 3D. */
const WHOLE_NUMBER = new RegExp(`(?<![\\p{L}\\p{N}_])${NUMBER.source}(?![\\p{L}\\p{N}_])`, 'gu'),
  FIGURES = /(?<!\d)\d{2}(?!\d)/gu;

/** 1,250.50 in English is 1.250,50 in German. What is not written as its language writes amounts stays as it is. */
function rewritten(written: string, from: string, to: string): string {
  const here = marksOf(from),
    there = marksOf(to);
  if (!here || !there) return written;
  const mark = (text: string): string => (/\s/.test(text) ? '[ \\u00a0\\u202f]' : `[${text}]`);
  const [, whole, fraction] =
    new RegExp(`^(\\d{1,3}(?:${mark(here.group)}\\d{3})+|\\d+)(?:${mark(here.decimal)}(\\d+))?$`).exec(written) ?? [];
  if (whole === undefined) return written;
  return whole.replace(/\D/g, there.group) + (fraction === undefined ? '' : there.decimal + fraction);
}

/** What stands between thousands, and before a fraction; null: a language that is not known. */
function marksOf(language: string): { group: string; decimal: string } | null {
  try {
    const parts = new Intl.NumberFormat(language, { useGrouping: true, numberingSystem: 'latn' }).formatToParts(
        12345.5,
      ),
      of = (type: string): string | undefined => parts.find(part => part.type === type)?.value;
    const group = of('group'),
      decimal = of('decimal');
    return group !== undefined && decimal !== undefined ? { group, decimal } : null;
  } catch {
    return null;
  }
}
