/** The Piper engine as the daemon runs it, with a real voice. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { piper } from '../../daemon/engines/piper/engine.ts';
import { Worker } from '../../daemon/workers/worker.ts';
import type { StepOutputs } from '../../daemon/contracts/worker-protocol.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { missing, modelFolder, sherpa } from './place.ts';

const voice = modelFolder('piper-en-us-joe-medium');
const folder = mkdtempSync(join(tmpdir(), 'earshot-piper-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const card: ModelCard = {
  id: 'voice',
  name: 'Voice',
  family: 'piper',
  engine: 'piper',
  stages: ['tts'],
  languages: ['en'],
  licence: '',
  homepage: '',
  files: [],
  memory: {},
  precision: {},
  size: 1,
};
const RUN_MS = 120_000;

class Voice {
  readonly worker: Worker;
  private readonly waiting: { resolve: (outputs: StepOutputs['tts'][]) => void; reject: (failure: Failure) => void }[] =
    [];
  private outputs: StepOutputs['tts'][] = [];
  readonly ready: Promise<void>;
  readonly gone: Promise<void>;
  onProgress: () => void = () => {};

  constructor(directory: string, threads: number) {
    let loaded!: () => void, failed!: (failure: Failure) => void, left!: () => void;
    this.ready = new Promise((resolve, reject) => {
      loaded = resolve;
      failed = reject;
    });
    this.gone = new Promise(resolve => {
      left = resolve;
    });
    const device = { kind: 'cpu' } as const;
    this.worker = new Worker(
      {
        id: 'test',
        engine: piper,
        context: { card, runtime: () => sherpa!, device, threads },
        logPath: join(folder, 'worker.log'),
        lowPriority: false,
        heartbeatTimeoutMs: 120_000,
        loadTimeoutMs: 150_000,
      },
      {
        loaded: () => loaded(),
        progress: () => this.onProgress(),
        heartbeat: () => {},
        exit: () => left(),
        result: (_, __, output) => {
          this.outputs.push(output as StepOutputs['tts']);
        },
        done: () => {
          const outputs = this.outputs;
          this.outputs = [];
          this.waiting.shift()!.resolve(outputs);
        },
        failed: (run, failure) => {
          if (run === undefined) failed(failure);
          else this.waiting.shift()!.reject(failure);
        },
      },
    );
    this.worker.load({
      type: 'load',
      stage: 'tts',
      model: 'voice',
      directory,
      parameters: {},
      device,
      precision: 'float32',
      threads,
    });
  }
  speak(texts: readonly string[], name: string): Promise<StepOutputs['tts'][]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.run(
        {
          type: 'run',
          id: name,
          stage: 'tts',
          steps: texts.map((text, index) => ({
            index,
            input: { text, language: 'en', path: join(folder, `${name}-${index}.wav`) },
          })),
        },
        RUN_MS,
      );
    });
  }
  async end(): Promise<void> {
    this.worker.unload();
    await this.gone;
  }
}
const bytes = (name: string): Buffer => readFileSync(join(folder, name));

describe(
  'piper',
  { skip: missing({ 'the sherpa runtime': sherpa, 'the voice piper-en-us-joe-medium': voice }) },
  () => {
    const texts = ['He might even have been made amiable himself.', '...', 'It costs $3. Visit www.asterisk.org!'];
    test('equal text gives equal files, whatever was said before and with however many threads', async () => {
      const one = new Voice(voice!, 1);
      await one.ready;
      const outputs = await one.speak(texts, 'one');
      await one.end();
      assert.deepEqual(
        outputs.map(output => output.path),
        texts.map((_, index) => join(folder, `one-${index}.wav`)),
      );
      assert.ok(outputs[0]!.durationMs > 1500 && outputs[0]!.durationMs < 6000);
      assert.deepEqual([outputs[1]!.durationMs, bytes('one-1.wav').length], [0, 44]);
      for (const [index, { durationMs, sampleRate }] of outputs.entries()) {
        const wav = bytes(`one-${index}.wav`);
        assert.deepEqual(
          [sampleRate, wav.readUInt32LE(24), Math.round((((wav.length - 44) / 2) * 1000) / sampleRate)],
          [22050, 22050, durationMs],
        );
      }
      const two = new Voice(voice!, 2);
      await two.ready;
      await two.speak([texts[2]!, texts[0]!], 'two');
      await two.end();
      assert.ok(bytes('two-0.wav').equals(bytes('one-2.wav')) && bytes('two-1.wav').equals(bytes('one-0.wav')));
      // It is a voice, not noise and not silence.
      const samples = bytes('one-0.wav').subarray(44),
        loudest = Math.max(
          ...Array.from({ length: samples.length / 2 }, (_, n) => Math.abs(samples.readInt16LE(n * 2))),
        );
      assert.ok(loudest > 3000 && loudest <= 32768, `${loudest}`);
    });
    test('cancelled between two parts: no file, and the voice goes on', async () => {
      const speaker = new Voice(voice!, 2);
      await speaker.ready;
      speaker.onProgress = () => {
        speaker.onProgress = () => {};
        speaker.worker.cancel('long');
      };
      await assert.rejects(
        speaker.speak(['One sentence is said here. '.repeat(40)], 'long'),
        (failure: Failure) => failure.code === 'cancelled',
      );
      assert.equal(existsSync(join(folder, 'long-0.wav')), false);
      assert.equal((await speaker.speak(['Again.'], 'again')).length, 1);
      await speaker.end();
    });
    test('broken voices are refused by name', async () => {
      const refused = async (name: string, spoil: (directory: string, file: string) => void): Promise<void> => {
        const directory = join(folder, name);
        mkdirSync(directory);
        const file = readdirSync(voice!).find(each => each.endsWith('.onnx'))!;
        for (const each of [file, `${file}.json`]) copyFileSync(join(voice!, each), join(directory, each));
        spoil(directory, file);
        const broken = new Voice(directory, 1);
        await assert.rejects(broken.ready, (failure: Failure) => {
          assert.equal(failure.code, 'modelBroken', name);
          return true;
        });
        await broken.gone;
      };
      await refused('cut', (directory, file) => truncateSync(join(directory, file), 1_000_000));
      await refused('no settings', (directory, file) => rmSync(join(directory, `${file}.json`)));
      await refused('no phonemes', (directory, file) =>
        writeFileSync(
          join(directory, `${file}.json`),
          '{"audio":{"sample_rate":22050},"espeak":{"voice":"en"},"phoneme_id_map":{}}',
        ),
      );
    });
  },
);
