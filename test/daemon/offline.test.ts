/** Offline and a server elsewhere: what is asked for is refused, and what runs ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../schemas/errors.ts';
import { fakeModel, Harness } from './harness.ts';

test(
  'a model that the settings forbid: refused, its instance ended, jobs that need it failed',
  { timeout: 30_000 },
  async () => {
    const harness = await Harness.open({ models: [fakeModel('a', 'asr', { ms: 60_000 })], utterances: () => [1000] });
    try {
      const plain = { repair: false, translateTo: undefined };
      const [job] = await harness.submit(['talk.wav'], plain);
      await harness.until('it runs', () => [...harness.pipeline.instances.values()].some(instance => instance.run));
      Object.assign(harness.deps.catalogue, {
        forbidden: () => failure('offline', { server: 'http://far', model: 'a' }),
      });
      harness.pipeline.forbid();
      const [ended] = await harness.ended([job!]);
      assert.deepEqual([ended!.state, ended!.failure?.code], ['failed', 'offline']);
      await harness.until('nothing is loaded', () => harness.pipeline.instances.size === 0);
      await assert.rejects(harness.submit(['other.wav'], plain), /offline.*http:\/\/far/);
    } finally {
      await harness.close();
    }
  },
);
