/**
 * Who runs: the ways in which people use faster-whisper, and Earshot cold and warm. All with the same weights,
 * precision, threads and language.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { modelFolder } from '../../../test/engines/place.ts';
import { run, type Measured } from './run.ts';
import { CACHE, type Recording } from './speech.ts';

export interface Contestant {
  id: string;
  name: string;
  once(recordings: readonly Recording[], round: number): Promise<Measured>;
  end?(): void;
}

const MODEL = 'whisper-base',
  LANGUAGE = 'en';
export const THREADS = availableParallelism();
const root = join(import.meta.dirname, '..', '..', '..');

/** The rivals' own Python environment, made once beside the sounds. Null: there is no way to get it. */
export function rivals(): { python: string; cli: string; versions: string } | null {
  const venv = join(CACHE, 'venv'),
    python = join(venv, 'bin', 'python'),
    cli = join(venv, 'bin', 'whisper-ctranslate2');
  if (!existsSync(cli)) {
    console.log('Installing whisper-ctranslate2 into an environment of the benchmark’s own (once)…');
    if (
      spawnSync('python3', ['-m', 'venv', venv], { stdio: 'ignore' }).status !== 0 ||
      spawnSync(python, ['-m', 'pip', 'install', '--quiet', 'whisper-ctranslate2==0.5.8'], { stdio: 'inherit' })
        .status !== 0
    )
      return null;
  }
  const { stdout } = spawnSync(
    python,
    [
      '-c',
      'import importlib.metadata as m; print(", ".join(f"{n} {m.version(n)}" for n in ("whisper-ctranslate2", ' +
        '"faster-whisper", "ctranslate2")))',
    ],
    { encoding: 'utf8' },
  );
  return { python, cli, versions: stdout.trim() };
}

const merge = (parts: readonly Measured[]): Measured => ({
  seconds: parts.reduce((sum, each) => sum + each.seconds, 0),
  firstSeconds: parts[0]?.firstSeconds ?? null,
  peakBytes: Math.max(...parts.map(each => each.peakBytes)),
  cpuSeconds: parts.reduce((sum, each) => sum + each.cpuSeconds, 0),
  texts: new Map(parts.flatMap(each => [...each.texts])),
});

export function contestants(): Contestant[] {
  const model = modelFolder(MODEL),
    theirs = rivals();
  if (!model) throw new Error(`${MODEL} is not installed: run npm start first`);
  const all: Contestant[] = [];
  if (theirs) {
    const ct2 = async (recordings: readonly Recording[], mark: string): Promise<Measured> => {
      const out = mkdtempSync(join(tmpdir(), 'earshot-bench-')),
        began = performance.now();
      let first: number | null = null;
      const watcher = watch(out, () => {
        first ??= (performance.now() - began) / 1000;
      });
      try {
        const measured = await run(
          {
            program: theirs.cli,
            args: [
              ...recordings.map(each => each.path),
              '--model_directory',
              model,
              '--device',
              'cpu',
              '--compute_type',
              'int8',
              '--threads',
              String(THREADS),
              '--language',
              LANGUAGE,
              '--output_format',
              'txt',
              '--output_dir',
              out,
              '--verbose',
              'False',
            ],
          },
          mark,
          () => null,
        );
        const texts = new Map(
          globSync('*.txt', { cwd: out }).map(file => [
            recordings.find(each => basename(each.path, '.wav') === basename(file, '.txt'))?.path ?? file,
            readFileSync(join(out, file), 'utf8'),
          ]),
        );
        return { ...measured, firstSeconds: first ?? measured.seconds, texts };
      } finally {
        watcher.close();
        rmSync(out, { recursive: true, force: true });
      }
    };
    const script =
      (how: string) =>
      (recordings: readonly Recording[], round: number): Promise<Measured> =>
        run(
          {
            program: theirs.python,
            args: [
              join(import.meta.dirname, 'rivals.py'),
              how,
              model,
              String(THREADS),
              LANGUAGE,
              ...recordings.map(each => each.path),
            ],
          },
          `${how}-${process.pid}-${round}`,
          line => JSON.parse(line) as { path: string; text: string },
        );
    all.push(
      {
        id: 'each',
        name: 'whisper-ctranslate2, once per file',
        once: async (recordings, round) => {
          const parts: Measured[] = [];
          for (const each of recordings) parts.push(await ct2([each], `each-${process.pid}-${round}`));
          return merge(parts);
        },
      },
      {
        id: 'all',
        name: 'whisper-ctranslate2, all files at once',
        once: (recordings, round) => ct2(recordings, `all-${process.pid}-${round}`),
      },
      { id: 'loop', name: 'faster-whisper in a loop, model kept', once: script('loop') },
      { id: 'batched', name: 'faster-whisper, BatchedInferencePipeline of 4', once: script('batched') },
    );
  }
  let state = '';
  const earshot = (recordings: readonly Recording[], mark: string): Promise<Measured> => {
    // A state folder of its own, marked, so that the daemon's processes are found too.
    const ids = new Map<string, string>();
    return run(
      {
        program: join(root, 'bin', 'earshot'),
        args: [
          'transcribe',
          '--json',
          '--again',
          '--no-repair',
          '--language',
          LANGUAGE,
          '--model',
          `asr=${MODEL}`,
          '--format',
          'txt',
          '--output',
          join(state, 'texts'),
          ...recordings.map(each => each.path),
        ],
        env: { EARSHOT_STATE: state, LANG: 'C.UTF-8' },
      },
      mark,
      line => {
        const event = JSON.parse(line) as {
          type: string;
          job?: string | { id: string; recording: { path: string } };
          utterance?: { index: number; asr?: { text: string } };
        };
        if (event.type === 'job' && typeof event.job === 'object') ids.set(event.job.id, event.job.recording.path);
        return event.type === 'utterance' && typeof event.job === 'string' && event.utterance?.asr
          ? { path: `${event.job}`, text: event.utterance.asr.text }
          : null;
      },
    ).then(measured => ({
      ...measured,
      texts: new Map([...measured.texts].map(([id, text]) => [ids.get(id) ?? id, text])),
    }));
  };
  const stop = (): void => {
    if (!state) return;
    spawnSync(join(root, 'bin', 'earshot'), ['daemon', 'stop', '--now'], {
      env: { ...process.env, EARSHOT_STATE: state },
      stdio: 'ignore',
    });
    rmSync(state, { recursive: true, force: true });
    state = '';
  };
  all.push(
    {
      id: 'cold',
      name: '**Earshot**, from a cold start',
      once: recordings => {
        stop();
        state = mkdtempSync(join(tmpdir(), 'earshot-bench-'));
        return earshot(recordings, `EARSHOT_STATE=${state}`);
      },
    },
    // Behind the cold run: the daemon and its models are there, as they are for somebody at work.
    {
      id: 'warm',
      name: '**Earshot**, already running',
      once: recordings => earshot(recordings, `EARSHOT_STATE=${state}`),
      end: stop,
    },
  );
  return all;
}
