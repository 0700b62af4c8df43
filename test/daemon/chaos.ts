/**
 * Kills the daemon and its workers at random moments while jobs run, then looks at what is left: nothing lost, nothing
 * finished twice, order kept. `npm run test:chaos` does it 200 times; the tests a few. The seed is printed, and
 * EARSHOT_SEED repeats it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STAGES } from '../../schemas/words.ts';
import { lawsHold } from '../faults/laws.ts';
import { section } from '../faults/report.ts';
import { random } from '../random.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

export interface ChaosReport {
  kills: { daemon: number; worker: number };
  jobs: number;
  steps: number;
  /** Attempts begun. */
  attempts: number;
  seconds: number;
}

const workers = (daemon: number): number[] => {
  try {
    return execFileSync('pgrep', ['-P', String(daemon)], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
};

export async function chaos({
  kills,
  jobs,
  seed,
}: {
  kills: number;
  jobs: number;
  seed: number;
}): Promise<ChaosReport> {
  const next = random(seed),
    began = Date.now();
  const models = STAGES.map(stage =>
    fakeModel(`fake-${stage}`, stage, { ms: stage === 'asr' || stage === 'nmt' ? 60 : 15 }),
  );
  const daemon = await new RealDaemon({
    models,
    settings: { cpuThreads: 8, othersOnCpu: true, formats: ['txt', 'srt'], memoryReserveBytes: 0 },
  }).start();
  const report: ChaosReport = { kills: { daemon: 0, worker: 0 }, jobs, steps: 0, attempts: 0, seconds: 0 };
  try {
    const paths = Array.from({ length: jobs }, (_, i) => {
      const path = join(daemon.recordings, `talk ${i}.flac`);
      copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
      return path;
    });
    const submitted = await daemon.submit(paths, { language: 'en', translateTo: 'es', speak: false });
    for (let i = 0; i < kills; i++) {
      await sleep(50 + next() * 600);
      const targets = workers(daemon.pid);
      if (next() < 0.35 || targets.length === 0) {
        report.kills.daemon++;
        await daemon.kill();
        await daemon.start();
      } else {
        report.kills.worker++;
        try {
          process.kill(targets[Math.floor(next() * targets.length)]!, 'SIGKILL');
        } catch {
          /* it ended by itself meanwhile */
        }
      }
    }
    const ended = await daemon.ended(submitted);
    assert.deepEqual(
      [...new Set(ended.map(job => job.state))],
      ['completed'],
      JSON.stringify(ended.find(job => job.state !== 'completed')?.failure),
    );
    const { instances } = await daemon.client.call('device/list', {});
    const devices = (await daemon.client.call('device/list', {})).devices;
    assert.equal(
      devices.reduce((sum, device) => sum + device.memory.leased, 0),
      instances.reduce((sum, instance) => sum + instance.leaseBytes, 0),
      'every lease belongs to an instance',
    );
    await daemon.stop();
    Object.assign(report, await daemon.withStore(store => lawsHold(store, ended)));
  } finally {
    await daemon.close();
  }
  report.seconds = (Date.now() - began) / 1000;
  return report;
}

if (import.meta.main) {
  const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000),
    kills = Number(process.argv[2] ?? 200);
  console.log(`seed ${seed}`);
  const report = await chaos({ kills, jobs: Math.ceil(kills / 4), seed });
  console.log(JSON.stringify(report));
  section('chaos', markdown(report, seed));
}

function markdown({ kills, jobs, steps, attempts, seconds }: ChaosReport, seed: number): string {
  return `## Kills at random moments

Made by \`npm run test:chaos\` (seed ${seed}; \`EARSHOT_SEED=${seed}\` repeats the order of kills, not their exact
moments). A daemon with real worker processes works on ${jobs} copies of one recording (recognized, repaired and
translated)
while it or one of its workers is killed with SIGKILL every 50 to 650 ms. The daemon is started again each time and
goes on from what the database knows.

| | |
| --- | ---: |
| kills of the daemon | ${kills.daemon} |
| kills of workers | ${kills.worker} |
| jobs | ${jobs} |
| jobs lost or failed | 0 |
| steps finished | ${steps} |
| steps finished twice | 0 |
| steps started out of order | 0 |
| attempts left open at the end | 0 |
| leases without an instance | 0 |
| copies whose text differs | 0 |
| attempts started (a batch of up to four steps is one) | ${attempts} |
| time | ${Math.round(seconds)} s |

The zeros are asserted: this section is written only if all of them hold. The tests do the same with eight kills
(\`test/daemon/chaos.test.ts\`).
`;
}
