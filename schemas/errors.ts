/** Every way in which Earshot fails: one closed list of codes. The sentences stand in text/messages/. */
import { fitsKinds, known, type ArgKinds, type ArgsForAll, type ArgsOf } from './args.ts';
import type { Args, Failure } from './failure.ts';

export type { Failure } from './failure.ts';

/** What is wrong with a request, where somebody has to put it right: sentences in text/messages/. */
export const BAD_REQUESTS = [
  'readsPipe',
  'nothingPiped',
  'textOnStdout',
  'waitsForEnd',
  'endsWith',
  'isRecording',
  'isNoFile',
  'oneFormat',
  'oneOf',
  'oneStage',
  'label',
  'noPicture',
  'oneTrack',
  'folderNeeded',
  'summaryElsewhere',
  'translatedOrSpoken',
  'idShape',
  'idTaken',
  'hubSource',
  'noModelThere',
  'severalModels',
  'otherRevision',
  'noFolder',
  'date',
  'argv',
  'urlAndModel',
] as const;
export type BadRequest = (typeof BAD_REQUESTS)[number];

/** What each failure says of itself. Sizes are in bytes; names say the unit where there is one. */
export const ERRORS = {
  // what was asked for
  /** `why`: one of BAD_REQUESTS, and in `list` what it speaks of. */
  /** `field`: what is wrong; `path`: where a full path is needed; `expected`: the offset at which sound goes on. */
  badRequest: { field: 'text?', method: 'text?', path: 'text?', expected: 'number?', why: 'text?', list: 'text?' },
  noSuchFile: { path: 'text' },
  notAFile: { path: 'text' },
  noRecordings: { path: 'text' },
  /** A virtual workspace's, or an address. */
  notOnDisk: { path: 'text' },
  /** A path of Windows on another system. */
  foreignPath: { path: 'text' },
  unreadableFile: { path: 'text' },
  /** `bytes`: there are some, but no sound in them. */
  emptyFile: { path: 'text', bytes: 'number?' },
  /** `content`: what it is instead, where that is known (daemon/ingest/content.ts). */
  notMedia: { path: 'text', content: 'text?' },
  /** `by`: whose protection it is: apple, audible or unknown. */
  encryptedFile: { path: 'text', by: 'text' },
  noAudioTrack: { path: 'text' },
  noSuchTrack: { path: 'text', track: 'number', tracks: 'number' },
  /** `list`: the tracks with what the container says of their languages; `speech`: 1 where `track` holds some. */
  otherTracks: { path: 'text', track: 'number', tracks: 'number', list: 'text', speech: 'number' },
  truncatedFile: { path: 'text', readMs: 'number', durationMs: 'number?' },
  damagedFile: { path: 'text' },
  /** `atMs`: from there on the times are those of the sound and not of the container. */
  unreliableTimes: { path: 'text', atMs: 'number' },
  tooMuchSound: { path: 'text', hours: 'number' },
  recordingChanged: { path: 'text' },
  unknownModel: { model: 'text' },
  /** `presets`: those that there are. */
  unknownPreset: { preset: 'text', presets: 'text' },
  /** `code`: what was probably meant. */
  unknownLanguage: { language: 'text', code: 'text?' },
  /** `stages`: those that it does, joined by commas. */
  wrongStage: { model: 'text', stage: 'text', stages: 'text?' },
  /** Nobody hears the language of a text. */
  languageNeeded: { path: 'text' },
  /** Without a model: none that can be had. */
  languageNotSupported: { language: 'text?', model: 'text?', stage: 'text?' },
  unknownJob: { id: 'text' },
  /** `state`: a job's, or "busy", "closed" or "gone". */
  wrongState: { state: 'text', id: 'text?' },
  unknownSetting: { name: 'text' },
  settingRange: { name: 'text', value: 'text', range: 'text' },
  noVoice: { language: 'text?', model: 'text?' },
  outputNotWritable: { path: 'text' },
  /** It was edited, or is not ours; `instead`: where the new version went. */
  /** `inUse`: 1 where another program has it open. */
  outputKept: { path: 'text', instead: 'text?', inUse: 'number?' },
  /** `missing`: 1 where there is no such file. */
  badGlossary: { path: 'text', line: 'number?', missing: 'number?' },
  /** `model`: the one that could not be fetched. */
  speakersUnknown: { model: 'text?' },
  /** `names`: of remembered voices that an older model made, joined by commas. */
  voicesOutdated: { names: 'text' },
  noSummary: { model: 'text' },
  /** `characters`: some of those that no font here shows. */
  fontMissing: { characters: 'text' },
  /** In VS Code: the workspace is in Restricted Mode. */
  untrustedWorkspace: {},
  /**
   * `count`: utterances that stand in their own language, because no translation of theirs could stand; `numbers`:
   * those of them whose numbers came out as others.
   */
  notTranslated: { count: 'number', numbers: 'number?' },
  /** `seconds`: the most that it is behind the recording. */
  voiceOverLags: { seconds: 'number' },
  /** `count`: sentences of a summary that were left out, because the transcript does not support them. */
  summaryTrimmed: { count: 'number' },
  nothingSaid: { path: 'text' },
  notATranscript: { path: 'text?' },
  noSuchFolder: { path: 'text' },
  notAFolder: { path: 'text' },
  // texts and subtitles
  notText: { path: 'text' },
  textTooLarge: { path: 'text', mostBytes: 'number' },
  noWords: { path: 'text' },
  /** It was read, and nothing in it says its encoding. */
  textDecoded: { path: 'text', encoding: 'text' },
  /** It could not be written in the encoding of its source, which lacks some of its characters. */
  textEncoded: { path: 'text', encoding: 'text' },
  unknownEncoding: { encoding: 'text' },
  /** `texts`: outside of cues; `times`: cues whose times cannot be read; `generated`: karaoke, syllable by syllable. */
  subtitlesUnclear: { path: 'text', texts: 'number', times: 'number', generated: 'number' },
  /** What another format, or another language, has no place for; in numbers of cues or blocks. */
  subtitlesReduced: {
    path: 'text',
    notes: 'number?',
    styles: 'number?',
    drawings: 'number?',
    texts: 'number?',
    formatting: 'number?',
    wordTimes: 'number?',
  },
  notWatched: { path: 'text' },
  /** Finished recordings would move to where they are. */
  originalsStay: { path: 'text' },
  // live sound
  noMicrophone: { device: 'text?' },
  tooManySessions: { limit: 'number' },
  sessionBehind: { seconds: 'number', unrepaired: 'number?' },
  // this machine
  diskFull: { path: 'text?', neededBytes: 'number?', freeBytes: 'number?' },
  /**
   * `missing`: Python is there, this part of it is not, or "store": it is the Microsoft Store's, which cannot be used.
   * `platform`: Node's name of the system.
   */
  noPython: { needed: 'text', newest: 'text?', path: 'text?', missing: 'text?', platform: 'text?' },
  /** `sandboxed`: 1 where it is there and does not start in the sandbox. */
  noFfmpeg: { path: 'text?', sandboxed: 'number?' },
  engineMissing: { engine: 'text' },
  unknownEngine: { engine: 'text' },
  /** `why`: as for modelUnavailable. */
  engineInstallFailed: { engine: 'text', why: 'text?' },
  ffmpegFailed: { path: 'text', exit: 'status' },
  /** `largestBytes`: what `device` allows, the largest; `alternatives`: models that would fit, joined by commas. */
  neverFits: {
    model: 'text',
    stage: 'text',
    needBytes: 'number',
    device: 'text',
    largestBytes: 'number',
    alternatives: 'text?',
  },
  noRoom: { device: 'text', needBytes: 'number', admissibleBytes: 'number' },
  noSuchDevice: { device: 'text' },
  watchLimit: { path: 'text' },
  deviceLost: { device: 'text' },
  deviceBack: { device: 'text' },
  driverMismatch: {},
  driverHangs: {},
  memoryHigh: { device: 'text', usedBytes: 'number', capBytes: 'number' },
  memoryCritical: { device: 'text', usedBytes: 'number', capBytes: 'number' },
  // models
  modelNotInstalled: { model: 'text', file: 'text?' },
  /** `why`: what stood in the way: certificate, proxy, proxyLogin, name, timeout. */
  modelUnavailable: { model: 'text', file: 'text?', why: 'text?' },
  /** Another is used in its place; `cause`: the code of the failure that led to it. */
  modelReplaced: { model: 'text', instead: 'text', stage: 'text', cause: 'text' },
  /** Only the words that need no model were repaired; `cause`: as for modelReplaced. */
  repairLeftOut: { model: 'text', cause: 'text' },
  checksumMismatch: { model: 'text?', file: 'text', expected: 'status?', actual: 'status?' },
  modelBroken: { model: 'text?', path: 'text?', file: 'text?', expectedBytes: 'number?', actualBytes: 'number?' },
  /** `server`: one that is not on this machine; otherwise what would have to be downloaded. */
  offline: { model: 'text?', engine: 'text?', server: 'text?', file: 'text?' },
  /** A hub gives it to those alone who asked for it; `token`: 1 where the user has one, which was sent. */
  modelGated: { repository: 'text', url: 'text', token: 'number' },
  notOnHub: { repository: 'text', revision: 'text?' },
  /** `bytes`: those that are there already; `why`: as for modelUnavailable. */
  downloadFailed: { url: 'text', status: 'number?', bytes: 'number?', why: 'text?' },
  // running
  outOfMemory: { engine: 'text?', model: 'text?', exit: 'status?' },
  workerCrashed: { engine: 'text', exit: 'status' },
  workerSilent: { engine: 'text', seconds: 'number' },
  workerTimeout: { engine: 'text', seconds: 'number' },
  engineFailed: { engine: 'text?', model: 'text?' },
  badAnswer: { engine: 'text?', model: 'text?', method: 'text?' },
  cancelled: {},
  setAside: { times: 'number', model: 'text' },
  /** `why`: as for modelUnavailable. */
  serverUnreachable: { url: 'text', why: 'text?' },
  serverRefused: { url: 'text', status: 'number' },
  // the daemon
  daemonRunning: { pid: 'number?' },
  portTaken: { port: 'number' },
  daemonUnreachable: { socket: 'text?' },
  daemonFailed: {},
  wrongToken: {},
  /** `daemon`, `client`: versions; `protocol`: the daemon's. */
  wrongVersion: { daemon: 'text', client: 'text?', protocol: 'number?' },
  storeNewer: { path: 'text', found: 'number', known: 'number' },
  storeBroken: { path: 'text' },
  /** `path`: where the damaged one lies; `jobs`: some names of the `count` jobs that were not over. */
  storeRestored: { path: 'text', backup: 'text?', count: 'number', jobs: 'text' },
  storeBusy: { path: 'text' },
  // the fleet
  /** `why`: as for modelUnavailable. */
  fleetUnreachable: { host: 'text', why: 'text?' },
  /** The server lets this login not in, or not do this. */
  fleetRefused: { host: 'text', login: 'text' },
  /** Without TLS, what answers there asked for the password, or let us in without having shown that it knows it. */
  fleetUnproven: { host: 'text', login: 'text' },
  /** Its database has no tables of Earshot's, or of an older one. */
  fleetUnprepared: {},
  /** `found`, `known`: versions of its tables. */
  fleetNewer: { found: 'number', known: 'number' },
  /** This machine belongs to none, or not with a login that may do this (`needs`: person or machine). */
  noFleet: { needs: 'text?' },
  /** It ended so many machines' work on it, one after the other. */
  fleetGaveUp: { times: 'number' },
  /** No machine of it took the recording for so long. */
  fleetExpired: { days: 'number' },
  /** npm has no PostgreSQL for this kind of machine. */
  noPostgresHere: {},
  postgresAsRoot: {},
  /** `log`: a file that says more. */
  postgresFailed: { log: 'text?' },
  noOpenssl: {},
  internal: { path: 'text?' },
} as const satisfies Record<string, ArgKinds>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorArgs = { [C in ErrorCode]: ArgsOf<(typeof ERRORS)[C]> };
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code);

