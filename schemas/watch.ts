/** Watched folders: what is done with recordings that arrive in them, and what was decided about each file. */
import { Type, type Static } from 'typebox';
import { known, type ArgKinds, type ArgsOf } from './args.ts';
import { Args, Failure } from './failure.ts';
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
  settleSeconds: Optional(Type.Number({ minimum: 0.1, maximum: 3600 })),
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

export const DECISIONS = {
  // by its name and place
  notWatched: {},
  otherFolder: { folder: 'text' },
  subfolder: {},
  hidden: {},
  temporary: {},
  notMedia: {},
  /** Other files are called so as well, and it is one. */
  otherContent: {},
  excluded: { pattern: 'text' },
  notIncluded: { patterns: 'text' },
  link: {},
  notAFile: {},
  output: {},
  outputsFolder: { folder: 'text' },
  originalsFolder: { folder: 'text' },
  // for now
  unseen: {},
  folderPaused: {},
  folderMissing: {},
  gone: {},
  empty: {},
  writing: {},
  open: {},
  waiting: {},
  retry: {},
  // for good
  taken: {},
  moved: { to: 'text' },
  before: {},
  duplicate: { of: 'text' },
  renamed: { from: 'text' },
  refused: {},
} as const satisfies Record<string, ArgKinds>;
export type DecisionCode = keyof typeof DECISIONS;
export type DecisionArgs = { [C in DecisionCode]: ArgsOf<(typeof DECISIONS)[C]> };

/** Why a file was taken or left. `code` is a DecisionCode unless another version wrote it. */
export const WatchDecision = Closed({
  code: Type.String(),
  args: Args,
  /** With refused and retry: what stood in the way. */
  failure: Optional(Failure),
});
export type WatchDecision = Static<typeof WatchDecision>;
/** A decision; with refused and retry also what stood in the way. */
export const decision = <C extends DecisionCode>(
  code: C,
  ...[args, failure]: {} extends DecisionArgs[C]
    ? [args?: DecisionArgs[C], failure?: Failure]
    : [args: DecisionArgs[C], failure?: Failure]
): WatchDecision => ({ code, args: known(args ?? {}), ...(failure ? { failure } : {}) });

export const WatchedFile = Closed({
  path: Path,
  folder: Nullable(Path),
  bytes: Nullable(Bytes),
  at: Time,
  decision: WatchDecision,
  job: Nullable(Id),
});
export type WatchedFile = Static<typeof WatchedFile>;
