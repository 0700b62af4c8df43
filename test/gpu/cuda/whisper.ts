/**
 * Whisper on the device, where this Python has faster-whisper and the model lies here: the daemon's own worker, in its
 * sandbox, on a real recording. The first words after loading, and memory against what the model's card says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, WorkerContext } from '../../../daemon/contracts/engine.ts';
import { pythonKitFile, pythonWorkerFile } from '../../../daemon/engines/files.ts';
import { fasterWhisper } from '../../../daemon/engines/faster-whisper/engine.ts';
import { readRegistry } from '../../../daemon/models/registry.ts';
import { sandboxSupport } from '../../../daemon/workers/sandbox/linux.ts';
import { workerPermissions } from '../../../daemon/workers/sandbox/permissions.ts';
import { Worker } from '../../../daemon/workers/worker.ts';
import type { ModelCard } from '../../../schemas/model.ts';
import { mib, processOn, readingOf, type Cuda } from './machine.ts';
import { Missing, type Section } from './report.ts';

const SAMPLE = join(import.meta.dirname, '../../../samples/sense-and-sensibility.flac');
const WORDS = /John Dashwood had then leisure to consider/i;

/** Of the model and of the sound, where they lie. */
export interface WhisperPlace {
  /** The folder of the model `whisper-base`; left out: where Earshot installs it. */
  model?: string;
  device: WorkerContext['device'];
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

export async function whisper(cuda: Cuda, section: Section, { model, device }: WhisperPlace): Promise<void> {
  const directory = model ?? join(homedir(), '.local/share/earshot/models/whisper-base');
  if (!existsSync(join(directory, 'model.bin')))
    throw new Missing(`no Whisper in ${directory}; name its folder with --whisper`);
  const folder = mkdtempSync(join(tmpdir(), 'earshot-whisper-')),
    pcm = join(folder, 'sample.pcm');
  try {
    const decoded = spawnSync(cuda.python, ['-c', DECODE, SAMPLE, pcm, device.kind], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (decoded.error) throw decoded.error;
    if (decoded.status !== 0) throw new Missing(decoded.stderr.trim().split('\n').at(-1) || 'no faster-whisper here');
    await firstWords(cuda, section, {
      directory,
      device,
      folder,
      pcm,
      prefix: decoded.stdout.trim().split('\n').at(-1)!,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const whisperCard = (): ModelCard => readRegistry().models.find(each => each.id === 'whisper-base')!;

/** The daemon's engine, on another Python than its own. */
const onPython = (python: string): Engine => ({
  ...fasterWhisper,
  command: () => ({
    program: python,
    args: ['-I', '-X', 'utf8', pythonKitFile(), pythonWorkerFile('faster-whisper'), 'faster-whisper'],
    env: {},
  }),
});

interface Place {
  directory: string;
  device: WorkerContext['device'];
  folder: string;
  pcm: string;
  /** Where this Python's packages are. */
  prefix: string;
}

async function firstWords(
  cuda: Cuda,
  section: Section,
  { directory, device, folder, pcm, prefix }: Place,
): Promise<void> {
  const card = whisperCard(),
    engine = onPython(cuda.python),
    context: WorkerContext = { card, runtime: () => prefix, device, threads: 2 },
    { program, env } = engine.command(context);
  const confined = !('reason' in sandboxSupport()),
    permissions = confined
      ? workerPermissions({
          engine,
          context,
          program,
          env,
          directories: [directory],
          audio: folder,
          cache: join(folder, 'cache'),
        })
      : null;
  const begun = performance.now(),
    over = Promise.withResolvers<string>();
  let text = '',
    loadMs = 0,
    wordsMs = 0;
  const worker = new Worker(
    {
      id: 'whisper',
      engine,
      context,
      permissions,
      lowPriority: false,
      logPath: join(folder, 'log'),
      heartbeatTimeoutMs: 60_000,
      loadTimeoutMs: 120_000,
    },
    {
      loaded: () => {
        loadMs = performance.now() - begun;
        const audio = { path: pcm, startSample: 0, endSample: statSync(pcm).size / 2 };
        worker.run(
          {
            type: 'run',
            id: 'first',
            stage: 'asr',
            steps: [{ index: 0, input: { audio, language: 'en', prompt: '', hotwords: [] } }],
          },
          120_000,
        );
      },
      result: (_, __, output) => {
        wordsMs = performance.now() - begun - loadMs;
        text = (output as { text: string }).text;
      },
      done: () => over.resolve(text),
      failed: (_, why) => over.reject(new Error(`${why.code}: ${why.detail ?? ''}`)),
      progress: () => {},
      heartbeat: () => {},
      exit: why => over.reject(new Error(`${why.code}: ${why.detail ?? ''}`)),
    },
  );
  try {
    worker.load({
      type: 'load',
      stage: 'asr',
      model: card.id,
      directory,
      parameters: {},
      device,
      precision: device.kind === 'gpu' ? 'float16' : 'int8',
      threads: context.threads,
    });
    await over.promise;
    section.check('Whisper base hears the sample', WORDS.test(text), text.slice(0, 80));
    section.table(
      ['loaded after, ms', `words of ${(statSync(pcm).size / 32_000).toFixed(0)} s after, ms`, 'sandbox'],
      [[Math.round(loadMs), Math.round(wordsMs), confined ? 'on' : 'not on this system']],
    );
    if (device.kind === 'gpu') {
      const held = processOn(await readingOf(cuda), worker.pid!)?.bytes ?? null,
        most = card.memory.gpu!;
      if (held !== null)
        section.check('memory within what its card says', held <= most, `${mib(held)} of ${mib(most)}`);
    }
  } finally {
    worker.kill();
  }
}
