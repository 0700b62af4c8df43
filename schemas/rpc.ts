/**
 * The JSON-RPC methods between the daemon and its clients. Requests are checked by the daemon, answers by the client.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Device, Estimate, Instance } from './device.ts';
import { Failure } from './errors.ts';
import { Job, JobOptions, JobRequest, OutputOptions, SpeakerName, Transcript, Utterance, VoicePrint } from './job.ts';
import { LiveRequest, MAX_CHUNK_BYTES } from './live.ts';
import { Engine, Model } from './model.ts';
import { SearchPage, SearchQuery } from './search.ts';
import { Settings } from './settings.ts';
import { WatchedFile, WatchedFolder, WatchSpec } from './watch.ts';
import {
  ByStage,
  Closed,
  DeviceId,
  Format,
  Fraction,
  Id,
  JobState,
  Milliseconds,
  Nullable,
  Optional,
  Path,
  Priority,
  Stage,
  Time,
} from './words.ts';

/** Raised whenever a client and a daemon of different versions could misunderstand each other. */
export const PROTOCOL = 1;

const Nothing = Closed({});
const JobIds = Closed({ ids: Type.Array(Id, { minItems: 1, maxItems: 100_000 }) });

export const JobFilter = Closed({
  states: Optional(Type.Array(JobState)),
  /** Words that the recording's path contains. */
  search: Optional(Type.String({ maxLength: 500 })),
  /** Only jobs that are not final. */
  active: Optional(Type.Boolean()),
});

/** One state change, for people who ask what happened. */
export const JournalEntry = Closed({
  seq: Type.Integer(),
  at: Time,
  kind: Type.String(),
  job: Nullable(Type.String()),
  index: Nullable(Type.Integer()),
  stage: Nullable(Stage),
  instance: Nullable(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type JournalEntry = Static<typeof JournalEntry>;

export const DaemonStatus = Closed({
  version: Type.String(),
  pid: Type.Integer(),
  startedAt: Time,
  rssBytes: Type.Integer(),
  clients: Type.Integer(),
  queuePaused: Type.Boolean(),
  jobs: Closed({ active: Type.Integer(), total: Type.Integer() }),
  stateDirectory: Path,
  dataDirectory: Path,
  /** The OpenAI-compatible endpoint; null: off. Its token is asked for apart. */
  http: Nullable(Closed({ url: Nullable(Type.String()), failure: Nullable(Failure) })),
});
export type DaemonStatus = Static<typeof DaemonStatus>;

/** What `earshot doctor` looks at. */
export const CHECKS = [
  'node',
  'python',
  'npm',
  'ffmpeg',
  'gpu',
  'memory',
  'disk',
  'models',
  'engines',
  'network',
  'socket',
  'sandbox',
] as const;
export type CheckId = (typeof CHECKS)[number];

/** What may hold the queue up. */
export const BOTTLENECKS = ['stageBusyReplicaFits', 'stageBusyNoRoom', 'stageBusy', 'memoryShort', 'loading'] as const;
export type BottleneckCode = (typeof BOTTLENECKS)[number];

/** What doctor found: each check says whether it is fine, and what to do if it is not. */
export const DoctorReport = Closed({
  checks: Type.Array(
    Closed({
      id: Type.String(),
      status: Type.Enum(['ok', 'warning', 'problem']),
      args: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
    }),
  ),
});
export type DoctorReport = Static<typeof DoctorReport>;

export const StageStats = Closed({
  stage: Stage,
  done: Type.Integer(),
  failed: Type.Integer(),
  retried: Type.Integer(),
  outOfMemory: Type.Integer(),
  queue: Type.Integer(),
  waitMs: Closed({ mean: Type.Number(), p95: Type.Number() }),
  runMs: Closed({ mean: Type.Number(), p95: Type.Number() }),
  /** Seconds of recording handled for each second of wall clock. */
  throughput: Type.Number(),
  busy: Fraction,
});
export type StageStats = Static<typeof StageStats>;
export const Stats = Closed({
  since: Time,
  until: Time,
  stages: Type.Array(StageStats),
  loads: Type.Integer(),
  loadMs: Type.Number(),
  jobs: Closed({
    completed: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
    pending: Type.Integer(),
  }),
  devices: Type.Array(
    Closed({ device: DeviceId, leasedBytes: Type.Integer(), residentBytes: Nullable(Type.Integer()) }),
  ),
  /** Code and arguments of the one thing that holds the queue up, if any. */
  bottleneck: Nullable(
    Closed({ code: Type.String(), args: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])) }),
  ),
  /** Mean error of the memory estimates; and of expected starts, as a share of the wait. */
  estimateError: Nullable(Type.Number()),
  startError: Nullable(Type.Number()),
});
export type Stats = Static<typeof Stats>;

