/** A real daemon in a process of its own, on a state folder of its own, with fake models beside the installed ones. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { home as homeOf, type Home } from '../../daemon/auth/home.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { Store } from '../../daemon/contracts/store.ts';
import { connect, type Client } from '../../client/client.ts';
import { readAccess } from '../../client/handshake.ts';
import type { Job } from '../../schemas/job.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal } from '../../schemas/words.ts';
import { linkFolder, removeFolder } from '../fixtures/folders.ts';
import { SLOWNESS } from '../only.ts';

const WITH_PARENT = pathToFileURL(join(import.meta.dirname, 'with-parent.ts')).href;
const MAIN = join(import.meta.dirname, '..', '..', 'daemon', 'main.ts');
export const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');
const installed = homeOf();
/** Beyond these something hangs, however busy the machine is. */
const EVENT_MS = 120_000 * SLOWNESS,
  ENDED_MS = 400_000 * SLOWNESS,
  /** Of a start, and of leaving. */
  WAIT_MS = 90_000 * SLOWNESS;

export class RealDaemon {
  readonly root: string;
  readonly home: Home;
  readonly recordings: string;
  /** Of the daemons that it starts from now on. */
  readonly env: NodeJS.ProcessEnv;
  private readonly nodeArgs: readonly string[];
  private child: ChildProcess | null = null;
  private connected: Client | null = null;

  constructor({
    models = [],
    settings = {},
    env = {},
    nodeArgs = [],
    installedToo = [],
  }: {
    models?: readonly ModelCard[];
    settings?: Partial<Settings>;
    env?: NodeJS.ProcessEnv;
    nodeArgs?: readonly string[];
    /** Models that it shall have beside the usual ones, where they are installed. */
    installedToo?: readonly string[];
  } = {}) {
    this.nodeArgs = nodeArgs;
    this.root = mkdtempSync(join(tmpdir(), 'earshot-daemon-'));
    this.env = {
      ...process.env,
      EARSHOT_STATE: join(this.root, 'state'),
      EARSHOT_DATA: join(this.root, 'data'),
      ...env,
    };
    this.home = homeOf(this.env);
    this.recordings = join(this.root, 'recordings');
    mkdirSync(this.recordings);
    mkdirSync(this.home.models, { recursive: true });
    mkdirSync(this.home.state, { recursive: true, mode: 0o700 });
    linkFolder(installed.runtimes, this.home.runtimes);
    for (const id of [
      'whisper-base',
      'qwen2.5-coder-1.5b-instruct',
      'qwen2.5-coder-0.5b-instruct',
      'piper-en-us-joe-medium',
      ...installedToo,
    ])
      if (existsSync(join(installed.models, id))) linkFolder(join(installed.models, id), join(this.home.models, id));
    for (const card of models) {
      mkdirSync(join(this.home.models, card.id));
      writeFileSync(
        join(this.home.models, card.id, 'earshot-model.json'),
        JSON.stringify({ installedAt: '', files: [], card }),
      );
    }
    const defaultModels = Object.fromEntries(models.map(card => [card.stages[0], card.id]));
    writeFileSync(this.home.settings, JSON.stringify({ ...(models.length ? { defaultModels } : {}), ...settings }));
  }

  get client(): Client {
    return this.connected!;
  }
  /** Another client. On Windows a daemon says where it listens, in the file of its token. */
  connect(client: string): Promise<Client> {
    return connect({
      ...readAccess(readFileSync(this.home.token, 'utf8'), this.home.socket),
      client,
      version: '0.0.0',
    });
  }
  get process(): ChildProcess {
    return this.child!;
  }
  get pid(): number {
    return this.child!.pid!;
  }

