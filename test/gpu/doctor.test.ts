/** `earshot doctor --gpu` on virtual GPUs: what it says when all is well, and of each thing that is not. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nvmlReader } from '../../daemon/devices/nvml.ts';
import { smiReader } from '../../daemon/devices/smi.ts';
import { examineGpus, type GpuExamined } from '../../daemon/doctor-gpu.ts';
import { checkMessage } from '../../text/messages/messages.ts';
import { build, MISSING, virtualGpus, type VirtualGpus } from './virtual/gpus.ts';

const GiB = 1024 ** 3,
  MiB = 1024 ** 2,
  libraries = build();
if ('reason' in libraries) console.log(`skipped: ${libraries.reason}`);

describe('the doctor on GPUs', { skip: 'reason' in libraries ? libraries.reason : false }, () => {
  let gpus: VirtualGpus;
  before(() => {
    gpus = virtualGpus(libraries as { nvml: string; control: string }, 1, 24 * GiB);
    gpus.allocate(0, 999_999, 2 * GiB, { staged: true });
  });
  after(() => gpus.dispose());

  /** nvidia-smi's answer, of a device with so much memory. */
  const smi = (totalMiB: number): GpuExamined['smi'] =>
    smiReader(async args =>
      args[0]!.startsWith('--query-gpu')
        ? `GPU-00000000-0000-0000-0000-000000000000, Virtual GPU 0, ${totalMiB}, ${Math.round(
            (gpus.get(0, 'total') - gpus.held(0)) / MiB,
          )}, 40, 0, 0, 60.0, 350.0, 30, 1500, 580.65.06, 00000000:01:00.0\n`
        : '',
    );
  const found = async (more: Partial<GpuExamined> = {}): Promise<Record<string, string>> => {
    const checks = await examineGpus({
      nvml: nvmlReader({ names: [gpus.nvml], rescanMs: 0 }),
      smi: smi(24 * 1024),
      computeTypes: async () => 'float16, int8',
      nameOf: () => 'blender',
      ...more,
    });
    return Object.fromEntries(checks.map(check => [`${check.id} ${check.status}`, checkMessage(check, 'en').what]));
  };

  it('all is well', async () => {
    const said = await found();
    assert.deepEqual(
      Object.keys(said).filter(name => !name.startsWith('gpuSpeed')),
      ['gpuReadings ok', 'gpuPrograms ok', 'gpuRecognition ok'],
    );
    assert.equal(said['gpuReadings ok'], 'nvidia-smi agrees, on 1 device');
    assert.equal(said['gpuPrograms ok'], 'held by blender 2.1 GB');
  });

  it('another size than nvidia-smi says, and an nvidia-smi that is not there', async () => {
    assert.equal((await found({ smi: smi(12 * 1024) }))['gpuReadings problem'], 'nvidia-smi differs in totalBytes');
    const absent = smiReader(() => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' })));
    assert.match((await found({ smi: absent }))['gpuReadings warning']!, /did not answer/);
  });

  it('a slow driver, one that does not say who holds memory, an engine that cannot compute there', async () => {
    gpus.set(0, 'delay_us', 30_000);
    gpus.set(0, 'missing', MISSING.processMemory);
    const said = await found({ computeTypes: () => Promise.reject(new Error('libcublas.so.12 is not found')) });
    gpus.set(0, 'delay_us', 0);
    gpus.set(0, 'missing', 0);
    assert.match(said['gpuSpeed warning']!, /which is slow/);
    assert.match(said['gpuPrograms warning']!, /does not say/);
    assert.equal(said['gpuRecognition problem'], 'cannot use the GPU: libcublas.so.12 is not found');
    assert.match((await found({ computeTypes: null }))['gpuRecognition warning']!, /not installed/);
  });

  it('nothing where there is no GPU', async () => {
    assert.deepEqual(await found({ nvml: nvmlReader({ names: ['/nowhere.so'] }) }), {});
  });
});