/** What follows the code: the arguments of that code, which may be left out where none is needed, and details. */
type Rest<C extends ErrorCode, More extends unknown[]> =
  {} extends ArgsForAll<ErrorArgs, C>
    ? [args?: ArgsForAll<ErrorArgs, C>, ...More]
    : [args: ArgsForAll<ErrorArgs, C>, ...More];

export function failure<C extends ErrorCode>(code: C, ...[args, detail]: Rest<C, [detail?: string]>): Failure {
  return detail === undefined ? { code, args: known(args ?? {}) } : { code, args: known(args ?? {}), detail };
}

/** A failure of this code, with all the arguments that the code has here. */
export const isFailure = <C extends ErrorCode>(
  failure: Failure,
  code: C,
): failure is Failure & { code: C; args: ErrorArgs[C] } =>
  failure.code === code && fitsKinds(failure.args, ERRORS[code]);

/** Failures that a retry cannot fix. */
const FINAL: ReadonlySet<string> = new Set<ErrorCode>([
  'badRequest',
  'noSuchFile',
  'notAFile',
  'noRecordings',
  'notOnDisk',
  'foreignPath',
  'unreadableFile',
  'emptyFile',
  'notMedia',
  'encryptedFile',
  'notText',
  'unknownEncoding',
  'textTooLarge',
  'noWords',
  'noAudioTrack',
  'noSuchTrack',
  'truncatedFile',
  'tooMuchSound',
  'recordingChanged',
  'unknownModel',
  'unknownPreset',
  'unknownLanguage',
  'languageNeeded',
  'unknownEngine',
  'notAFolder',
  'wrongStage',
  'languageNotSupported',
  'noVoice',
  'neverFits',
  'noPython',
  'noFfmpeg',
  'checksumMismatch',
  'modelBroken',
  'modelUnavailable',
  'modelGated',
  'notOnHub',
  'offline',
  'cancelled',
  'setAside',
  'engineMissing',
  'serverRefused',
  'noSummary',
  'fontMissing',
  'nothingSaid',
  'notATranscript',
  'untrustedWorkspace',
  'fleetGaveUp',
  'fleetExpired',
  'fleetRefused',
  'fleetUnproven',
  'fleetUnprepared',
  'fleetNewer',
  'noFleet',
  'noPostgresHere',
  'postgresAsRoot',
  'noOpenssl',
]);
export const isRetryable = (code: string): boolean => !FINAL.has(code);

