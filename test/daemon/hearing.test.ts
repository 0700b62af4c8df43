/** Repair by the sound: what a recognizer says an utterance may have been instead, on its way through the pipeline. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { ModelCard } from '../../schemas/model.ts';
import { Pipeline } from '../../daemon/pipeline/pipeline.ts';
import { fakeModel, Harness } from './harness.ts';
import { hearing } from './hearing/engine.ts';

const recognizer = (parameters: Record<string, string> = {}): ModelCard =>
    fakeModel('ear', 'asr', parameters, { engine: 'hearing' }),
  judge = fakeModel('judge', 'repair', {}, { engine: 'hearing' });

describe('repair by the sound', () => {
  let harness: Harness;
  afterEach(() => harness.close());
  const open = async (models: ModelCard[]): Promise<Harness> =>
    (harness = await Harness.open({ models, engines: [hearing], settings: { yieldTo: 'never' } }));
  const repaired = async (): Promise<(string | undefined)[]> => {
    const [job] = await harness.submit(['a'], { translateTo: undefined } as never);
    const [end] = await harness.ended([job!]);
    assert.equal(end!.state, 'completed');
    return harness.utterances(job!).map(utterance => utterance.repair?.text);
  };

  it('needs no model but the recognizer, and leaves words that exist as they are', async () => {
    await open([recognizer()]);
    assert.deepEqual(await repaired(), ['the keypad rings', 'press won now', 'nothing is wrong']);
    assert.deepEqual(
      new Set(harness.events.flatMap(e => (e.type === 'instance' ? [e.instance.stage] : []))),
      new Set(['asr']),
    );
  });

  it('asks a language model where the sound leaves it open, and only there', async () => {
    await open([recognizer(), judge]);
    assert.deepEqual(await repaired(), ['the teacle rings (2 asked)', 'press won now (1 asked)', 'nothing is wrong']);
  });

  it('does without it where the recognizer ends before it has said so', async () => {
    await open([recognizer({ after: 'die' })]);
    assert.deepEqual(await repaired(), ['the teacle rings', 'press won now', 'nothing is wrong']);
  });

  it('shows the text meanwhile, and after a restart hears again what it had not been told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-hearing-')),
      until = join(folder, 'go on');
    await open([recognizer({ after: 'wait', until })]);
    const [job] = await harness.submit(['a'], { translateTo: undefined } as never);
    await harness.until('the text', () => harness.delivered(job!, 'asr').includes(0));
    assert.deepEqual(harness.delivered(job!, 'repair'), []);
    await harness.pipeline.stop('park');
    writeFileSync(until, '');
    const again = new Pipeline(harness.deps);
    again.start();
    await harness.until('the end', () => harness.store.job(job!.id)!.state === 'completed');
    assert.deepEqual(
      harness.utterances(job!).map(utterance => utterance.repair?.text),
      ['the keypad rings', 'press won now', 'nothing is wrong'],
    );
    await again.stop('park');
    rmSync(folder, { recursive: true });
  });
});
