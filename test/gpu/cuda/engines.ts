/**
 * Real engines on the device, where they are at hand: Whisper where this Python has faster-whisper, a language model
 * where llama.cpp's runtime was installed for a GPU. First answers after loading, and memory against the models' cards.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, WorkerContext } from '../../../daemon/contracts/engine.ts';
import { pythonKitFile, pythonWorkerFile } from '../../../daemon/engines/files.ts';
import { fasterWhisper } from '../../../daemon/engines/faster-whisper/engine.ts';
import { llama } from '../../../daemon/engines/llama/engine.ts';
import type { Cuda } from './machine.ts';
import { oneRun } from './one-run.ts';
import { Missing, type Section } from './report.ts';

const SAMPLE = join(import.meta.dirname, '../../../samples/sense-and-sensibility.flac');
const WORDS = /John Dashwood had then leisure to consider/i;
const WHISPER = 'whisper-base',
  LANGUAGE_MODEL = 'qwen2.5-coder-0.5b-instruct';

export interface EnginePlaces {
  /** Where Earshot keeps models and runtimes; left out: where it does by default. */
  data?: string;
  device: WorkerContext['device'];
}

/** Each that is here. @throws Missing where none is */
export async function engines(cuda: Cuda, section: Section, { data, device }: EnginePlaces): Promise<void> {
  const place = data ?? join(homedir(), '.local/share/earshot'),
    folder = mkdtempSync(join(tmpdir(), 'earshot-engines-')),
    missing: string[] = [];
  try {
    for (const part of [whisper, languageModel])
      await part(cuda, section, { place, device, folder }).catch((error: unknown) => {
        if (!(error instanceof Missing)) throw error;
        missing.push(error.message);
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (missing.length === 2) throw new Missing(missing.join('; '));
  for (const why of missing) section.note(`Left out: ${why}.`);
}

interface Here {
  place: string;
  device: WorkerContext['device'];
  folder: string;
}

function modelIn(place: string, id: string): string {
  const directory = join(place, 'models', id);
  if (!existsSync(directory)) throw new Missing(`no ${directory}; name Earshot's folder with --data`);
  return directory;
}

const DECODE = `
import sys
from faster_whisper.audio import decode_audio
(decode_audio(sys.argv[1]) * 32767).astype("<i2").tofile(sys.argv[2])
if sys.argv[3] == "gpu":
    import ctranslate2
    if ctranslate2.get_cuda_device_count() == 0:
        sys.exit("CTranslate2 finds no CUDA device")
print(sys.prefix)
`;

/** The daemon's engine, on another Python than its own. */
const onPython = (python: string): Engine => ({
  ...fasterWhisper,
  command: () => ({
    program: python,
    args: ['-I', '-X', 'utf8', pythonKitFile(), pythonWorkerFile('faster-whisper'), 'faster-whisper'],
    env: {},
  }),
});

async function whisper(cuda: Cuda, section: Section, { place, device, folder }: Here): Promise<void> {
  const directory = modelIn(place, WHISPER),
    path = join(folder, 'sample.pcm');
  const decoded = spawnSync(cuda.python, ['-c', DECODE, SAMPLE, path, device.kind], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (decoded.error) throw decoded.error;
  if (decoded.status !== 0) throw new Missing(decoded.stderr.trim().split('\n').at(-1) || 'no faster-whisper');
  const prefix = decoded.stdout.trim().split('\n').at(-1)!;
  const { text } = await oneRun(cuda, section, {
    ...{ directory, device, folder, stage: 'asr', model: WHISPER },
    engine: onPython(cuda.python),
    runtime: () => prefix,
    precision: device.kind === 'gpu' ? 'float16' : 'int8',
    input: {
      audio: { path, startSample: 0, endSample: statSync(path).size / 2 },
      ...{ language: 'en', prompt: '', hotwords: [] },
    },
  });
  section.check('Whisper base hears the sample', WORDS.test(text), text.slice(0, 80));
}

async function languageModel(cuda: Cuda, section: Section, { place, device, folder }: Here): Promise<void> {
  const directory = modelIn(place, LANGUAGE_MODEL),
    runtimes = join(place, 'runtimes'),
    runtime = (id: string): string | undefined => readdirSync(runtimes).findLast(name => name.startsWith(`${id}-`));
  const packs = runtime('llama');
  if (!packs) throw new Missing(`no llama.cpp in ${runtimes}`);
  if (device.kind === 'gpu' && !existsSync(join(runtimes, packs, 'node_modules/@node-llama-cpp/linux-x64-cuda')))
    throw new Missing('llama.cpp is installed without its CUDA build');
  const { text } = await oneRun(cuda, section, {
    ...{ directory, device, folder, stage: 'nmt', model: LANGUAGE_MODEL, engine: llama, precision: 'default' },
    runtime: id => join(runtimes, runtime(id) ?? id),
    input: { text: 'The train to Madrid leaves at nine.', from: 'en', to: 'es', before: [], glossary: [] },
  });
  section.check('a language model translates a sentence', /Madrid/.test(text), text);
}
