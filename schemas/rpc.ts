/**
 * The JSON-RPC methods between the daemon and its clients. Requests are checked by the daemon, answers by the client.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Device, Estimate, Instance } from './device.ts';
import { Failure } from './failure.ts';
import { FleetHost, FleetHostProgram, FleetInit, FleetJoin, FleetLogin, FleetStats, FleetStatus } from './fleet.ts';
import {
  ExportOptions,
  Job,
  JobOptions,
  JobRequest,
  OutputOptions,
  SpeakerName,
  Transcript,
  Utterance,
  VoicePrint,
} from './job.ts';
import { LiveRequest, MAX_CHUNK_BYTES, PartialText } from './live.ts';
import { Engine, FoundModel, Model, Recommendation, VoiceChoice } from './model.ts';
import { Bottleneck, DoctorReport } from './reasons.ts';
import { SearchPage, SearchQuery } from './search.ts';
import { Settings } from './settings.ts';
import { WatchedFile, WatchedFolder, WatchSpec } from './watch.ts';
import {
  Bytes,
  ByStage,
  Closed,
  DeviceId,
  Format,
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
  TextFormat,
  Time,
} from './words.ts';

/** Raised whenever a client and a daemon of different versions could misunderstand each other. */
export const PROTOCOL = 2;

/**
 * Brackets and commas of one request: the daemon's thread parses that many in 100 ms, whatever they are made into. The
 * largest glossary with all its aliases is half of it.
 */
export const MAX_REQUEST_PARTS = 200_000;

