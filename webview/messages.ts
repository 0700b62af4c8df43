/**
 * What the extension and its webviews send each other. State goes to a webview as a snapshot when it appears and as
 * deltas while it is visible, so a hidden one can miss nothing; what comes back is checked against the schemas below
 * before anything acts on it.
 */
import { Type, type Static } from 'typebox';
import { SpeakerName } from '../schemas/job.ts';
import { Closed, Id, JobState, Milliseconds, Optional, Priority, Stage } from '../schemas/words.ts';

/** Said in words already, in the window's language. */
export interface Sentence {
  text: string;
  kind: 'words' | 'reason' | 'failure' | 'plain';
}

export interface StageView {
  stage: Static<typeof Stage>;
  done: number;
  running: number;
  failed: number;
  /** Utterances, as far as they are known. */
  total: number | null;
  /** 0 to 1 of the recording. */
  fraction: number;
}

export interface JobRow {
  id: string;
  name: string;
  folder: string;
  state: Static<typeof JobState>;
  priority: Static<typeof Priority>;
  position: number;
  stages: StageView[];
  note: Sentence | null;
  lastWords: string;
  durationMs: number | null;
  createdAt: number;
  finishedAt: number | null;
  startAt: number | null;
  endAt: number | null;
  /** "en → de", or "en", or "". */
  languages: string;
  /** What recognizes it, by its name. */
  model: string;
  outputs: number;
  /** The machine of the fleet that works on it, or did; null: it waits for one. Missing: it is done here. */
  machine?: string | null;
}

export interface ConnectionView {
  kind: 'off' | 'starting' | 'connected' | 'lost' | 'failed';
  text: string;
}

/** Extension → queue. */
export type ToQueue =
  /** In parts, so that thousands of rows stop neither side for long; they count from the last on. */
  | {
      type: 'snapshot';
      rows: JobRow[];
      first: boolean;
      last: boolean;
      paused: boolean;
      connection: ConnectionView;
      modelsReady: boolean;
    }
  | { type: 'delta'; rows: JobRow[]; removed: string[] }
  | { type: 'state'; paused: boolean; connection: ConnectionView; modelsReady: boolean };

export const JobAction = Type.Enum(['open', 'pause', 'resume', 'here', 'cancel', 'retry', 'remove']);
export type JobAction = Static<typeof JobAction>;
export const PanelCommand = Type.Enum([
  'start',
  'pick',
  'sample',
  'models',
  'doctor',
  'log',
  'pauseQueue',
  'resumeQueue',
  'clearFinished',
  'cancelAll',
  'retryFailed',
]);
export type PanelCommand = Static<typeof PanelCommand>;

/** Queue → extension. */
export const FromQueue = Type.Union([
  Closed({ type: Type.Literal('ready') }),
  Closed({ type: Type.Literal('action'), action: JobAction, ids: Type.Array(Id, { minItems: 1, maxItems: 100_000 }) }),
  Closed({
    type: Type.Literal('move'),
    id: Id,
    before: Optional(Id),
    after: Optional(Id),
    to: Optional(Type.Enum(['top', 'bottom'])),
    priority: Optional(Priority),
  }),
  Closed({
    type: Type.Literal('drop'),
    uris: Type.Array(Type.String({ maxLength: 8192 }), { minItems: 1, maxItems: 10_000 }),
  }),
  Closed({ type: Type.Literal('command'), command: PanelCommand }),
]);
export type FromQueue = Static<typeof FromQueue>;

/** One holder of memory in a device's bar. */
export interface Slice {
  kind: 'ours' | 'other' | 'pending' | 'reserve' | 'free';
  name: string;
  bytes: number;
}
export interface Sample {
  at: number;
  used: number;
  utilization: number | null;
}
export interface InstanceView {
  id: string;
  model: string;
  stage: string;
  state: string;
  busy: boolean;
  bytes: number;
  peakBytes: number | null;
  detail: string;
  canUnload: boolean;
}
export interface EstimateView {
  model: string;
  estimateBytes: number;
  measuredBytes: number | null;
  samples: number;
  error: number | null;
}
export interface DeviceView {
  id: string;
  kind: 'gpu' | 'cpu';
  name: string;
  subtitle: string;
  health: 'ok' | 'degraded' | 'lost';
  warning: 'high' | 'critical' | null;
  excluded: boolean;
  healthText: string;
  total: number;
  used: number;
  slices: Slice[];
  /** Name and value, ready to show; what the device does not report is left out. */
  facts: { label: string; value: string; alarm: boolean }[];
  instances: InstanceView[];
  estimates: EstimateView[];
  history: Sample[];
}

