/**
 * This window's connection to the daemon. It goes `off → starting → connected`, and after a loss by itself through
 * `lost → starting → connected`; `failed` waits until someone asks again. Two connections: one for jobs, models,
 * engines and watched folders (a snapshot of thousands of jobs travels once), one for what comes and goes with the
 * views (devices, instances, utterances of streaming jobs).
 */
import * as vscode from 'vscode';
import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import { EarshotError, type Failure } from '../../schemas/errors.ts';
import type { Utterance } from '../../schemas/job.ts';
import type { PartialText } from '../../schemas/live.ts';
import type { Handshake, Method, Params, Result, StateEvents, Topic } from '../../schemas/rpc.ts';
import { Feed } from './feed.ts';
import { waitedFor } from './waiting.ts';
import { proxySettings } from './proxy-settings.ts';
import { emptyState, noChange, takeEvent, takeSnapshot, type Change, type MirrorState } from './mirror.ts';

export type ConnectionState =
  | { kind: 'off' }
  | { kind: 'starting'; step: 'starting' | 'replacing' | null }
  | { kind: 'connected'; version: string; pid: number }
  | { kind: 'lost'; failure: Failure; retryMs: number }
  | { kind: 'failed'; failure: Failure };

/**
 * Where the daemon's program, socket and token are; `client/home.ts` knows the folders, and the bundle brings it along.
 */
export interface DaemonPlace {
  program: string;
  args: string[];
  env: Record<string, string | undefined>;
  socket: string;
  token: string;
  log: string;
}

const MAIN_TOPICS: readonly Topic[] = ['jobs', 'models', 'engines', 'watch'];
const START_TIMEOUT_MS = 20_000;
/**
 * What starts work on files. Menus and commands hide it where the workspace is not trusted; pages, other extensions and
 * key bindings reach it all the same, so it is refused here, where all of them come through.
 */
const WORK: ReadonlySet<Method> = new Set<Method>([
  'job/submit',
  'job/retry',
  'job/here',
  'job/summary',
  'job/combine',
  'live/open',
  'watch/add',
  'watch/resume',
]);

export class Daemon implements vscode.Disposable {
  readonly state: MirrorState = emptyState();
  readonly #version: string;
  readonly #place: () => Promise<DaemonPlace>;
  readonly #main: Feed;
  readonly #live: Feed;
  #connection: ConnectionState = { kind: 'off' };
  #turn: Promise<Client | null> = Promise.resolve(null);
  #watchers = 0;
  #streams = new Set<string>();
  readonly #connections = new vscode.EventEmitter<ConnectionState>();
  readonly #changes = new vscode.EventEmitter<Change>();
  readonly #utterances = new vscode.EventEmitter<{ job: string; utterance: Utterance }>();
  readonly #partials = new vscode.EventEmitter<{ job: string; partial: PartialText }>();
  readonly #notices = new vscode.EventEmitter<Failure>();
  readonly #subscribed = new vscode.EventEmitter<ReadonlySet<string>>();
  readonly onConnection = this.#connections.event;
  readonly onChange = this.#changes.event;
  readonly onUtterance = this.#utterances.event;
  /** What is still being said in a job whose utterances are watched. */
  readonly onPartial = this.#partials.event;
  readonly onNotice = this.#notices.event;
  /** The utterances of these jobs come from now on; whoever streams one reads what came before. */
  readonly onSubscribed = this.#subscribed.event;

