/**
 * What every command needs: the connection (a daemon started when there is none), the language, the way of printing,
 * the exit code.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, ensureDaemon, type Client } from '../client/client.ts';
import { EarshotError, toFailure, type ErrorCode, type Failure } from '../schemas/errors.ts';
import { failureMessage } from '../text/messages/messages.ts';
import type { Names } from '../text/messages/catalogue.ts';
import { localeOf, type Locale } from '../text/messages/figures.ts';
import { home as homeOf, type Home } from '../client/home.ts';
import { readAccess } from '../client/handshake.ts';
import { clean, painter, type Paint } from './terminal.ts';
import { texts, type Texts } from './texts.ts';

declare const EARSHOT_VERSION: string | undefined;
export const version = (): string =>
  typeof EARSHOT_VERSION === 'string'
    ? EARSHOT_VERSION
    : (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** What the process ends with. Documented in docs/cli.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, daemon: 3, input: 4, interrupted: 130 } as const;

const USAGE: ReadonlySet<string> = new Set<ErrorCode>([
  'badRequest',
  'unknownModel',
  'unknownPreset',
  'wrongStage',
  'languageNotSupported',
  'unknownLanguage',
  'languageNeeded',
  'unknownEngine',
  'originalsStay',
  'unknownJob',
  'wrongState',
  'unknownSetting',
  'settingRange',
  'noVoice',
  'badGlossary',
  'noSuchDevice',
  'notWatched',
]);
const INPUT: ReadonlySet<string> = new Set<ErrorCode>([
  'noSuchFile',
  'notAFile',
  'noRecordings',
  'unreadableFile',
  'emptyFile',
  'notMedia',
  'encryptedFile',
  'notOnDisk',
  'foreignPath',
  'notText',
  'textTooLarge',
  'noWords',
  'noAudioTrack',
  'noSuchTrack',
  'recordingChanged',
  'outputNotWritable',
  'noSuchFolder',
  'notAFolder',
]);
const DAEMON: ReadonlySet<string> = new Set<ErrorCode>([
  'daemonRunning',
  'daemonUnreachable',
  'wrongToken',
  'wrongVersion',
  'storeNewer',
  'storeBroken',
  'storeBusy',
]);

export const exitOf = (code: string): number =>
  USAGE.has(code) ? EXIT.usage : INPUT.has(code) ? EXIT.input : DAEMON.has(code) ? EXIT.daemon : EXIT.failed;

export interface Session {
  home: Home;
  env: NodeJS.ProcessEnv;
  locale: Locale;
  t: Texts;
  /** Lines for programs instead of words for people. */
  json: boolean;
  out: NodeJS.WriteStream;
  err: NodeJS.WriteStream;
  /** Colours of stdout. */
  paint: Paint;
  /** Columns of the terminal; 100 when piped. */
  columns(): number;
  line(text?: string): void;
  /** To stderr: what is not the command's result. */
  note(text: string): void;
  /** One JSON line to stdout. */
  emit(value: unknown): void;
  fail(failure: Failure, names?: Names): void;
  client(): Promise<Client>;
  /** A connection of its own, which the caller ends. */
  dial(): Promise<Client>;
  /** Null when no daemon runs: for commands that must not start one. */
  running(): Promise<Client | null>;
  /**
   * After the connection has ended: a daemon that crashed is started again; one that was asked to stop is not, but the
   * one that replaces it is met. Null: none.
   */
  again(): Promise<Client | null>;
  close(): void;
}

/** How long a daemon of another version takes to follow the one that it replaces. */
const REPLACED_MS = 5000;

/** LC_ALL over LC_MESSAGES over LANG, as everywhere. */
export const environmentLocale = (env: NodeJS.ProcessEnv): Locale =>
  localeOf(env.LC_ALL || env.LC_MESSAGES || env.LANG);

