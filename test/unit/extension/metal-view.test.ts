/** The processor of a Mac with its GPU, as the devices view says it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../fixtures/vscode.ts';
import { samples } from '../../fixtures/newer.ts';
import { Device, Instance } from '../../../schemas/device.ts';
const { deviceViews, History } = await import('../../../extension/panels/device-views.ts');

const GiB = 1024 ** 3,
  METAL = { name: 'Apple M1 Pro', cores: 16, limitBytes: 21 * GiB, leasedBytes: GiB, excluded: false };

function shown(metal: NonNullable<Device['metal']>) {
  const device = { ...samples(Device, 1)[0]!, id: 'cpu', kind: 'cpu' as const, cores: 10, metal },
    instance = { ...samples(Instance, 1)[0]!, device: 'cpu', onMetal: true, precision: 'q4_k_m' };
  const [view] = deviceViews({
    devices: [device],
    instances: [instance],
    estimates: [],
    history: new History(),
    modelName: id => id,
  });
  return {
    subtitle: view!.subtitle,
    memory: view!.facts.find(fact => fact.label === 'GPU memory')?.value,
    detail: view!.instances[0]!.detail,
  };
}

test('what it holds of the memory, and where a model works before its precision', () => {
  const { subtitle, memory, detail } = shown(METAL);
  assert.equal(subtitle, 'Processor, 10 cores · GPU with 16 cores, in the same memory');
  assert.equal(memory, '1.1 GB of at most 22.5 GB');
  assert.match(detail, /on the GPU · q4_k_m$/);
});

test('cores that are not known are not made up, and one that is left alone is said to be', () => {
  assert.equal(shown({ ...METAL, cores: null }).subtitle, 'Processor, 10 cores · GPU in the same memory');
  assert.match(shown({ ...METAL, excluded: true }).memory ?? '', /left alone/);
});
