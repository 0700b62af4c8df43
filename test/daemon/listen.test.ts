/**
 * `earshot listen` as a person uses it: a pipe, a device, Ctrl-C, and a daemon that dies meanwhile. The recogniser is
 * the fake one.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Job } from '../../schemas/job.ts';
import { posixOnly } from '../only.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts'),
  SPEECH = join(SAMPLES, 'sense-and-sensibility.flac');

describe('earshot listen', { timeout: 180_000 }, () => {
  const daemon = new RealDaemon({
    models: [fakeModel('fake-asr', 'asr', { ms: 5 }), fakeModel('fake-repair', 'repair', { ms: 5 })],
    settings: { cpuThreads: 8, loadedModels: 8 },
  });
  const env = { ...process.env, EARSHOT_STATE: daemon.home.state, EARSHOT_DATA: daemon.home.data, LANG: 'C' };
  let pcm: Buffer;
  before(async () => {
    await daemon.start();
    const { ffmpeg } = await daemon.client.call('live/recorder', {});
    pcm = spawnSync(ffmpeg, ['-v', 'error', '-i', SPEECH, '-ar', '16000', '-ac', '1', '-f', 's16le', '-'], {
      maxBuffer: 1e8,
    }).stdout;
  });
  after(() => daemon.close());

  const listen = (
    ...args: string[]
  ): {
    child: ChildProcess;
    out: () => string;
    err: () => string;
    said(pattern: RegExp): Promise<void>;
    ended: Promise<number | null>;
  } => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, 'listen', ...args], {
      env,
      stdio: 'pipe',
      cwd: daemon.root,
    });
    let out = '',
      err = '',
      look = (): void => {};
    child.stdout.on('data', (data: Buffer) => {
      out += data;
      look();
    });
    child.stderr.on('data', (data: Buffer) => {
      err += data;
      look();
    });
    return {
      child,
      out: () => out,
      err: () => err,
      ended: once(child, 'close').then(([code]) => code as number | null),
      said: pattern =>
        new Promise((resolve, reject) => {
          look = () => {
            if (pattern.test(out)) resolve();
          };
          child.once('close', () => reject(new Error(`ended without ${pattern}: ${out}${err}`)));
          look();
        }),
    };
  };

  it('PCM from a pipe: text comes before the end, files where they were asked for', async () => {
    const { child, said, out, err, ended } = listen(
      '-',
      '--pcm',
      '--language',
      'en',
      '-f',
      'txt',
      '--save',
      'kept.wav',
      '--name',
      'talk',
    );
    child.stdin!.write(pcm.subarray(0, pcm.length / 2));
    await said(/0:00\tUtterance 0 \w+/);
    child.stdin!.end(pcm.subarray(pcm.length / 2));
    assert.equal(await ended, 0, err());
    assert.equal(out().trim().split('\n').length, 5);
    assert.match(readFileSync(join(daemon.root, 'talk.txt'), 'utf8'), /Utterance 4/);
    assert.equal(readFileSync(join(daemon.root, 'kept.wav')).length, pcm.length + 44);
  });

  const ctrlC = { skip: posixOnly('Ctrl-C as a signal from another program') };
  it('a device, until Ctrl-C; the last words are waited for, and the glossary of the folder holds', ctrlC, async () => {
    mkdirSync(join(daemon.root, '.earshot'));
    writeFileSync(join(daemon.root, '.earshot', 'glossary.md'), '- Dashwood\n');
    const { child, said, out, err, ended } = listen('--device', `file:${SPEECH}`, '--language', 'en', '--json');
    await said(/"type":"job".*"ingestedMs":[1-9]\d{3}/);
    child.kill('SIGINT');
    assert.equal(await ended, 0, err());
    const events = out()
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as { type: string; job?: Job }),
      last = events.findLast(({ type }) => type === 'job')!.job!;
    assert.equal(last.state, 'completed');
    assert.ok(
      last.recording.durationMs! >= 1000 && last.recording.durationMs! < 20_000,
      String(last.recording.durationMs),
    );
    assert.deepEqual(last.options.glossary, [{ term: 'Dashwood' }]);
    assert.ok(events.some(({ type }) => type === 'utterance'));
    assert.ok(!existsSync(join(daemon.root, 'talk (2).txt')));
  });

  it('what cannot be recorded is said, and nothing is left behind', async () => {
    const { out, err, ended } = listen('--device', 'lavfi:nonsense');
    assert.equal(await ended, 1);
    assert.match(err(), /Cannot record audio from lavfi:nonsense/);
    assert.equal(out(), '');
    const { jobs } = await daemon.client.call('job/list', { limit: 1 });
    assert.deepEqual([jobs[0]!.live!.open, jobs[0]!.progress.utterances], [false, 0]);
  });

  it('goes on when the daemon is killed, and misses nothing', async () => {
    const { child, said, out, err, ended } = listen('-', '--pcm', '--language', 'en');
    child.stdin!.write(pcm.subarray(0, pcm.length / 2));
    await said(/Utterance 1 /);
    await daemon.kill();
    child.stdin!.end(pcm.subarray(pcm.length / 2));
    assert.equal(await ended, 0, err());
    assert.deepEqual(
      out().match(/Utterance \d/g),
      [0, 1, 2, 3, 4].map(n => `Utterance ${n}`),
      out(),
    );
    // The command line has started another; ours takes its place.
    assert.equal(spawnSync(process.execPath, [CLI, 'daemon', 'stop', '--now'], { env }).status, 0);
    await daemon.start();
  });

  it('ends when the daemon is told to leave, also while sound still comes', async () => {
    const { child, said, err, ended } = listen('-', '--pcm', '--language', 'en');
    child.stdin!.on('error', () => {}); // it reads no further once it ends
    child.stdin!.write(pcm.subarray(0, pcm.length / 2));
    await said(/Utterance 0 /);
    await daemon.stop();
    assert.equal(await ended, 0, err());
    assert.match(err(), /continues when it starts again/);
  });
});
