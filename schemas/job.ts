/** A job, its request, its utterances and what each stage made of them. */
import { Type, type Static } from 'typebox';
import { Failure } from './failure.ts';
import { Reason } from './reasons.ts';
import {
  Bytes,
  ByStage,
  Closed,
  Format,
  FORMATS,
  Fraction,
  Id,
  JobState,
  Language,
  Milliseconds,
  Nullable,
  Optional,
  Path,
  Priority,
  Stage,
  Time,
} from './words.ts';

/** A name or term to hear, keep and translate as written. */
export const GlossaryEntry = Closed({
  term: Type.String({ minLength: 1, maxLength: 200 }),
  /** Other spellings or mishearings that stand for the term. */
  aliases: Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 50 })),
  translation: Optional(Type.String({ minLength: 1, maxLength: 200 })),
});
export type GlossaryEntry = Static<typeof GlossaryEntry>;

/** A speaker's name, or "S1", "S2" … as long as nobody gave one. */
export const SpeakerName = Type.String({ minLength: 1, maxLength: 100 });
/** What a voice is known again by: figures of one encoder, in base64. */
export const VoicePrint = Type.String({ minLength: 1, maxLength: 4000, pattern: '^[A-Za-z0-9+/]+=*$' });

export const SpeakerOptions = Closed({
  /** How many there are; missing: as many as their voices differ. */
  count: Optional(Type.Integer({ minimum: 1, maximum: 50 })),
  /** Voices that have a name already. */
  known: Optional(Type.Record(SpeakerName, VoicePrint)),
});
export type SpeakerOptions = Static<typeof SpeakerOptions>;

export const SubtitleText = Type.Enum(['original', 'translation', 'bilingual']);

/** What is written when the job ends, beside what stays in the store. */
export const OutputOptions = Closed({
  formats: Type.Array(Format, { maxItems: FORMATS.length }),
  /** Folder for the outputs; the recording's own when missing. */
  directory: Optional(Path),
  /**
   * Which text subtitles and documents show; when missing: the translation as files of their own beside the original.
   */
  text: Optional(SubtitleText),
  /** The container of the spoken track. */
  audio: Optional(Type.Enum(['wav', 'mp3', 'm4a'])),
  /** Also write a video (or m4a for sound) with the spoken track and the subtitles in it. */
  mux: Optional(Type.Boolean()),
});
export type OutputOptions = Static<typeof OutputOptions>;

/** What a file of a transcript shows; what is missing is as the format usually does it. */
export const ExportOptions = Closed({
  text: Optional(SubtitleText),
  /** The time at which each paragraph begins, in texts. */
  times: Optional(Type.Boolean()),
  /** Who speaks, where that is known. */
  speakers: Optional(Type.Boolean()),
  /** Columns of a subtitle line; a full-width character takes two. */
  lineLength: Optional(Type.Integer({ minimum: 16, maximum: 120 })),
  /** Pictures a second of the film that markers are for. */
  fps: Optional(Type.Enum([23.976, 24, 25, 29.97, 30, 50, 59.94, 60])),
});
export type ExportOptions = Static<typeof ExportOptions>;

/** A file that is kept in step with its transcript. */
export const Export = Closed({
  /** From the transcript's folder, with slashes; a full path where it lies elsewhere. */
  path: Path,
  format: Format,
  options: Optional(ExportOptions),
  /** What becomes of it where somebody changed it by hand. Missing: nobody was asked yet, and it stays as it is. */
  ifEdited: Optional(Type.Enum(['keep', 'merge', 'replace'])),
});
export type Export = Static<typeof Export>;

