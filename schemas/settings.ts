/**
 * The daemon's settings: names, defaults and ranges in one place. `earshot settings` and the editor both show these.
 */
import { Type, type Static } from 'typebox';
import { ByStage, Closed, DeviceId, Format, Language, Nullable, Optional, Path, Stage } from './words.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

export const Settings = Closed({
  // memory
  memoryUtilization: Type.Number({
    minimum: 0.1,
    maximum: 1,
    default: 0.9,
    description: 'Share of a device that Earshot may hold at most.',
  }),
  memoryReserveBytes: Type.Integer({
    minimum: 0,
    maximum: 1024 * GiB,
    default: GiB,
    description: 'Memory of each device left free for other programs, in bytes.',
  }),
  ramCapBytes: Nullable(
    Type.Integer({
      minimum: 256 * MiB,
      default: null,
      description: 'Most RAM that models on the CPU may hold, in bytes; null: the share above.',
    }),
  ),
  calibrationSamples: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 50,
    description: 'Peaks kept for each model and device.',
  }),
  calibrationFactor: Type.Number({
    minimum: 1,
    maximum: 3,
    default: 1.05,
    description: 'Multiplies the highest of those peaks.',
  }),
  firstEstimateFactor: Type.Number({
    minimum: 1,
    maximum: 3,
    default: 1.2,
    description: "Multiplies the model card's figure until there is a measurement.",
  }),
  calibrationFloorBytes: Type.Integer({
    minimum: 0,
    maximum: 16 * GiB,
    default: 64 * MiB,
    description: 'Added to every estimate, in bytes.',
  }),
  monitorIntervalSeconds: Type.Number({
    minimum: 0.5,
    maximum: 3600,
    default: 30,
    description: 'How often devices are read while nobody watches them.',
  }),
  yieldTo: Type.Enum(['never', 'others', 'always'], {
    default: 'others',
    description: 'Give idle models back: never, when another program needs the memory, or as soon as they are idle.',
  }),
  // devices
  excludedDevices: Type.Array(DeviceId, {
    default: [],
    maxItems: 64,
    description: 'Devices that Earshot leaves alone.',
  }),
  pinnedModels: Type.Record(Type.String(), DeviceId, { default: {}, description: 'Models bound to one device.' }),
  cpuThreads: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: null,
      description: 'Cores that models on the CPU share; null: all.',
    }),
  ),
  repairOnCpu: Type.Boolean({ default: true, description: 'Repair may run on the CPU when no GPU has room.' }),
  othersOnCpu: Type.Boolean({ default: false, description: 'The other stages may too.' }),
  // ceilings
  instancesPerDevice: Type.Integer({ minimum: 1, maximum: 64, default: 5, description: 'Instances on one device.' }),
  loadedModels: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 5,
    description: 'Instances on all devices together.',
  }),
  concurrentTasks: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 8,
    description: 'Attempts that run at the same time.',
  }),
  minimumConcurrentTasks: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 1,
    description: 'What adaptive scheduling may not go below.',
  }),
  // scheduling
  tickSeconds: Type.Number({
    minimum: 0.1,
    maximum: 60,
    default: 2,
    description: 'Safety tick of the scheduler; it otherwise runs on events.',
  }),
  attempts: Type.Integer({
    minimum: 1,
    maximum: 10,
    default: 3,
    description: 'Tries of one step before it is given up.',
  }),
  modelReuse: Type.Enum(['warm', 'never'], {
    default: 'warm',
    description: 'Keep a model for the next job, or load it anew for each.',
  }),
  serial: Type.Boolean({ default: false, description: 'One job, one model at a time.' }),
  adaptive: Type.Boolean({ default: true, description: 'Set replicas, batches and keep-alive from what is measured.' }),
  batchMinimum: Type.Integer({
    minimum: 1,
    maximum: 4,
    default: 1,
    description: 'Smallest batch of contiguous utterances.',
  }),
  batchMaximum: Type.Integer({
    minimum: 1,
    maximum: 4,
    default: 4,
    description: 'Largest batch of contiguous utterances.',
  }),
  keepAliveSeconds: Type.Integer({
    minimum: 0,
    maximum: 86400,
    default: 300,
    description: 'How long an idle model stays loaded.',
  }),
  ageingSeconds: Type.Integer({
    minimum: 1,
    maximum: 604800,
    default: 600,
    description: 'Waiting this long lifts a job by one priority.',
  }),
  overtakes: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 8,
    description: "Jobs that a loaded model's job may pass.",
  }),
  smallerModelOnFailure: Type.Boolean({
    default: false,
    description: 'When a model does not load anywhere, try a smaller one of its family.',
  }),
  sandbox: Type.Enum(['auto', 'off'], {
    default: 'auto',
    description: 'Open recordings and models in processes with few rights, where the system can.',
  }),
  lowPriority: Type.Boolean({ default: false, description: 'Run workers at low process priority.' }),
  // models and places
  defaultModels: ByStage(Type.String()),
  offline: Type.Boolean({ default: false, description: 'Never use the network.' }),
  hubUrl: Type.String({
    pattern: '^https?://',
    maxLength: 2000,
    default: 'https://huggingface.co',
    description: 'Model hub, or a mirror of it.',
  }),
  modelFolders: Type.Array(Path, {
    default: [],
    maxItems: 20,
    description: 'Folders looked in for model files before the network.',
  }),
  ffmpegPath: Nullable(Path),
  pythonPath: Nullable(Path),
  /** Base address, model names and key of an OpenAI-compatible server; null: none. */
  server: Nullable(
    Closed({
      url: Type.String({ pattern: '^https?://', maxLength: 2000 }),
      key: Nullable(Type.String()),
      models: ByStage(Type.String()),
    }),
  ),
  /**
   * Programs that serve as engines: argument lists, never a shell. {text}, {input}, {output}, {from}, {to} are replaced
   * within single arguments.
   */
  commands: Type.Record(
    Type.String({ pattern: '^[a-z0-9-]+$' }),
    Closed({
      stage: Stage,
      argv: Type.Array(Type.String(), { minItems: 1 }),
      terminal: Type.Boolean({ default: false }),
      languages: Type.Array(Language, { default: [] }),
    }),
    { default: {} },
  ),
  /**
   * The OpenAI-compatible endpoint on this machine's loopback; null: off. Port 0: any free one. Without a token the
   * daemon makes one.
   */
  http: Nullable(
    Closed(
      {
        port: Type.Integer({ minimum: 0, maximum: 65535 }),
        token: Optional(Type.String({ minLength: 16, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' })),
        maxUploadBytes: Optional(Type.Integer({ minimum: 1024, maximum: 64 * GiB })),
      },
      'OpenAI-compatible HTTP endpoint on this machine: {"port": 8484}; null: off.',
    ),
  ),
  // the daemon
  formats: Type.Array(Format, {
    default: ['txt', 'srt', 'vtt', 'json'],
    description: 'What a job writes when it is not told.',
  }),
  idleExitSeconds: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 604800,
      default: 900,
      description: 'The daemon leaves after this long without work, clients or watched folders; null: never.',
    }),
  ),
  liveSessions: Type.Integer({ minimum: 1, maximum: 256, default: 16, description: 'Live sessions open at a time.' }),
  liveTimeoutSeconds: Type.Number({
    minimum: 1,
    maximum: 86400,
    default: 60,
    description: 'A live session whose client says nothing for this long is closed with all it has.',
  }),
  watchQuietSeconds: Type.Number({
    minimum: 0.1,
    maximum: 3600,
    default: 3,
    description: 'A file in a watched folder counts as whole when it has not changed for so long.',
  }),
  watchAhead: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 64,
    description: 'Jobs of watched folders that wait in the queue at most; further files wait outside.',
  }),
  historyDays: Type.Integer({
    minimum: 1,
    maximum: 3650,
    default: 365,
    description: 'Finished jobs older than this are removed.',
  }),
  historyJobs: Type.Integer({
    minimum: 100,
    maximum: 10_000_000,
    default: 200_000,
    description: 'Finished jobs kept at most.',
  }),
});
export type Settings = Static<typeof Settings>;