/** What became of a file that follows a transcript. */
export const ExportedFile = Closed({
  path: Path,
  format: Format,
  /** `old`: it would be written; `elsewhere`: not a file that this transcript may change; `inUse`: by a program. */
  state: Type.Enum(['written', 'same', 'old', 'edited', 'missing', 'elsewhere', 'inUse']),
  bytes: Nullable(Type.Integer()),
  /** Places that a person and the transcript changed differently: what the person wrote stands there. */
  conflicts: Optional(Type.Integer()),
  /** It is known what it said before the person changed it. */
  canMerge: Type.Boolean(),
});
export type ExportedFile = Static<typeof ExportedFile>;

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
/** Durations since the daemon began; each bucket counts all that took no longer. */
export const StageHistogram = Closed({
  stage: Stage,
  of: Type.Enum(['wait', 'run']),
  count: Type.Integer(),
  sumMs: Type.Number(),
  buckets: Type.Array(Closed({ upToMs: Type.Number(), count: Type.Integer() })),
});
export type StageHistogram = Static<typeof StageHistogram>;
export const Stats = Closed({
  since: Time,
  until: Time,
  stages: Type.Array(StageStats),
  /** For scrapers, which take differences: not of the window, but since the daemon began. */
  histograms: Optional(Type.Array(StageHistogram)),
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
  bottleneck: Nullable(Bottleneck),
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

/** Each carries the whole new value of one thing: the next one makes up for one that was missed. */
export const StateEvent = Type.Union([
  Closed({ type: Type.Literal('job'), job: Job }),
  Closed({ type: Type.Literal('jobRemoved'), id: Id }),
  Closed({ type: Type.Literal('utterance'), job: Id, utterance: Utterance }),
  Closed({ type: Type.Literal('partial'), job: Id, partial: PartialText }),
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
export const EVENT_TYPES: ReadonlySet<string> = new Set(StateEvent.anyOf.map(each => each.properties.type.const));

/** The description is what docs/reference/rpc.md says of the method. */
const method = <P extends TSchema, R extends TSchema>(description: string, params: P, result: R) => ({
  description,
  params,
  result,
});

/** 32 bytes. */
const Hex = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const METHODS = {
  'session/hello': method(
    'The first call on a connection: the client gives a random number, the daemon proves that it knows the token.',
    Closed({
      protocol: Type.Integer(),
      client: Type.String({ maxLength: 100 }),
      version: Type.String({ maxLength: 50 }),
      nonce: Hex,
    }),
    Closed({ protocol: Type.Integer(), version: Type.String(), pid: Type.Integer(), nonce: Hex, proof: Hex }),
  ),
  'session/prove': method(
    'The second call: the client proves that it knows the token. Anything else before it is refused.',
    Closed({ proof: Hex }),
    Closed({}),
  ),

  'job/submit': method(
    'Puts recordings into the queue. Each gets its own answer, so one bad path does not stop the rest. ' +
      '`existing`: the same request was made before, and this is its job.',
    Closed({ jobs: Type.Array(JobRequest, { minItems: 1, maxItems: 10_000 }) }),
    Closed({
      results: Type.Array(Type.Union([Closed({ job: Job, existing: Type.Boolean() }), Closed({ failure: Failure })])),
    }),
  ),
  'job/list': method(
    'Jobs, newest first. `cursor` is the last id of the previous page.',
    Closed({
      filter: Optional(JobFilter),
      limit: Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      cursor: Optional(Id),
    }),
    Closed({ jobs: Type.Array(Job), next: Nullable(Id), total: Type.Integer() }),
  ),
  'job/get': method('One job.', Closed({ id: Id }), Closed({ job: Job })),
  'job/utterances': method(
    'What is known of the utterances of a job, from index `from` on.',
    Closed({
      id: Id,
      from: Optional(Type.Integer({ minimum: 0 })),
      limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    }),
    Closed({ utterances: Type.Array(Utterance) }),
  ),
  'job/pause': method('Pauses jobs: nothing of them starts until they are resumed.', JobIds, Nothing),
  'job/resume': method('Lets paused jobs go on.', JobIds, Nothing),
  'job/cancel': method('Cancels jobs.', JobIds, Nothing),
  'job/retry': method('Runs again what is missing of failed or cancelled jobs, and only that.', JobIds, Nothing),
  'job/remove': method('Removes finished jobs from the history.', JobIds, Nothing),
  'job/move': method(
    'Sets the priority, or the place among jobs of the same priority, or both.',
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
    'What happened to a job, oldest first.',
    Closed({ id: Id, limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ entries: Type.Array(JournalEntry) }),
  ),
  'job/speakers': method(
    'Renames speakers by their current names, also in the files that nobody has edited since. Answers ' +
      'with the voice of each.',
    Closed({ id: Id, names: Type.Record(SpeakerName, SpeakerName) }),
    Closed({ speakers: Type.Record(SpeakerName, VoicePrint) }),
  ),
  'job/write': method(
    'Writes a format of a job beside its recording, unless the job has that file already: answers where it lies. ' +
      '`directory` is for a live session that keeps no recording. A file that somebody made or edited is never ' +
      'replaced.',
    Closed({ id: Id, format: Format, directory: Optional(Path) }),
    Closed({ path: Path }),
  ),
  'job/summary': method(
    'A summary of a finished job, or of a transcript file (a full path), by an installed language model. ' +
      'It is a job of its own whose last utterance is the summary, and it runs when nothing else is ' +
      'waiting. A summary that was asked for before is returned, unless `again`. Without a model: ' +
      '`noSummary`.',
    Closed({
      of: Path,
      model: Optional(Type.String({ minLength: 1, maxLength: 200 })),
      again: Optional(Type.Boolean()),
    }),
    Closed({ job: Job, existing: Type.Boolean() }),
  ),
  'transcript/export': method(
    'Writes a transcript file in another format: to a place that somebody chose (`to`), where it follows the ' +
      'transcript from then on unless `follow` is false; a file that is there and not ours stays, and the new one ' +
      'goes beside it, unless `replace`. Without `to`: brings all that follow it up to date. One that a person ' +
      'changed stays as it is, and is `edited` in the answer, until the transcript says `ifEdited`; `replace` ' +
      'counts for files that were written on this machine or are called like the transcript. Outside of the ' +
      'transcript’s folder only files that were exported on this machine are touched. `look`: writes nothing, and ' +
      'learns which files are in step.',
    Closed({
      path: Path,
      to: Optional(
        Closed({
          path: Path,
          format: Format,
          options: Optional(ExportOptions),
          follow: Optional(Type.Boolean()),
          replace: Optional(Type.Boolean()),
        }),
      ),
      look: Optional(Type.Boolean()),
    }),
    Closed({ files: Type.Array(ExportedFile) }),
  ),
  'job/transcript': method(
    'The whole transcript of a job, as its JSON file has it.',
    Closed({ id: Id }),
    Closed({ transcript: Transcript }),
  ),
  'job/render': method(
    'A transcript in one format, as text.',
    Closed({ id: Id, format: TextFormat, text: OutputOptions.properties.text }),
    Closed({ text: Type.String() }),
  ),

  'live/open': method(
    'Live sound becomes a job at once, and its text arrives like that of any job. Files are written only ' +
      'where `options.outputs` names them and their folder.',
    LiveRequest,
    Closed({ job: Job }),
  ),
  'live/append': method(
    'Sound in base64; `offset`: the bytes sent before. Answered once the bytes would outlive the daemon. ' +
      'Bytes sent twice count once, a gap is refused with `expected`, and no data at all shows that the ' +
      'client is alive. While too much sound is waiting to become text the answer waits too, and is then ' +
      '`sessionBehind`: send the same again later.',
    Closed({
      id: Id,
      offset: Type.Integer({ minimum: 0 }),
      data: Type.String({ maxLength: Math.ceil(MAX_CHUNK_BYTES / 3) * 4 }),
    }),
    Closed({ received: Type.Integer(), behindMs: Milliseconds }),
  ),
  'live/close': method(
    'No more sound comes; the job ends when everything said is text. A session whose client is silent for ' +
      '`liveTimeoutSeconds` is closed like this.',
    Closed({ id: Id }),
    Closed({ job: Job }),
  ),
  'live/recorder': method('The ffmpeg with which clients record.', Nothing, Closed({ ffmpeg: Path })),
  'search/find': method(
    'Searches everything that was ever transcribed.',
    Closed({
      ...SearchQuery.properties,
      limit: Optional(Type.Integer({ minimum: 1, maximum: 200 })),
      cursor: Optional(Type.Integer({ minimum: 0 })),
    }),
    SearchPage,
  ),

  'job/combine': method(
    'The transcripts of several jobs as one document, in the order given; subtitles as if the recordings ' +
      'were played one after the other.',
    Closed({
      ids: Type.Array(Id, { minItems: 1, maxItems: 10_000 }),
      format: Type.Enum(['txt', 'srt', 'vtt', 'md', 'ass']),
      text: OutputOptions.properties.text,
    }),
    Closed({ text: Type.String() }),
  ),

  'job/here': method(
    'Lets jobs that wait for other machines of the fleet, or are done there, be done on this machine. What was ' +
      'made of them stays.',
    JobIds,
    Nothing,
  ),

  'fleet/status': method(
    'The fleet that this machine belongs to: its machines, and how many jobs it has.',
    Nothing,
    FleetStatus,
  ),
  'fleet/stats': method(
    'What the machines of the fleet did: jobs that ended since then (an hour by default), of one’s own or, for a ' +
      'chief, of everybody.',
    Closed({ sinceMs: Optional(Type.Integer({ minimum: 1000, maximum: 31 * 24 * 3_600_000 })) }),
    FleetStats,
  ),
  'fleet/init': method(
    'Prepares the database of a fleet, or brings it up to date, and makes logins for people and machines.',
    FleetInit,
    Closed({ version: Type.Integer(), before: Type.Integer(), logins: Type.Array(FleetLogin) }),
  ),
  'fleet/host': method(
    'Makes a PostgreSQL for a fleet ready on this machine, without root: its programs are fetched once, and what is ' +
      'there already stays. Whoever asks starts it.',
    FleetHost,
    FleetHostProgram,
  ),
  'fleet/join': method(
    'Joins a fleet with a login: of a person, who submits from here, or of this machine, which works for others. The ' +
      'password is kept in a file of this user’s alone. `as`: what the login is.',
    FleetJoin,
    Closed({ as: Type.Array(Type.Enum(['person', 'machine'])) }),
  ),
  'fleet/leave': method(
    'Leaves the fleet: what this machine works on goes back, and what it lent is done here.',
    Nothing,
    Nothing,
  ),
  'fleet/drain': method(
    'Takes no more jobs of the fleet, and ends those that it has; or takes them again.',
    Closed({ draining: Type.Boolean() }),
    Nothing,
  ),
  'fleet/work': method(
    'Takes jobs of the fleet, whatever `share` says, for as long as this client is connected; or stops, and gives ' +
      'back what it has.',
    Closed({ on: Type.Boolean() }),
    Closed({ running: Type.Integer() }),
  ),

  'queue/pause': method('Pauses the queue: what runs goes on, nothing new starts.', Nothing, Nothing),
  'queue/resume': method('Lets the queue go on.', Nothing, Nothing),

  'state/subscribe': method(
    'The topics of events wanted from now on; `utterancesOf`: also the utterances of these jobs, and ' +
      'what is still being said in live ones that were opened with `partials`. Replaces an earlier ' +
      'subscription. Answers with the state that later events build on.',
    Closed({ topics: Type.Array(Topic), utterancesOf: Optional(Type.Array(Id)) }),
    StateSnapshot,
  ),
  'state/unsubscribe': method('No more events.', Nothing, Nothing),

  'device/list': method(
    'Devices, what is loaded on them, and what models are expected to need.',
    Nothing,
    Closed({ devices: Type.Array(Device), instances: Type.Array(Instance), estimates: Type.Array(Estimate) }),
  ),
  'instance/unload': method(
    'Unloads an idle model; one that is at work is refused with `wrongState`.',
    Closed({ id: Id }),
    Nothing,
  ),

  'model/list': method('Every model that is known, installed or not.', Nothing, Closed({ models: Type.Array(Model) })),
  'model/install': method(
    'Installs models and their engines. No ids: the best defaults for this machine. Answers when the ' +
      'downloads are under way; progress comes as events.',
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
  'model/recommend': method(
    'Recognizers for this machine, by its speed, memory, disk and the languages that are spoken: up to three, the ' +
      'smallest download first. No languages: those that know many. Nothing is fetched.',
    Closed({ languages: Optional(Type.Array(Language, { maxItems: 20 })) }),
    Closed({
      recommendations: Type.Array(Recommendation),
      /** Where models are kept, and what is free there. */
      directory: Path,
      freeBytes: Bytes,
    }),
  ),
  'media/playable': method(
    'What to play of a recording where only PCM, MP3, FLAC, Vorbis, H.264 and VP8 play, as in VS Code: the recording ' +
      'itself, or a copy (MP3; MP4, with H.264 copied) that is made once, by ffmpeg, and kept among others up to 4 ' +
      'GiB. `path` is null while it is being made: ask again. `fraction` is null where nobody can tell.',
    Closed({ path: Path }),
    Closed({ path: Nullable(Path), fraction: Nullable(Fraction) }),
  ),
  'media/cancel': method('Stops making such a copy; nothing of it is left.', Closed({ path: Path }), Nothing),
  'voice/list': method(
    'The voices of a model that speaks, by language, the most natural first. `voice` is null where it has one.',
    Closed({ model: Type.String({ minLength: 1, maxLength: 200 }) }),
    Closed({ voices: Type.Array(VoiceChoice) }),
  ),
  'voice/sample': method(
    'A WAV file in which a voice of an installed model says a sentence in its language. Spoken once, and kept as ' +
      'long as copies for playback are.',
    Closed({
      model: Type.String({ minLength: 1, maxLength: 200 }),
      voice: Nullable(Type.String({ maxLength: 100 })),
      language: Language,
    }),
    Closed({ path: Path }),
  ),
  'model/find': method(
    'What a repository of the model hub has that runs here: `hf:OWNER/REPO`, with `@REVISION` and `:FILE` as ' +
      'needed, or its address. Nothing is fetched but the list of its files.',
    Closed({ source: Type.String({ minLength: 1, maxLength: 1000 }) }),
    FoundModel,
  ),
  'model/add': method(
    'Makes such a model known, at the revision that it was found at, so that model/install can install it. The ' +
      'sums of its files are kept: later installations and checks are held to them.',
    Closed({ source: Type.String({ minLength: 1, maxLength: 1000 }), revision: Type.String({ maxLength: 200 }) }),
    Closed({ model: Model }),
  ),
  'model/hubToken': method(
    "The user's access token for a hub, for repositories that have to be asked for. The daemon keeps it in memory " +
      'alone, and sends it to that hub only.',
    Closed({
      hub: Type.String({ pattern: '^https?://', maxLength: 1000 }),
      token: Nullable(Type.String({ pattern: '^[\\x21-\\x7e]+$', maxLength: 4096 })),
    }),
    Nothing,
  ),
  'model/cancelInstall': method('Stops a download.', Closed({ id: Type.String() }), Nothing),
  'model/remove': method('Removes the files of a model.', Closed({ id: Type.String() }), Nothing),
  'model/verify': method(
    'Checks the files of a model against their checksums. `failure` is null when all is well.',
    Closed({ id: Type.String() }),
    Closed({ failure: Nullable(Failure) }),
  ),
  'model/import': method(
    'Takes a model from a file or folder of this machine; what it is follows from its content.',
    Closed({ path: Path, id: Optional(Type.String()), stage: Optional(Stage) }),
    Closed({ model: Model }),
  ),

  'engine/list': method('Every engine, installed or not.', Nothing, Closed({ engines: Type.Array(Engine) })),
  'engine/install': method('Installs what an engine needs.', Closed({ id: Type.String() }), Nothing),

  'watch/add': method(
    'Watches a folder. The same folder again replaces its options. `existing`: recordings that are there ' +
      'already are taken (default) or left.',
    Closed({ folder: WatchSpec, existing: Optional(Type.Enum(['take', 'leave'])) }),
    Closed({ folder: WatchedFolder }),
  ),
  'watch/list': method('Watched folders and how they are.', Nothing, Closed({ folders: Type.Array(WatchedFolder) })),
  'watch/remove': method(
    'Stops watching. What was taken stays known, unless `forget`: then a folder that is added again ' + 'begins anew.',
    Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }), forget: Optional(Type.Boolean()) }),
    Nothing,
  ),
  'watch/pause': method(
    'Stops watching for a while.',
    Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }) }),
    Nothing,
  ),
  'watch/resume': method(
    'Watches again.',
    Closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 1000 }) }),
    Nothing,
  ),
  'watch/files': method(
    'Files that something was decided about, newest first.',
    Closed({ path: Path, limit: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ files: Type.Array(WatchedFile) }),
  ),
  'watch/why': method('Why a file was taken, or left alone.', Closed({ path: Path }), Closed({ file: WatchedFile })),

  'settings/get': method(
    'All settings, and their defaults.',
    Nothing,
    Closed({ settings: Settings, defaults: Settings }),
  ),
  'settings/set': method(
    'Sets values by name. Null restores the default unless null is itself a value. All or nothing.',
    Closed({ values: Type.Record(Type.String(), Type.Unknown()) }),
    Closed({ settings: Settings }),
  ),

  'stats/get': method(
    'Figures of the last hour, or since `sinceMs` ago.',
    Closed({ sinceMs: Optional(Milliseconds) }),
    Stats,
  ),
  'daemon/status': method('How the daemon is.', Nothing, DaemonStatus),
  'daemon/http': method(
    'Where programs with the OpenAI interface find the daemon, and their key. Null: the endpoint is off ' +
      'or could not be opened.',
    Nothing,
    Closed({ place: Nullable(Closed({ url: Type.String(), token: Type.String() })) }),
  ),
  'daemon/doctor': method(
    'What works and what is missing. `gpu`: the GPUs alone, and closely; nothing is loaded.',
    Closed({ gpu: Optional(Type.Boolean()) }),
    DoctorReport,
  ),
  'daemon/stop': method(
    'Stops the daemon. `finish`: let running attempts end first (default); otherwise they are parked and ' +
      'done again later.',
    Closed({ finish: Optional(Type.Boolean()) }),
    Nothing,
  ),
  'daemon/logs': method(
    'The last lines of the log.',
    Closed({ lines: Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) }),
    Closed({ lines: Type.Array(Type.String()) }),
  ),
} as const;

export type Method = keyof typeof METHODS;
/** The two that open a connection; the client makes them by itself. */
export type Handshake = 'session/hello' | 'session/prove';
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
