/**
 * What works on this machine and what is missing: each check looks, changes nothing, and says so in a code and
 * arguments.
 */
import { statSync } from 'node:fs';
import { proxiesIn, proxyFor, unusableFor } from '../client/proxies.ts';
import type { Device } from '../schemas/device.ts';
import { isFailure, toFailure, type Failure } from '../schemas/errors.ts';
import { checkOf, type Check, type DoctorReport } from '../schemas/reasons.ts';
import type { Settings } from '../schemas/settings.ts';
import { withoutPassword } from '../text/messages/figures.ts';
import { environment } from './workers/environment.ts';
import { sandboxSupport } from './workers/sandbox/linux.ts';
import { mediaPermissions } from './workers/sandbox/permissions.ts';
import { run, SYSTEM_FOLDER, type RunOptions } from './workers/spawn.ts';
import type { RuntimeId } from './contracts/engine.ts';
import type { Home } from './auth/home.ts';
import { createHub, type Hub } from './models/hub.ts';
import type { Models } from './models/models.ts';
import { freeBytes as diskFreeBytes } from './system/disk.ts';
import { findFfmpeg, ownFfmpeg } from './runtimes/ffmpeg.ts';
import { asking, findPython, type Asking } from './runtimes/find-python.ts';
import { newestPython, OLDEST_PYTHON, python, runPython } from './runtimes/python.ts';
import type { Runtimes } from './runtimes/runtimes.ts';

export interface Examined {
  home: Pick<Home, 'data' | 'run'>;
  settings: Settings;
  runtimes: Pick<Runtimes, 'directory' | 'ready'>;
  models: Pick<Models, 'list' | 'defaults' | 'ready'>;
  devices: readonly Device[];
  /** Why devices may be missing. */
  problems: readonly Failure[];
  hub?: Pick<Hub, 'reachable' | 'obstacle'>;
  freeBytes?: (folder: string) => Promise<number>;
  env?: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
  /** How Pythons are looked for. */
  asking?: Asking;
}

const GiB = 1024 ** 3;
const RUNTIMES: readonly RuntimeId[] = ['python', 'llama', 'sherpa', 'dictionaries'];
const OLDEST_NODE = 22,
  PROBE_MS = 15_000;

/** Looks at everything, in the order in which a person would fix it. Takes a few seconds at most. */
export async function examine(machine: Examined): Promise<DoctorReport> {
  const { freeBytes = diskFreeBytes, hub = createHub() } = machine;
  const checks = await Promise.all([
    node(process.versions.node),
    pythonCheck(machine),
    ffmpeg(machine),
    gpu(machine.devices, machine.problems),
    memory(machine.devices),
    freeBytes(machine.home.data).then(free => disk(free, machine.home.data)),
    modelsCheck(machine),
    engines(machine.runtimes),
    network(machine, hub),
    socket(machine.home.run, machine.platform ?? process.platform),
    sandbox(machine),
  ]);
  return { checks: checks.filter(check => check !== null) };
}

/** How a program is asked whether it works. */
const probe = (env: NodeJS.ProcessEnv): RunOptions => ({
  cwd: SYSTEM_FOLDER,
  env: environment('local', {}, env),
  timeoutMs: PROBE_MS,
});

export const node = (version: string): Check =>
  checkOf('node', Number(version.split('.')[0]) >= OLDEST_NODE ? 'ok' : 'problem', { version, needed: OLDEST_NODE });

async function pythonCheck({
  settings,
  runtimes,
  env = process.env,
  platform = process.platform,
  asking: how = asking(env),
}: Examined): Promise<Check> {
  const installed = runtimes.ready('python');
  const path = installed
      ? python(runtimes.directory('python'))
      : await findPython(settings, env, how).catch(() => null),
    newest = newestPython(how)?.join('.');
  if (!path)
    return checkOf('python', 'problem', { needed: OLDEST_PYTHON.join('.'), ...(newest ? { newest } : {}), platform });
  const version =
    (await runPython(path, ['--version'], { timeoutMs: PROBE_MS }, env).catch(() => null))?.tail
      .replace('Python', '')
      .trim() ?? '';
  // Debian leaves out what makes environments, and says so only when one is made.
  const whole =
    installed ||
    (await runPython(path, ['-c', 'import venv, ensurepip'], { timeoutMs: PROBE_MS }, env).catch(() => null))
      ?.status === 0;
  return whole
    ? checkOf('python', 'ok', { version, path })
    : checkOf('python', 'warning', { version, path, missing: 'venv', platform });
}

async function ffmpeg({ settings, runtimes, env = process.env }: Examined): Promise<Check> {
  try {
    const path = findFfmpeg(settings, runtimes, env);
    const answer = await run(path, ['-hide_banner', '-version'], probe(env)).catch(() => null);
    const version = /version (\S+)/.exec(answer?.output.toString('utf8') ?? '')?.[1];
    if (answer?.status !== 0) return checkOf('ffmpeg', 'problem', { path });
    const standsIn = !settings.ffmpegPath && !ownFfmpeg(runtimes);
    return checkOf('ffmpeg', standsIn ? 'warning' : 'ok', { path, version: version ?? '' });
  } catch (error) {
    const why = toFailure(error),
      chosen = isFailure(why, 'noFfmpeg') ? why.args.path : undefined;
    // Otherwise one comes with the first recording.
    return chosen || runtimes.ready('python')
      ? checkOf('ffmpeg', 'problem', { path: chosen })
      : checkOf('ffmpeg', 'warning');
  }
}

