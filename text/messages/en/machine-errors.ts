/** English: failures of this machine, its programs and its devices, and of live sound. */
import { message, type SomeErrors } from '../catalogue.ts';
import { bytesText, percentText } from '../figures.ts';
import {
  count,
  exitText,
  installedText,
  obstacleText,
  obstacleTodo,
  optional,
  pythonRange,
  pythonTodo,
} from './words.ts';

/** At the beginning of a sentence: “The CPU”. */
const first = (device: string): string => device.replace(/^the /, 'The ');

export const liveErrors: SomeErrors<'noMicrophone' | 'tooManySessions' | 'sessionBehind'> = {
  noMicrophone: a =>
    message(
      `Cannot record audio${optional(' from ', a.device)}.`,
      'Run `earshot listen --list-devices` to see the inputs, and check that this program may use the microphone.',
    ),
  tooManySessions: a =>
    message(
      `${count(a.limit, 'live session')} ${a.limit === 1 ? 'is' : 'are'} open already.`,
      'Close one, or raise the setting liveSessions.',
    ),
  sessionBehind: a =>
    message(
      `The text fell up to ${a.seconds} s behind the speech${
        a.unrepaired ? `; ${count(a.unrepaired, 'utterance')} stayed as recognized, without repair` : ''
      }.`,
      'Nothing is lost. Use a smaller model or run fewer jobs to keep up.',
    ),
};

export const programErrors: SomeErrors<
  | 'diskFull'
  | 'noPython'
  | 'noFfmpeg'
  | 'engineMissing'
  | 'unknownEngine'
  | 'engineInstallFailed'
  | 'ffmpegFailed'
  | 'watchLimit'
> = {
  diskFull: a => {
    const room =
      a.neededBytes === undefined || a.freeBytes === undefined
        ? ''
        : `: ${bytesText(a.neededBytes)} needed, ${bytesText(a.freeBytes)} free`;
    return message(
      `The disk${optional(' with ', a.path)} is full${room}.`,
      'Free up some space. Work continues where it stopped.',
    );
  },
  noPython: a =>
    a.missing === 'store'
      ? message(
          'The Python from the Microsoft Store keeps what it installs to itself, so Earshot cannot use it.',
          pythonTodo('win32'),
        )
      : a.missing
        ? message(
            `Python ${a.needed} or newer is installed, but its module ${a.missing} is missing.`,
            'On Debian and Ubuntu: apt install python3-venv.',
          )
        : message(
            `Python ${pythonRange(a)} was not found${optional(' at ', a.path)}.`,
            a.platform === undefined ? 'Install Python 3, or set pythonPath to it.' : pythonTodo(a.platform),
          ),
  noFfmpeg: a =>
    a.sandboxed
      ? message(
          `${a.path ?? 'ffmpeg'} does not start in the sandbox because it needs files outside of it.`,
          'Set ffmpegPath to the program itself, or run `earshot settings set sandbox off`.',
        )
      : message(
          a.path ? `There is no ffmpeg at ${a.path}.` : 'ffmpeg was not found.',
          'Transcribe a recording, which brings one, or install ffmpeg and set ffmpegPath to it.',
        ),
  unknownEngine: a => message(`There is no engine “${a.engine}”.`, 'Run `earshot engines list` to see the engines.'),
  engineMissing: a =>
    message(`The engine ${a.engine} is not installed.`, `Run \`earshot engines install ${a.engine}\`.`),
  engineInstallFailed: a =>
    message(
      `${installedText(a.engine) ?? `The engine ${a.engine}`} could not be installed` +
        `${optional(': ', obstacleText(a.why))}.`,
      obstacleTodo(a.why) ?? 'See `earshot daemon logs` for details, and `earshot doctor` for what is missing.',
    ),
  ffmpegFailed: a =>
    message(
      a.exit === 'silent'
        ? `ffmpeg stopped responding while reading ${a.path}.`
        : `ffmpeg failed on ${a.path} (${exitText(a.exit)}).`,
    ),
  watchLimit: a =>
    message(
      `The system cannot watch more folders, so ${a.path} is checked every 30 seconds instead.`,
      'Raise fs.inotify.max_user_watches to fix this.',
    ),
};

export const deviceErrors: SomeErrors<
  | 'neverFits'
  | 'noRoom'
  | 'noSuchDevice'
  | 'deviceLost'
  | 'deviceBack'
  | 'driverMismatch'
  | 'driverHangs'
  | 'memoryHigh'
  | 'memoryCritical'
> = {
  neverFits: a =>
    message(
      `${a.model} needs ${bytesText(a.needBytes)}, but the largest device (${a.device}) allows only ` +
        `${bytesText(a.largestBytes)}.`,
      a.alternatives ? `These models would fit: ${a.alternatives}.` : 'Choose a smaller model.',
    ),
  noRoom: (a, { device }) =>
    message(
      `${first(device(a.device))} has no room for ${bytesText(a.needBytes)} now; ` +
        `${bytesText(a.admissibleBytes)} is free for models.`,
      'Earshot tries again when there is room.',
    ),
  noSuchDevice: (a, { device }) =>
    message(`There is no device ${device(a.device)}.`, 'Run `earshot devices` to see the devices.'),
  deviceLost: (a, { device }) =>
    message(
      `${first(device(a.device))} is not responding.`,
      'Its work went back to the queue. If it does not come back, check its driver.',
    ),
  deviceBack: (a, { device }) => message(`${first(device(a.device))} is responding again.`),
  driverMismatch: () =>
    message(
      'The NVIDIA driver and its library have different versions.',
      'Restart the computer. This happens after a driver update.',
    ),
  driverHangs: () =>
    message(
      'The NVIDIA driver is not responding.',
      'Its GPUs are not used for now. Restarting the computer usually helps.',
    ),
  memoryHigh: (a, { device }) =>
    message(
      `${first(device(a.device))}: Earshot uses ${percentText(a.usedBytes / a.capBytes)} of the memory it may use.`,
    ),
  memoryCritical: (a, { device }) =>
    message(
      `${first(device(a.device))}: Earshot uses ${percentText(a.usedBytes / a.capBytes)} of the memory it may use.`,
      'New models wait until some is free.',
    ),
};
