/** English: what the doctor found. */
import { message, type CheckMessages } from '../catalogue.ts';
import { bytesText } from '../figures.ts';
import { obstacleText, obstacleTodo, optional, pythonRange, pythonTodo } from './words.ts';

/** The failures that explain a missing GPU. */
const GPU_PROBLEMS: Readonly<Record<string, string>> = {
  deviceLost: 'not responding',
  driverMismatch: 'the NVIDIA driver and its library have different versions; restart the computer',
  driverHangs: 'the NVIDIA driver is not responding; restart the computer',
};
const gpuProblem = (code: string): string => GPU_PROBLEMS[code] ?? code;

/** What a version of Landlock stops, and what only newer ones do. */
const LANDLOCK: readonly (readonly [version: number, what: string])[] = [
  [1, 'reading and writing files'],
  [3, 'emptying files'],
  [5, 'controlling devices'],
  [6, 'signalling other programs'],
];
const stopped = (known: (version: number) => boolean): string =>
  LANDLOCK.filter(([version]) => known(version))
    .map(([, what]) => what)
    .join(', ');

const FREE_SPACE = 'Free up some space; `earshot models prune` removes models that nobody uses.';

export const checks: CheckMessages = {
  node: {
    name: 'Node.js',
    ok: a => message(a.version),
    problem: a => message(`${a.version} is too old`, `Install Node.js ${a.needed} or newer.`),
  },
  python: {
    name: 'Python',
    ok: a => message(`${a.version} at ${a.path}`),
    warning: a =>
      message(
        `${a.version} at ${a.path}, without ${a.missing}`,
        a.platform === 'win32' || a.platform === 'darwin'
          ? pythonTodo(a.platform)
          : 'On Debian and Ubuntu: apt install python3-venv.',
      ),
    problem: a =>
      message(
        `${pythonRange(a)} was not found; recognition works without it, faster-whisper and M2M100 do not`,
        pythonTodo(a.platform),
      ),
  },
  ffmpeg: {
    name: 'ffmpeg',
    ok: a => message(`${optional('', a.version, ' at ')}${a.path}`),
    warning: a =>
      a.path
        ? message(
            `${optional('', a.version, ' at ')}${a.path}, until Earshot's own is installed`,
            'To keep this one, set ffmpegPath to it.',
          )
        : message('not installed yet', 'It comes with the first recording.'),
    problem: a =>
      a.path
        ? message(
            `${a.path} does not work`,
            "Run `earshot settings reset ffmpegPath`, and Earshot's own comes with the next recording.",
          )
        : message('not found', 'Install ffmpeg, or set ffmpegPath to it.'),
  },
  gpu: {
    name: 'GPU',
    ok: a =>
      a.metalBytes === undefined
        ? message(a.names)
        : a.metalBytes === 0
          ? message(`${a.names}, which the settings exclude`)
          : message(
              `${a.names} (Metal), up to ${bytesText(a.metalBytes)} of memory, for repair, translation and summaries`,
            ),
    warning: a =>
      message(
        a.names
          ? `${a.names}${optional(': ', a.problem && gpuProblem(a.problem))}`
          : 'none found; everything runs on the CPU',
      ),
    problem: a => message(`${optional('', a.name, ': ')}${gpuProblem(a.problem)}`),
  },
  gpuReadings: {
    name: 'GPU readings',
    ok: a => message(`nvidia-smi agrees, on ${a.devices === 1 ? '1 device' : `${a.devices} devices`}`),
    warning: () => message('nvidia-smi did not answer, so nothing was compared'),
    problem: a => message(`nvidia-smi differs in ${a.fields}`, 'Please report this, with the output of nvidia-smi -q.'),
  },
  gpuSpeed: {
    name: 'GPU driver',
    ok: a => message(`a reading takes ${a.ms} ms`),
    warning: a =>
      message(`a reading takes ${a.ms} ms, which is slow`, 'Turn on persistence mode: sudo nvidia-smi -pm 1'),
  },
  gpuPrograms: {
    name: 'GPU memory',
    ok: a => message(a.names ? `held by ${a.names}` : 'held by no program'),
    warning: () =>
      message('the driver does not say which program holds how much', 'Earshot counts what the device lost instead.'),
  },
  gpuRecognition: {
    name: 'Recognition',
    ok: a => message(`runs on the GPU (${a.types})`),
    warning: () => message('not installed yet', 'earshot models install'),
    problem: a =>
      message(
        `cannot use the GPU: ${a.why}`,
        'Reinstall the engine: earshot models install. Until then the CPU is used.',
      ),
  },
  memory: {
    name: 'Memory',
    ok: a => message(`${bytesText(a.freeBytes)} free`),
    warning: a => message(`only ${bytesText(a.freeBytes)} free`, 'Earshot chooses small models.'),
    problem: a => message(`only ${bytesText(a.freeBytes)} free`, 'Close other programs.'),
  },
  disk: {
    name: 'Disk',
    ok: a => message(`${bytesText(a.freeBytes)} free`),
    warning: a => message(`only ${bytesText(a.freeBytes)} free in ${a.path}`, FREE_SPACE),
    problem: a => message(`only ${bytesText(a.freeBytes)} free in ${a.path}`, FREE_SPACE),
  },
  models: {
    name: 'Models',
    ok: a => message(a.names),
    warning: a =>
      message(
        `not installed: ${a.names}`,
        a.offline
          ? 'The setting offline forbids downloads. Import them with `earshot models import`, or turn it off.'
          : 'Run `earshot models install`.',
      ),
    problem: a => message(`damaged: ${a.names}`, 'Run `earshot models install` to repair them.'),
  },
  engines: {
    name: 'Engines',
    ok: a => message(a.names),
    warning: a =>
      message(
        `not installed: ${a.names}`,
        'They come when they are needed; `earshot engines` lists them, and `earshot engines install` brings one now.',
      ),
  },
  network: {
    name: 'Network',
    ok: a =>
      message(
        a.offline
          ? 'not used: the setting offline is on'
          : (a.url ?? 'reachable') +
              optional(' through the proxy ', a.proxy) +
              optional(' directly: Earshot cannot use the proxy ', a.unusable),
      ),
    warning: a =>
      message(
        `cannot reach ${a.url}${optional(' through the proxy ', a.proxy)}${optional(': ', obstacleText(a.why))}`,
        obstacleTodo(a.why) ?? 'Everything that is installed works without it.',
      ),
  },
  sandbox: {
    name: 'Sandbox',
    ok: a =>
      message(
        'recordings and models are opened in a sandbox, without network access or other files. ' +
          `Landlock ${a.abi} stops: ${stopped(version => version <= a.abi)}. ` +
          'A filter of system calls (seccomp) stops the rest' +
          `${a.abi < 6 ? `, here also: ${stopped(version => version > a.abi)}` : ''}. ` +
          'Names, sizes and times of files stay visible',
      ),
    warning: a =>
      a.reason === 'off'
        ? message(
            'recordings and models are opened with all your permissions: the setting sandbox is off',
            'Run `earshot settings set sandbox auto`.',
          )
        : message(
            'recordings and models are opened with all your permissions: this system has no sandbox for them',
            'Linux 5.13 and newer has one (Landlock). Elsewhere, only open recordings and models that you trust.',
          ),
    problem: a =>
      message(
        `${a.path} does not start in the sandbox because it needs files outside of it`,
        'Set ffmpegPath to the program itself, or run `earshot settings set sandbox off`.',
      ),
  },
  socket: {
    name: 'Privacy',
    ok: () => message('only you can reach the daemon'),
    problem: a =>
      message(`other users can open ${a.path}`, 'Stop the daemon, remove this folder and start the daemon again.'),
  },
};