/** Carries a Failure through code that throws; the only error class of ours. */
export class EarshotError<C extends ErrorCode = ErrorCode> extends Error {
  readonly failure: Failure;
  constructor(code: C, ...[args, detail, options]: Rest<C, [detail?: string, options?: ErrorOptions]>) {
    super(`${code} ${JSON.stringify(args ?? {})}${detail ? `: ${detail}` : ''}`, options);
    this.name = 'EarshotError';
    this.failure = { code, args: known(args ?? {}), ...(detail === undefined ? {} : { detail }) };
  }
}

/** A failure that came as a value, to be thrown on. Whatever wrote it chose the code and its arguments. */
export const thrown = ({ code, args, detail }: Failure, options?: ErrorOptions): EarshotError =>
  new (EarshotError as new (code: string, args: Args, detail?: string, options?: ErrorOptions) => EarshotError)(
    code,
    args,
    detail,
    options,
  );

/** The disk, or what this user may have of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Any thrown value as a Failure; what is not ours is `internal`, but for a full disk, which can happen wherever
 * something is written.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof EarshotError) return error.failure;
  const { path } = (error ?? {}) as { path?: unknown };
  if (isDiskFull(error)) return failure('diskFull', typeof path === 'string' ? { path } : {}, String(error));
  return failure('internal', {}, error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** A request that somebody has to put right: which field, and why. `list`: what the sentence speaks of. */
export const badRequest = (field: string, why: BadRequest, list?: string): EarshotError =>
  new EarshotError('badRequest', { field, why, ...(list === undefined ? {} : { list }) });
