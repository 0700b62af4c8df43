/** What the page knows and remembers; its parts read and change it, and ask for a painting. */
import type {
  FromTranscript,
  MediaView,
  Place,
  RunView,
  SummaryView,
  ToTranscript,
  TranscriptShown,
  UtteranceView,
} from '../messages.ts';
import { align, type Timed } from '../../text/transcripts/align.ts';
import { namedChapters, type Chapter } from '../../text/transcripts/chapters.ts';
import { Asked } from '../asked.ts';
import { Page } from '../page.ts';
import type { Peaks } from './wave.ts';
import { TRANSCRIPT } from '../shapes.ts';

export type RunAction = Extract<FromTranscript, { type: 'job' }>['action'];
export type SummaryAction = Extract<FromTranscript, { type: 'summary' }>['action'];

export type View = Place['view'];
export type Field = 'text' | 'translation' | 'comment';

/** Kept by the editor while the page is hidden, and over a reload of the window. */
export interface Remembered extends Place {
  /** The job whose transcript is being made here; null: it is a file. */
  job: string | null;
}

export const page = new Page<ToTranscript, FromTranscript, Remembered>(TRANSCRIPT, {
  at: 0,
  view: 'both',
  speed: 1,
  volume: 1,
  muted: false,
  positionMs: 0,
  top: null,
  follow: true,
  folded: false,
  picture: true,
  doubts: false,
  only: null,
  zoomMs: null,
  job: null,
});

interface State {
  shown: TranscriptShown | null;
  /** The job that makes it; then nothing can be edited. Null: it is a file. */
  run: RunView | null;
  /** What was asked for of the job. */
  asked: Asked<RunAction>;
  /** What was asked for of the summary. */
  summing: Asked<SummaryAction>;
  /** It played in the page before, and goes on. */
  playsOn: boolean;
  summary: SummaryView;
  /** Something was copied a moment ago. */
  copied: boolean;
  peaks: Peaks | null;
  /** `caret`: where the cursor is put, UTF-16 units; null: all is selected. */
  editing: { index: number; field: Field; caret: number | null } | null;
  /** Played over and over. */
  loop: { startMs: number; endMs: number } | null;
  /** The recording cannot be played here. */
  mute: boolean;
  /** A copy of it that can is being made, or was not. */
  copy: Omit<MediaView, 'media'>;
  /** By number, the place of an utterance among all. */
  places: Map<number, number>;
}
export const state: State = {
  shown: null,
  run: null,
  asked: new Asked(() => page.paint()),
  summing: new Asked(() => page.paint()),
  playsOn: false,
  summary: { made: null, making: null, canMake: false },
  copied: false,
  peaks: null,
  editing: null,
  loop: null,
  mute: false,
  copy: { preparing: false, fraction: null, failed: null },
  places: new Map(),
};

/** Below it, a recognizer was not sure of a word. */
export const DOUBTFUL = 0.6;
export interface TimedWord extends Timed {
  /** 0 to 1; null: nobody's guess. */
  sure: number | null;
}

const timed = new WeakMap<UtteranceView, TimedWord[]>();
/** The words of an utterance with their times. */
export function wordsOf(u: UtteranceView): TimedWord[] {
  const known = timed.get(u);
  if (known) return known;
  const made = align(u.text, u.heard, u.startMs, u.endMs).map(word => ({
    ...word,
    sure: word.heard === null ? null : u.heard[word.heard]!.sure,
  }));
  timed.set(u, made);
  return made;
}

export const wordId = (utterance: number, word: number): string => `w${utterance}-${word}`;

export const utteranceOf = (index: number): UtteranceView | undefined => {
  const place = state.places.get(index);
  return place === undefined ? undefined : state.shown?.utterances[place];
};

/** What the list shows: all, or what one speaker says. */
export function listed(): readonly UtteranceView[] {
  const all = state.shown?.utterances ?? [],
    { only } = page.remembered;
  return only === null || !state.shown?.speakers.some(s => s.name === only) ? all : all.filter(u => u.speaker === only);
}

let parted: { of: readonly UtteranceView[]; pauseMs: number; chapters: Chapter[] } | null = null;
/** Parted by long pauses; none where there is only one. */
export function chapters(): readonly Chapter[] {
  const { utterances: of = NOTHING, chapterPauseMs: pauseMs = 0 } = state.shown ?? {};
  if (parted?.of !== of || parted.pauseMs !== pauseMs) parted = { of, pauseMs, chapters: namedChapters(of, pauseMs) };
  return parted.chapters;
}
const NOTHING: readonly UtteranceView[] = [];
/** The chapter that a moment is in. */
export const chapterAt = (ms: number): Chapter | undefined =>
  chapters().findLast(({ startMs }) => startMs <= ms) ?? chapters()[0];

/** The utterance in focus, or the first. */
export function focusIndex(list: readonly UtteranceView[]): number | null {
  return list.some(u => u.index === page.remembered.at) ? page.remembered.at : (list[0]?.index ?? null);
}

/** Another text of an utterance is shown at once; the file follows. */
export function patch(index: number, change: Partial<UtteranceView>): void {
  const place = state.places.get(index);
  if (!state.shown || place === undefined) return;
  const utterances = [...state.shown.utterances];
  utterances[place] = { ...utterances[place]!, ...change };
  state.shown = { ...state.shown, utterances };
}

/** Other utterances, or others in their places; the file follows. */
export function relist(utterances: UtteranceView[]): void {
  if (!state.shown) return;
  state.shown = { ...state.shown, utterances };
  state.places = new Map(utterances.map((u, i) => [u.index, i]));
}