/** Extension → devices. */
export type ToDevices = {
  type: 'snapshot';
  devices: DeviceView[];
  bottleneck: string | null;
  connection: ConnectionView;
  noGpu: NoGpu | null;
  /** Null: this machine belongs to no fleet. */
  fleet: FleetView | null;
};
/** The other machines of the fleet, and what stands between this one and them. */
export interface FleetView {
  problem: string | null;
  machines: MachineView[];
}
export interface MachineView {
  id: string;
  name: string;
  live: boolean;
  /** What it does, or since when it was not heard of. */
  status: string;
  devices: DeviceView[];
}
/** Why there is no GPU here and what may help. */
export interface NoGpu {
  title: string;
  text: string;
  link: string | null;
  linkText: string | null;
}

/** Devices → extension. */
export const FromDevices = Type.Union([
  Closed({ type: Type.Literal('ready') }),
  Closed({ type: Type.Literal('unload'), id: Id }),
  Closed({
    type: Type.Literal('exclude'),
    device: Type.String({ minLength: 1, maxLength: 128 }),
    excluded: Type.Boolean(),
  }),
  Closed({ type: Type.Literal('command'), command: PanelCommand }),
]);
export type FromDevices = Static<typeof FromDevices>;

export interface ChangeView {
  before: string;
  after: string;
}
export interface UtteranceView {
  index: number;
  startMs: number;
  endMs: number;
  text: string;
  original: string | null;
  translation: string | null;
  /** Words as they were recognized; `sure`: how sure the recognizer was, 0 to 1. */
  heard: { text: string; startMs: number; endMs: number; sure: number }[];
  changes: ChangeView[];
  failed: string | null;
  speaker: string | null;
  comment: string | null;
}

export interface SpeakerView {
  name: string;
  shown: string;
}

/**
 * `made`: what stands in the file. `making`: how far one that is on its way has come, or what it waits for. `canMake`:
 * one may be asked for.
 */
export interface SummaryView {
  made: { text: string; language: string; model: string } | null;
  making: string | null;
  canMake: boolean;
}

/** What plays: null while a copy is being made (`preparing`), or where none was (`failed` says why). */
export interface MediaView {
  media: string | null;
  preparing: boolean;
  /** How far the copy is, 0 to 1; null: nobody can tell. */
  fraction: number | null;
  failed: string | null;
}

/** What the commands of the context menu do in the page, on the utterance that they were called for. */
export type PageCommand = 'edit' | 'play' | 'loop' | 'split' | 'comment' | 'find' | 'shortcuts';

/** How a page of a transcript was left: what plays where, and what is in view. */
export const Place = Closed({
  /** The utterance that has the focus. */
  at: Type.Integer({ minimum: 0 }),
  view: Type.Enum(['original', 'both', 'translation']),
  speed: Type.Number({ minimum: 0.1, maximum: 16 }),
  volume: Type.Number({ minimum: 0, maximum: 1 }),
  muted: Type.Boolean(),
  /** Where it plays. */
  positionMs: Type.Number({ minimum: 0 }),
  /** The utterance at the top of the pane, and how far it is scrolled out, px. */
  top: Type.Union([Closed({ index: Type.Integer({ minimum: 0 }), px: Type.Number() }), Type.Null()]),
  /** The text moves with the sound. */
  follow: Type.Boolean(),
  folded: Type.Boolean(),
  picture: Type.Boolean(),
  /** Doubtful words are highlighted. */
  doubts: Type.Boolean(),
  /** The only speaker who is shown. */
  only: Type.Union([SpeakerName, Type.Null()]),
  /** How much of the recording the waveform shows, ms; null: all of it. */
  zoomMs: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
});
export type Place = Static<typeof Place>;

/** The job whose transcript is shown while it is being made. `note`: what it waits for, or why it failed. */
export interface RunView {
  row: JobRow;
  paused: boolean;
  note: string | null;
  /** It is over, and can be opened as a file. */
  canOpen: boolean;
  /** It was taken off the list: `note` says so, and nothing can be done about it. */
  gone: boolean;
}

/**
 * Extension → transcript editor: the whole document when the page appears, then what changed in it; its summary apart,
 * which changes by itself; a moment to show; what a menu asked for.
 */