export const Topic = Type.Enum(['jobs', 'devices', 'instances', 'models', 'engines', 'watch']);
export type Topic = Static<typeof Topic>;

/** Everything a client that subscribed needs to start from; later events apply on top, in order of seq. */
export const StateSnapshot = Closed({
  seq: Type.Integer(),
  queuePaused: Type.Boolean(),
  /** Active jobs and the newest finished ones. */
  jobs: Type.Array(Job),
  devices: Type.Array(Device),
  instances: Type.Array(Instance),
  models: Type.Array(Model),
  engines: Type.Array(Engine),
  watch: Optional(Type.Array(WatchedFolder)),
});
export type StateSnapshot = Static<typeof StateSnapshot>;

/** Each carries the whole new value of one thing: a missed one is healed by the next. */
export const StateEvent = Type.Union([
  Closed({ type: Type.Literal('job'), job: Job }),
  Closed({ type: Type.Literal('jobRemoved'), id: Id }),
  Closed({ type: Type.Literal('utterance'), job: Id, utterance: Utterance }),
  Closed({ type: Type.Literal('device'), device: Device }),
  Closed({ type: Type.Literal('instance'), instance: Instance }),
  Closed({ type: Type.Literal('instanceGone'), id: Id }),
  Closed({ type: Type.Literal('model'), model: Model }),
  Closed({ type: Type.Literal('engine'), engine: Engine }),
  Closed({ type: Type.Literal('watch'), folder: WatchedFolder }),
  Closed({ type: Type.Literal('watchGone'), path: Path }),
  Closed({ type: Type.Literal('queue'), paused: Type.Boolean() }),
  Closed({ type: Type.Literal('notice'), failure: Failure }),
]);
export type StateEvent = Static<typeof StateEvent>;

const method = <P extends TSchema, R extends TSchema>(params: P, result: R) => ({ params, result });