export const JobOptions = Closed({
  /** The file is a text in `language`: it is read instead of recognized, for translation and speech. */
  source: Optional(Type.Enum(['text', 'transcript'])),
  /** Of a summary's own job (`source: transcript`): the job, or the transcript file, that it is made of. */
  transcript: Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  /** Missing: detected, utterance by utterance. */
  language: Optional(Language),
  repair: Type.Boolean(),
  translateTo: Optional(Language),
  /** Speak the translation, or the text where there is none. */
  speak: Optional(Type.Boolean()),
  /** One of the voices of the model that speaks, where it has several. */
  voice: Optional(Type.String({ pattern: '^[a-z0-9_]{1,40}$' })),
  /** Model ids by stage; missing ones are the defaults for this machine. */
  models: Optional(ByStage(Type.String({ minLength: 1, maxLength: 200 }))),
  /** Context given to the recognizer: names, subject, style. */
  prompt: Optional(Type.String({ maxLength: 2000 })),
  glossary: Optional(Type.Array(GlossaryEntry, { maxItems: 2000 })),
  /** Label speakers by their voices. */
  speakers: Optional(SpeakerOptions),
  /** Also a summary, by a language model that is installed, once the transcript is there. */
  summary: Optional(Type.Boolean()),
  /** Of a text (`source: text`) that is not Unicode: what it is saved in, by any usual name; missing: detected. */
  encoding: Optional(Type.String({ pattern: '^[A-Za-z0-9_. :-]{1,40}$' })),
  /** Audio track of the container, from 0. */
  audioTrack: Optional(Type.Integer({ minimum: 0, maximum: 63 })),
  outputs: Optional(OutputOptions),
});
export type JobOptions = Static<typeof JobOptions>;

export const JobRequest = Closed({
  recording: Path,
  options: JobOptions,
  priority: Optional(Priority),
  /** The same file with the same options: return that job (default), or make another. */
  onDuplicate: Optional(Type.Enum(['return', 'create'])),
});
export type JobRequest = Static<typeof JobRequest>;

export const StageProgress = Closed({ done: Type.Integer(), failed: Type.Integer(), running: Type.Integer() });

export const Output = Closed({ kind: Type.String(), path: Path, bytes: Bytes });

export const Job = Closed({
  id: Id,
  recording: Closed({
    path: Path,
    name: Type.String(),
    bytes: Bytes,
    modifiedAt: Time,
    durationMs: Nullable(Milliseconds),
  }),
  options: JobOptions,
  /** The stages this job runs, in order. */
  stages: Type.Array(Stage),
  /** The model that each stage runs with, resolved when the job was submitted. */
  models: ByStage(Type.String()),
  priority: Priority,
  state: JobState,
  /** Sort key among jobs of one priority; moved jobs get one between their new neighbours. */
  position: Type.Number(),
  createdAt: Time,
  startedAt: Nullable(Time),
  finishedAt: Nullable(Time),
  /** Given in the options, else detected: what most is said in. Each utterance says its own. */
  language: Nullable(Language),
  progress: Closed({
    /** Utterances known so far; final once ingested is true. */
    utterances: Type.Integer(),
    ingested: Type.Boolean(),
    ingestedMs: Milliseconds,
    stages: ByStage(StageProgress),
  }),
  waiting: Nullable(Reason),
  retry: Nullable(Closed({ stage: Stage, attempt: Type.Integer(), of: Type.Integer(), at: Time })),
  expectedStartAt: Nullable(Time),
  expectedEndAt: Nullable(Time),
  /** The end of the newest text, for a row in a list. */
  lastWords: Type.String(),
  failure: Nullable(Failure),
  warnings: Type.Array(Failure),
  outputs: Type.Array(Output),
  /** The job that makes its summary, or made it. */
  summary: Optional(Closed({ job: Id })),
  /** A live session: whether more sound may come. Missing: a recording. */
  live: Optional(Closed({ open: Type.Boolean() })),
  /** The machine of the fleet that works on it, or did; null: none yet. Missing: this one. */
  machine: Optional(Nullable(Type.String())),
});
export type Job = Static<typeof Job>;

export const Word = Closed({ text: Type.String(), startMs: Milliseconds, endMs: Milliseconds, probability: Fraction });
export type Word = Static<typeof Word>;

/** One change that repair made: words[from, to) of the recognized text became `text`. */
export const RepairChange = Closed({
  from: Type.Integer({ minimum: 0 }),
  to: Type.Integer({ minimum: 0 }),
  before: Type.String(),
  after: Type.String(),
  source: Type.Enum(['model', 'dictionary', 'glossary', 'casing']),
});
export type RepairChange = Static<typeof RepairChange>;

export const AsrOutput = Closed({
  text: Type.String(),
  words: Type.Array(Word),
  language: Language,
  languageProbability: Fraction,
  /** Who heard it, where that is not the job's own model: what that one could not do, another did. */
  model: Optional(Type.String()),
});
export type AsrOutput = Static<typeof AsrOutput>;
export const RepairOutput = Closed({
  text: Type.String(),
  changes: Type.Array(RepairChange),
  /**
   * Why the model's answer was not taken, when it was not; `late`: it was not asked, because a live session had fallen
   * behind.
   */
  refused: Optional(Type.String()),
});
export type RepairOutput = Static<typeof RepairOutput>;
/**
 * `refused`: why no translation of the model's could stand; then `text` is what was said, in its own language.
 */