  /** @throws Error that says how it ended, or for how long it was waited for; none is left behind. */
  async start(waitMs = WAIT_MS): Promise<this> {
    const child = spawn(process.execPath, ['--import', WITH_PARENT, ...this.nodeArgs, MAIN], {
      env: this.env,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.child = child;
    this.connected = null;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, waitMs);
    try {
      for (;;)
        try {
          this.connected = await this.connect('test');
          return this;
        } catch (error) {
          const how = late ? `gave no answer in ${waitMs} ms` : `ended with ${child.exitCode ?? child.signalCode}`;
          if (!this.#alive) throw new Error(`a daemon ${how}: ${(error as Error).message}`, { cause: error });
          await sleep(50);
        }
    } finally {
      clearTimeout(timer);
    }
  }
  get #alive(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }
  async kill(): Promise<void> {
    if (this.#alive) {
      const gone = once(this.child!, 'exit');
      this.child!.kill('SIGKILL');
      await gone;
    }
    this.connected?.dispose();
  }
  /** A daemon that does not leave within the time is killed, and that is a failure. */
  async stop(waitMs = WAIT_MS): Promise<void> {
    if (this.#alive) {
      const gone = once(this.child!, 'exit');
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        this.child!.kill('SIGKILL');
      }, waitMs);
      if (this.connected)
        await this.connected.call('daemon/stop', { finish: false }).catch(() => this.child!.kill('SIGTERM'));
      else this.child!.kill('SIGKILL');
      await gone;
      clearTimeout(timer);
      if (late) throw new Error(`the daemon did not leave within ${waitMs} ms of being asked to`);
    }
    this.connected?.dispose();
  }
  async close(): Promise<void> {
    await this.stop().finally(() => removeFolder(this.root));
  }

  /** The store, read beside the daemon or after it. */
  async withStore<T>(look: (store: Store) => T): Promise<T> {
    const store = openStore(this.home.database);
    try {
      return look(store);
    } finally {
      store.dispose();
    }
  }

  async submit(recordings: readonly string[], options: Partial<Job['options']> = {}): Promise<Job[]> {
    const { results } = await this.client.call('job/submit', {
      jobs: recordings.map(recording => ({ recording, options: { repair: true, ...options } })),
    });
    return results.map(result => {
      if ('failure' in result) throw new Error(JSON.stringify(result.failure));
      return result.job;
    });
  }
  /** Resolves once every job has ended. */
  async ended(jobs: readonly Job[]): Promise<Job[]> {
    const open = new Set(jobs.map(job => job.id));
    const done = new Promise<void>((resolve, reject) => {
      this.client.onEvents(({ events }) => {
        for (const event of events) if (event.type === 'job' && isFinal(event.job.state)) open.delete(event.job.id);
        if (!open.size) resolve();
      });
      void this.client.closed.then(() => reject(new Error('the daemon went away')));
    });
    done.catch(() => undefined); // not waited for when all have ended already
    const { jobs: now } = await this.client.call('state/subscribe', { topics: ['jobs'] });
    for (const job of now) if (isFinal(job.state)) open.delete(job.id);
    if (open.size) await this.within(ENDED_MS, done);
    return Promise.all(jobs.map(async job => (await this.client.call('job/get', { id: job.id })).job));
  }
  /** Resolves with the first event that fits: of the state as it is now, or to come. */
  async event(jobs: readonly Job[], fits: (event: StateEvent) => boolean): Promise<StateEvent> {
    const found = new Promise<StateEvent>(resolve =>
      this.client.onEvents(({ events }) => {
        const event = events.find(fits);
        if (event) resolve(event);
      }),
    );
    const ids = jobs.map(job => job.id),
      state = await this.client.call('state/subscribe', { topics: ['jobs', 'instances'], utterancesOf: ids });
    const now: StateEvent[] = [
      ...state.jobs.map(job => ({ type: 'job' as const, job })),
      ...state.instances.map(instance => ({ type: 'instance' as const, instance })),
    ];
    for (const id of ids)
      for (const utterance of (await this.client.call('job/utterances', { id })).utterances)
        now.push({ type: 'utterance', job: id, utterance });
    return now.find(fits) ?? this.within(EVENT_MS, found);
  }

  /** What is waited for, or an error that says how things stand. */
  async within<T>(ms: number, what: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = sleep(ms, null, { signal: over.signal }).then(async () => {
      const { jobs } = await this.client.call('job/list', {});
      const lines = jobs.map(({ id, recording, state, waiting }) =>
        JSON.stringify({ id, recording: recording.name, state, waiting }),
      );
      throw new Error(`still waiting after ${ms / 1000} s:\n${lines.join('\n')}`);
    });
    try {
      return await Promise.race([what, late]);
    } finally {
      over.abort();
      late.catch(() => undefined);
    }
  }
}
