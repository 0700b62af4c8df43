/**
 * Where Earshot keeps what, for the daemon and for those who look for it. The only place that knows folders and the
 * environment variables that move them.
 */
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Home {
  /** Models and runtimes: large, the same for everyone, can be had again. */
  data: string;
  /** Queue, audio in work, logs, settings: this user's own. */
  state: string;
  models: string;
  runtimes: string;
  database: string;
  backups: string;
  audio: string;
  /** Copies of recordings that play in the editor. */
  playback: string;
  logs: string;
  settings: string;
  /** 0700: socket, token, lock. */
  run: string;
  socket: string;
  token: string;
  lock: string;
}

/** EARSHOT_DATA and EARSHOT_STATE override the platform's usual places. */
export function home(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): Home {
  const base =
    platform === 'win32'
      ? (env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(homedir(), 'Library', 'Application Support')
        : null;
  const data =
    (env.EARSHOT_DATA && resolve(env.EARSHOT_DATA)) ||
    (base ? join(base, 'Earshot') : join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'earshot'));
  const state =
    (env.EARSHOT_STATE && resolve(env.EARSHOT_STATE)) ||
    (base ? join(base, 'Earshot', 'state') : join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'earshot'));
  const run = join(state, 'run');
  return {
    data,
    state,
    models: join(data, 'models'),
    runtimes: join(data, 'runtimes'),
    database: join(state, 'earshot.db'),
    backups: join(state, 'backups'),
    audio: join(state, 'audio'),
    playback: join(state, 'playback'),
    logs: join(state, 'logs'),
    settings: join(state, 'settings.json'),
    run,
    socket: platform === 'win32' ? `\\\\.\\pipe\\earshot-${hash(state)}` : shortSocket(run, state, env),
    token: join(run, 'token'),
    lock: join(run, 'lock'),
  };
}

/** Longer paths of sockets are cut off or refused by the operating system (macOS: 103 bytes). */
const LONGEST_SOCKET_BYTES = 100;

/**
 * In the run folder, or where that is too deep, in a folder of its own among the temporary ones, which the server makes
 * as private.
 */
function shortSocket(run: string, state: string, env: NodeJS.ProcessEnv): string {
  const socket = join(run, 'earshotd.sock');
  return Buffer.byteLength(socket) <= LONGEST_SOCKET_BYTES
    ? socket
    : join(env.XDG_RUNTIME_DIR ?? tmpdir(), `earshot-${hash(state)}`, 'earshotd.sock');
}

/** Short and stable, so that two state folders get two pipes (FNV-1a). */
const hash = (text: string): string => {
  let h = 0x811c9dc5;
  for (const c of Buffer.from(text)) h = Math.imul(h ^ c, 0x01000193) >>> 0;
  return h.toString(16);
};
