/** English: names on screens, and what sentences are put together from. */
import type { TermTexts } from '../catalogue.ts';
import { timeText } from '../figures.ts';

export const terms: TermTexts = {
  states: {
    pending: 'pending',
    loading: 'loading',
    processing: 'processing',
    paused: 'paused',
    completed: 'completed',
    failed: 'failed',
    cancelled: 'canceled',
  },
  stages: {
    asr: { name: 'Recognition', doing: 'recognizing' },
    repair: { name: 'Repair', doing: 'repairing' },
    nmt: { name: 'Translation', doing: 'translating' },
    tts: { name: 'Speech', doing: 'speaking' },
    summary: { name: 'Summary', doing: 'summarizing' },
  },
  priorities: { urgent: 'urgent', high: 'high', normal: 'normal', low: 'low' },
  modelStates: { absent: 'not installed', downloading: 'downloading', installed: 'installed', broken: 'damaged' },
  engineStates: { ready: 'ready', absent: 'not installed', installing: 'installing', broken: 'broken' },
  instanceStates: {
    starting: 'starting',
    loading: 'loading',
    idle: 'idle',
    busy: 'busy',
    stopping: 'stopping',
    releasing: 'releasing memory',
  },
  watchStates: {
    starting: 'scanning',
    watching: 'watching',
    polling: 'polling',
    paused: 'paused',
    missing: 'missing',
    blocked: 'polling',
  },
};

/** A stage within a sentence. */
export const stageText = (stage: string): string =>
  Object.hasOwn(terms.stages, stage) ? terms.stages[stage as keyof TermTexts['stages']].name.toLowerCase() : stage;
/** "3 jobs". */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
/** "; expected at 14:05:10", where a time is known. */
export const expected = (at: number | undefined, now: number): string =>
  at === undefined ? '' : `; expected at ${timeText(at, 'en', now)}`;
/** How a process ended. */
export const exitText = (exit: string | number): string => (typeof exit === 'number' ? `exit code ${exit}` : exit);
/** " at the path", where there is one. */
export const optional = (before: string, text: string | number | undefined, after = ''): string =>
  text === undefined || text === '' ? '' : `${before}${text}${after}`;

const INSTALLED: ReadonlyMap<string, string> = new Map([
  ['python', "The engines' Python environment"],
  ['llama', 'llama.cpp'],
  ['sherpa', 'sherpa-onnx'],
  ['dictionaries', 'The spelling dictionary'],
  ['ffmpeg', 'ffmpeg'],
  ['postgres', 'PostgreSQL'],
]);
/** What is installed for engines, by the name of its runtime; undefined: it is the name of an engine. */
export const installedText = (runtime: string | undefined): string | undefined => INSTALLED.get(runtime ?? '');

/** The versions that will do: “3.9 or newer”, “3.9 to 3.12”. */
export const pythonRange = ({ needed, newest }: { needed: string; newest?: string | undefined }): string =>
  newest === undefined ? `${needed} or newer` : `${needed} to ${newest}`;

/** The one command that brings Python, on each system. */
export const pythonTodo = (platform: string | undefined): string =>
  platform === 'win32'
    ? 'Run in a terminal: winget install -e --id Python.Python.3.12 --architecture x64'
    : platform === 'darwin'
      ? 'Run in a terminal: xcode-select --install'
      : 'On Debian and Ubuntu: apt install python3-venv; on Fedora: dnf install python3.';

/** "a, b, and c" of those that are there. */
export const listed = (parts: readonly (string | number | undefined)[]): string =>
  new Intl.ListFormat('en').format(parts.filter(part => typeof part === 'string')) || 'some parts';

/** What stands in the way of a request, and what to do about it; nothing where that is not known. */
const OBSTACLES: Readonly<Record<string, readonly [what: string, todo?: string]>> = {
  certificate: [
    'its certificate is not trusted',
    'If your network inspects connections, set NODE_EXTRA_CA_CERTS to its certificate, then restart the daemon.',
  ],
  proxyLogin: [
    'the proxy asks for a name and a password',
    'Put them into HTTPS_PROXY (http://name:password@proxy:port), then restart the daemon.',
  ],
  socks: [
    'a SOCKS proxy is set, and Earshot cannot use one',
    'Set HTTPS_PROXY to an HTTP proxy (http://proxy:port), then restart the daemon.',
  ],
  proxy: ['the proxy refused', 'Check HTTPS_PROXY and NO_PROXY, then restart the daemon.'],
  name: ['its name is not known here', 'Check the network. Behind a proxy, set HTTPS_PROXY, then restart the daemon.'],
  timeout: ['there was no answer', 'Check the network. Behind a proxy, set HTTPS_PROXY, then restart the daemon.'],
};
export const obstacleText = (why: string | undefined): string | undefined => OBSTACLES[why ?? '']?.[0];
export const obstacleTodo = (why: string | undefined): string | undefined => OBSTACLES[why ?? '']?.[1];
