/** Watched folders: what is done with recordings that arrive in them, and what was decided about each file. */
import { Type, type Static } from 'typebox';
import { Failure } from './errors.ts';
import { JobOptions } from './job.ts';
import { Bytes, Closed, Id, Nullable, Optional, Path, Priority, Time } from './words.ts';

const Pattern = Type.String({ minLength: 1, maxLength: 500 });

/** A folder and its recipe, as somebody asks for it. */
export const WatchSpec = Closed({
  path: Path,
  /** How its recordings become jobs. An outputs folder is given the same subfolders as the watched one. */
  options: JobOptions,
  /**
   * False: the glossaries in its folders are left out. Otherwise each recording is taken with them, and with the voices
   * that have a name, as they are then.
   */
  glossary: Optional(Type.Boolean()),
  /** low when missing: what somebody asks for by hand goes first. */
  priority: Optional(Priority),
  /** Globs on the path within the folder; with some, only files that fit one are taken. */
  include: Optional(Type.Array(Pattern, { maxItems: 100 })),
  exclude: Optional(Type.Array(Pattern, { maxItems: 100 })),
  /** true when missing. */
  subfolders: Optional(Type.Boolean()),
  /** A folder that a recording goes to once its job is completed; missing: it stays. */
  moveTo: Optional(Path),
  /** Size and time must stay the same for so long before a file counts as whole; missing: the setting. */
  quietSeconds: Optional(Type.Number({ minimum: 0.1, maximum: 3600 })),
  /** Look so often instead of waiting for the system's word, for network drives that give none. */
  pollSeconds: Optional(Type.Number({ minimum: 0.1, maximum: 86_400 })),
  /** Whose setting it is: "cli", "user", or that of a workspace. */
  owner: Optional(Type.String({ maxLength: 4096 })),
});
export type WatchSpec = Static<typeof WatchSpec>;

/**
 * watching, or polling; missing: the folder is not there and is looked for; blocked: it cannot be watched (failure says
 * why). waiting: files that are whole and wait for room in the queue; writing: files that still change.
 */
export const WatchedFolder = Closed({
  spec: WatchSpec,
  state: Type.Enum(['starting', 'watching', 'polling', 'paused', 'missing', 'blocked']),
  failure: Nullable(Failure),
  since: Time,
  counts: Closed({ taken: Type.Integer(), refused: Type.Integer(), waiting: Type.Integer(), writing: Type.Integer() }),
});
export type WatchedFolder = Static<typeof WatchedFolder>;

export const WATCH_DECISIONS = [
  // by its name and place
  'notWatched',
  'otherFolder',
  'subfolder',
  'hidden',
  'temporary',
  'notMedia',
  'excluded',
  'notIncluded',
  'link',
  'notAFile',
  'output',
  'outputsFolder',
  'originalsFolder',
  // for now
  'unseen',
  'folderPaused',
  'folderMissing',
  'gone',
  'empty',
  'writing',
  'open',
  'waiting',
  'retry',
  // for good
  'taken',
  'moved',
  'before',
  'duplicate',
  'renamed',
  'refused',
] as const;
/** Why a file was taken or left: a code and its arguments; text/messages/messages.ts makes the sentence. */
export const WatchDecision = Closed({
  code: Type.Enum([...WATCH_DECISIONS]),
  args: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
  /** With refused and retry: what stood in the way. */
  failure: Optional(Failure),
});
export type WatchDecision = Static<typeof WatchDecision>;

export const WatchedFile = Closed({
  path: Path,
  folder: Nullable(Path),
  bytes: Nullable(Bytes),
  at: Time,
  decision: WatchDecision,
  job: Nullable(Id),
});
export type WatchedFile = Static<typeof WatchedFile>;
