/** Kokoro as the daemon runs it, with its real weights: short words, because it takes about as long as it speaks. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { kokoro } from '../../daemon/engines/kokoro/engine.ts';
import { prepareKokoro } from '../../daemon/engines/kokoro/model.ts';
import { speechOf } from '../../daemon/engines/kokoro/voices.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { Worker } from '../../daemon/workers/worker.ts';
import type { StepInputs, StepOutputs } from '../../daemon/contracts/worker-protocol.ts';
import type { Failure } from '../../schemas/errors.ts';
import { voicesOf } from '../../text/voices.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { missing, modelFolder, sherpa } from './place.ts';

const model = modelFolder('kokoro'),
  card = readRegistry().models.find(one => one.id === 'kokoro')!,
  folder = mkdtempSync(join(tmpdir(), 'earshot-kokoro-'));
after(() => rmSync(folder, { recursive: true, force: true }));

type Said = Omit<StepInputs['tts'], 'path'>;

/** One worker's life: what it says of each step, or why it does not. */
function speaking(): {
  ready: Promise<void>;
  say: (name: string, steps: readonly Said[]) => Promise<StepOutputs['tts'][]>;
  end: () => Promise<void>;
} {
  const ready = Promise.withResolvers<void>(),
    gone = Promise.withResolvers<void>(),
    runs: { made: StepOutputs['tts'][]; over: PromiseWithResolvers<StepOutputs['tts'][]> }[] = [],
    device = { kind: 'cpu' } as const;
  const worker = new Worker(
    {
      id: 'test',
      engine: kokoro,
      context: { card, runtime: () => sherpa!, device, threads: 2 },
      logPath: join(folder, 'worker.log'),
      lowPriority: false,
      heartbeatTimeoutMs: 120_000,
      loadTimeoutMs: 120_000,
    },
    {
      loaded: () => ready.resolve(),
      progress: () => {},
      heartbeat: () => {},
      exit: () => gone.resolve(),
      result: (_, __, output) => void runs[0]!.made.push(output as StepOutputs['tts']),
      done: () => {
        const { made, over } = runs.shift()!;
        over.resolve(made);
      },
      failed: (run, failure: Failure) => (run === undefined ? ready : runs.shift()!.over).reject(failure),
    },
  );
  worker.load({
    type: 'load',
    stage: 'tts',
    model: card.id,
    directory: model!,
    parameters: card.parameters ?? {},
    device,
    precision: 'int8',
    threads: 2,
  });
  return {
    ready: ready.promise,
    say(name, steps) {
      const over = Promise.withResolvers<StepOutputs['tts'][]>();
      runs.push({ made: [], over });
      worker.run(
        {
          type: 'run',
          id: name,
          stage: 'tts',
          steps: steps.map((input, index) => ({
            index,
            input: { ...input, path: join(folder, `${name}-${index}.wav`) },
          })),
        },
        240_000,
      );
      return over.promise;
    },
    async end() {
      worker.unload();
      await gone.promise;
    },
  };
}

describe('kokoro', { skip: missing({ 'the sherpa runtime': sherpa, kokoro: model }), timeout: 240_000 }, () => {
  it('speaks at 24 kHz, in the voice that is asked for, and a language after the other', async () => {
    const { ready, say, end } = speaking();
    try {
      await ready;
      const made = await say('a', [
        { text: 'Good day.', language: 'en' },
        { text: 'Good day.', language: 'en', voice: 'bm_george' },
        { text: 'Buenas.', language: 'es' },
      ]);
      for (const { path, sampleRate, durationMs } of made) {
        const wav = readFileSync(path),
          samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
        assert.equal(sampleRate, 24_000);
        assert.ok(durationMs > 400 && durationMs < 4000, `${durationMs} ms`);
        assert.ok(Math.max(...samples) > 2000, 'it can be heard');
      }
      assert.notDeepEqual(readFileSync(made[0]!.path), readFileSync(made[1]!.path), 'another voice');
      await assert.rejects(say('b', [{ text: 'No.', language: 'en', voice: 'nobody' }]), { code: 'noVoice' });
    } finally {
      await end();
    }
  });
  it('that is damaged is refused before the library reads it', async () => {
    const names = voicesOf(card),
      broken = join(folder, 'broken'),
      cache = join(folder, 'cache');
    mkdirSync(broken);
    copyFileSync(join(model!, 'voices.bin'), join(broken, 'voices.bin'));
    writeFileSync(join(broken, 'model.onnx'), 'not a model');
    await assert.rejects(prepareKokoro(broken, cache, names), failsWith('modelBroken'));
    truncateSync(join(broken, 'voices.bin'), 1000);
    await assert.rejects(prepareKokoro(broken, cache, names), failsWith('modelBroken'));
  });
});

it('every language of Kokoro’s has a voice of its own that there is', () => {
  for (const language of card.languages) assert.ok(voicesOf(card).includes(speechOf(language)!.voice), language);
  assert.equal(speechOf('pt-PT')!.voice, 'pf_dora');
  assert.equal(speechOf('de'), null);
});
