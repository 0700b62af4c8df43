/** How near the promised starts and ends come to what happens, on machines that run under a virtual clock. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { STAGES } from '../../../schemas/words.ts';
import { plan } from '../../../daemon/scheduler/plan.ts';
import { Random } from '../../sim/random.ts';
import { burst } from '../../sim/traces.ts';
import { GiB, World, type ModelSpec, type WorldSpec } from '../../sim/world.ts';

/** Two cores, one model a stage, recordings of one to twelve utterances that all come at once. */
function twoCores(seed: number, count: number, stages: number): WorldSpec {
  const random = new Random(seed),
    cost = [200, 150, 300, 100];
  const models = STAGES.slice(0, stages).map((stage, i): ModelSpec => ({
    id: stage,
    stage,
    cardBytes: GiB,
    weightBytes: GiB / 2,
    peakBytes: GiB,
    loadMs: 2000,
    msPerSecond: cost[i]!,
    maxBatch: 1,
  }));
  return {
    devices: [{ id: 'cpu', kind: 'cpu', totalBytes: 16 * GiB, cores: 2 }],
    models,
    seed,
    jitter: 0.05,
    jobs: Array.from({ length: count }, (_, i) => ({
      id: `job${String(i).padStart(3, '0')}`,
      at: i * 50,
      priority: 'normal',
      ingestMs: 500,
      stages: models.map(({ id, stage }) => ({ stage, model: id })),
      utteranceSeconds: Array.from({ length: random.integer(1, 12) }, () => random.between(5, 25)),
    })),
  };
}

/** Mean error of what was promised a while after all had come, as a share of the time until then. */
function errors(spec: WorldSpec): { start: number; end: number } {
  const promised = new Map<string, { at: number; startAt: number; endAt: number }>();
  const outcome = new World(
    {
      ...spec,
      calibrates: true,
      onPlan: ({ jobs }, { waiting, expectedEndAt }, now) => {
        if (now < 20_000) return;
        for (const { id } of jobs) {
          const startAt = waiting.get(id)?.expectedStartAt;
          if (startAt != null && !promised.has(id))
            promised.set(id, { at: now, startAt, endAt: expectedEndAt.get(id)! });
        }
      },
    },
    plan,
  ).run(10_000_000);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const off = (promise: number, truth: number, since: number): number =>
    Math.abs(truth - promise) / Math.max(1000, Math.max(truth, promise) - since);
  const forecast = outcome.jobs.filter(job => promised.has(job.id) && job.startedAt >= promised.get(job.id)!.at);
  assert.ok(forecast.length >= spec.jobs.length / 2, 'most jobs waited');
  return {
    start: mean(forecast.map(job => off(promised.get(job.id)!.startAt, job.startedAt, promised.get(job.id)!.at))),
    end: mean(forecast.map(job => off(promised.get(job.id)!.endAt, job.endedAt, promised.get(job.id)!.at))),
  };
}

for (const [name, spec, most] of [
  ['four stages on two cores', twoCores(1, 30, 4), { start: 0.4, end: 0.2 }],
  ['one stage on two cores', twoCores(2, 30, 1), { start: 0.2, end: 0.2 }],
  ['200 jobs on two GPUs', burst(1), { start: 0.45, end: 0.3 }],
] as const)
  it(`${name}: starts within ${most.start * 100} %, ends within ${most.end * 100} %`, () => {
    const { start, end } = errors(spec);
    assert.ok(start <= most.start, `starts are ${(100 * start).toFixed(0)} % off`);
    assert.ok(end <= most.end, `ends are ${(100 * end).toFixed(0)} % off`);
  });