export function gpu(devices: readonly Device[], problems: readonly Failure[]): Check {
  const gpus = devices.filter(device => device.kind === 'gpu'),
    metal = devices.find(device => device.metal)?.metal,
    lost = gpus.find(device => device.health === 'lost');
  if (lost) return checkOf('gpu', 'problem', { problem: 'deviceLost', name: lost.name });
  const names = gpus.map(device => device.name + (device.driver ? ` (driver ${device.driver})` : '')).join(', ');
  if (gpus.length > 0)
    return checkOf('gpu', gpus.every(device => device.health === 'ok') ? 'ok' : 'warning', {
      names,
      ...(problems[0] ? { problem: problems[0].code } : {}),
    });
  if (metal) return checkOf('gpu', 'ok', { names: metal.name, metalBytes: metal.excluded ? 0 : metal.limitBytes });
  return problems[0] ? checkOf('gpu', 'problem', { problem: problems[0].code }) : checkOf('gpu', 'warning');
}

/** The smallest set of models that works wants about 3 GB of RAM. */
export function memory(devices: readonly Device[]): Check | null {
  const cpu = devices.find(device => device.kind === 'cpu');
  if (!cpu) return null;
  const { free } = cpu.memory;
  return checkOf('memory', free < GiB ? 'problem' : free < 3 * GiB ? 'warning' : 'ok', { freeBytes: free });
}

export const disk = (free: number, path: string): Check =>
  checkOf('disk', free < GiB ? 'problem' : free < 5 * GiB ? 'warning' : 'ok', { freeBytes: free, path });

async function modelsCheck({ models, devices, settings }: Examined): Promise<Check> {
  const list = models.list(),
    broken = list.filter(model => model.state === 'broken');
  if (broken.length > 0) return checkOf('models', 'problem', { names: broken.map(model => model.card.id).join(', ') });
  const wanted = [
    ...new Set(Object.values((await models.defaults({ gpu: devices.some(device => device.kind === 'gpu') })).models)),
  ];
  const missing = wanted.filter(id => !models.ready(id));
  return missing.length > 0
    ? checkOf('models', 'warning', { names: missing.join(', '), ...(settings.offline ? { offline: 1 } : {}) })
    : checkOf('models', 'ok', { names: wanted.join(', ') });
}

export function engines(runtimes: Pick<Runtimes, 'ready'>): Check {
  const missing = RUNTIMES.filter(id => !runtimes.ready(id));
  return missing.length > 0
    ? checkOf('engines', 'warning', { names: missing.join(', ') })
    : checkOf('engines', 'ok', { names: RUNTIMES.join(', ') });
}

/** Whether the hub is reached, and which way: passwords in addresses are not shown. */
async function network({ settings, env = process.env }: Examined, hub: NonNullable<Examined['hub']>): Promise<Check> {
  const { offline, hubUrl } = settings;
  if (offline) return checkOf('network', 'ok', { offline: 1 });
  const proxy = proxyFor(hubUrl, proxiesIn(env)),
    unusable = unusableFor(hubUrl, env);
  const way = {
    url: withoutPassword(hubUrl),
    ...(proxy === null ? {} : { proxy: withoutPassword(proxy) }),
    ...(unusable === null ? {} : { unusable: withoutPassword(unusable) }),
  };
  if (await hub.reachable(hubUrl)) return checkOf('network', 'ok', way);
  const why = hub.obstacle?.(hubUrl);
  return checkOf('network', 'warning', { ...way, ...(why ? { why } : {}) });
}

/** A private build of ffmpeg may need libraries that are not readable in its sandbox: it is started once. */
async function sandbox({
  settings,
  runtimes,
  env = process.env,
  platform = process.platform,
}: Examined): Promise<Check> {
  const found = sandboxSupport();
  if (settings.sandbox === 'off' || platform !== 'linux' || 'reason' in found)
    return checkOf('sandbox', 'warning', { reason: settings.sandbox === 'off' ? 'off' : 'system' });
  try {
    const path = findFfmpeg(settings, runtimes, env),
      permissions = mediaPermissions({ files: [], ffmpeg: path });
    if ((await run(path, ['-version'], { ...probe(env), permissions })).status !== 0)
      return checkOf('sandbox', 'problem', { path });
  } catch {
    /* without ffmpeg there is nothing to try */
  }
  return checkOf('sandbox', 'ok', { abi: found.abi });
}

/** Only this user may get at the socket and the token. */
export function socket(path: string, platform: NodeJS.Platform): Check | null {
  if (platform === 'win32') return null;
  try {
    const { mode, uid } = statSync(path);
    const open = (mode & 0o077) !== 0 || uid !== process.getuid?.();
    return checkOf('socket', open ? 'problem' : 'ok', { path, mode: (mode & 0o777).toString(8) });
  } catch {
    return null;
  } // no daemon has served yet
}
