/** What the page knows and remembers; its parts read and change it, and ask for a painting. */
import type { FromTranscript, SummaryView, ToTranscript, TranscriptShown, UtteranceView } from '../messages.ts';
import { Page } from '../page.ts';
import { TRANSCRIPT } from '../shapes.ts';
import { align, type Timed } from './align.ts';

export type View = 'original' | 'both' | 'translation';
export type Field = 'text' | 'translation';

/** Kept by the editor while the page is hidden. */
export interface Remembered {
  /** The utterance that has the focus. */
  at: number;
  view: View;
  speed: number;
  folded: boolean;
}

export const page = new Page<ToTranscript, FromTranscript, Remembered>(TRANSCRIPT, {
  at: 0,
  view: 'both',
  speed: 1,
  folded: false,
});

interface State {
  shown: TranscriptShown | null;
  summary: SummaryView;
  /** The summary was copied a moment ago. */
  copied: boolean;
  peaks: Float32Array | null;
  editing: { index: number; field: Field } | null;
  finding: boolean;
  /** Every word with its time, over the whole recording; rebuilt with the document. */
  words: (Timed & { id: string })[];
}
export const state: State = {
  shown: null,
  summary: { made: null, making: null, canMake: false },
  copied: false,
  peaks: null,
  editing: null,
  finding: false,
  words: [],
};

const timed = new Map<number, { text: string; words: Timed[] }>();
/** The words of an utterance with their times; made anew when its text changes. */
export function wordsOf(u: UtteranceView): Timed[] {
  const known = timed.get(u.index);
  if (known?.text === u.text) return known.words;
  const made = align(u.text, u.heard, u.startMs, u.endMs);
  timed.set(u.index, { text: u.text, words: made });
  return made;
}

export const wordId = (utterance: number, word: number): string => `w${utterance}-${word}`;