export function openSession({ json }: { json: boolean }, env: NodeJS.ProcessEnv = process.env): Session {
  const home = homeOf(env),
    locale = environmentLocale(env),
    out = process.stdout,
    err = process.stderr;
  const t = texts(locale),
    redden = painter(err, env);
  let connected: Promise<Client> | null = null;
  const dial = (): Promise<Client> =>
    ensureDaemon({
      command: daemonCommand(),
      socket: home.socket,
      tokenPath: home.token,
      client: 'cli',
      version: version(),
      timeoutMs: 30_000,
      log: join(home.logs, 'start.log'),
      onProgress: step => {
        if (err.isTTY && !json)
          err.write(`${redden('dim', step === 'starting' ? t.startingDaemon : t.replacingDaemon)}\n`);
      },
    });
  /** One that could not be had is asked for anew the next time. */
  const keep = (next: Promise<Client>): Promise<Client> => {
    connected = next;
    next.catch(() => {
      if (connected === next) connected = null;
    });
    return next;
  };
  const client = (): Promise<Client> => connected ?? keep(dial());
  const reach = (access: string): Promise<Client> =>
    connect({ ...readAccess(access, home.socket), client: 'cli', version: version() });
  /** Null where no daemon runs. */
  const meet = async (way: (access: string) => Promise<Client>): Promise<Client | null> => {
    let access: string;
    try {
      access = readFileSync(home.token, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      return await way(access);
    } catch (error) {
      if (toFailure(error).code === 'daemonUnreachable') return null;
      throw error;
    }
  };
  const running = (): Promise<Client | null> => meet(access => connected ?? keep(reach(access)));
  /** The daemon that replaces one which was asked to stop. */
  const replacement = async (): Promise<Client | null> => {
    for (let waited = 0; waited < REPLACED_MS; waited += 100) {
      const next = await meet(reach);
      if (next) return next;
      await sleep(100);
    }
    return null;
  };
  return {
    home,
    env,
    locale,
    t,
    json,
    out,
    err,
    paint: painter(out, env),
    columns: () => out.columns ?? (Number(env.COLUMNS) || 100),
    line: (text = '') => {
      out.write(`${text}\n`);
    },
    note: text => {
      err.write(`${text}\n`);
    },
    emit: value => {
      out.write(`${JSON.stringify(value)}\n`);
    },
    fail: (failure, names) => {
      process.exitCode = Math.max(Number(process.exitCode ?? 0), exitOf(failure.code));
      if (json) return void out.write(`${JSON.stringify({ type: 'failure', failure })}\n`);
      const { what, todo } = failureMessage(failure, locale, names);
      err.write(`${redden('red', t.error)} ${clean(what)}\n${todo ? `  ${clean(todo)}\n` : ''}`);
      if (
        failure.code === 'internal' ||
        failure.code === 'daemonUnreachable' ||
        (failure.code === 'badRequest' && failure.args.why === undefined)
      )
        for (const each of (failure.detail ?? '').split('\n').slice(-6))
          if (each) err.write(`  ${redden('dim', clean(each))}\n`);
    },
    client,
    dial,
    running,
    again: async () => {
      connected = null;
      // A daemon that leaves in good order takes its token along.
      if (existsSync(home.token)) return client();
      // Whoever calls meanwhile, or later, must not start one either.
      const next = replacement();
      connected = next.then(found => {
        if (!found) throw new EarshotError('daemonUnreachable');
        return found;
      });
      connected.catch(() => {});
      return next;
    },
    close: () => {
      void connected?.then(
        client => client.dispose(),
        () => {},
      );
    },
  };
}

/** The daemon's program: beside the bundle, or the source itself. */
export function daemonCommand(): { program: string; args: string[] } {
  const bundled = !import.meta.filename.endsWith('.ts');
  return {
    program: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      bundled ? join(import.meta.dirname, 'earshotd.mjs') : join(import.meta.dirname, '..', 'daemon', 'main.ts'),
    ],
  };
}

/** Runs a command with a session of its own: failures become words and an exit code. */
export async function withSession(
  options: { json?: boolean | undefined },
  run: (session: Session) => Promise<void>,
): Promise<void> {
  const session = openSession({ json: options.json === true });
  try {
    await run(session);
  } catch (error) {
    if (!(error instanceof EarshotError) && (error as { name?: string }).name === 'AbortError')
      process.exitCode = EXIT.interrupted;
    else session.fail(toFailure(error));
  } finally {
    session.close();
  }
}
