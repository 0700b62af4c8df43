/**
 * A scripted daemon: the real server, socket and events with a story instead of engines. Tests hold its strings: they
 * set its state, make jobs speak one utterance after the other, and see what was asked of it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { home } from '../../../daemon/auth/home.ts';
import { createEvents, type Events } from '../../../daemon/api/rpc/events.ts';
import { startServer, type Handlers, type Server } from '../../../daemon/api/rpc/server.ts';
import type { Device, Estimate, Instance } from '../../../schemas/device.ts';
import { EarshotError, failure } from '../../../schemas/errors.ts';
import type { FleetStatus } from '../../../schemas/fleet.ts';
import type { Job, JobOptions, Transcript, Utterance } from '../../../schemas/job.ts';
import type { PartialText } from '../../../schemas/live.ts';
import { toJson } from '../../../text/transcripts/json.ts';
import { render, shownBy } from '../../../text/transcripts/render.ts';
import type { Engine, Model } from '../../../schemas/model.ts';
import { reason, type BottleneckArgs } from '../../../schemas/reasons.ts';
import type { ExportedFile, Handshake, JournalEntry, Method, Params } from '../../../schemas/rpc.ts';
import { decision, type WatchedFile, type WatchedFolder } from '../../../schemas/watch.ts';
import { DEFAULTS, type Settings } from '../../../schemas/settings.ts';
import { isFinal, isTextFormat, type Stage } from '../../../schemas/words.ts';
import { engines, estimates, id, job as makeJob, models, recommendations, utterance, type Coded } from './fixtures.ts';

export interface Story {
  jobs?: Job[];
  devices?: Device[];
  instances?: Instance[];
  models?: Model[];
  engines?: Engine[];
  estimates?: Estimate[];
  bottleneck?: Coded<BottleneckArgs> | null;
  fleet?: FleetStatus;
}

const NO_FLEET: FleetStatus = {
  settings: null,
  problems: [],
  draining: false,
  lent: 0,
  taken: 0,
  machines: [],
  jobs: [],
};

const VERSION = (
  JSON.parse(
    readFileSync(process.env.EARSHOT_TEST_MANIFEST ?? new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
).version;

export function stagesOf(options: JobOptions): Stage[] {
  return [
    'asr',
    ...(options.repair ? ['repair' as const] : []),
    ...(options.translateTo ? ['nmt' as const] : []),
    ...(options.speak ? ['tts' as const] : []),
  ];
}

export class FakeDaemon {
  readonly jobs = new Map<string, Job>();
  readonly utterances = new Map<string, Utterance[]>();
  readonly devices = new Map<string, Device>();
  readonly instances = new Map<string, Instance>();
  readonly models = new Map<string, Model>();
  readonly folders = new Map<string, WatchedFolder>();
  /** Newest first; a folder's are those under its path. */
  files: WatchedFile[] = [];
  /** Each answer waits for this. */
  hold: (() => Promise<unknown>) | null = null;
  /** What is on record of every job. */
  records: JournalEntry[] = [];
  /** Bytes of sound of each live session. */
  readonly heard = new Map<string, number>();
  /** Every call: method and params, oldest first. */
  readonly calls: { method: Method; params: unknown }[] = [];
  /** How far the copy is that plays in the editor; null: everything plays as it is. */
  copy: { path: string | null; fraction: number | null } | null = null;
  settings: Settings = { ...DEFAULTS };
  story: Story;
  paused = false;
  readonly #state: string;
  readonly #events: Events = createEvents();
  #server: Server | null = null;
  #next: number;
  #waiters: (() => void)[] = [];

  /** `first`: job numbers begin here, so that several daemons of one window give none twice. */
  constructor(state: string, story: Story = {}, first = 5000) {
    this.#next = first;
    this.#state = state;
    this.story = story;
    this.set(story);
  }

  set(story: Story): void {
    this.story = story;
    for (const [map, list, key] of [
      [this.jobs, story.jobs, (j: Job) => j.id],
      [this.devices, story.devices, (d: Device) => d.id],
      [this.instances, story.instances, (i: Instance) => i.id],
      [this.models, story.models ?? models(), (m: Model) => m.card.id],
    ] as const) {
      (map as Map<string, unknown>).clear();
      for (const item of list ?? []) (map as Map<string, unknown>).set((key as (x: unknown) => string)(item), item);
    }
  }

  async start(): Promise<void> {
    const places = home({ ...process.env, EARSHOT_STATE: this.#state });
    mkdirSync(places.run, { recursive: true, mode: 0o700 });
    this.#server = await startServer({ home: places, version: VERSION, handlers: this.#handlers() });
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  /** What became of the files of a transcript: a file at a chosen place is written, and nothing else is known. */
  exported = ({ path, to }: Params<'transcript/export'>): ExportedFile[] => {
    if (!to) return [];
    const made = JSON.parse(readFileSync(path, 'utf8')) as Transcript,
      text = isTextFormat(to.format) ? render(made, to.format, shownBy(to.options)) : to.format;
    writeFileSync(to.path, text);
    return [{ path: to.path, format: to.format, state: 'written', bytes: text.length, canMerge: false }];
  };

  /** How often the method was called so far. */
  asked(method: Method): unknown[] {
    return this.calls.filter(c => c.method === method).map(c => c.params);
  }

  /** Resolves once `look` is true; looked at after every call. */
  async until(look: () => boolean, timeoutMs = 15_000): Promise<void> {
    const late = setTimeout(() => {
        for (const wake of this.#waiters.splice(0)) wake();
      }, timeoutMs),
      end = Date.now() + timeoutMs;
    while (!look()) {
      if (Date.now() >= end)
        throw new Error(
          `the daemon was not asked in ${timeoutMs} ms: ${look}; last calls ${this.calls.slice(-5).map(c => c.method)}`,
        );
      await new Promise<void>(resolve => this.#waiters.push(resolve));
    }
    clearTimeout(late);
  }

  update(jobId: string, change: Partial<Job>): Job {
    const next = { ...this.jobs.get(jobId)!, ...change };
    this.jobs.set(jobId, next);
    this.#events.publish({ type: 'job', job: next });
    return next;
  }

  remove(jobId: string): void {
    if (this.jobs.delete(jobId)) this.#events.publish({ type: 'jobRemoved', id: jobId });
  }

  device(device: Device): void {
    this.devices.set(device.id, device);
    this.#events.publish({ type: 'device', device });
  }
  instance(instance: Instance): void {
    this.instances.set(instance.id, instance);
    this.#events.publish({ type: 'instance', instance });
  }
  folder(folder: WatchedFolder): void {
    this.folders.set(folder.spec.path, folder);
    this.#events.publish({ type: 'watch', folder });
  }
  /** Folders that are watched, and the files in them. */
  watched({ folders, files }: { folders: WatchedFolder[]; files: WatchedFile[] }): void {
    this.files = files;
    for (const folder of folders) this.folder(folder);
  }
  model(model: Model): void {
    this.models.set(model.card.id, model);
    this.#events.publish({ type: 'model', model });
  }

  /** The job hears its next utterance: all its stages are done with it at once. */
  say(jobId: string, total = 8): void {
    const job = this.jobs.get(jobId)!,
      list = this.utterances.get(jobId) ?? [],
      made = utterance(list.length, job.stages);
    this.utterances.set(jobId, [...list, made]);
    this.#events.publish({ type: 'utterance', job: jobId, utterance: made });
    const done = list.length + 1;
    this.update(jobId, {
      state: 'processing',
      waiting: null,
      language: 'en',
      startedAt: job.startedAt ?? Date.now(),
      lastWords: made.repair?.text ?? made.asr!.text,
      progress: {
        utterances: total,
        ingested: true,
        ingestedMs: total * 5000,
        stages: Object.fromEntries(job.stages.map(s => [s, { done, failed: 0, running: 0 }])),
      },
    });
  }

  /** A job that is over, and what was said in it. */
  transcribed(job: Job, said: readonly Utterance[]): void {
    this.utterances.set(job.id, [...said]);
    this.jobs.set(job.id, job);
    this.#events.publish({ type: 'job', job });
  }

  /** An utterance's newest form, whatever it was before. */
  publishUtterance(jobId: string, newest: Utterance): void {
    this.#events.publish({ type: 'utterance', job: jobId, utterance: newest });
  }

  /** What is still being said. */
  publishPartial(jobId: string, partial: PartialText): void {
    this.#events.publish({ type: 'partial', job: jobId, partial });
  }

  finish(jobId: string, change: Partial<Job> = {}): void {
    this.update(jobId, { state: 'completed', finishedAt: Date.now(), expectedEndAt: null, ...change });
  }

  /** The transcript of a job as far as it was heard. */
  transcriptOf(jobId: string): Transcript {
    const {
      recording: { path, name, durationMs },
      options,
      models: used,
    } = this.#known(jobId);
    return {
      earshot: 1,
      recording: { path, name, durationMs },
      language: 'en',
      translatedTo: options.translateTo ?? null,
      models: used,
      utterances: this.utterances.get(jobId) ?? [],
      warnings: [],
    };
  }

  #known(jobId: string): Job {
    const job = this.jobs.get(jobId);
    if (!job) throw new EarshotError('unknownJob', { id: jobId });
    return job;
  }

  #handlers(): Handlers {
    const each = (ids: readonly string[], change: (job: Job) => Partial<Job> | null): Record<string, never> => {
      for (const jobId of ids) {
        const job = this.jobs.get(jobId);
        const next = job && change(job);
        if (next) this.update(jobId, next);
      }
      return {};
    };
    const known = (jobId: string): Job => this.#known(jobId);
    const plain: Handlers = {
      'job/submit': ({ jobs }) => ({
        results: jobs.map(request => {
          if (/missing/.test(request.recording)) return { failure: failure('noSuchFile', { path: request.recording }) };
          const stages = stagesOf(request.options);
          const job: Job = {
            ...makeJob(
              {
                n: ++this.#next,
                name: basename(request.recording),
                state: 'pending',
                stages,
                minutes: 0.5,
                waiting: { code: 'starting', args: {} },
              },
              Date.now(),
            ),
            options: request.options,
            priority: request.priority ?? 'normal',
          };
          job.recording.path = request.recording;
          this.jobs.set(job.id, job);
          this.#events.publish({ type: 'job', job });
          return { job, existing: false };
        }),
      }),
      // newest first
      'job/list': () => ({ jobs: [...this.jobs.values()].reverse(), next: null, total: this.jobs.size }),
      'job/get': ({ id: jobId }) => ({ job: known(jobId) }),
      'job/utterances': ({ id: jobId, from = 0 }) => ({ utterances: (this.utterances.get(jobId) ?? []).slice(from) }),
      'job/pause': ({ ids }) => each(ids, () => ({ state: 'paused', waiting: reason('paused') })),
      'job/resume': ({ ids }) =>
        each(ids, () => ({ state: 'pending', waiting: reason('behind', { count: 1, normal: 1 }) })),
      'job/cancel': ({ ids }) => each(ids, () => ({ state: 'cancelled', finishedAt: Date.now() })),
      'job/retry': ({ ids }) =>
        each(ids, () => ({
          state: 'pending',
          failure: null,
          finishedAt: null,
          waiting: reason('behind', { count: 1, normal: 1 }),
        })),
      'job/remove': ({ ids }) => {
        for (const jobId of ids) this.remove(jobId);
        return {};
      },
      'job/move': ({ id: jobId, priority, before, after, to }) => {
        const others = [...this.jobs.values()]
          .filter(j => !isFinal(j.state) && j.id !== jobId)
          .sort((a, b) => a.position - b.position);
        const at = before
          ? others.findIndex(j => j.id === before)
          : after
            ? others.findIndex(j => j.id === after) + 1
            : to === 'top'
              ? 0
              : to === 'bottom'
                ? others.length
                : -1;
        const low = others[at - 1]?.position ?? (others[at]?.position ?? 1) - 2,
          high = others[at]?.position ?? low + 2;
        this.update(jobId, { ...(priority ? { priority } : {}), ...(at >= 0 ? { position: (low + high) / 2 } : {}) });
        return {};
      },
      'job/log': () => ({ entries: this.records }),
      'transcript/export': request => ({ files: this.exported(request) }),
      'job/transcript': ({ id: jobId }) => ({ transcript: this.transcriptOf(jobId) }),
      'job/summary': ({ of }) => {
        const parent = this.jobs.get(of),
          name = parent?.recording.name ?? basename(of),
          options = { repair: false, source: 'transcript' as const, transcript: of };
        const job: Job = {
          ...makeJob(
            {
              n: ++this.#next,
              name,
              state: 'pending',
              stages: ['summary'],
              minutes: 0.5,
              waiting: { code: 'starting', args: {} },
            },
            Date.now(),
          ),
          options,
          priority: 'low',
        };
        job.recording.path = parent?.recording.path ?? of;
        this.jobs.set(job.id, job);
        if (parent) this.update(of, { summary: { job: job.id } });
        this.#events.publish({ type: 'job', job });
        return { job, existing: false };
      },
      'job/combine': ({ ids }) => ({ text: ids.join('\n') }),
      'job/speakers': ({ id: jobId, names }) => {
        this.utterances.set(
          jobId,
          (this.utterances.get(jobId) ?? []).map(u =>
            u.speaker ? { ...u, speaker: names[u.speaker] ?? u.speaker } : u,
          ),
        );
        return { speakers: {} };
      },
      'job/write': ({ id: jobId, format }) => {
        const job = known(jobId),
          there = job.outputs.find(output => output.kind === format);
        if (there) return { path: there.path };
        const path = `${job.recording.path.replace(/\.[^.]+$/, '')}.earshot.json`,
          text = toJson(this.transcriptOf(jobId));
        writeFileSync(path, text, { flag: 'wx' });
        this.update(jobId, { outputs: [...job.outputs, { kind: format, path, bytes: Buffer.byteLength(text) }] });
        return { path };
      },
      'job/render': ({ id: jobId }) => ({ text: (this.utterances.get(jobId) ?? []).map(u => u.asr?.text).join('\n') }),
      'live/open': ({ options, name = 'Live' }) => {
        const job: Job = {
          ...makeJob(
            { n: ++this.#next, name, state: 'processing', stages: stagesOf(options), utterances: 0 },
            Date.now(),
          ),
          options,
          priority: 'high',
          live: { open: true },
        };
        job.recording.durationMs = null;
        this.jobs.set(job.id, job);
        this.heard.set(job.id, 0);
        this.#events.publish({ type: 'job', job });
        return { job };
      },
      'live/append': ({ id: jobId, offset, data }) => {
        const received = Math.max(this.heard.get(known(jobId).id)!, offset + Buffer.from(data, 'base64').length);
        this.heard.set(jobId, received);
        return { received, behindMs: 0 };
      },
      'live/close': ({ id: jobId }) => ({ job: this.update(jobId, { live: { open: false } }) }),
      'live/recorder': () => ({ ffmpeg: process.env.EARSHOT_TEST_FFMPEG ?? 'ffmpeg' }),
      'search/find': ({ words }) => {
        const hits = [...this.utterances].flatMap(([jobId, said]) =>
          said.flatMap(({ index, startMs, endMs, asr }) => {
            const at = asr?.text.toLowerCase().indexOf(words.toLowerCase()) ?? -1,
              job = this.jobs.get(jobId);
            if (at < 0 || !job) return [];
            return [
              {
                job: jobId,
                recording: { path: job.recording.path, name: job.recording.name },
                createdAt: job.createdAt,
                language: job.language,
                index,
                startMs,
                endMs,
                atMs: startMs,
                text: { text: asr!.text, marks: [[at, at + words.length] as [number, number]] },
                translation: null,
              },
            ];
          }),
        );
        return { hits, next: null, total: hits.length, indexing: false };
      },
      'queue/pause': () => {
        this.paused = true;
        this.#events.publish({ type: 'queue', paused: true });
        return {};
      },
      'queue/resume': () => {
        this.paused = false;
        this.#events.publish({ type: 'queue', paused: false });
        return {};
      },
      'state/subscribe': ({ topics, utterancesOf = [] }, connection) => {
        const wants = new Set(topics),
          part = <T>(topic: Parameters<typeof wants.has>[0], map: Map<string, T>): T[] =>
            wants.has(topic) ? [...map.values()] : [];
        const seq = this.#events.subscribe(connection, { topics, utterancesOf });
        return {
          seq,
          queuePaused: this.paused,
          jobs: part('jobs', this.jobs),
          devices: part('devices', this.devices),
          instances: part('instances', this.instances),
          models: part('models', this.models),
          engines: wants.has('engines') ? (this.story.engines ?? engines()) : [],
          watch: part('watch', this.folders),
        };
      },
      'state/unsubscribe': (_params, connection) => {
        this.#events.unsubscribe(connection);
        return {};
      },
      'device/list': () => ({
        devices: [...this.devices.values()],
        instances: [...this.instances.values()],
        estimates: this.story.estimates ?? estimates(Date.now()),
      }),
      'instance/unload': ({ id: instance }) => {
        this.instances.delete(instance);
        this.#events.publish({ type: 'instanceGone', id: instance });
        return {};
      },
      'model/list': () => ({ models: [...this.models.values()] }),
      'model/install': ({ ids }) => {
        for (const m of ids) {
          const model = this.models.get(m)!;
          this.model({
            ...model,
            state: 'downloading',
            progress: { bytes: 0, total: model.card.files[0]!.bytes ?? 0 },
          });
        }
        return { ids };
      },
      'model/hubToken': () => ({}),
      'model/cancelInstall': ({ id: m }) => {
        this.model({ ...this.models.get(m)!, state: 'absent', progress: null });
        return {};
      },
      'model/remove': ({ id: m }) => {
        this.model({ ...this.models.get(m)!, state: 'absent', progress: null, diskBytes: 0 });
        return {};
      },
      'model/recommend': () => ({ recommendations: recommendations(), directory: '/models', freeBytes: 1e12 }),
      'model/verify': () => ({ failure: null }),
      'model/import': () => ({ model: [...this.models.values()][0]! }),
      'voice/list': () => ({ voices: [{ voice: null, language: 'en', pitch: null }] }),
      'voice/sample': () => ({ path: '/voice.wav' }),
      'media/playable': ({ path }) => this.copy ?? { path, fraction: null },
      'media/cancel': () => ({}),
      'model/find': ({ source }) => {
        throw new EarshotError('notOnHub', { repository: source });
      },
      'model/add': () => ({ model: [...this.models.values()][0]! }),
      'engine/list': () => ({ engines: engines() }),
      'engine/install': () => ({}),
      'watch/add': ({ folder: spec }) => {
        const folder: WatchedFolder = {
          spec,
          state: 'watching',
          failure: null,
          since: Date.now(),
          counts: { taken: 0, refused: 0, waiting: 0, writing: 0 },
        };
        this.folder(folder);
        return { folder };
      },
      'watch/list': () => ({ folders: [...this.folders.values()] }),
      'watch/remove': ({ paths }) => {
        for (const path of paths) if (this.folders.delete(path)) this.#events.publish({ type: 'watchGone', path });
        return {};
      },
      'watch/pause': ({ paths }) => {
        for (const path of paths) this.folder({ ...this.folders.get(path)!, state: 'paused' });
        return {};
      },
      'watch/resume': ({ paths }) => {
        for (const path of paths) this.folder({ ...this.folders.get(path)!, state: 'watching' });
        return {};
      },
      'watch/files': ({ path }) => ({ files: this.files.filter(file => file.path.startsWith(path)) }),
      'watch/why': ({ path }) => ({
        file: this.files.find(file => file.path === path) ?? {
          path,
          folder: null,
          bytes: null,
          at: Date.now(),
          decision: decision('notWatched'),
          job: null,
        },
      }),
      'settings/get': () => ({ settings: this.settings, defaults: DEFAULTS }),
      'settings/set': ({ values }) => {
        this.settings = { ...this.settings, ...values };
        for (const [stage, chosen] of Object.entries(values.defaultModels ?? {}) as [Stage, string][])
          for (const model of this.models.values()) {
            const others = model.isDefault.filter(each => each !== stage);
            this.model({ ...model, isDefault: model.card.id === chosen ? [...others, stage] : others });
          }
        return { settings: this.settings };
      },
      'job/here': ({ ids }) =>
        each(ids, job => {
          delete job.machine;
          return {};
        }),
      'fleet/status': () => this.story.fleet ?? NO_FLEET,
      'fleet/init': () => ({ version: 1, before: 0, logins: [] }),
      'fleet/stats': () => ({ since: 0, until: 0, everybody: false, figures: [], machines: [], jobs: [] }),
      'fleet/host': () => ({
        isNew: true,
        folder: '',
        program: '',
        args: [],
        env: {},
        log: '',
        admin: '',
        address: '',
        ca: null,
      }),
      'fleet/join': () => ({ as: [] }),
      'fleet/leave': () => ({}),
      'fleet/drain': () => ({}),
      'fleet/work': () => ({ running: 0 }),
      'stats/get': () => ({
        since: 0,
        until: Date.now(),
        stages: [],
        loads: 0,
        loadMs: 0,
        jobs: { completed: 0, failed: 0, cancelled: 0, pending: 0 },
        devices: [],
        bottleneck: this.story.bottleneck ?? null,
        estimateError: null,
        startError: null,
      }),
      'daemon/http': () => ({ place: null }),
      'daemon/status': () => ({
        version: VERSION,
        pid: process.pid,
        startedAt: Date.now() - 5000,
        rssBytes: 90_000_000,
        clients: this.#server?.clients ?? 0,
        queuePaused: this.paused,
        jobs: { active: 0, total: this.jobs.size },
        stateDirectory: this.#state,
        dataDirectory: this.#state,
        http: null,
      }),
      'daemon/doctor': () => ({
        checks: [
          { id: 'ffmpeg', status: 'ok', args: { path: '/usr/bin/ffmpeg', version: '7.0' } },
          { id: 'gpu', status: 'warning', args: {} as Record<string, string> },
        ],
      }),
      'daemon/stop': () => {
        setImmediate(() => void this.stop());
        return {};
      },
      'daemon/logs': () => ({ lines: ['2026-11-22T14:00:00.000Z info the daemon listens'] }),
    };
    return new Proxy(plain, {
      get: (target, method: Exclude<Method, Handshake>) => (params: never, connection: never) => {
        this.calls.push({ method, params });
        try {
          if (this.hold) return this.hold().then(() => target[method](params, connection));
          return target[method](params, connection);
        } finally {
          for (const wake of this.#waiters.splice(0)) wake();
        }
      },
    });
  }
}

export { id };
