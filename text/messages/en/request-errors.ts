/** English: failures of what was asked for. */
import { BAD_REQUEST } from './bad-requests.ts';
import { message, type SomeErrors, whyOf } from '../catalogue.ts';
import { clockText, languageText, ON_NETWORK, withoutPassword } from '../figures.ts';
import { count, optional, stageText, terms } from './words.ts';

/** What a file is instead of a recording, and what to do about it. */
const CONTENTS: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  address: ['a link to a recording, not the recording itself', 'Download what it links to, and transcribe that file.'],
  archive: ['an archive, not a recording', 'Unpack it first.'],
  document: ['a document, not a recording', ''],
  gitLfs: ['only a pointer of Git LFS; the recording has not been fetched', 'Run `git lfs pull`.'],
  notes: ['MIDI: notes to be played, with no sound in them', ''],
  page: [
    'a web page, not a recording',
    'The download may have needed a login, or another link. Download the recording itself.',
  ],
  picture: ['a picture, not a recording', ''],
  recording: [
    'damaged: it begins like a recording, but what is needed to read it is missing',
    'Copy or download it again, or export it anew.',
  ],
  text: ['a text, not a recording', 'Its content is not audio or video, whatever its name says.'],
  zeros: ['nothing but zeros', 'It was never written to its end. Copy or download it again.'],
};
const PROTECTIONS: Readonly<Record<string, string>> = { apple: ' by Apple (FairPlay)', audible: ' by Audible' };

const STATES: Record<string, string> = { ...terms.states, busy: 'busy', closed: 'closed', gone: 'gone' };

export const recordingErrors: SomeErrors<
  | 'noSuchFile'
  | 'notAFile'
  | 'noRecordings'
  | 'notOnDisk'
  | 'foreignPath'
  | 'unreadableFile'
  | 'emptyFile'
  | 'notMedia'
  | 'encryptedFile'
  | 'noAudioTrack'
  | 'noSuchTrack'
  | 'otherTracks'
  | 'truncatedFile'
  | 'damagedFile'
  | 'unreliableTimes'
  | 'tooMuchSound'
  | 'recordingChanged'
  | 'noSuchFolder'
  | 'notAFolder'
  | 'notWatched'
  | 'originalsStay'
  | 'outputNotWritable'
  | 'outputKept'
