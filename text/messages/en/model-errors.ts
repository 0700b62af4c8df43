/** English: failures of models, of the workers that run them, and of servers. */
import { message, type SomeErrors } from '../catalogue.ts';
import { withoutPassword } from '../figures.ts';
import { count, exitText, installedText, obstacleText, obstacleTodo, optional, stageText } from './words.ts';

/** Why a model was replaced, by the code of the failure that led to it. */
const CAUSES: Readonly<Record<string, string>> = {
  offline: 'is not installed and the setting offline forbids downloads',
  modelUnavailable: 'cannot be downloaded',
  downloadFailed: 'cannot be downloaded',
  neverFits: 'does not fit on any device',
  noRoom: 'does not fit on any device',
  outOfMemory: 'ran out of memory',
};

export const modelErrors: SomeErrors<
  | 'modelNotInstalled'
  | 'modelUnavailable'
  | 'modelReplaced'
  | 'repairLeftOut'
  | 'checksumMismatch'
  | 'modelBroken'
  | 'offline'
  | 'modelGated'
  | 'notOnHub'
  | 'downloadFailed'
> = {
  modelNotInstalled: a =>
    message(`The model ${a.model} is not installed.`, `Run \`earshot models install ${a.model}\`.`),
  modelUnavailable: a =>
    message(
      `The model ${a.model} cannot be downloaded from any of its sources${optional(': ', obstacleText(a.why))}.`,
      obstacleTodo(a.why) ??
        'Check the network and the setting hubUrl, or put its files in a folder listed in the setting modelFolders.',
    ),
  modelReplaced: a =>
    message(
      `${a.instead} is used for ${stageText(a.stage)} because ${a.model} ${CAUSES[a.cause] ?? 'could not be loaded'}.`,
    ),
  repairLeftOut: a =>
    message(`Misheard words were not repaired because ${a.model} ${CAUSES[a.cause] ?? 'could not be loaded'}.`),
  checksumMismatch: a =>
    message(
      `${a.file}${optional(' of ', a.model)} has the wrong checksum.`,
      'It was not installed. Install the model again, or from another source.',
    ),
  modelBroken: a =>
    a.model === undefined && a.path !== undefined
      ? message(
          `${a.path} is damaged, or not a model that Earshot knows.`,
          'It knows GGUF files, folders of CTranslate2 (Whisper, M2M100, NLLB, OPUS-MT) and sherpa-onnx, and Piper ' +
            'voices.',
        )
      : message(
          `The model ${a.model ?? a.path ?? ''}${optional(' (', a.file, ')')} is damaged or not a model.`.replace(
            '  ',
            ' ',
          ),
          'Remove it and install it again.',
        ),
  offline: a =>
    a.server
      ? message(
          `The server ${a.server} is not on this machine, and the setting offline forbids using the network.`,
          'Turn the setting off, or choose another model.',
        )
      : message(
          `${a.model ?? installedText(a.engine) ?? a.engine ?? 'A file'} is not installed, ` +
            'and the setting offline forbids downloads.',
          a.model ? 'Turn the setting off, or import the model from a file.' : 'Turn the setting off.',
        ),
  modelGated: a =>
    message(
      `The hub gives ${a.repository} only to those who asked for it.`,
      a.token
        ? `Accept its terms at ${withoutPassword(a.url)}, with the account that your token belongs to.`
        : `Accept its terms at ${withoutPassword(a.url)}, and set HF_TOKEN, or log in with \`hf auth login\`. ` +
            'Then run `earshot daemon stop`, and try again.',
    ),
  notOnHub: a =>
    message(
      `The hub has no ${a.repository}${optional(' at ', a.revision)}.`,
      'Check the spelling: hf:OWNER/REPOSITORY, with @REVISION or :FILE behind it where needed.',
    ),
  downloadFailed: a =>
    message(
      `${withoutPassword(a.url)} could not be downloaded` +
        `${optional(' (status ', a.status, ')')}${optional(': ', obstacleText(a.why))}.`,
      obstacleTodo(a.why) ?? 'Try again: the download continues where it stopped.',
    ),
};

export const workerErrors: SomeErrors<
  | 'outOfMemory'
  | 'workerCrashed'
  | 'workerSilent'
  | 'workerTimeout'
  | 'engineFailed'
  | 'badAnswer'
  | 'setAside'
  | 'serverUnreachable'
  | 'serverRefused'
> = {
  outOfMemory: a =>
    message(
      `${a.model ?? a.engine ?? 'A model'} ran out of memory.`,
      'Earshot tries again with more room; nothing is lost.',
    ),
  workerCrashed: a =>
    message(`The ${a.engine} worker crashed (${exitText(a.exit)}).`, 'Run `earshot log JOB` to see its last output.'),
  workerSilent: a =>
    message(`The ${a.engine} worker was stopped because it did not respond for ${count(a.seconds, 'second')}.`),
  workerTimeout: a =>
    message(`The ${a.engine} worker was stopped because it took longer than ${count(a.seconds, 'second')}.`),
  engineFailed: a =>
    message(
      a.engine ? `The engine ${a.engine} reported an error.` : 'The engine reported an error.',
      'Run `earshot log JOB` to see it.',
    ),
  badAnswer: a => message(`${a.engine ?? a.model ?? 'The engine'} gave an invalid answer.`),
  setAside: a =>
    message(
      `The job was stopped because ${a.model} crashed ${count(a.times, 'time')} on this recording.`,
      'Try another model, or run `earshot retry` to try again.',
    ),
  serverUnreachable: a =>
    message(
      `Cannot reach the server ${withoutPassword(a.url)}${optional(': ', obstacleText(a.why))}.`,
      obstacleTodo(a.why) ?? 'Check that it is running, and check the setting server.',
    ),
  serverRefused: a =>
    message(
      `The server ${a.url} refused the request (status ${a.status}).`,
      'Check the key and the model names in the setting server.',
    ),
};