export const METHODS = {
  /** The first call on a connection; anything else before it is refused. */
  'session/hello': method(
    Closed({
      protocol: Type.Integer(),
      token: Type.String({ maxLength: 200 }),
      client: Type.String({ maxLength: 100 }),
      version: Type.String({ maxLength: 50 }),
    }),
    Closed({ protocol: Type.Integer(), version: Type.String(), pid: Type.Integer() }),
  ),

  /** Puts recordings into the queue; each gets its own answer, so one bad path does not stop the rest. */
  'job/submit': method(
    Closed({ jobs: Type.Array(JobRequest, { minItems: 1, maxItems: 10_000 }) }),
    Closed({
      results: Type.Array(Type.Union([Closed({ job: Job, existing: Type.Boolean() }), Closed({ failure: Failure })])),
    }),
  ),
  /** Newest first; `cursor` is the last id of the page before. */
  'job/list': method(
    Closed({
      filter: Optional(JobFilter),
      limit: Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      cursor: Optional(Id),
    }),
    Closed({ jobs: Type.Array(Job), next: Nullable(Id), total: Type.Integer() }),
  ),
  'job/get': method(Closed({ id: Id }), Closed({ job: Job })),
  'job/utterances': method(
    Closed({
      id: Id,
      from: Optional(Type.Integer({ minimum: 0 })),
      limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    }),
    Closed({ utterances: Type.Array(Utterance) }),
  ),
  'job/pause': method(JobIds, Nothing),
  'job/resume': method(JobIds, Nothing),
  'job/cancel': method(JobIds, Nothing),
  /** Runs again only what is missing. */
  'job/retry': method(JobIds, Nothing),
  /** Removes finished jobs from the history. */
  'job/remove': method(JobIds, Nothing),
  /** Sets the priority, or the place among jobs of the same priority, or both. */
  'job/move': method(
    Closed({
      id: Id,
      priority: Optional(Priority),
      before: Optional(Id),
      after: Optional(Id),
      to: Optional(Type.Enum(['top', 'bottom'])),
    }),
    Nothing,
  ),
  'job/log': method(
    Closed({ id: Id, limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ entries: Type.Array(JournalEntry) }),
  ),
  /**
   * Calls speakers otherwise, by what they are called now; in the files too that nobody has changed since. Answers the
   * voice of each.
   */
  'job/speakers': method(
    Closed({ id: Id, names: Type.Record(SpeakerName, SpeakerName) }),
    Closed({ speakers: Type.Record(SpeakerName, VoicePrint) }),
  ),
  /**
   * A summary of a finished job, or of a transcript file (a full path), by a language model that is installed: a job of
   * its own, whose last utterance is the summary. Runs when nothing else is to be done. What was asked for before is
   * returned, unless `again`. Without a model: `noSummary`.
   */
  'job/summary': method(
    Closed({
      of: Path,
      model: Optional(Type.String({ minLength: 1, maxLength: 200 })),
      again: Optional(Type.Boolean()),
    }),
    Closed({ job: Job, existing: Type.Boolean() }),
  ),
  'job/transcript': method(Closed({ id: Id }), Closed({ transcript: Transcript })),
  /** A transcript in one format, as text. */
  'job/render': method(
    Closed({ id: Id, format: Format, text: OutputOptions.properties.text }),
    Closed({ text: Type.String() }),
  ),

  /**
   * Live sound becomes a job at once; its text comes like that of any job. Files are written only where
   * `options.outputs` names them and their folder.
   */
  'live/open': method(LiveRequest, Closed({ job: Job })),
  /**
   * Sound in base64; `offset`: the bytes sent before. Answered once the bytes outlive the daemon. What comes twice is
   * taken once, a gap is refused with `expected`, and no data at all says that the client lives. While too much waits
   * to become text the answer waits too, and then is `sessionBehind`: the same again later.
   */
  'live/append': method(
    Closed({
      id: Id,
      offset: Type.Integer({ minimum: 0 }),
      data: Type.String({ maxLength: Math.ceil(MAX_CHUNK_BYTES / 3) * 4 }),
    }),
    Closed({ received: Type.Integer(), behindMs: Milliseconds }),
  ),
  /**
   * No more sound comes; the job ends when all that was said is text. A session whose client says nothing for
   * `liveTimeoutSeconds` closes like this by itself.
   */
  'live/close': method(Closed({ id: Id }), Closed({ job: Job })),
  /** The ffmpeg with which clients record. */
  'live/recorder': method(Nothing, Closed({ ffmpeg: Path })),
  /** In everything that was ever transcribed. */
  'search/find': method(
    Closed({
      ...SearchQuery.properties,
      limit: Optional(Type.Integer({ minimum: 1, maximum: 200 })),
      cursor: Optional(Type.Integer({ minimum: 0 })),
    }),
    SearchPage,
  ),

  /**
   * Several jobs' transcripts as one document, in the order given; subtitles as of recordings that are played one after
   * the other.
   */
  'job/combine': method(
    Closed({
      ids: Type.Array(Id, { minItems: 1, maxItems: 10_000 }),
      format: Type.Enum(['txt', 'srt', 'vtt', 'md', 'ass']),
      text: OutputOptions.properties.text,
    }),
    Closed({ text: Type.String() }),
  ),

  'queue/pause': method(Nothing, Nothing),
  'queue/resume': method(Nothing, Nothing),

  /**
   * Topics of events wanted from now on; `jobs`: also the utterances of these jobs. Replaces an earlier subscription.
   */
  'state/subscribe': method(
    Closed({ topics: Type.Array(Topic), utterancesOf: Optional(Type.Array(Id)) }),
    StateSnapshot,
  ),
  'state/unsubscribe': method(Nothing, Nothing),

  'device/list': method(
    Nothing,
    Closed({ devices: Type.Array(Device), instances: Type.Array(Instance), estimates: Type.Array(Estimate) }),
  ),
  'instance/unload': method(Closed({ id: Id }), Nothing),

  'model/list': method(Nothing, Closed({ models: Type.Array(Model) })),
  /**
   * No ids: the best defaults that this machine can have. Answers when the downloads are under way; progress comes as
   * events. Their engines are installed too.
   */
  'model/install': method(
    Closed({
      ids: Type.Array(Type.String()),
      update: Optional(
        Type.Boolean({
          description: 'Also where an older revision is installed, which works until the new one is whole.',
        }),
      ),
    }),
    Closed({ ids: Type.Array(Type.String()) }),
  ),
  'model/cancelInstall': method(Closed({ id: Type.String() }), Nothing),
  'model/remove': method(Closed({ id: Type.String() }), Nothing),
  'model/verify': method(Closed({ id: Type.String() }), Closed({ failure: Nullable(Failure) })),
  'model/import': method(
    Closed({ path: Path, id: Optional(Type.String()), stage: Optional(Stage) }),
    Closed({ model: Model }),
  ),

  'engine/list': method(Nothing, Closed({ engines: Type.Array(Engine) })),
  'engine/install': method(Closed({ id: Type.String() }), Nothing),

  /** The same folder again replaces its recipe. `existing`: what lies in it already is taken (default) or left. */
  'watch/add': method(
    Closed({ folder: WatchSpec, existing: Optional(Type.Enum(['take', 'leave'])) }),
    Closed({ folder: WatchedFolder }),
  ),
  'watch/list': method(Nothing, Closed({ folders: Type.Array(WatchedFolder) })),
  /** What was taken stays known, unless `forget`: then a folder that is added again begins anew. */
  'watch/remove': method(
    Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }), forget: Optional(Type.Boolean()) }),
    Nothing,
  ),
  'watch/pause': method(Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }) }), Nothing),
  'watch/resume': method(Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }) }), Nothing),
  /** Files that something was decided about, newest first. */
  'watch/files': method(
    Closed({ path: Path, limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ files: Type.Array(WatchedFile) }),
  ),
  'watch/why': method(Closed({ path: Path }), Closed({ file: WatchedFile })),

  'settings/get': method(Nothing, Closed({ settings: Settings, defaults: Settings })),
  /** Values by name; null restores the default where null is no value of its own. All or nothing. */
  'settings/set': method(
    Closed({ values: Type.Record(Type.String(), Type.Unknown()) }),
    Closed({ settings: Settings }),
  ),

  'stats/get': method(Closed({ sinceMs: Optional(Milliseconds) }), Stats),
  'daemon/status': method(Nothing, DaemonStatus),
  /**
   * Where programs with the OpenAI interface find the daemon, and their key; null: the endpoint is off or could not be
   * opened.
   */
  'daemon/http': method(Nothing, Closed({ place: Nullable(Closed({ url: Type.String(), token: Type.String() })) })),
  'daemon/doctor': method(Nothing, DoctorReport),
  /** finish: let running attempts end first (default); else park them. */
  'daemon/stop': method(Closed({ finish: Optional(Type.Boolean()) }), Nothing),
  'daemon/logs': method(
    Closed({ lines: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ lines: Type.Array(Type.String()) }),
  ),
} as const;

export type Method = keyof typeof METHODS;
type ParamsOf = { [M in Method]: Static<(typeof METHODS)[M]['params']> };
type ResultOf = { [M in Method]: Static<(typeof METHODS)[M]['result']> };
export type Params<M extends Method> = ParamsOf[M];
export type Result<M extends Method> = ResultOf[M];

/**
 * The one notification, daemon to client: events in order; seq is that of the last one. A gap means: subscribe again.
 */
export const STATE_EVENTS = 'state/events';
export const StateEvents = Closed({ seq: Type.Integer(), previous: Type.Integer(), events: Type.Array(StateEvent) });
export type StateEvents = Static<typeof StateEvents>;

/** JSON-RPC error code that carries a Failure in its data. */
export const FAILURE_CODE = -32001;
export { ByStage, JobOptions };