export type ToTranscript =
  | TranscriptShown
  | TranscriptChange
  | { type: 'goto'; index: number; atMs: number }
  | ({ type: 'media' } & MediaView)
  | { type: 'command'; command: PageCommand; index: number | null }
  | { type: 'summary'; summary: SummaryView }
  /** Comes before the document of a job that is not over. */
  | { type: 'run'; run: RunView }
  /** The page makes way for another one of the same transcript, and says how it was left. */
  | { type: 'leave' }
  /** How the page before was left, before the document comes. */
  | { type: 'arrive'; place: Place; playing: boolean };
export type TranscriptShown = {
  type: 'document';
  name: string;
  durationMs: number | null;
  language: string | null;
  translatedTo: string | null;
  utterances: UtteranceView[];
  /** In order of appearance. */ speakers: SpeakerView[];
  media: string | null;
  video: boolean;
  missing: string | null;
  error: string | null;
  /** A pause of this length begins a chapter; 0: none does. */
  chapterPauseMs: number;
};
/** `order`: the numbers of all utterances as they stand now; null: the same ones in the same order as before. */
export type TranscriptChange = {
  type: 'change';
  language: string | null;
  translatedTo: string | null;
  changed: UtteranceView[];
  order: number[] | null;
  speakers: SpeakerView[];
};

const Index = Type.Integer({ minimum: 0 });
const Text = Type.String({ maxLength: 20_000 });
/** Transcript editor → extension. */
export const FromTranscript = Type.Union([
  Closed({ type: Type.Literal('ready') }),
  /** The utterance in focus, which commands are about. */
  Closed({ type: Type.Literal('focus'), index: Index }),
  Closed({ type: Type.Literal('text'), index: Index, text: Text }),
  Closed({ type: Type.Literal('translation'), index: Index, text: Text }),
  Closed({ type: Type.Literal('takeBack'), index: Index, change: Type.Union([Index, Type.Null()]) }),
  Closed({ type: Type.Literal('accept'), index: Type.Union([Index, Type.Null()]) }),
  Closed({ type: Type.Literal('takeAllBack') }),
  Closed({ type: Type.Literal('merge'), index: Index }),
  /** Parts a text, so many UTF-16 units from its beginning; `text`: what was typed there before. */
  Closed({ type: Type.Literal('split'), index: Index, at: Index, text: Type.Union([Text, Type.Null()]) }),
  Closed({ type: Type.Literal('remove'), index: Index }),
  Closed({ type: Type.Literal('insert'), index: Index }),
  Closed({ type: Type.Literal('times'), index: Index, startMs: Milliseconds, endMs: Milliseconds }),
  Closed({ type: Type.Literal('comment'), index: Index, text: Type.String({ maxLength: 10_000 }) }),
  /** To the clipboard: these utterances, or all (null). */
  Closed({
    type: Type.Literal('copy'),
    indexes: Type.Union([Type.Array(Index, { maxItems: 100_000 }), Type.Null()]),
    times: Type.Boolean(),
  }),
  Closed({ type: Type.Literal('link'), index: Index, atMs: Milliseconds }),
  /** Asks who speaks here; or what a speaker is called. */
  Closed({ type: Type.Literal('speaker'), index: Index }),
  Closed({ type: Type.Literal('speakerEverywhere'), name: SpeakerName }),
  Closed({
    type: Type.Literal('assign'),
    index: Index,
    name: Type.Union([SpeakerName, Type.Null()]),
    /** The whole turn, not this utterance alone. */ turn: Type.Boolean(),
  }),
  Closed({
    type: Type.Literal('replace'),
    find: Type.String({ minLength: 1, maxLength: 200 }),
    replacement: Type.String({ maxLength: 200 }),
    matchCase: Type.Boolean(),
    wholeWord: Type.Boolean(),
    /** Utterances in which it stays. */ except: Type.Array(Index, { maxItems: 100_000 }),
  }),
  Closed({ type: Type.Literal('media'), action: Type.Enum(['cancel', 'retry']) }),
  Closed({ type: Type.Literal('export') }),
  Closed({ type: Type.Literal('summary'), action: Type.Enum(['make', 'stop', 'copy']) }),
  Closed({ type: Type.Literal('job'), action: Type.Enum(['cancel', 'pause', 'resume', 'here', 'retry', 'open']) }),
  Closed({ type: Type.Literal('left'), place: Place, playing: Type.Boolean() }),
]);
export type FromTranscript = Static<typeof FromTranscript>;
