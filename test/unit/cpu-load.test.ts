import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cpuLoad, type CpuTimes } from '../../daemon/devices/cpu-load.ts';
import type { ProcessTable } from '../../daemon/devices/process-table.ts';
import { processes } from '../../daemon/devices/processes.ts';
import { calmCores } from '../../daemon/scheduler/threads.ts';

/** A machine of `cores` whose time passes by hand. */
function machine(cores: number, ours: number) {
  const state = { now: 0, idleMs: 0, ownMs: 0 };
  const table = { cpuMs: () => state.ownMs } as unknown as ProcessTable;
  const ask = cpuLoad({
    cores: ours,
    table,
    now: () => state.now,
    times: (): CpuTimes => ({ idleMs: state.idleMs, totalMs: state.now * cores, cores }),
  });
  /** For so long so many cores were busy, some of them with our work. */
  return (ms: number, busy: number, own: number) => {
    state.now += ms;
    state.idleMs += (cores - busy) * ms;
    state.ownMs += own * ms;
    return ask(new Set([process.pid]));
  };
}

it('what others use is what is neither idle nor ours', () => {
  const pass = machine(4, 4);
  pass(1000, 0, 0);
  assert.deepEqual(pass(1000, 3, 2), { utilization: 0.75, outsideCores: 1 });
  const { outsideCores } = pass(2000, 4, 1);
  assert.equal(outsideCores, 2, 'half way from 1 to 3 in two seconds');
  assert.equal(pass(100, 0, 0).outsideCores, outsideCores, 'too short a look says nothing');
});

it('where we may use two cores of a large machine, others there do not matter while it has idle ones', () => {
  const pass = machine(64, 2);
  pass(1000, 0, 0);
  assert.equal(pass(1000, 40, 1).outsideCores, 0);
  assert.ok(pass(10_000, 63.5, 0.5).outsideCores! > 0.9);
});

it('nothing is known of others where our own share is not', () => {
  const state = { now: 0 };
  const ask = cpuLoad({
    cores: 2,
    table: {} as ProcessTable,
    now: () => state.now,
    times: () => ({ idleMs: state.now, totalMs: 2 * state.now, cores: 2 }),
  });
  for (const ms of [0, 1000, 1000]) {
    state.now += ms;
    ask(new Set());
  }
  state.now += 1000;
  assert.deepEqual(ask(new Set()), { utilization: 0.5, outsideCores: null });
});

it('threads are for cores that others leave, never fewer than one', () => {
  assert.deepEqual(
    [0, 0.4, 0.6, 1.4, 1.9, 2].map(outsideCores => calmCores({ cores: 2, outsideCores })),
    [2, 2, 1, 1, 1, 1],
  );
});

it('this process has used some time', { skip: process.platform === 'linux' ? false : 'only asked of Linux' }, () => {
  const used = processes().cpuMs!(process.pid)!,
    truth = process.cpuUsage();
  assert.ok(Math.abs(used - (truth.user + truth.system) / 1000) < 200, `${used}`);
});
