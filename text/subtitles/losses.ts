/**
 * What is not understood in a subtitle file, and what another format cannot say of it: counted, so that it can be said.
 */
import type { DocumentCue } from './document.ts';
import { drawingsIn } from './document.ts';
import { emphasisOf, isWordTime } from './inline.ts';
import { tokensIn, type Speech } from './units.ts';

/** What stays to the letter and is neither translated nor spoken. */
export interface Unclear {
  /** Texts that belong to no cue. */
  texts: number;
  /** Cues whose times cannot be read: their words go with the cue before. */
  times: number;
  /** Lines that a karaoke script made, syllable by syllable. */
  generated: number;
}

/** Null: all of it is understood. */
export function unclearIn({ document: { cues, others } }: Speech): Unclear | null {
  const found = {
    texts: others.strays,
    times: cues.filter(cue => cue.startMs === null || cue.endMs === null).length,
    generated: cues.filter(cue => cue.generated).length,
  };
  return Object.values(found).some(Boolean) ? found : null;
}

/** What is left out of another format, in numbers of cues or blocks. */
export interface Reduced {
  notes: number;
  styles: number;
  drawings: number;
  texts: number;
  /** Cues with a position, a color or a font. */
  formatting: number;
  /** Cues with times of single words. */
  wordTimes: number;
}

/** Null: nothing is. */
export function reducedIn({ document }: Speech): Reduced | null {
  const { others, cues } = document,
    tags = cues.map(cue => tokensIn(document, cue).flatMap(({ kind, raw }) => (kind === 'tag' ? [raw] : []))),
    found = {
      notes: others.notes,
      styles: others.styles,
      drawings: drawingsIn(document),
      texts: others.strays,
      formatting: cues.filter((cue, n) => isPlaced(cue) || tags[n]!.some(raw => !isCarried(raw))).length,
      wordTimes: tags.filter(each => each.some(isWordTime)).length,
    };
  return Object.values(found).some(Boolean) ? found : null;
}

const isPlaced = ({ settings }: DocumentCue): boolean => /\S/.test(settings.replace(/\bline:0\b/, ''));
const isCarried = (raw: string): boolean =>
  raw.startsWith('{')
    ? /^\{(?:\\(?:[ibu][01]|an?[789]|[kK][fo]?\d+))*\}$/.test(raw) || /\\p\d/.test(raw)
    : emphasisOf(raw) !== '' || isWordTime(raw) || /^<\/?(?:v[\s.>]|c[\s>]|>)/i.test(raw);