/** Every setting at its default. */
export const DEFAULTS: Settings = {
  memoryUtilization: 0.9,
  memoryReserveBytes: GiB,
  ramCapBytes: null,
  calibrationSamples: 50,
  calibrationFactor: 1.05,
  firstEstimateFactor: 1.2,
  calibrationFloorBytes: 64 * MiB,
  monitorIntervalSeconds: 30,
  yieldTo: 'others',
  excludedDevices: [],
  pinnedModels: {},
  cpuThreads: null,
  repairOnCpu: true,
  othersOnCpu: false,
  instancesPerDevice: 5,
  loadedModels: 5,
  concurrentTasks: 8,
  minimumConcurrentTasks: 1,
  tickSeconds: 2,
  attempts: 3,
  modelReuse: 'warm',
  serial: false,
  adaptive: true,
  batchMinimum: 1,
  batchMaximum: 4,
  keepAliveSeconds: 300,
  ageingSeconds: 600,
  overtakes: 8,
  smallerModelOnFailure: false,
  sandbox: 'auto',
  lowPriority: false,
  defaultModels: {},
  offline: false,
  hubUrl: 'https://huggingface.co',
  modelFolders: [],
  ffmpegPath: null,
  pythonPath: null,
  server: null,
  commands: {},
  http: null,
  formats: ['txt', 'srt', 'vtt', 'json'],
  idleExitSeconds: 900,
  watchQuietSeconds: 3,
  watchAhead: 64,
  liveSessions: 16,
  liveTimeoutSeconds: 60,
  historyDays: 365,
  historyJobs: 200_000,
};