export const NmtOutput = Closed({ text: Type.String(), language: Language, refused: Optional(Type.String()) });
export type NmtOutput = Static<typeof NmtOutput>;
/** Mono 16-bit WAV beside the job; sampleRate in Hz. */
export const TtsOutput = Closed({
  path: Path,
  sampleRate: Type.Integer(),
  durationMs: Milliseconds,
  /** How many samples each sentence has, with the silence behind it: together they are the file. Missing: not known. */
  sentences: Optional(Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2 })),
});
export type TtsOutput = Static<typeof TtsOutput>;
/** `dropped`: sentences of the model's that what was said does not support; `quoted`: none was left, this was said. */
export const SummaryOutput = Closed({
  text: Type.String(),
  dropped: Optional(Type.Integer({ minimum: 1 })),
  quoted: Optional(Type.Boolean()),
});
export type SummaryOutput = Static<typeof SummaryOutput>;

/** A stretch of one speaker's. `overlap`: somebody else speaks in it as well. */
export const Turn = Closed({
  speaker: SpeakerName,
  startMs: Milliseconds,
  endMs: Milliseconds,
  overlap: Optional(Type.Literal(true)),
});
export type Turn = Static<typeof Turn>;

export const Utterance = Closed({
  index: Type.Integer({ minimum: 0 }),
  startMs: Milliseconds,
  endMs: Milliseconds,
  asr: Optional(AsrOutput),
  repair: Optional(RepairOutput),
  nmt: Optional(NmtOutput),
  tts: Optional(TtsOutput),
  /** Of a summary's own job: notes on a part of the transcript; the last is the summary. */
  summary: Optional(SummaryOutput),
  /** Who speaks (the most of it), where that was asked for and could be recognized. */
  speaker: Optional(SpeakerName),
  /** Who speaks when, where it is more than one: by time; turns of different speakers may overlap. */
  turns: Optional(Type.Array(Turn)),
  /** What a person noted about it. */
  comment: Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
  /** The stage that gave up on this utterance, and why. */
  failed: Optional(Closed({ stage: Stage, failure: Failure })),
});
export type Utterance = Static<typeof Utterance>;

/** What an utterance says before translation: repaired where it was, else as recognized. */
export const sourceText = (utterance: Pick<Utterance, 'asr' | 'repair'>): string =>
  utterance.repair?.text ?? utterance.asr?.text ?? '';

/** Stands before what could not be translated; `refused`: why no translation could stand. */
export const notTranslated = (refused?: string): string =>
  refused === 'numbers' ? '[not translated: numbers]' : '[not translated]';
/** An utterance's translation as people see it: where none could stand, what was said behind a marker. */
export const translatedText = ({ nmt }: Pick<Utterance, 'nmt'>): string =>
  nmt?.refused === undefined ? (nmt?.text ?? '') : `${notTranslated(nmt.refused)} ${nmt.text}`;

/** What a language model says a transcript is about, and which. */
export const Summary = Closed({
  text: Type.String(),
  language: Language,
  model: Type.String(),
  /** Sentences of the model's that were left out because the transcript does not support them. */
  dropped: Optional(Type.Integer({ minimum: 1 })),
  /** None was left: the text is how the transcript begins. */
  quoted: Optional(Type.Boolean()),
});
export type Summary = Static<typeof Summary>;

/** The `.earshot.json` transcript: everything a job made, self-contained. */
export const Transcript = Closed({
  $schema: Optional(Type.String()),
  earshot: Type.Literal(1),
  recording: Closed({ path: Path, name: Type.String(), durationMs: Nullable(Milliseconds) }),
  language: Nullable(Language),
  /** Who says so: whoever asked for the transcript, or the recognizer. Missing: not known, as in older transcripts. */
  languageSource: Optional(Type.Enum(['given', 'detected'])),
  translatedTo: Nullable(Language),
  models: ByStage(Type.String()),
  summary: Optional(Summary),
  /** The voice of each speaker, to know it again elsewhere. */
  speakers: Optional(Type.Record(SpeakerName, VoicePrint)),
  /** Files that follow it. */
  exports: Optional(Type.Array(Export, { maxItems: 100 })),
  utterances: Type.Array(Utterance),
  warnings: Type.Array(Failure),
});
export type Transcript = Static<typeof Transcript>;