  constructor(version: string, place: () => Promise<DaemonPlace>) {
    this.#version = version;
    this.#place = place;
    this.#main = new Feed(() => this.#open(), {
      snapshot: (snapshot, { topics }, client) => {
        takeSnapshot(this.state, snapshot, topics);
        this.#setConnection({ kind: 'connected', ...client.daemon });
        this.#changes.fire(noChange(true));
        this.#wantLive(); // after a stop, or where it gave up, whoever still looks wants it again
      },
      events: batch => this.#take(batch),
      lost: (failure, retryMs) =>
        this.#setConnection(retryMs === null ? { kind: 'failed', failure } : { kind: 'lost', failure, retryMs }),
    });
    this.#live = new Feed(() => this.#open(), {
      snapshot: (snapshot, { topics, utterancesOf }) => {
        takeSnapshot(this.state, snapshot, topics);
        this.#changes.fire({ ...noChange(), devices: true, instances: true });
        this.#subscribed.fire(new Set(utterancesOf));
      },
      events: batch => this.#take(batch),
      lost: () => {},
    });
  }

  get connection(): ConnectionState {
    return this.#connection;
  }

  /** Starts the daemon when there is none and keeps the mirror fed from then on. */
  start(): Promise<Client> {
    return waitedFor(this.#started());
  }
  async #started(): Promise<Client> {
    if (!this.#main.wanted) this.#main.want({ topics: MAIN_TOPICS, utterancesOf: [] });
    return this.#main.client();
  }

  /** @throws EarshotError; untrustedWorkspace for work on files in Restricted Mode */
  async call<M extends Exclude<Method, Handshake>>(method: M, params: Params<M>): Promise<Result<M>> {
    if (WORK.has(method) && !vscode.workspace.isTrusted) throw new EarshotError('untrustedWorkspace');
    return waitedFor(this.#started().then(client => client.call(method, params)));
  }

  /** Devices and instances stay fresh until disposed. */
  watchDevices(): vscode.Disposable {
    this.#watchers += 1;
    this.#wantLive();
    return new vscode.Disposable(() => {
      this.#watchers -= 1;
      this.#wantLive();
    });
  }

  /** Utterances of the job arrive until disposed. */
  watchUtterances(job: string): vscode.Disposable {
    this.#streams.add(job);
    this.#wantLive();
    return new vscode.Disposable(() => {
      this.#streams.delete(job);
      this.#wantLive();
    });
  }

  /** Ends the daemon for all windows; it comes back when it is next needed. Resolves when it has gone. */
  async stop(finish: boolean): Promise<void> {
    // A connection of its own: the others let go first, so that none of them brings it back.
    const client = await this.#open();
    this.#main.want(null);
    this.#live.want(null);
    try {
      await client.call('daemon/stop', { finish });
      await client.closed;
    } finally {
      client.dispose();
    }
    this.#setConnection({ kind: 'off' });
  }

  dispose(): void {
    this.#main.dispose();
    this.#live.dispose();
    for (const emitter of [
      this.#connections,
      this.#changes,
      this.#utterances,
      this.#partials,
      this.#notices,
      this.#subscribed,
    ])
      emitter.dispose();
  }

  #wantLive(): void {
    const topics: Topic[] = this.#watchers > 0 ? ['devices', 'instances'] : [];
    this.#live.want(topics.length || this.#streams.size ? { topics, utterancesOf: [...this.#streams] } : null);
  }

  /** One after the other: the second connection finds the daemon that the first one started. */
  #open(): Promise<Client> {
    const opened = this.#turn.then(
      () => this.#reach(),
      () => this.#reach(),
    );
    this.#turn = opened;
    return opened;
  }

  async #reach(): Promise<Client> {
    const [{ ensureDaemon }, place] = await Promise.all([import('../../client/client.ts'), this.#place()]);
    if (this.#connection.kind !== 'connected') this.#setConnection({ kind: 'starting', step: null });
    return ensureDaemon({
      command: { program: place.program, args: place.args, env: place.env },
      socket: place.socket,
      tokenPath: place.token,
      log: place.log,
      client: 'vscode',
      version: this.#version,
      timeoutMs: START_TIMEOUT_MS,
      onProgress: step => this.#setConnection({ kind: 'starting', step }),
    });
  }

  #take({ events }: StateEvents): void {
    const change = noChange();
    for (const event of events) {
      takeEvent(this.state, event, change);
      if (event.type === 'utterance') this.#utterances.fire({ job: event.job, utterance: event.utterance });
      else if (event.type === 'partial') this.#partials.fire({ job: event.job, partial: event.partial });
      else if (event.type === 'notice') this.#notices.fire(event.failure);
    }
    this.#changes.fire(change);
  }

  #setConnection(connection: ConnectionState): void {
    this.#connection = connection;
    this.#connections.fire(connection);
  }
}

/**
 * The daemon in this extension's folder, run by the editor's own Node; the environment variables that move the folders
 * hold here too, and one names another daemon.
 */
export async function daemonPlace(extensionPath: string): Promise<DaemonPlace> {
  const { home } = await import('../../client/home.ts');
  const places = home();
  return {
    program: process.execPath,
    args: [process.env.EARSHOT_DAEMON ?? join(extensionPath, 'dist', 'earshotd.mjs')],
    env: { ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: undefined, ...proxySettings() },
    socket: places.socket,
    token: places.token,
    log: join(places.logs, 'start.log'),
  };
}
