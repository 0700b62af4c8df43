/**
 * Believable state for panels and screenshots: jobs in every state, devices, models. Times are relative to `now`, so
 * that a picture can be taken again.
 */
import type { Device, Estimate, Instance } from '../../../schemas/device.ts';
import type { FleetMachine, FleetStatus } from '../../../schemas/fleet.ts';
import type { Job, Transcript, Utterance } from '../../../schemas/job.ts';
import { failure } from '../../../schemas/errors.ts';
import type { Engine, Model, Recommendation } from '../../../schemas/model.ts';
import type { ReasonArgs } from '../../../schemas/reasons.ts';
import type { JournalEntry } from '../../../schemas/rpc.ts';
import { decision, type WatchedFile, type WatchedFolder } from '../../../schemas/watch.ts';
import { STAGES, type Stage } from '../../../schemas/words.ts';

const GIB = 1024 ** 3,
  MIB = 1024 ** 2;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID that depends on n alone and sorts by it. */
export function id(n: number): string {
  let text = '';
  for (let rest = n, i = 0; i < 26; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

export const SENTENCES = [
  'And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them.',
  'He was not an ill disposed young man, unless to be rather cold hearted and rather selfish is to be ill disposed.',
  'Had he married a more amiable woman, he might have been made still more respectable than he was.',
  'He might even have been made amiable himself.',
];
export const GERMAN = [
  'Und Mr. John Dashwood hatte nun Muße zu überlegen, wie viel zu tun klugerweise in seiner Macht stünde.',
  'Er war kein übel gesinnter junger Mann, es sei denn, kaltherzig und selbstsüchtig zu sein heißt, übel ' +
    'gesinnt zu sein.',
  'Hätte er eine liebenswürdigere Frau geheiratet, so wäre er noch angesehener geworden, als er es war.',
  'Er wäre vielleicht sogar selbst liebenswürdig geworden.',
];

/** A code of this version with its own arguments: what travels would let any code pass. */
export type Coded<Args> = { [C in keyof Args]: { code: C; args: Args[C] } }[keyof Args];

export interface JobSketch {
  n: number;
  name: string;
  folder?: string;
  state: Job['state'];
  stages?: readonly Stage[];
  utterances?: number;
  done?: Partial<Record<Stage, number>>;
  running?: Partial<Record<Stage, number>>;
  failedAt?: Stage;
  minutes?: number;
  priority?: Job['priority'];
  waiting?: Coded<ReasonArgs>;
  failure?: Job['failure'];
  lastWords?: string;
  language?: string;
  translateTo?: string;
  agoMinutes?: number;
  endInMinutes?: number;
  startInMinutes?: number;
  retry?: Job['retry'];
  outputs?: Job['outputs'];
}

export function job(sketch: JobSketch, now: number): Job {
  const { n, state } = sketch,
    stages = [...(sketch.stages ?? ['asr', 'repair'])],
    final = state === 'completed' || state === 'failed' || state === 'cancelled';
  const minutes = sketch.minutes ?? 12,
    utterances = sketch.utterances ?? (state === 'pending' || state === 'loading' ? 0 : Math.round(minutes * 5)),
    ago = (sketch.agoMinutes ?? 5) * 60_000;
  const progress: Job['progress']['stages'] = {};
  for (const stage of stages)
    progress[stage] = {
      done: state === 'completed' ? utterances : (sketch.done?.[stage] ?? 0),
      running: sketch.running?.[stage] ?? 0,
      failed: sketch.failedAt === stage ? 1 : 0,
    };
  return {
    id: id(n),
    recording: {
      path: `${sketch.folder ?? '/home/ada/recordings'}/${sketch.name}`,
      name: sketch.name,
      bytes: Math.round(minutes * MIB),
      modifiedAt: now - 86_400_000,
      durationMs: minutes * 60_000,
    },
    options: {
      repair: stages.includes('repair'),
      ...(sketch.translateTo ? { translateTo: sketch.translateTo } : {}),
      ...(stages.includes('tts') ? { speak: true } : {}),
    },
    stages,
    models: Object.fromEntries(stages.map(s => [s, MODEL_OF[s]])),
    priority: sketch.priority ?? 'normal',
    state,
    position: n,
    createdAt: now - ago - 60_000,
    startedAt: state === 'pending' || state === 'loading' ? null : now - ago,
    finishedAt: final ? now - ago : null,
    language: sketch.language ?? (state === 'pending' ? null : 'en'),
    progress: {
      utterances,
      ingested: state !== 'pending',
      ingestedMs: state === 'pending' ? 0 : minutes * 60_000,
      stages: progress,
    },
    waiting: sketch.waiting ?? null,
    retry: sketch.retry ?? null,
    expectedStartAt: sketch.startInMinutes === undefined ? null : Math.round(now + sketch.startInMinutes * 60_000),
    expectedEndAt: sketch.endInMinutes === undefined ? null : Math.round(now + sketch.endInMinutes * 60_000),
    lastWords: sketch.lastWords ?? '',
    failure: sketch.failure ?? null,
    warnings: [],
    outputs: sketch.outputs ?? [],
  };
}

const MODEL_OF: Readonly<Record<Stage, string>> = {
  asr: 'whisper-large-v3-turbo',
  repair: 'qwen2.5-1.5b-q4',
  nmt: 'm2m100-418m',
  tts: 'piper-en-joe',
  summary: 'qwen2.5-1.5b-q4',
};

/** The queue of an ordinary busy afternoon. */
export function busyJobs(now: number): Job[] {
  const all = [...STAGES];
  const sketches: JobSketch[] = [
    {
      n: 1,
      name: 'Interview with Dr. Okafor.m4a',
      state: 'processing',
      stages: all,
      minutes: 47,
      utterances: 236,
      done: { asr: 171, repair: 158, nmt: 140, tts: 96 },
      running: { asr: 4, repair: 1, nmt: 2, tts: 1 },
      translateTo: 'de',
      lastWords: '…and what surprised us most was not the size of the effect but how long it lasted after the trial',
      endInMinutes: 6,
      agoMinutes: 14,
    },
    {
      n: 2,
      name: 'Team meeting 2026-11-22.mp4',
      state: 'processing',
      stages: ['asr', 'repair'],
      minutes: 63,
      utterances: 301,
      done: { asr: 88, repair: 61 },
      running: { asr: 1, repair: 1 },
      lastWords: 'so if nobody objects we move the release to Thursday',
      endInMinutes: 17,
      agoMinutes: 5,
      priority: 'high',
    },
    {
      n: 3,
      name: 'Voice memo 14.ogg',
      state: 'loading',
      minutes: 3,
      waiting: {
        code: 'modelLoading',
        args: { stage: 'asr', model: 'Whisper large v3 turbo', device: 'NVIDIA RTX A2000' },
      },
      startInMinutes: 0.3,
      endInMinutes: 2,
      priority: 'urgent',
    },
    {
      n: 4,
      name: 'Lecture 07 – Signal processing.webm',
      state: 'pending',
      stages: ['asr', 'repair', 'nmt'],
      minutes: 91,
      translateTo: 'zh',
      waiting: {
        code: 'memory',
        args: {
          model: 'NLLB 3.3B',
          bytes: 4_300_000_000,
          device: 'NVIDIA GeForce RTX 4070',
          holder: 'blender',
          stage: 'nmt',
        },
      },
      startInMinutes: 17,
      endInMinutes: 58,
    },
    {
      n: 5,
      name: 'Oral history – Märta Lind.wav',
      state: 'paused',
      stages: ['asr', 'repair', 'nmt'],
      minutes: 128,
      utterances: 640,
      done: { asr: 212, repair: 208, nmt: 190 },
      language: 'sv',
      translateTo: 'en',
      waiting: { code: 'paused', args: {} },
    },
    {
      n: 6,
      name: 'Podcast 112 raw.flac',
      state: 'pending',
      minutes: 74,
      waiting: { code: 'instanceBusy', args: { stage: 'asr', model: 'Whisper large v3 turbo' } },
      startInMinutes: 18,
      endInMinutes: 39,
    },
    {
      n: 7,
      name: 'Field recording with wind.wav',
      state: 'pending',
      minutes: 22,
      priority: 'low',
      retry: null,
      waiting: { code: 'behind', args: { count: 6, urgent: 1, high: 1, normal: 4 } },
      startInMinutes: 41,
      endInMinutes: 47,
    },
    {
      n: 8,
      name: 'Hearing, part 2.mp3',
      state: 'failed',
      minutes: 31,
      utterances: 150,
      done: { asr: 149, repair: 149 },
      failedAt: 'asr',
      agoMinutes: 9,
      failure: failure('truncatedFile', {
        path: '/home/ada/recordings/Hearing, part 2.mp3',
        readMs: 1_786_000,
        durationMs: 1_860_000,
      }),
      lastWords: 'and with that we adjourn until Monday',
    },
    {
      n: 9,
      name: 'sense-and-sensibility.flac',
      folder: '/home/ada/books',
      state: 'completed',
      stages: ['asr', 'repair', 'nmt'],
      minutes: 0.5,
      utterances: 4,
      agoMinutes: 21,
      translateTo: 'de',
      lastWords: 'He might even have been made amiable himself.',
    },
    {
      n: 10,
      name: 'Standup.m4a',
      state: 'completed',
      minutes: 14,
      agoMinutes: 55,
      lastWords: 'that is all from me, see you tomorrow',
    },
    {
      n: 11,
      name: 'Phone call 0177.amr',
      state: 'cancelled',
      minutes: 6,
      agoMinutes: 80,
      utterances: 30,
      done: { asr: 9 },
    },
    {
      n: 12,
      name: 'Guitar lesson.mov',
      state: 'completed',
      stages: ['asr', 'repair'],
      minutes: 38,
      agoMinutes: 140,
      lastWords: 'slowly at first, and only then with the metronome',
    },
  ];
  return sketches.map(sketch => job(sketch, now));
}

/** Thousands of waiting jobs behind the two that run. */
export function manyJobs(count: number, now: number): Job[] {
  const themes = ['Interview', 'Session', 'Episode', 'Lecture', 'Call', 'Memo', 'Hearing'];
  return [
    ...busyJobs(now).slice(0, 2),
    ...Array.from({ length: count - 2 }, (_, i) =>
      job(
        {
          n: 100 + i,
          name: `${themes[i % themes.length]} ${String(i + 1).padStart(4, '0')}.flac`,
          folder: `/home/ada/archive/${1970 + (i % 50)}`,
          state: 'pending',
          minutes: 5 + ((i * 7) % 90),
          stages: i % 3 ? ['asr', 'repair'] : ['asr', 'repair', 'nmt'],
          ...(i % 3 ? {} : { translateTo: 'en' }),
          waiting: { code: 'behind', args: { count: i + 3, normal: i + 3 } },
          startInMinutes: 4 + i * 3,
          endInMinutes: 8 + i * 3,
        },
        now,
      ),
    ),
  ];
}

/** Whole bytes, as the schema wants them. */
const whole = (device: Device): Device => ({
  ...device,
  memory: JSON.parse(JSON.stringify(device.memory), (_key, value: unknown) =>
    typeof value === 'number' ? Math.round(value) : value,
  ) as Device['memory'],
});

const gpu = (
  n: number,
  name: string,
  totalGib: number,
  over: Partial<Device> & { used: number; holders: Device['memory']['holders']; notResident?: number },
  now: number,
): Device => {
  const { used, holders, notResident = 0, ...rest } = over,
    total = totalGib * GIB,
    leased = holders.filter(h => h.kind === 'ours').reduce((sum, h) => sum + (h.bytes ?? 0), 0) + notResident;
  return whole({
    id: `GPU-0000000${n}-5c1d-4a0e-9b1f-2f6f3a7c1e0${n}`,
    kind: 'gpu',
    name,
    health: 'ok',
    source: 'nvml',
    memory: {
      total,
      free: total - used,
      cap: Math.floor(total * 0.9),
      reserve: GIB,
      leased,
      notResident,
      admissible: Math.max(0, total - used - GIB - notResident),
      holders,
    },
    utilization: 0.72,
    memoryUtilization: 0.41,
    temperatureC: 67,
    powerW: 148,
    powerLimitW: 200,
    fan: 0.46,
    clockMhz: 2475,
    throttle: [],
    computeCapability: '8.9',
    driver: '580.95',
    cuda: '13.0',
    pciBus: '00000000:01:00.0',
    cores: null,
    excluded: false,
    warning: null,
    readAt: now,
    ...rest,
  });
};

export const cpu = (now: number, over: Partial<Device> = {}): Device =>
  whole({
    id: 'cpu',
    kind: 'cpu',
    name: 'AMD Ryzen 9 7900',
    health: 'ok',
    source: 'os',
    memory: {
      total: 32 * GIB,
      free: 18 * GIB,
      cap: Math.floor(28.8 * GIB),
      reserve: GIB,
      leased: 1.4 * GIB,
      notResident: 0,
      admissible: 15 * GIB,
      holders: [{ kind: 'ours', name: 'Qwen 2.5 1.5B', pid: 4711, bytes: 1.3 * GIB, instance: id(904) }],
    },
    utilization: 0.38,
    memoryUtilization: null,
    temperatureC: null,
    powerW: null,
    powerLimitW: null,
    fan: null,
    clockMhz: null,
    throttle: [],
    computeCapability: null,
    driver: null,
    cuda: null,
    pciBus: null,
    cores: 12,
    excluded: false,
    warning: null,
    readAt: now,
    ...over,
  });

/** Three machines: this one, a busy one and one that has gone. */
export const fleet = (now: number): FleetStatus => {
  const machine = (name: string, more: Partial<FleetMachine>): FleetMachine => ({
    id: `machine-${name}`,
    name,
    version: '0.1.0',
    here: false,
    live: true,
    seenAt: now,
    share: 'always',
    draining: false,
    running: 0,
    can: ['asr:whisper-large-v3@d1'],
    devices: [cpu(now)],
    ...more,
  });
  return {
    settings: { url: 'postgres://lab.example/earshot', person: 'ann', use: 'always' },
    problems: [],
    draining: false,
    lent: 1,
    taken: 0,
    machines: [
      machine('this-laptop', { here: true, share: 'never' }),
      machine('gpu1', { running: 2, devices: twoGpus(now) }),
      machine('old-box', { live: false, seenAt: now - 3 * 3_600_000 }),
    ],
    jobs: [],
  };
};

export function twoGpus(now: number): Device[] {
  return [
    gpu(
      1,
      'NVIDIA GeForce RTX 4070',
      12,
      {
        used: 9.1 * GIB,
        notResident: 0.6 * GIB,
        holders: [
          { kind: 'ours', name: 'Whisper large v3 turbo', pid: 4701, bytes: 2.6 * GIB, instance: id(901) },
          { kind: 'ours', name: 'M2M100 418M', pid: 4702, bytes: 1.3 * GIB, instance: id(902) },
          { kind: 'other', name: 'blender', pid: 2210, bytes: 3.4 * GIB, instance: null },
          { kind: 'other', name: 'gnome-shell', pid: 1804, bytes: 0.6 * GIB, instance: null },
        ],
        warning: 'high',
      },
      now,
    ),
    gpu(
      2,
      'NVIDIA RTX A2000',
      6,
      {
        used: 2.0 * GIB,
        holders: [{ kind: 'ours', name: 'Whisper large v3 turbo', pid: 4703, bytes: 1.6 * GIB, instance: id(903) }],
        utilization: 0.31,
        temperatureC: 54,
        powerW: 41,
        powerLimitW: 70,
        fan: 0.3,
        clockMhz: 1200,
        computeCapability: '8.6',
      },
      now,
    ),
    cpu(now),
  ];
}

export function instances(now: number): Instance[] {
  const base = {
    engine: 'faster-whisper',
    threads: 1,
    startedAt: now - 600_000,
    loadedAt: now - 590_000,
    attemptsDone: 212,
    pid: 4701,
  } as const;
  return [
    {
      ...base,
      id: id(901),
      stage: 'asr',
      model: 'whisper-large-v3-turbo',
      device: twoGpus(now)[0]!.id,
      precision: 'int8_float16',
      state: 'busy',
      leaseBytes: 2.8 * GIB,
      residentBytes: 2.6 * GIB,
      peakBytes: 2.7 * GIB,
      idleSince: null,
      job: id(1),
      utterances: [172],
    },
    {
      ...base,
      id: id(902),
      stage: 'nmt',
      model: 'm2m100-418m',
      engine: 'm2m100',
      device: twoGpus(now)[0]!.id,
      precision: 'int8',
      state: 'busy',
      leaseBytes: 1.4 * GIB,
      residentBytes: 1.3 * GIB,
      peakBytes: 1.3 * GIB,
      idleSince: null,
      job: id(1),
      utterances: [141, 142],
    },
    {
      ...base,
      id: id(903),
      stage: 'asr',
      model: 'whisper-large-v3-turbo',
      device: twoGpus(now)[1]!.id,
      precision: 'int8',
      state: 'idle',
      leaseBytes: 1.7 * GIB,
      residentBytes: 1.6 * GIB,
      peakBytes: 1.6 * GIB,
      idleSince: now - 42_000,
      job: null,
      utterances: [],
    },
    {
      ...base,
      id: id(904),
      stage: 'repair',
      model: 'qwen2.5-1.5b-q4',
      engine: 'llama',
      device: 'cpu',
      precision: 'q4_k_m',
      threads: 4,
      state: 'busy',
      leaseBytes: 1.4 * GIB,
      residentBytes: 1.3 * GIB,
      peakBytes: 1.35 * GIB,
      idleSince: null,
      job: id(2),
      utterances: [61],
    },
  ].map(
    i =>
      ({
        ...i,
        leaseBytes: Math.round(i.leaseBytes),
        residentBytes: Math.round(i.residentBytes),
        peakBytes: Math.round(i.peakBytes),
      }) as Instance,
  );
}

export function estimates(now: number): Estimate[] {
  const [first, second] = twoGpus(now);
  return (
    [
      [first!.id, 'whisper-large-v3-turbo', 2.9, 2.7, 34],
      [first!.id, 'm2m100-418m', 1.4, 1.33, 12],
      [second!.id, 'whisper-large-v3-turbo', 1.75, 1.62, 8],
      ['cpu', 'qwen2.5-1.5b-q4', 1.45, 1.35, 21],
      ['cpu', 'piper-en-joe', 0.2, 0, 0],
    ] as const
  ).map(([device, model, estimate, peak, samples]) => ({
    device,
    model,
    engine: 'e',
    precision: 'p',
    estimateBytes: Math.round(estimate * GIB),
    source: samples ? ('measured' as const) : ('card' as const),
    samples,
    lastPeakBytes: samples ? Math.round(peak * GIB) : null,
    maxPeakBytes: samples ? Math.round(peak * GIB) : null,
    error: samples ? estimate / peak - 1 : null,
    loadMs: samples ? 1900 : null,
  }));
}

interface ModelSketch {
  id: string;
  name: string;
  family: string;
  engine: string;
  stages: Stage[];
  languages: string[];
  licence: string;
  mb: number;
  state: Model['state'];
  isDefault?: Stage[];
  done?: number;
  outdated?: boolean;
}
const model = (m: ModelSketch): Model => ({
  card: {
    id: m.id,
    name: m.name,
    family: m.family,
    engine: m.engine,
    stages: m.stages,
    languages: m.languages,
    licence: m.licence,
    homepage: `https://example.org/${m.id}`,
    files: [{ name: 'model.bin', bytes: m.mb * 1e6, sha256: 'a'.repeat(64), sources: [] }],
    memory: { cpu: m.mb * 2e6 },
    precision: { cpu: 'int8' },
    size: m.mb,
  },
  state: m.state,
  progress: m.state === 'downloading' ? { bytes: Math.round((m.done ?? 0.4) * m.mb * 1e6), total: m.mb * 1e6 } : null,
  outdated: m.outdated ?? false,
  installedAt: m.state === 'installed' ? Date.now() - 40 * 86_400_000 : null,
  lastUsedAt: m.state === 'installed' && m.isDefault ? Date.now() - 3_600_000 : null,
  diskBytes: m.state === 'installed' ? m.mb * 1e6 : 0,
  imported: false,
  isDefault: m.isDefault ?? [],
  failure: null,
});

/** As a small machine without any model is told. */
export const recommendations = (): Recommendation[] =>
  (
    [
      ['small', 'whisper-base', 'Whisper base', 148e6, 10.3, 21],
      ['recommended', 'whisper-small', 'Whisper small', 486e6, 8.6, 7],
      ['best', 'whisper-large-v3-turbo', 'Whisper large-v3 turbo', 1622e6, 7.8, 1.8],
    ] as const
  ).map(([tier, model, name, downloadBytes, wordErrors, speed]) => ({
    tier,
    model,
    name,
    downloadBytes,
    engineBytes: 170e6,
    wordErrors,
    speed,
    errorsFrom: 'the story',
    licence: 'MIT',
    languages: [],
    installed: false,
    measured: false,
  }));

export function models(): Model[] {
  return [
    model({
      id: 'whisper-base',
      name: 'Whisper base',
      family: 'whisper',
      engine: 'faster-whisper',
      stages: ['asr'],
      languages: [],
      licence: 'MIT',
      mb: 145,
      state: 'installed',
      isDefault: ['asr'],
    }),
    model({
      id: 'whisper-large-v3-turbo',
      name: 'Whisper large v3 turbo',
      family: 'whisper',
      engine: 'faster-whisper',
      stages: ['asr'],
      languages: [],
      licence: 'MIT',
      mb: 1620,
      state: 'installed',
    }),
    model({
      id: 'whisper-small',
      name: 'Whisper small',
      family: 'whisper',
      engine: 'faster-whisper',
      stages: ['asr'],
      languages: [],
      licence: 'MIT',
      mb: 484,
      state: 'absent',
    }),
    model({
      id: 'qwen2.5-1.5b-q4',
      name: 'Qwen 2.5 1.5B',
      family: 'qwen',
      engine: 'llama',
      stages: ['repair', 'nmt'],
      languages: ['en', 'de', 'es', 'fr', 'zh'],
      licence: 'Apache-2.0',
      mb: 1117,
      state: 'installed',
      isDefault: ['repair'],
    }),
    model({
      id: 'm2m100-418m',
      name: 'M2M100 418M',
      family: 'm2m100',
      engine: 'm2m100',
      stages: ['nmt'],
      languages: [],
      licence: 'MIT',
      mb: 492,
      state: 'downloading',
      done: 0.43,
    }),
    model({
      id: 'piper-en-joe',
      name: 'Piper Joe (en-US)',
      family: 'piper',
      engine: 'piper',
      stages: ['tts'],
      languages: ['en-US'],
      licence: 'CC0-1.0',
      mb: 63,
      state: 'installed',
      isDefault: ['tts'],
    }),
  ];
}

/** What is on record of a job that went well. */
export const records = (now: number): JournalEntry[] => {
  type Line = [after: number, kind: string, data?: JournalEntry['data'], stage?: Stage];
  const lines: Line[] = [
    [0, 'job.submitted'],
    [400, 'job.started'],
    [2500, 'instance.loaded', { model: 'Whisper large v3 turbo', ms: 2100 }, 'asr'],
    [3000, 'job.language', { language: 'en' }],
    [4000, 'ingest.finished', { utterances: 1240 }],
    [41_000, 'step.finished', { ms: 37_200 }, 'asr'],
    [52_000, 'step.finished', { ms: 9800 }, 'repair'],
    [60_000, 'job.completed'],
  ];
  return lines.map(([after, kind, data = {}, stage = null], seq) => ({
    seq,
    at: now - 90_000 + after,
    kind,
    job: id(1),
    index: null,
    stage,
    instance: null,
    data,
  }));
};

/** A busy watched folder at this path with its newest files, and one that is not there. */
export function watched(path: string, now: number): { folders: WatchedFolder[]; files: WatchedFile[] } {
  const file = (name: string, why: WatchedFile['decision'], secondsAgo: number): WatchedFile => ({
    path: `${path}/${name}`,
    folder: path,
    bytes: 9e6,
    at: now - secondsAgo * 1000,
    decision: why,
    job: null,
  });
  return {
    folders: [
      {
        spec: { path, options: { repair: true, translateTo: 'en', outputs: { formats: ['srt', 'json'] } } },
        state: 'watching',
        failure: null,
        since: now,
        counts: { taken: 128, refused: 1, waiting: 1, writing: 1 },
      },
      {
        spec: { path: '/media/recorder', options: { repair: true } },
        state: 'missing',
        failure: failure('noSuchFolder', { path: '/media/recorder' }),
        since: now,
        counts: { taken: 16, refused: 0, waiting: 0, writing: 0 },
      },
    ],
    files: [
      file('2026-11-22 late call.wav', decision('open'), 1),
      file('board meeting.mp4', decision('waiting'), 40),
      file('interview 7.m4a', decision('taken'), 300),
      file('interview 6.m4a', decision('taken'), 900),
      file('copy of interview 6.m4a', decision('duplicate', { of: `${path}/interview 6.m4a` }), 905),
      file('notes.wav', decision('refused', {}, failure('unreadableFile', { path: 'notes.wav' })), 4000),
    ],
  };
}

export function engines(): Engine[] {
  return [
    {
      id: 'faster-whisper',
      name: 'faster-whisper',
      stages: ['asr'],
      devices: ['cpu', 'gpu'],
      licence: 'MIT',
      runtimes: ['python'],
      state: 'ready',
      progress: null,
      failure: null,
    },
  ];
}

/**
 * Utterance `index` of the sample: five seconds each with half a second of silence between, a long pause before every
 * third.
 */
export function utterance(index: number, stages: readonly Stage[]): Utterance {
  const text = SENTENCES[index % SENTENCES.length]!,
    startMs = index * 5000 + Math.floor(index / 3) * 2500,
    words = text.split(' ');
  const raw = text.replace('Dashwood', 'Dash wood').replace('amiable', 'aimable');
  return {
    index,
    startMs,
    endMs: startMs + 4500,
    asr: {
      text: raw,
      language: 'en',
      languageProbability: 0.98,
      words: words.map((word, i) => ({
        text: word,
        startMs: startMs + Math.round((i * 4500) / words.length),
        endMs: startMs + Math.round(((i + 1) * 4500) / words.length),
        probability: 0.93,
      })),
    },
    ...(stages.includes('repair') ? { repair: { text, changes: [] } } : {}),
    ...(stages.includes('nmt') ? { nmt: { text: GERMAN[index % GERMAN.length]!, language: 'de' } } : {}),
  };
}

/** The sample's transcript with the times of the sample itself, two misheard words repaired, and a translation. */
export function sampleTranscript(path: string): Transcript {
  const times = [
    [120, 6900],
    [7500, 14_400],
    [15_000, 21_600],
    [22_200, 25_200],
  ] as const;
  const mishear: Record<number, [number, string]> = { 0: [3, 'dash-wood'], 2: [5, 'aimable'] };
  return {
    earshot: 1,
    recording: { path, name: path.split('/').at(-1)!, durationMs: 27_700 },
    language: 'en',
    translatedTo: 'de',
    models: { asr: 'whisper-base', repair: 'qwen2.5-1.5b-q4', nmt: 'qwen2.5-1.5b-q4' },
    warnings: [],
    utterances: SENTENCES.map((text, index) => {
      const [startMs, endMs] = times[index]!,
        right = text.split(' '),
        [at, wrong] = mishear[index] ?? [-1, ''],
        said = right.map((word, i) => (i === at ? wrong : word)),
        step = (endMs - startMs) / said.length;
      return {
        index,
        startMs,
        endMs,
        asr: {
          text: said.join(' '),
          language: 'en',
          languageProbability: 0.99,
          words: said.map((word, i) => ({
            text: word,
            startMs: Math.round(startMs + i * step),
            endMs: Math.round(startMs + (i + 1) * step),
            probability: 0.9,
          })),
        },
        ...(at >= 0
          ? {
              repair: {
                text,
                changes: [{ from: at, to: at + 1, before: wrong, after: right[at]!, source: 'model' as const }],
              },
            }
          : {}),
        nmt: { text: GERMAN[index]!, language: 'de' },
      };
    }),
  };
}

/** The same with two voices, told apart and not named yet. */
export function sampleDialogue(path: string): Transcript {
  const whole = sampleTranscript(path),
    who = ['S1', 'S1', 'S2', 'S1'];
  return {
    ...whole,
    speakers: { S1: 'AAAA', S2: 'BBBB' },
    utterances: whole.utterances.map((u, n) => ({ ...u, speaker: who[n]! })),
  };
}

/** Three hours of two people talking: some 2,500 utterances of a dozen words each, one word in forty doubtful. */
export function longTranscript(path: string, utterances = 2500): Transcript {
  const each = (3 * 3_600_000) / utterances,
    spoken = SENTENCES.map(sentence => sentence.split(' ').slice(0, 12));
  return {
    earshot: 1,
    recording: { path, name: path.split('/').at(-1)!, durationMs: 3 * 3_600_000 },
    language: 'en',
    translatedTo: null,
    models: { asr: 'whisper-base' },
    warnings: [],
    speakers: { S1: 'AAAA', S2: 'BBBB' },
    utterances: Array.from({ length: utterances }, (_, index) => {
      const words = [`No${index}`, ...spoken[index % spoken.length]!],
        startMs = Math.round(index * each),
        endMs = Math.round(startMs + each * 0.9),
        step = (endMs - startMs) / words.length;
      return {
        index,
        startMs,
        endMs,
        speaker: index % 7 < 4 ? 'S1' : 'S2',
        asr: {
          text: words.join(' '),
          language: 'en',
          languageProbability: 0.99,
          words: words.map((text, i) => ({
            text,
            startMs: Math.round(startMs + i * step),
            endMs: Math.round(startMs + (i + 1) * step),
            probability: (index * 13 + i) % 40 === 5 ? 0.3 : 0.95,
          })),
        },
      };
    }),
  };
}
