/**
 * The daemon's settings. This is the only list: `earshot settings`, the defaults, docs/reference/settings.md and the
 * editor's own settings (package.json, package.nls.json) all follow from it. `npm run reference` writes the last three.
 *
 * A unit is the end of a name (Bytes, Seconds, Days), so that descriptions need none.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Preset } from './preset.ts';
import { ByStage, Closed, DeviceId, Format, Language, Optional, Path, Stage } from './words.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

// A type, not an interface: options of a schema may have any property.
type About<T> = { default: T; description: string };
const whole = (minimum: number, maximum: number, about: About<number>) => Type.Integer({ minimum, maximum, ...about });
const number = (minimum: number, maximum: number, about: About<number>) => Type.Number({ minimum, maximum, ...about });
const flag = (about: About<boolean>) => Type.Boolean(about);
const orNull = <T extends TSchema>(schema: T, about: About<Static<T> | null>) =>
  Type.Union([schema, Type.Null()], about);

/** A role of PostgreSQL's. */
const Login = Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$' });

export const Settings = Closed({
  // memory
  memoryUtilization: number(0.1, 1, {
    default: 0.9,
    description: 'The share of a device’s memory that Earshot may use.',
  }),
  memoryReserveBytes: whole(0, 1024 * GiB, {
    default: GiB,
    description: 'Memory left free on each device for other programs.',
  }),
  ramCapBytes: orNull(Type.Integer({ minimum: 256 * MiB }), {
    default: null,
    description: 'The most RAM that models on the CPU may use. Empty: the share above.',
  }),
  calibrationSamples: whole(1, 1000, { default: 50, description: 'Memory peaks kept for each model and device.' }),
  calibrationFactor: number(1, 3, { default: 1.05, description: 'Multiplies the highest of those peaks.' }),
  firstEstimateFactor: number(1, 3, {
    default: 1.2,
    description: 'Multiplies the figure on the model’s card until there is a measurement.',
  }),
  calibrationFloorBytes: whole(0, 16 * GiB, { default: 64 * MiB, description: 'Added to every memory estimate.' }),
  monitorIntervalSeconds: number(0.5, 3600, {
    default: 30,
    description: 'How often devices are read while nobody watches them.',
  }),
  yieldTo: Type.Enum(['never', 'others', 'always'], {
    default: 'others',
    description: 'When idle models give their memory back.',
    enumDescriptions: [
      'When they have been idle for `keepAliveSeconds`.',
      'Also at once when another program needs the memory.',
      'As soon as they are idle.',
    ],
  }),
  // devices
  excludedDevices: Type.Array(DeviceId, {
    default: [],
    maxItems: 64,
    description:
      'Devices that Earshot leaves alone: a GPU’s UUID, `cpu`, or `metal` (the GPU of Apple silicon). In VS Code the ' +
      'Devices view has a switch for all but `metal`.',
  }),
  pinnedModels: Type.Record(Type.String(), DeviceId, { default: {}, description: 'Models bound to one device.' }),
  cpuThreads: orNull(Type.Integer({ minimum: 1, maximum: 1024 }), {
    default: null,
    description: 'CPU cores that models share. Empty: all.',
  }),
  repairMode: Type.Enum(['fast', 'thorough'], {
    default: 'thorough',
    description: 'What decides about misheard words.',
    enumDescriptions: [
      'The recognizer alone, by the sound: costs little and needs no other model.',
      'Also a language model, if one is installed, where the sound leaves it open.',
    ],
  }),
  repairOnCpu: flag({ default: true, description: 'Repair may run on the CPU when no GPU has room.' }),
  othersOnCpu: flag({ default: false, description: 'The other stages may run on the CPU too when no GPU has room.' }),
  // ceilings
  instancesPerDevice: whole(1, 64, { default: 5, description: 'The most loaded models on one device.' }),
  loadedModels: whole(1, 64, { default: 5, description: 'The most loaded models on all devices together.' }),
  concurrentTasks: whole(1, 64, { default: 8, description: 'The most attempts that run at the same time.' }),
  minimumConcurrentTasks: whole(1, 64, { default: 1, description: 'Adaptive scheduling does not go below this.' }),
  // scheduling
  tickSeconds: number(0.1, 60, {
    default: 2,
    description: 'Safety tick of the scheduler, which otherwise runs on events.',
  }),
  attempts: whole(1, 10, { default: 3, description: 'How often a step is tried before it is given up.' }),
  modelReuse: Type.Enum(['warm', 'never'], {
    default: 'warm',
    description: 'Whether a model stays loaded for the next job.',
    enumDescriptions: ['Keep it loaded.', 'Load it again for each job.'],
  }),
  serial: flag({ default: false, description: 'One job and one model at a time: slower, with the least memory.' }),
  adaptive: flag({ default: true, description: 'Set replicas, batches and keep-alive from measurements.' }),
  batchMinimum: whole(1, 4, { default: 1, description: 'Smallest batch of contiguous utterances.' }),
  batchMaximum: whole(1, 4, { default: 4, description: 'Largest batch of contiguous utterances.' }),
  keepAliveSeconds: whole(0, 86400, { default: 300, description: 'How long an idle model stays loaded, in seconds.' }),
  ageingSeconds: whole(1, 604800, { default: 600, description: 'Waiting this long raises a job by one priority.' }),
  overtakes: whole(0, 1000, { default: 8, description: 'Jobs that a job of a loaded model may pass.' }),
  smallerModelOnFailure: flag({
    default: false,
    description: 'When a model does not load anywhere, try a smaller one of its family.',
  }),
  sandbox: Type.Enum(['auto', 'off'], {
    default: 'auto',
    description: 'Open recordings and models in sandboxed processes.',
    enumDescriptions: ['Wherever the system supports it.', 'Never.'],
  }),
  lowPriority: flag({ default: false, description: 'Run models at low process priority.' }),
  // models and places
  defaultModels: Type.Object(ByStage(Type.String()).properties, {
    additionalProperties: false,
    default: {},
    description: 'The model for each stage when a job names none. Missing: the best installed one.',
  }),
  partialModel: orNull(Type.String({ minLength: 1, maxLength: 200 }), {
    default: null,
    description:
      'The streaming model that shows words while they are spoken. Empty: an installed one that knows the language, ' +
      "else the session's own recognizer; `none`: always that one.",
  }),
  offline: flag({ default: false, description: 'Never use the network: models must be installed already.' }),
  hubUrl: Type.String({
    pattern: '^https?://',
    maxLength: 2000,
    default: 'https://huggingface.co',
    description: 'Where models are fetched from: the Hugging Face hub, or a mirror of it.',
  }),
  modelFolders: Type.Array(Path, {
    default: [],
    maxItems: 20,
    description: 'Folders that are searched for model files before the network is used.',
  }),
  ffmpegPath: orNull(Path, {
    default: null,
    description: 'The ffmpeg program. Empty: the one that Earshot installs; until it is there, one on the path.',
  }),
  pythonPath: orNull(Path, {
    default: null,
    description: 'The Python program (3.9 or newer) that engines are installed with. Empty: the one on the path.',
  }),
  server: orNull(
    Closed({
      url: Type.String({ pattern: '^https?://', maxLength: 2000 }),
      key: orNull(Type.String(), { default: null, description: 'Sent as a bearer token.' }),
      models: ByStage(Type.String()),
    }),
    { default: null, description: 'An OpenAI-compatible server: base address, key, and its model for each stage.' },
  ),
  commands: Type.Record(
    Type.String({ pattern: '^[a-z0-9-]+$' }),
    Closed({
      stage: Stage,
      argv: Type.Array(Type.String(), { minItems: 1 }),
      terminal: Type.Boolean({ default: false }),
      languages: Type.Array(Language, { default: [] }),
    }),
    {
      default: {},
      description:
        'Programs that serve as engines: argument lists, never a shell. `{text}`, `{input}`, `{output}`, ' +
        '`{from}` and ' +
        '`{to}` are replaced within single arguments.',
    },
  ),
  http: orNull(
    Closed({
      port: Type.Integer({ minimum: 0, maximum: 65535 }),
      token: Optional(Type.String({ minLength: 16, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' })),
      maxUploadBytes: Optional(Type.Integer({ minimum: 1024, maximum: 64 * GiB })),
    }),
    {
      default: null,
      description:
        'The OpenAI-compatible endpoint on this machine: `{"port": 8484}`. Port 0: any free one. Without a ' +
        'token, one ' +
        'is generated. Empty: off.',
    },
  ),
  presets: Type.Record(Type.String({ minLength: 1, maxLength: 80 }), Preset, {
    default: {
      Interview: { speakers: true },
      'Film subtitles EN→DE': { language: 'en', translateTo: 'de', formats: ['srt'] },
    },
    description:
      'Choices under a name, for `--preset`, watched folders and the context menu. ' +
      'In VS Code *Transcribe With…* saves them.',
  }),
  fleet: orNull(
    Closed({
      /** Without a password: that lies in a file of its own. */
      url: Type.String({ pattern: '^postgres(ql)?://[^@/?#]+/[^?#/]+$', maxLength: 2000 }),
      person: Optional(Login),
      machine: Optional(Login),
      /** What is called so elsewhere is this folder here. */
      roots: Optional(Type.Record(Type.String({ pattern: '^[a-z0-9-]{1,40}$' }), Path)),
      use: Optional(Type.Enum(['always', 'noGpu', 'busy', 'never'])),
      share: Optional(Type.Enum(['always', 'idle', 'never'])),
      /** A long recording is divided among idle machines, in parts of at least so many minutes; 0: never. */
      partMinutes: Optional(Type.Number({ minimum: 0, maximum: 1440 })),
      /** A file with the certificates that sign the server's. */
      ca: Optional(Path),
    }),
    {
      default: null,
      description:
        'The fleet that this machine belongs to: the address of its PostgreSQL, the logins of whoever submits and of ' +
        'the machine, shared folders by name, when jobs go there (`use`), when others’ jobs come here (`share`), and ' +
        'how many minutes of a long recording each of several machines has at least (`partMinutes`). ' +
        '`earshot fleet join` sets it. Empty: none.',
    },
  ),
  // the daemon
  formats: Type.Array(Format, {
    default: ['txt', 'srt', 'vtt', 'json'],
    description: 'What a job writes when it names no formats.',
  }),
  idleExitSeconds: orNull(Type.Integer({ minimum: 1, maximum: 604800 }), {
    default: 900,
    description:
      'The daemon exits after this many seconds without work, clients or watched folders, and within a minute of the ' +
      'last window. Empty: never.',
  }),
  liveSessions: whole(1, 256, { default: 16, description: 'The most live sessions open at a time.' }),
  liveTimeoutSeconds: number(1, 86400, {
    default: 60,
    description: 'A live session whose client is silent for this long is closed with all it has.',
  }),
  watchSettleSeconds: number(0.1, 3600, {
    default: 3,
    description: 'Settle time: a file in a watched folder counts as complete when it has not changed for this long.',
  }),
  watchAhead: whole(1, 10_000, {
    default: 64,
    description: 'The most jobs of watched folders that wait in the queue; further files wait outside.',
  }),
  historyDays: whole(1, 3650, { default: 365, description: 'Finished jobs older than this are removed.' }),
  historyJobs: whole(100, 10_000_000, { default: 200_000, description: 'The most finished jobs that are kept.' }),
});
export type Settings = Static<typeof Settings>;

/** What the schema says about a setting; of each value of an enumeration, in their order, where that is needed. */
export const about = (name: keyof Settings): About<unknown> & { enumDescriptions?: string[] } =>
  Settings.properties[name] as unknown as ReturnType<typeof about>;

/** Every setting at its default. */
export const DEFAULTS = Object.fromEntries(
  (Object.keys(Settings.properties) as (keyof Settings)[]).map(name => [name, about(name).default]),
) as Settings;

/** Settings that the editor shows too, under `earshot.machine`, in its order. */
export const IN_EDITOR = [
  'memoryUtilization',
  'memoryReserveBytes',
  'excludedDevices',
  'cpuThreads',
  'repairMode',
  'repairOnCpu',
  'othersOnCpu',
  'serial',
  'yieldTo',
  'keepAliveSeconds',
  'lowPriority',
  'offline',
  'hubUrl',
  'modelFolders',
  'ffmpegPath',
  'pythonPath',
  'idleExitSeconds',
] as const satisfies readonly (keyof Settings)[];

/** How the editor calls a setting, and what one of its units is in ours: it shows bytes as MiB. */
export const inEditor = (name: keyof Settings): { name: string; unit: number } =>
  name.endsWith('Bytes') ? { name: name.replace(/Bytes$/, 'MiB'), unit: MiB } : { name, unit: 1 };
