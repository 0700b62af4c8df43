import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recommend, type Candidate } from '../../daemon/models/recommend.ts';
import { slowness } from '../../daemon/models/processor-speed.ts';
import { readRegistry } from '../../daemon/models/registry.ts';

const GB = 1e9;
const registry = readRegistry();
/** The registry's recognizers on a machine so many times slower than the one of reference. */
const on = ({ slower = 1, memory = 8 * GB, python = true, without = [] as string[] } = {}): Candidate[] =>
  registry.models
    .filter(card => card.figures && !without.includes(card.id) && (python || card.engine === 'sherpa'))
    .map(card => ({
      card,
      installed: false,
      downloadBytes: card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
      engineBytes: card.engine === 'sherpa' ? 170e6 : 800e6,
      needBytes: card.memory.cpu ?? GB,
      capBytes: memory,
      msPerSecond: card.figures!.cpuMs * slower,
      measured: false,
    }));
const tiers = (candidates: Candidate[], languages: string[] = [], freeBytes = 100 * GB): Record<string, string> =>
  Object.fromEntries(recommend(candidates, { languages, freeBytes }).map(each => [each.tier, each.model]));

describe('what is recommended', () => {
  test('on an ordinary machine: little to download, the most accurate that is quick, the most accurate of all', () => {
    assert.deepEqual(tiers(on()), { small: 'whisper-base-onnx', recommended: 'parakeet-tdt-0.6b-v3' });
    assert.deepEqual(tiers(on(), ['en']), { small: 'moonshine-tiny-en', recommended: 'parakeet-tdt-0.6b-v2' });
  });
  test('languages that nobody named are all meant; a model of one language is no choice for them', () => {
    for (const model of Object.values(tiers(on()))) {
      const { languages } = registry.models.find(card => card.id === model)!;
      assert.ok(languages.length === 0 || languages.length >= 20, model);
    }
    assert.deepEqual(tiers(on(), ['zh']), {
      small: 'whisper-base-onnx',
      recommended: 'whisper-small-onnx',
      best: 'whisper-large-v3',
    });
  });
  test('without Python, what needs none', () => {
    for (const model of Object.values(tiers(on({ python: false }), ['zh'])))
      assert.equal(registry.models.find(card => card.id === model)!.engine, 'sherpa');
  });
  test('a slow machine gets what keeps up with speech; one with little memory what fits', () => {
    assert.equal(tiers(on({ slower: 3 }), ['zh']).recommended, 'whisper-base-onnx');
    const tight = on({ memory: 0.9 * GB });
    for (const model of Object.values(tiers(tight, ['zh'])))
      assert.ok(registry.models.find(card => card.id === model)!.memory.cpu! <= 0.9 * GB, model);
    assert.deepEqual(tiers(on({ slower: 100 })), {});
    assert.deepEqual(tiers(on(), [], 0.1 * GB), {}, 'no room on the disk');
  });
  test('what was measured here counts, whatever the figures say', () => {
    const measured = on().map(each =>
      each.card.id === 'parakeet-tdt-0.6b-v3' ? { ...each, msPerSecond: 1500, measured: true } : each,
    );
    const found = recommend(measured, { languages: [], freeBytes: 100 * GB });
    assert.notEqual(found.find(each => each.tier === 'recommended')!.model, 'parakeet-tdt-0.6b-v3');
    assert.deepEqual(
      found.filter(each => each.tier === 'best').map(({ model, measured: seen }) => ({ model, seen })),
      [{ model: 'parakeet-tdt-0.6b-v3', seen: true }],
    );
  });
  test('nothing whose license forbids work that earns money, or is not known', () => {
    for (const licence of ['Qwen-Research (non-commercial)', 'unknown', 'FunASR Model License 1.1', 'CC-BY-NC-4.0'])
      assert.deepEqual(tiers(on().map(each => ({ ...each, card: { ...each.card, licence } }))), {}, licence);
  });
  test('every figure says where it is from', () => {
    for (const { id, figures } of registry.models)
      if (figures) assert.ok(figures.errorsFrom.length > 10 && figures.speedFrom.length > 10, id);
  });
});

test('more cores and a faster processor make a machine quicker, within bounds', () => {
  assert.equal(slowness(2, 0.9), 1);
  assert.equal(slowness(4, 0.9), 0.5);
  assert.equal(slowness(64, 0.9), slowness(8, 0.9));
  assert.equal(slowness(1, 0.0001), 20);
  assert.ok(slowness(2) > 0);
});