> = {
  noSuchFile: a => message(`${a.path} does not exist.`, 'Check the spelling, and that the drive is connected.'),
  notAFile: a => message(`${a.path} is not a file.`, 'Name a recording, or a folder of recordings.'),
  noRecordings: a =>
    message(
      `No recordings found in ${a.path}.`,
      'Earshot looks for common audio and video files in the folder and its subfolders.',
    ),
  notOnDisk: a =>
    ON_NETWORK.test(a.path)
      ? message(
          `${withoutPassword(a.path)} is an address on the network, not a file.`,
          'Earshot reads files on this machine: download the recording first, then name the file.',
        )
      : /^file:/i.test(a.path)
        ? message(
            `${a.path} is not the address of a file on this machine.`,
            'Name the file by its path, or write its address as file:///folder/file.wav.',
          )
        : /^[\\/]{2}/.test(a.path)
          ? message(
              `${a.path} is on another machine, which an assistant may not have asked for files.`,
              'Transcribe it yourself, or give its share a drive letter and name the file by that.',
            )
          : message(
              `${a.path} is in a virtual workspace.`,
              'Recordings must be files on the machine where Earshot runs. Copy it there, or open the folder there.',
            ),
  foreignPath: a =>
    message(
      `${a.path} is a path of Windows, but Earshot runs on another system.`,
      'Name the file as that system does: in WSL, drive C: is /mnt/c.',
    ),
  unreadableFile: a => message(`${a.path} cannot be read.`, 'Check its permissions.'),
  emptyFile: a =>
    a.bytes
      ? message(
          `There is no sound in ${a.path}: it has a beginning, and nothing follows.`,
          'The recording was stopped before any sound was written, or was not copied to its end.',
        )
      : message(`${a.path} is empty.`, 'If it was downloaded or copied, try that again.'),
  notMedia: a => {
    const [what, todo] = CONTENTS[a.content ?? ''] ?? [
      'not an audio or video file that ffmpeg can read',
      'Its content is something else, whatever its name says.',
    ];
    return message(`${a.path} is ${what}.`, todo);
  },
  encryptedFile: a =>
    message(
      `${a.path} is encrypted${PROTECTIONS[a.by] ?? ''}.`,
      'Only the player of the service that it comes from can open it. Get a copy without protection.',
    ),
  noAudioTrack: a => message(`${a.path} has no audio.`),
  noSuchTrack: a =>
    message(
      `${a.path} has no audio track ${a.track}. It has ${count(a.tracks, 'track')}.`,
      'Tracks are numbered from 0.',
    ),
  otherTracks: a =>
    message(
      a.speech
        ? `${a.path} has ${count(a.tracks, 'audio track')}: ${a.list}. Track ${a.track} was transcribed.`
        : `There is no speech on track ${a.track}. The recording has ${count(a.tracks, 'audio track')}: ${a.list}.`,
      'Choose another with --track (audioTrack over RPC).',
    ),
  truncatedFile: a =>
    message(
      a.durationMs === undefined
        ? `The recording is cut off after ${clockText(a.readMs)}.`
        : `The recording is cut off: only ${clockText(a.readMs)} of ${clockText(a.durationMs)} could be read.`,
      a.readMs > 0 ? 'Everything that could be read was transcribed.' : 'Copy it again from the source if you can.',
    ),
  damagedFile: a =>
    message(
      `Parts of ${a.path} are damaged and could not be decoded.`,
      'The rest was transcribed. Copy it again from the source if you can.',
    ),
  unreliableTimes: a =>
    message(
      `The times in ${a.path} do not fit its sound, or start again.`,
      `All of it was transcribed. From ${clockText(a.atMs)} on, times follow the sound, and a player may show others.`,
    ),
  tooMuchSound: a =>
    message(
      `${a.path} holds more than ${a.hours} hours of sound.`,
      'Cut it into parts. A small file that decodes to so much may have been made to fill the disk.',
    ),
  recordingChanged: a => message(`${a.path} has changed since the job was created.`, 'Submit it again.'),
  noSuchFolder: a =>
    message(`The folder ${a.path} does not exist.`, 'Check the spelling, and that the drive is connected.'),
  notAFolder: a => message(`${a.path} is a file, not a folder.`, 'Name the folder that it is in.'),
  notWatched: a =>
    message(`${a.path} is not a watched folder.`, 'Run `earshot watch list` to see the watched folders.'),
  originalsStay: a =>
    message(
      `Finished recordings cannot be moved to ${a.path}, because they are there already.`,
      'Choose another folder for them.',
    ),
  outputKept: a =>
    message(
      a.inUse
        ? `${a.path} could not be replaced: it is open in another program.`
        : `${a.path} was not overwritten: it was edited, or Earshot did not write it.`,
      a.instead ? `The new version is ${a.instead}.` : a.inUse ? 'Close it there, then try again.' : '',
    ),
  outputNotWritable: a =>
    message(`Cannot write to ${a.path}.`, 'Choose another folder with --output, or change its permissions.'),
};

export const requestErrors: SomeErrors<
  | 'badRequest'
  | 'unknownModel'
  | 'unknownPreset'
  | 'unknownLanguage'
  | 'languageNeeded'
  | 'wrongStage'
  | 'languageNotSupported'
  | 'unknownJob'
  | 'wrongState'
  | 'unknownSetting'
  | 'settingRange'
  | 'noVoice'
  | 'badGlossary'
  | 'speakersUnknown'
  | 'voicesOutdated'
  | 'noSummary'
  | 'fontMissing'
  | 'untrustedWorkspace'
  | 'notTranslated'
  | 'voiceOverLags'
  | 'summaryTrimmed'
  | 'nothingSaid'
  | 'notATranscript'
  | 'cancelled'
