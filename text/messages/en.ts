/** English. */
import type { Args, Catalogue, Said } from './catalogue.ts';
import { bytesText, clockText, languageText, percentText, timeText } from './figures.ts';

const share = (a: Args, name: string): string => (a.has(name) ? percentText(a.number(name)) : '?');
const says = (what: string, todo = ''): Said => ({ what, todo });
const STAGES = {
  asr: 'recognition',
  repair: 'repair',
  nmt: 'translation',
  tts: 'speech',
  summary: 'summary',
} as Record<string, string>;
const stage = (a: Args): string => STAGES[a.text('stage')] ?? 'this stage';
const bytes = (a: Args, name: string): string => (a.has(name) ? bytesText(a.number(name)) : 'an unknown amount');
/** ", expected at 14:05:10", where a time is known. */
const expected = (a: Args): string => (a.has('at') ? `; expected ${timeText(a.number('at'), 'en', a.now)}` : '');
const model = (a: Args): string => a.text('model', 'the model');
const count = (n: number, one: string, many = `${one}s`): string =>
  Number.isNaN(n) ? many : `${n} ${n === 1 ? one : many}`;

export const en: Catalogue = {
  errors: {
    badRequest: a =>
      says(
        a.has('path')
          ? `A full path is needed, not ${a.text('path')}.`
          : `The daemon does not understand ${a.text('field', 'the request') || 'the request'}${a.has('method') ? ` of ${a.text('method')}` : ''}.`,
      ),
    noSuchFile: a => says(`There is no file ${a.text('path')}.`, 'Check the spelling, and that the disk is connected.'),
    notAFile: a => says(`${a.text('path')} is not a file.`, 'Name a recording, or a folder that holds some.'),
    noRecordings: a =>
      says(
        `There are no recordings in ${a.text('path')}.`,
        'Earshot looks for the usual audio and video files there and in the folders below.',
      ),
    notOnDisk: a =>
      says(
        `${a.text('path')} is in a virtual workspace.`,
        'Recordings must be files on the machine where Earshot runs: copy it there, or open the folder there.',
      ),
    unreadableFile: a => says(`${a.text('path')} cannot be read.`, 'Check its permissions.'),
    emptyFile: a => says(`${a.text('path')} is empty.`),
    notMedia: a =>
      says(
        `${a.text('path')} is not an audio or video file that ffmpeg can read.`,
        'Whatever its name says, its content is something else.',
      ),
    noAudioTrack: a => says(`${a.text('path')} has no sound.`),
    noSuchTrack: a =>
      says(
        `${a.text('path')} has no audio track ${a.text('track')}${a.has('tracks') ? `; it has ${count(a.number('tracks'), 'track')}` : ''}.`,
        'Tracks are counted from 0.',
      ),
    truncatedFile: a =>
      says(
        `The recording is cut off${a.has('readMs') ? `: ${clockText(a.number('readMs'))}${a.has('durationMs') ? ` of ${clockText(a.number('durationMs'))}` : ''} could be read` : ''}.`,
        'What could be read was transcribed.',
      ),
    damagedFile: a =>
      says(
        `Parts of ${a.text('path')} are damaged and could not be decoded.`,
        'The rest was transcribed. Copy it again from where it came, if you can.',
      ),
    recordingChanged: a => says(`${a.text('path')} has changed since the job was made.`, 'Submit it again.'),
    unknownLanguage: a => says(`There is no language “${a.text('language')}”.`, 'Use a code such as en, es, zh or pt.'),
    unknownModel: a =>
      says(`There is no model “${a.text('model')}”.`, '`earshot models list` shows those that there are.'),
    wrongStage: a =>
      says(
        `The model ${model(a)} does not do ${stage(a)}${
          a.has('stages')
            ? `; it does ${a
                .text('stages')
                .split(', ')
                .map(each => STAGES[each] ?? each)
                .join(' and ')}`
            : ''
        }.`,
        'Choose another model for this stage.',
      ),
    languageNotSupported: a =>
      says(
        `The model ${model(a)} does not know ${languageText(a.text('language'), 'en')}${a.has('stage') ? ` (${stage(a)})` : ''}.`,
        'Choose a model that does; `earshot models list` names their languages.',
      ),
    unknownJob: a => says(`There is no job ${a.text('id')}.`, '`earshot queue` shows the jobs.'),
    wrongState: a => says(`This cannot be done while it is ${a.text('state')}.`),
    unknownSetting: a => says(`There is no setting “${a.text('name')}”.`, '`earshot settings` shows them all.'),
    settingRange: a =>
      says(`${a.text('name')} cannot be ${a.text('value')}${a.has('range') ? `; it takes ${a.text('range')}` : ''}.`),
    noVoice: a =>
      says(
        a.has('language')
          ? `No voice that can be had speaks ${languageText(a.text('language'), 'en')}.`
          : `The model ${model(a)} has no voice for this.`,
        'Choose a voice with --speak, or leave the speech out.',
      ),
    outputNotWritable: a =>
      says(
        `Nothing can be written to ${a.text('path')}.`,
        'Choose another folder with --output, or change its permissions.',
      ),
    outputKept: a =>
      says(
        `${a.text('path')} was kept as it is: it was edited, or is not Earshot's.`,
        a.has('instead') ? `The new version is ${a.text('instead')}.` : '',
      ),
    noSummary: a =>
      says(
        `There is no summary: the language model ${a.text('model', 'for it')} is not installed.`,
        `\`earshot models install ${a.text('model')}\` brings it; then ask for the summary again.`,
      ),
    nothingSaid: a =>
      says(`There is nothing to sum up${a.has('path') ? ` in ${a.text('path')}` : ''}: no words were recognised.`),
    notATranscript: a =>
      says(
        `${a.text('path')} is not a transcript of Earshot's.`,
        'Name a job, or the file talk.earshot.json that one wrote.',
      ),
    speakersUnknown: a =>
      says(
        'The speakers could not be told apart.',
        a.has('model')
          ? `Try again when ${a.text('model')} can be fetched; everything else is there.`
          : 'Everything else is there.',
      ),
    badGlossary: a =>
      says(
        `The glossary${a.after('path')} cannot be read${a.has('line') ? ` (line ${a.text('line')})` : ''}.`,
        'One term a line, as “term”, “term = translation” or “term (alias, alias) = translation”; a Markdown table or list (.md), a table (.csv), or a JSON list.',
      ),
    noSuchFolder: a =>
      says(`There is no folder ${a.text('path')}.`, 'Check the spelling, and that the disk is connected.'),
    notWatched: a =>
      says(`${a.text('path')} is not a watched folder.`, '`earshot watch list` shows those that there are.'),
    watchLimit: a =>
      says(
        `The system has no more watches for ${a.text('path')}.`,
        'It is looked through every half minute instead. Raising fs.inotify.max_user_watches helps.',
      ),

    noMicrophone: a =>
      says(
        `No sound can be recorded${a.has('device') ? ` from ${a.text('device')}` : ''}.`,
        '`earshot listen --list-devices` shows the inputs that there are; check that this program may use the microphone.',
      ),
    tooManySessions: a =>
      says(
        `${a.text('limit', 'Too many')} live sessions are open already.`,
        'Close one, or raise the setting liveSessions.',
      ),
    sessionBehind: a =>
      says(
        `The text came up to ${a.text('seconds', 'some')} s behind what was said${a.number('unrepaired') > 0 ? `; ${count(a.number('unrepaired'), 'utterance')} stayed as recognised, without repair` : ''}.`,
        'Nothing that was said is lost. A smaller model, or fewer jobs at a time, keep up better.',
      ),

    diskFull: a =>
      says(
        `The disk${a.has('path') ? ` with ${a.text('path')}` : ''} is full${a.has('needed') ? `: ${bytes(a, 'needed')} are needed, ${bytes(a, 'free')} are free` : ''}.`,
        'Make room; the work goes on from where it stopped.',
      ),
    noPython: a =>
      says(
        a.has('missing')
          ? `Python ${a.text('needed', '3')} is there, but its module ${a.text('missing')} is not.`
          : `No Python ${a.text('needed', '3.10')} or newer was found${a.has('path') ? ` at ${a.text('path')}` : ''}.`,
        a.has('missing')
          ? 'On Debian and Ubuntu: apt install python3-venv.'
          : 'Install Python 3, or name it in the setting pythonPath.',
      ),
    noNpm: () => says('npm was not found.', 'Install Node.js with npm; it is needed once, to install an engine.'),
    noFfmpeg: a =>
      a.has('confined')
        ? says(
            `${a.text('path')} does not start with few rights: what it starts, or needs, lies elsewhere.`,
            'Name the program itself in the setting ffmpegPath, or run `earshot settings set sandbox off`.',
          )
        : says(
            a.has('path') ? `There is no ffmpeg at ${a.text('path')}.` : 'ffmpeg was not found.',
            'Install ffmpeg, name it in the setting ffmpegPath, or let `earshot models install` bring the one that comes with the Python engines.',
          ),
    engineMissing: a =>
      says(`The engine ${a.text('engine')} is not installed.`, '`earshot engines install` with its name installs it.'),
    engineInstallFailed: a =>
      says(
        `${a.text('engine', a.text('runtime', 'The engine'))} could not be installed.`,
        '`earshot daemon logs` has the details; `earshot doctor` says what is missing.',
      ),
    ffmpegFailed: a =>
      says(`ffmpeg could not read ${a.text('path', 'the recording')}${a.has('exit') ? ` (${a.text('exit')})` : ''}.`),
    neverFits: a =>
      says(
        `${a.text('model', 'The model')} needs ${bytes(a, 'needBytes')}; the largest device allows ${bytes(a, 'largestBytes')}.`,
        a.has('fits') ? `These would fit: ${a.text('fits')}.` : 'Choose a smaller model.',
      ),
    noRoom: a =>
      says(
        `${bytes(a, 'needBytes')} do not fit on ${a.device('device', 'the device')} now; ${bytes(a, 'admissibleBytes')} are free for models.`,
        'It is tried again when there is room.',
      ),
    noSuchDevice: a =>
      says(`There is no device ${a.device('device')}.`, '`earshot devices` shows those that there are.'),
    deviceLost: a =>
      says(
        `${a.device('device', 'A device')} no longer answers.`,
        'Its work goes back to the queue. If it stays away, look at its driver.',
      ),
    deviceBack: a => says(`${a.device('device', 'A device')} answers again.`),
    driverMismatch: () =>
      says(
        'The NVIDIA driver and its library are of different versions.',
        'Restart the computer; this happens after a driver update.',
      ),
    driverHangs: () =>
      says(
        'The NVIDIA driver does not answer.',
        'Its GPUs are left alone for now; restarting the computer usually helps.',
      ),
    memoryHigh: a =>
      says(
        `${a.device('device', 'A device')}: ${a.text('percent', '85')} % of the memory that Earshot may use is taken.`,
      ),
    memoryCritical: a =>
      says(
        `${a.device('device', 'A device')}: ${a.text('percent', '95')} % of the memory that Earshot may use is taken.`,
        'New models wait until some is free.',
      ),

    modelNotInstalled: a =>
      says(
        `The model ${model(a)} is not installed.`,
        `\`earshot models install ${a.text('model', 'NAME')}\` installs it.`,
      ),
    modelUnavailable: a =>
      says(
        `The model ${model(a)} cannot be had from any of its sources.`,
        a.has('instead')
          ? `${a.text('instead')} is used instead.`
          : 'Check the network and the setting hubUrl, or put its files into a folder of the setting modelFolders.',
      ),
    checksumMismatch: a =>
      says(
        `${a.text('file', 'A file')} of ${model(a)} is not what it should be (wrong checksum).`,
        'It was not installed. Install the model again, or from another source.',
      ),
    modelBroken: a =>
      says(
        `${a.has('file') ? `${a.text('file')} of the` : 'The'} model${a.has('model') ? a.after('model') : a.after('path')} is damaged or not a model.`,
        'Remove it and install it again.',
      ),
    offline: a =>
      a.has('server')
        ? says(
            `The server ${a.text('server')} is not on this machine, and the setting offline forbids the network.`,
            'Turn the setting off, or choose another model.',
          )
        : says(
            `${a.text('model', a.text('runtime', 'This'))} would have to be downloaded, and the setting offline forbids it.`,
            'Turn the setting off, or import the model from a file.',
          ),
    downloadFailed: a =>
      says(
        `The download of ${a.text('url', 'a file')} failed${a.has('status') ? ` (the server answered ${a.text('status')})` : ''}.`,
        'Try again: it goes on from where it stopped.',
      ),

    outOfMemory: a =>
      says(`${a.text('model', 'A model')} ran out of memory.`, 'It is tried again with more room; nothing is lost.'),
    workerCrashed: a =>
      says(
        `The worker${a.has('engine') ? ` of ${a.text('engine')}` : ''} ended unexpectedly (${a.text('exit', 'no reason given')}).`,
        '`earshot log JOB` shows its last words.',
      ),
    workerSilent: a =>
      says(
        `The worker of ${a.text('engine', 'an engine')} gave no sign of life for ${a.text('seconds')} s and was ended.`,
      ),
    workerTimeout: a =>
      says(`The worker of ${a.text('engine', 'an engine')} took longer than ${a.text('seconds')} s and was ended.`),
    engineFailed: a =>
      says(
        `The engine${a.has('engine') ? ` ${a.text('engine')}` : ''} reported an error.`,
        '`earshot log JOB` has its words.',
      ),
    badAnswer: a => says(`${a.text('engine', a.text('from', 'An engine'))} gave an answer that makes no sense.`),
    cancelled: () => says('Cancelled.'),
    setAside: a =>
      says(
        `This recording made its worker crash ${a.text('times', 'several')} times and was set aside.`,
        'Try another model; `earshot retry` tries it again.',
      ),
    serverUnreachable: a =>
      says(`The server ${a.text('url')} cannot be reached.`, 'Check that it runs, and the setting server.'),
    serverRefused: a =>
      says(
        `The server ${a.text('url')} refused the request${a.has('status') ? ` (${a.text('status')})` : ''}.`,
        'Check its key and the model names in the setting server.',
      ),

    portTaken: a =>
      says(
        `The port ${a.text('port')} for the HTTP endpoint cannot be had.`,
        'Another program uses it: choose another with `earshot settings set http \'{"port": …}\'`.',
      ),
    daemonRunning: a =>
      says(`Another daemon is running already${a.number('pid') > 0 ? ` (process ${a.text('pid')})` : ''}.`),
    daemonUnreachable: () =>
      says(
        'The daemon cannot be reached.',
        '`earshot daemon start` starts it, `earshot daemon logs` shows what it said.',
      ),
    wrongToken: () =>
      says(
        'The daemon refused the connection: the token is not its own.',
        'Try again; if it stays, `earshot daemon stop` and start it anew.',
      ),
    wrongVersion: a =>
      says(
        `The daemon is version ${a.text('daemon')}, which this version cannot talk to.`,
        'Update this program, or stop the daemon with the one that started it.',
      ),
    storeNewer: a =>
      says(
        'The queue was written by a newer version of Earshot and is left as it is.',
        a.has('path') ? `Update Earshot, or move ${a.text('path')} away.` : 'Update Earshot.',
      ),
    storeBroken: a =>
      says(`The queue's database${a.after('path')} is damaged.`, 'Copies lie in the folder backups beside it.'),
    storeRestored: a =>
      says(
        `The queue's database was damaged and is set aside${a.after('path')}. ${a.has('backup') ? 'The newest backup took its place.' : 'There was no backup: the queue begins anew.'}${a.number('count') ? ` Not over then: ${a.text('jobs')}.` : ''}`,
        'Look through the queue for what is missing.',
      ),
    storeBusy: a => says(`Another program holds the queue's database${a.after('path')}.`, 'Close it and try again.'),
    internal: () =>
      says('Something went wrong inside Earshot.', '`earshot daemon logs` has the details; please report them.'),
  },
  reasons: {
    paused: () => 'paused',
    queuePaused: () => 'the queue is paused',
    ingesting: () => 'the recording is being read',
    modelDownloading: a =>
      `${model(a)} is being downloaded${a.has('percent') ? ` (${Math.round(a.number('percent'))} %)` : ''}`,
    engineInstalling: a =>
      `${a.text('engine', a.text('runtime', 'an engine'))} is being installed${a.has('percent') ? ` (${Math.round(a.number('percent'))} %)` : ''}`,
    modelLoading: a => `${model(a)} is being loaded${a.has('device') ? ` on ${a.device('device')}` : ''}${expected(a)}`,
    memory: a =>
      `${model(a)} needs ${bytes(a, 'bytes')} more on ${a.device('device', 'the device')}${a.has('holder') ? `, held by ${a.text('holder')}` : ''}${expected(a)}`,
    reserved: a =>
      `the room on ${a.device('device', 'the device')} is kept for ${a.job('for')}, which waits longer${expected(a)}`,
    neverFits: a => `${model(a)} needs ${bytes(a, 'needBytes')}, the largest device allows ${bytes(a, 'largestBytes')}`,
    deviceLimit: a => `${a.device('device', 'the device')} has its ${count(a.number('limit'), 'instance')}`,
    modelLimit: a => `${count(a.number('limit'), 'model')} are loaded, the most that may be`,
    taskLimit: a => `${count(a.number('limit'), 'task')} are running, the most that may`,
    cores: a => `all cores are busy${expected(a)}`,
    behind: a => {
      const by = (['urgent', 'high', 'normal', 'low'] as const)
        .filter(priority => a.number(priority) > 0)
        .map(priority => `${a.text(priority)} ${priority}`);
      return `${count(a.number('count'), 'job')} ${a.number('count') === 1 ? 'goes' : 'go'} first${by.length > 0 ? ` (${by.join(', ')})` : ''}`;
    },
    retryAt: a => `${stage(a)} is tried again at ${timeText(a.number('at'), 'en', a.now)}`,
    instanceBusy: a => `${model(a)} is busy${expected(a)}`,
    deviceBusyLoading: a => `${a.device('device', 'the device')} is loading ${model(a)}`,
    releasing: a => `${a.device('device', 'the device')} is giving back ${bytes(a, 'bytes')}`,
    serial: a =>
      `one job at a time (setting serial)${a.number('count') > 0 ? `; ${count(a.number('count'), 'job')} before it` : ''}`,
    diskFull: a => `the disk is full${a.has('path') ? ` (${a.text('path')})` : ''}`,
    starting: () => 'starting',
  },
  states: {
    pending: 'pending',
    loading: 'loading',
    processing: 'processing',
    paused: 'paused',
    completed: 'completed',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  stages: {
    asr: { name: 'Recognition', doing: 'recognising' },
    repair: { name: 'Repair', doing: 'repairing' },
    nmt: { name: 'Translation', doing: 'translating' },
    tts: { name: 'Speech', doing: 'speaking' },
    summary: { name: 'Summary', doing: 'summing up' },
  },
  priorities: { urgent: 'urgent', high: 'high', normal: 'normal', low: 'low' },
  modelStates: { absent: 'not installed', downloading: 'downloading', installed: 'installed', broken: 'damaged' },
  engineStates: { ready: 'ready', absent: 'not installed', installing: 'installing', broken: 'broken' },
  bottlenecks: {
    stageBusyReplicaFits: a =>
      `${stage(a)} is busy ${share(a, 'busy')} of the time and makes up ${share(a, 'wait')} of the wait: a second instance would fit (${bytes(a, 'bytes')})`,
    stageBusyNoRoom: a =>
      `${stage(a)} is busy ${share(a, 'busy')} of the time and makes up ${share(a, 'wait')} of the wait: a second instance needs ${bytes(a, 'bytes')}, ${bytes(a, 'room')} are free`,
    stageBusy: a => `${stage(a)} is busy ${share(a, 'busy')} of the time and makes up ${share(a, 'wait')} of the wait`,
    memoryShort: a => `${share(a, 'share')} of the waiting is for memory`,
    loading: a => `models are being loaded ${share(a, 'share')} of the time`,
  },
  instanceStates: {
    starting: 'starting',
    loading: 'loading',
    idle: 'idle',
    busy: 'busy',
    stopping: 'stopping',
    releasing: 'giving memory back',
  },
  checks: {
    node: {
      name: 'Node.js',
      ok: a => says(a.text('version', 'found')),
      warning: a => says(a.text('version', 'found')),
      problem: a =>
        says(`${a.text('version', 'found')} is too old`, `Install Node.js ${a.text('needed', '22')} or newer.`),
    },
    python: {
      name: 'Python',
      ok: a => says(`${a.text('version', 'found')}${a.has('path') ? ` at ${a.text('path')}` : ''}`),
      warning: a =>
        says(
          `${a.text('version', 'found')}, but ${a.text('missing', 'a part')} is missing`,
          'On Debian and Ubuntu: apt install python3-venv.',
        ),
      problem: a => says('not found', `Install Python ${a.text('needed', '3.9')} or newer.`),
    },
    npm: {
      name: 'npm',
      ok: a => says(a.text('version', 'found')),
      warning: () => says('not found', 'It is needed to install some engines.'),
      problem: () => says('not found', 'Install Node.js with npm.'),
    },
    ffmpeg: {
      name: 'ffmpeg',
      ok: a => says(`${a.text('version', 'found')}${a.has('path') ? ` at ${a.text('path')}` : ''}`),
      warning: () => says('not installed yet', 'It comes with the Python engines.'),
      problem: () => says('not found', 'Install ffmpeg, or name it in the setting ffmpegPath.'),
    },
    gpu: {
      name: 'GPU',
      ok: a => says(a.text('names', a.text('name', 'found'))),
      warning: a => says(a.text('problem', 'none found; everything runs on the CPU')),
      problem: a => says(a.text('problem', 'the driver does not answer')),
    },
    memory: {
      name: 'Memory',
      ok: a => says(`${bytes(a, 'free')} free`),
      warning: a => says(`only ${bytes(a, 'free')} free`, 'Small models are chosen.'),
      problem: a => says(`only ${bytes(a, 'free')} free`, 'Close other programs.'),
    },
    disk: {
      name: 'Disk',
      ok: a => says(`${bytes(a, 'free')} free`),
      warning: a => says(`only ${bytes(a, 'free')} free in ${a.text('path')}`),
      problem: a => says(`only ${bytes(a, 'free')} free in ${a.text('path')}`, 'Make room.'),
    },
    models: {
      name: 'Models',
      ok: a => says(a.text('names', 'installed')),
      warning: a =>
        says(
          `${a.text('names', 'some')} not installed`,
          a.has('offline')
            ? 'The setting offline forbids fetching them: import them with `earshot models import`, or turn it off.'
            : '`earshot models install` brings them.',
        ),
      problem: a => says(`${a.text('names', 'some')} damaged`, '`earshot models install` mends them.'),
    },
    engines: {
      name: 'Engines',
      ok: a => says(a.text('names', 'ready')),
      warning: a => says(`${a.text('names', 'some')} not installed`, 'They are installed when they are needed.'),
      problem: a => says(`${a.text('names', 'some')} broken`, '`earshot engines install` mends them.'),
    },
    network: {
      name: 'Network',
      ok: a => says(a.has('offline') ? 'never used: the setting offline is on' : a.text('url', 'reachable')),
      warning: a => says(`${a.text('url', 'the model hub')} cannot be reached`, 'What is installed works without it.'),
      problem: a => says(`${a.text('url', 'the model hub')} cannot be reached`),
    },
    sandbox: {
      name: 'Sandbox',
      ok: a =>
        says(
          `recordings and models are opened with few rights (Landlock ${a.text('abi')}, seccomp): no network, no files but their own`,
        ),
      warning: a =>
        says(
          a.text('reason') === 'off'
            ? 'recordings and models are opened with all your rights: the setting sandbox is off'
            : 'recordings and models are opened with all your rights: this system takes none away',
          a.text('reason') === 'off'
            ? 'earshot settings set sandbox auto'
            : 'On Linux 5.13 and newer Landlock does; elsewhere open only recordings and models that you trust.',
        ),
      problem: a =>
        says(
          `${a.text('path')} does not start with few rights: what it starts, or needs, lies elsewhere`,
          'Name the program itself in the setting ffmpegPath, or run `earshot settings set sandbox off`.',
        ),
    },
    socket: {
      name: 'Privacy',
      ok: () => says('only you can reach the daemon'),
      warning: a => says(`others may open ${a.text('path')}`),
      problem: a =>
        says(`others may open ${a.text('path')}`, 'Stop the daemon, remove that folder and start it again.'),
    },
  },
  watchStates: {
    starting: 'looking through it',
    watching: 'watched',
    polling: 'watched, by looking',
    paused: 'paused',
    missing: 'not there',
    blocked: 'watched, by looking',
  },
  decisions: {
    notWatched: () => 'no watched folder holds it',
    otherFolder: a => `it belongs to another watched folder${a.has('folder') ? `, ${a.text('folder')}` : ''}`,
    subfolder: () => 'it lies in a subfolder, and these are left out',
    hidden: () => 'hidden: its name, or that of a folder, begins with a dot',
    temporary: () => 'its name is that of a file that is still being made',
    notMedia: () => 'its name is not that of a recording',
    excluded: a => `left out by the pattern ${a.text('pattern')}`,
    notIncluded: a => `no pattern includes it (${a.text('patterns')})`,
    link: () => 'it is a link; watch the folder that it points to',
    notAFile: () => 'it is not a file',
    output: () => 'Earshot wrote it',
    outputsFolder: () => 'it lies where outputs are written',
    originalsFolder: () => 'it lies where finished recordings go',
    unseen: () => 'not looked at yet; it will be now',
    folderPaused: () => 'its folder is paused',
    folderMissing: () => 'its folder is not there',
    gone: () => 'it is not there',
    empty: () => 'it is empty',
    writing: () => 'it is still being written',
    open: () => 'a program still has it open for writing',
    waiting: () => 'it is whole and waits for room in the queue',
    retry: () => 'it could not be taken, and is tried again',
    taken: () => 'taken',
    moved: a => `taken; the recording went to ${a.text('to')}`,
    before: () => 'it was there before the folder was watched',
    duplicate: a => `the same recording as ${a.text('of')}`,
    renamed: a => `taken already, as ${a.text('from')}`,
    refused: () => 'it cannot be taken',
  },
};
