/** Every way in which Earshot fails: one closed list of codes. The sentences stand in text/messages/messages.ts. */
import { Type, type Static } from 'typebox';

export const ERROR_CODES = [
  // what was asked for
  'badRequest',
  'noSuchFile',
  'notAFile',
  'noRecordings',
  'notOnDisk',
  'unreadableFile',
  'emptyFile',
  'notMedia',
  'noAudioTrack',
  'noSuchTrack',
  'truncatedFile',
  'damagedFile',
  'recordingChanged',
  'unknownLanguage',
  'unknownModel',
  'wrongStage',
  'languageNotSupported',
  'unknownJob',
  'wrongState',
  'unknownSetting',
  'settingRange',
  'noVoice',
  'outputNotWritable',
  'outputKept',
  'badGlossary',
  'speakersUnknown',
  'noSummary',
  'nothingSaid',
  'notATranscript',
  'noSuchFolder',
  'notWatched',
  // live sound
  'noMicrophone',
  'tooManySessions',
  'sessionBehind',
  // this machine
  'diskFull',
  'noPython',
  'noNpm',
  'noFfmpeg',
  'engineMissing',
  'engineInstallFailed',
  'ffmpegFailed',
  'neverFits',
  'noRoom',
  'noSuchDevice',
  'watchLimit',
  'deviceLost',
  'deviceBack',
  'driverMismatch',
  'driverHangs',
  'memoryHigh',
  'memoryCritical',
  // models
  'modelNotInstalled',
  'modelUnavailable',
  'checksumMismatch',
  'modelBroken',
  'offline',
  'downloadFailed',
  // running
  'outOfMemory',
  'workerCrashed',
  'workerSilent',
  'workerTimeout',
  'engineFailed',
  'badAnswer',
  'cancelled',
  'setAside',
  'serverUnreachable',
  'serverRefused',
  // the daemon
  'daemonRunning',
  'portTaken',
  'daemonUnreachable',
  'wrongToken',
  'wrongVersion',
  'storeNewer',
  'storeBroken',
  'storeRestored',
  'storeBusy',
  'internal',
] as const;
export const ErrorCode = Type.Enum([...ERROR_CODES]);
export type ErrorCode = Static<typeof ErrorCode>;

/** A failure as a value. `detail` is for the log and the curious: an engine's own words, in whatever language. */
export const Failure = Type.Object(
  {
    code: ErrorCode,
    args: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
    detail: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type Failure = Static<typeof Failure>;

export const failure = (code: ErrorCode, args: Failure['args'] = {}, detail?: string): Failure =>
  detail === undefined ? { code, args } : { code, args, detail };

/** Failures that a retry cannot mend. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'badRequest',
  'noSuchFile',
  'notAFile',
  'noRecordings',
  'notOnDisk',
  'unreadableFile',
  'emptyFile',
  'notMedia',
  'noAudioTrack',
  'noSuchTrack',
  'truncatedFile',
  'recordingChanged',
  'unknownLanguage',
  'unknownModel',
  'wrongStage',
  'languageNotSupported',
  'noVoice',
  'neverFits',
  'noPython',
  'noNpm',
  'noFfmpeg',
  'checksumMismatch',
  'modelBroken',
  'modelUnavailable',
  'offline',
  'cancelled',
  'setAside',
  'engineMissing',
  'serverRefused',
  'noSummary',
  'nothingSaid',
  'notATranscript',
]);
export const isRetryable = (code: ErrorCode): boolean => !FINAL.has(code);

/** Carries a Failure through code that throws; the only error class of ours. */
export class EarshotError extends Error {
  readonly failure: Failure;
  constructor(code: ErrorCode, args: Failure['args'] = {}, detail?: string, options?: ErrorOptions) {
    super(`${code} ${JSON.stringify(args)}${detail ? `: ${detail}` : ''}`, options);
    this.name = 'EarshotError';
    this.failure = failure(code, args, detail);
  }
}

/** A failure that came as a value, to be thrown on. */
export const thrown = ({ code, args, detail }: Failure): EarshotError => new EarshotError(code, args, detail);

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