> = {
  badRequest: a => {
    if (a.path !== undefined) return message(`A full path is needed, not ${a.path}.`);
    const why = whyOf(BAD_REQUEST, a);
    if (a.field && why) return message(`${a.field} is not valid: ${why}.`);
    if (a.method === undefined) return message(a.field ? `${a.field} is not valid.` : 'The request is not valid.');
    return message(a.field ? `Invalid request ${a.method}: ${a.field}.` : `Unknown request ${a.method}.`);
  },
  unknownLanguage: a =>
    message(
      `“${a.language}” is not a language that Earshot knows.`,
      a.code
        ? `For ${languageText(a.code, 'en')}, use ${a.code}.`
        : 'Use a code such as en, de, pt-BR or zh. Run `earshot models list` to see the languages of each model.',
    ),
  languageNeeded: a =>
    message(
      `Which language is ${a.path} in? A text does not say.`,
      'Give its language, on the command line with --language.',
    ),
  unknownPreset: a =>
    message(
      `There is no preset “${a.preset}”, or more than one begins with that.`,
      a.presets ? `There are: ${a.presets}.` : 'Save one in VS Code with Transcribe With…, or set the setting presets.',
    ),
  unknownModel: a => message(`There is no model “${a.model}”.`, 'Run `earshot models list` to see the models.'),
  wrongStage: a => {
    const stages = a.stages?.split(', ').map(stageText).join(' and ');
    return message(
      `The model ${a.model} cannot be used for ${stageText(a.stage)}${optional('; it is made for ', stages)}.`,
      'Choose another model for this stage.',
    );
  },
  languageNotSupported: a => {
    const language = a.language ? languageText(a.language, 'en') : 'this language',
      stage = a.stage ? ` for ${stageText(a.stage)}` : '';
    return message(
      a.model ? `The model ${a.model} does not support ${language}${stage}.` : `No model supports ${language}${stage}.`,
      'Run `earshot models list` to see the languages of each model.',
    );
  },
  unknownJob: a => message(`There is no job ${a.id}.`, 'Run `earshot queue` to see the jobs.'),
  wrongState: (a, { job }) => {
    const state = STATES[a.state] ?? a.state;
    return message(
      a.id === undefined
        ? `This cannot be done because it is ${state}.`
        : `This cannot be done because the job ${job(a.id)} is ${state}.`,
    );
  },
  unknownSetting: a => message(`There is no setting “${a.name}”.`, 'Run `earshot settings` to see the settings.'),
  settingRange: a => message(`${a.name} cannot be ${a.value}. Allowed: ${a.range}.`),
  fontMissing: a =>
    message(
      `No font on this machine shows these characters: ${a.characters}`,
      'Install a font of their script (Noto Sans has one for each), or choose DOCX or HTML, which bring no fonts.',
    ),
  noVoice: a =>
    message(
      a.language
        ? `No voice is available for ${languageText(a.language, 'en')}.`
        : `The model ${a.model ?? 'chosen'} does not have this voice.`,
      'Choose another voice with --speak, or leave out the speech.',
    ),
  badGlossary: a =>
    a.missing
      ? message(`The glossary ${a.path} does not exist.`, 'Check the spelling, and that the drive is connected.')
      : message(
          `Cannot read the glossary ${a.path}${optional(' (line ', a.line, ')')}.`,
          'Write one term per line, as “term”, “term = translation” or “term (alias, alias) = translation”. ' +
            'Markdown tables and lists (.md), tables (.csv) and JSON lists also work.',
        ),
  speakersUnknown: a =>
    message(
      'The speakers could not be identified.',
      a.model ? `The rest is complete. Try again when ${a.model} can be downloaded.` : 'The rest is complete.',
    ),
  voicesOutdated: a =>
    message(
      `Remembered voices of an older model are not recognized any more: ${a.names}.`,
      'Name these speakers once more, and they will be recognized again.',
    ),
  noSummary: a =>
    message(
      `The summary needs the language model ${a.model}, which is not installed.`,
      `Run \`earshot models install ${a.model}\`, then ask for the summary again.`,
    ),
  untrustedWorkspace: () =>
    message(
      'In a workspace that you do not trust, Earshot transcribes nothing.',
      'Run *Workspaces: Manage Workspace Trust* to trust it, or open the recording in another window.',
    ),
  notTranslated: a =>
    message(
      `${count(a.count, 'utterance')} could not be translated and ${a.count === 1 ? 'is' : 'are'} marked ` +
        `[not translated]: ${
          a.numbers === undefined
            ? 'what the model answered was no translation'
            : a.numbers === a.count
              ? 'the translation had other numbers'
              : `${a.numbers} because the translation had other numbers, the rest because it was none`
        }.`,
      'Choose a larger model for translation, or correct the text in the transcript.',
    ),
  voiceOverLags: a =>
    message(
      `The voice-over is up to ${count(a.seconds, 'second')} behind the recording: ` +
        'the translation takes longer to say than the original.',
      'Shorten the text where it matters, or choose a voice that speaks faster.',
    ),
  summaryTrimmed: a =>
    message(
      `${count(a.count, 'sentence')} of the summary ${a.count === 1 ? 'was' : 'were'} left out: ` +
        'nothing like it was said in the recording.',
      'Choose a larger model for summaries if too much is missing.',
    ),
  nothingSaid: a => message(`There is nothing to summarize in ${a.path}: no speech was recognized.`),
  notATranscript: a =>
    message(
      a.path ? `${a.path} is not an Earshot transcript.` : 'This is not an Earshot transcript.',
      'Name a job, or the .earshot.json file that it wrote.',
    ),
  cancelled: () => message('Canceled.'),
};
