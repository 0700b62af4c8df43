/** A worker process and all the ways in which it can go wrong, tried on real processes of the fake engine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processes } from '../../daemon/devices/processes.ts';
import { fake } from '../../daemon/engines/fake/engine.ts';
import type { Engine } from '../../daemon/contracts/engine.ts';
import type { LoadRequest, StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { EarshotError, failure, isFailure } from '../../schemas/errors.ts';
import { sentence } from '../../text/messages/messages.ts';
import { TestWorker, type Setup } from '../engines/worker-harness.ts';
import { failsWith, reads } from '../fixtures/fails-with.ts';
import { posixOnly } from '../only.ts';

const open = (parameters: LoadRequest['parameters'] = {}, more: Partial<Setup> = {}): TestWorker =>
  new TestWorker({ engine: fake, stage: 'nmt', parameters, ...more });
const text = (words: string): StepInputs['nmt'] => ({ text: words, from: 'en', to: 'es', before: [], glossary: [] });
const linux = process.platform === 'linux' ? false : 'reads /proc';
const alive = (pid: number): boolean => processes().alive(pid);
/** The end of a process that is not our child can only be looked for. */
const gone = async (pid: number): Promise<void> => {
  while (alive(pid)) await sleep(20);
};

test('loads, runs batches, reports results before done, and leaves when told', async () => {
  await using worker = open({ ms: 1 });
  assert.deepEqual(await worker.loaded, { stage: 'nmt', heldBytes: 0 });
  const [one, two] = await worker.run<'nmt'>([text('one'), text('two')], { from: 4 });
  assert.deepEqual(
    [one, two],
    [
      { text: '[es] one', language: 'es' },
      { text: '[es] two', language: 'es' },
    ],
  );
  worker.worker.unload();
  assert.equal((await worker.exited).reason, 'unloaded');
  assert.deepEqual(
    worker.events.filter(event => !event.startsWith('progress')),
    ['loaded', 'result 1 4', 'result 1 5', 'done 1', 'exit unloaded'],
  );
});

test('the fake recognizes, repairs and speaks the same each time', async () => {
  await using worker = open({}, { stage: 'asr' });
  await worker.loaded;
  const input = {
    audio: { path: '/none', startSample: 16_000, endSample: 48_000 },
    language: null,
    prompt: '',
    hotwords: [],
  };
  const [first] = await worker.run<'asr'>([input], { from: 7 }),
    [again] = await worker.run<'asr'>([input], { from: 7 });
  assert.deepEqual(first, again);
  assert.equal(first!.words[0]!.startMs, 1000);
  assert.equal(first!.words.at(-1)!.endMs, 3000);
  assert.equal(first!.words.map(word => word.text).join(' '), first!.text);
});

test('holds the memory it was told to, and the operating system sees it', { skip: linux }, async () => {
  await using plain = open();
  await plain.loaded;
  await using heavy = open({ bytes: 100e6, runBytes: 150e6 });
  await heavy.loaded;
  const memory = (worker: TestWorker) => processes().memory(worker.worker.pid!)!;
  const base = memory(plain).bytes!,
    held = memory(heavy).bytes!;
  assert.ok(held - base > 90e6 && held - base < 130e6, `holds ${held - base}`);
  await heavy.run<'nmt'>([text('x')]);
  const after = memory(heavy);
  assert.ok(after.peakBytes! - base > 230e6, `peak ${after.peakBytes! - base}`);
  assert.ok(after.bytes! - base < 150e6, `given back: ${after.bytes! - base}`);
});

test('a failed run names its step, and the worker lives on', async () => {
  await using worker = open({ script: 'fail@1:modelBroken oom@2' });
  await worker.loaded;
  await assert.rejects(
    worker.run<'nmt'>([text('a')], { from: 3 }),
    (error: EarshotError & { index?: number }) => error.failure.code === 'modelBroken' && error.index === 3,
  );
  await assert.rejects(worker.run<'nmt'>([text('a')]), (error: EarshotError) => {
    reads(error.failure, /memory/, /内存/);
    return failsWith('outOfMemory')(error);
  });
  assert.equal((await worker.run<'nmt'>([text('a')]))[0]!.text, '[es] a');
});

test('a crash fails the run with the last words of stderr', async () => {
  await using worker = open({ script: 'crash@1' });
  await worker.loaded;
  await assert.rejects(
    worker.run<'nmt'>([text('a')]),
    (error: EarshotError) =>
      error.failure.code === 'workerCrashed' && /exit code 3[\s\S]*told to crash/.test(error.failure.detail ?? ''),
  );
  assert.deepEqual(worker.events.slice(-2), ['failed 1 workerCrashed', 'exit crashed']);
  const { failure: why } = await worker.exited;
  assert.match(sentence(why, 'en'), /^The fake worker crashed \(exit code 3\)\. /);
  assert.match(sentence(why, 'zh-cn'), /^引擎 fake 的工作进程崩溃（退出代码 3）。/);
});

test('somebody who kills a worker shows in the sentence', { skip: process.platform === 'win32' }, async () => {
  await using worker = open();
  await worker.loaded;
  process.kill(worker.worker.pid!, 'SIGKILL');
  const { failure: why } = await worker.exited;
  assert.ok(isFailure(why, 'workerCrashed') && why.args.exit === 'SIGKILL', JSON.stringify(why));
  assert.match(sentence(why, 'en'), /^The fake worker crashed \(SIGKILL\)\. /);
});

test('loading that fails or crashes is one failure, then the exit', async () => {
  for (const [script, wanted, reason] of [
    ['fail@load:modelBroken', 'modelBroken', 'loadFailed'],
    ['oom@load', 'outOfMemory', 'loadFailed'],
    ['crash@load', 'workerCrashed', 'crashed'],
  ] as const) {
    await using worker = open({ script });
    await assert.rejects(worker.loaded, failsWith(wanted));
    assert.equal((await worker.exited).reason, reason);
    assert.deepEqual(worker.events, [`failed undefined ${wanted}`, `exit ${reason}`]);
  }
});

test('a program that is not there is a missing engine', async () => {
  const absent: Engine = { ...fake, command: () => ({ program: '/no/such/program', args: [], env: {} }) };
  await using worker = open({}, { engine: absent });
  assert.equal(worker.worker.pid, null);
  await assert.rejects(worker.loaded, failsWith('engineMissing'));
  const broken: Engine = {
    ...fake,
    command: () => {
      throw new EarshotError('engineMissing', { engine: 'fake' });
    },
  };
  await using other = open({}, { engine: broken });
  await assert.rejects(other.loaded, failsWith('engineMissing'));
});

test('a program that speaks something else is refused', async () => {
  const parrot: Engine = {
    ...fake,
    command: () => ({
      program: process.execPath,
      args: [
        '-e',
        'console.log(JSON.stringify({type:"hello",protocol:99,engine:"fake",pid:1})); setInterval(()=>{},1e6)',
      ],
      env: {},
    }),
  };
  await using worker = open({}, { engine: parrot });
  await assert.rejects(worker.loaded, failsWith('badAnswer'));
});

test('a run that does not answer is ended at its time', async () => {
  await using worker = open({ script: 'hang@1' });
  await worker.loaded;
  await assert.rejects(worker.run<'nmt'>([text('a')], { timeoutMs: 200 }), failsWith('workerTimeout'));
  assert.equal((await worker.exited).reason, 'timeout');
});

test('a load that takes too long is ended', async () => {
  await using worker = open({ loadMs: 60_000 }, { options: { loadTimeoutMs: 500 } });
  await assert.rejects(worker.loaded, failsWith('workerTimeout'));
});

test('a worker that stops dead is noticed by its silence', { skip: posixOnly('SIGSTOP') }, async () => {
  await using worker = open({ script: 'freeze@1' }, { options: { heartbeatTimeoutMs: 2500 } });
  await worker.loaded;
  await assert.rejects(worker.run<'nmt'>([text('a')]), failsWith('workerSilent'));
  assert.equal((await worker.exited).reason, 'silent');
});

test('a computation that blocks the main thread holds no heartbeat up', async () => {
  await using worker = open({ script: 'block@1' }, { options: { heartbeatTimeoutMs: 2500 } });
  await worker.loaded;
  const run = worker.run<'nmt'>([text('a')]);
  run.catch(() => undefined);
  for (let n = 0; n < 4; n++) await worker.heartbeat();
  worker.worker.kill();
  await assert.rejects(run, failsWith('cancelled'));
});

test('a heartbeat that we were too busy to read is no silence', async () => {
  // Time that jumps, as when the machine sleeps or the daemon is held up: one late look must not end a worker that
  // speaks.
  let skipped = 0;
  const timers = {
    now: () => performance.now() + skipped,
    after: (ms: number, action: () => void) => {
      const timer = setTimeout(action, ms);
      return () => clearTimeout(timer);
    },
  };
  await using worker = open({}, { options: { heartbeatTimeoutMs: 4000, timers } });
  await worker.loaded;
  await worker.heartbeat();
  skipped += 3_600_000;
  await worker.heartbeat();
  await worker.heartbeat();
  assert.equal((await worker.run<'nmt'>([text('a')]))[0]!.text, '[es] a');
});

test('what a library prints is logged and does not disturb', async () => {
  await using worker = open({ script: 'noise@1' });
  await worker.loaded;
  assert.equal((await worker.run<'nmt'>([text('a')]))[0]!.text, '[es] a');
  // What goes by way of stderr may come after the answer.
  for (let looks = 0; looks < 250 && !readFileSync(worker.logPath, 'utf8').includes('printed'); looks++)
    await sleep(20);
  const log = readFileSync(worker.logPath, 'utf8');
  for (const line of ['loading 100 %', '{"half":', 'printed']) assert.ok(log.includes(line), line);
});

test('64 MB on stderr neither stall the worker nor fill the disk', async () => {
  await using worker = open({ script: 'flood@1' });
  await worker.loaded;
  assert.equal((await worker.run<'nmt'>([text('a')], { timeoutMs: 30_000 }))[0]!.text, '[es] a');
  assert.ok(statSync(worker.logPath).size <= 1024 * 1024);
});

test('messages of no known kind, or without an end, end the worker', async () => {
  for (const script of ['nonsense@1', 'oversize@1']) {
    await using worker = open({ script });
    await worker.loaded;
    await assert.rejects(worker.run<'nmt'>([text('a')]), failsWith('badAnswer'), script);
    assert.equal((await worker.exited).reason, 'badAnswer');
  }
});

test('a result of the wrong shape, or none, fails the run and the worker lives on', async () => {
  await using worker = open({ script: 'badOutput@1 missing@2' });
  await worker.loaded;
  await assert.rejects(
    worker.run<'nmt'>([text('a')], { from: 2 }),
    (error: EarshotError & { index?: number }) => error.failure.code === 'badAnswer' && error.index === 2,
  );
  await assert.rejects(
    worker.run<'nmt'>([text('a')], { from: 5 }),
    (error: EarshotError & { index?: number }) => error.failure.code === 'badAnswer' && error.index === 5,
  );
  assert.equal((await worker.run<'nmt'>([text('a')]))[0]!.text, '[es] a');
});

test("a late result is passed on under its run's id", async () => {
  await using worker = open({ script: 'late@1' });
  await worker.loaded;
  await worker.run<'nmt'>([text('a')]);
  if (worker.results.length < 2) await worker.result();
  assert.deepEqual(
    worker.results.map(({ run, index }) => [run, index]),
    [
      ['1', 0],
      ['1', 0],
    ],
  );
});

test('cancelling stops the run and keeps the worker', async () => {
  await using worker = open({ ms: 60_000 });
  await worker.loaded;
  const id = worker.nextRun,
    run = worker.run<'nmt'>([text('a')]);
  worker.worker.cancel(id);
  await assert.rejects(run, failsWith('cancelled'));
  assert.ok(worker.worker.pid !== null && alive(worker.worker.pid));
});

test("after a kill nothing is heard any more, and a reason given is the run's failure", async () => {
  await using worker = open({ ms: 5 });
  await worker.loaded;
  const run = worker.run<'nmt'>([text('a')]);
  worker.worker.kill(failure('setAside', { times: 3, model: 'a' }));
  await assert.rejects(run, failsWith('setAside'));
  assert.deepEqual(worker.events, ['loaded', 'failed 1 setAside', 'exit killed']);
});

test('a worker that does not leave is killed', async () => {
  await using worker = open({ script: 'block@1' }, { options: { unloadTimeoutMs: 200 } });
  await worker.loaded;
  worker.run<'nmt'>([text('a')]).catch(() => undefined);
  worker.worker.unload();
  assert.equal((await worker.exited).reason, 'unloaded');
});

test('a kill reaches what the worker started', { skip: linux }, async () => {
  const parent: Engine = {
    ...fake,
    command: context => {
      const { program, args } = fake.command(context);
      return {
        program,
        args: [
          '--import',
          `data:text/javascript,import{spawn}from"node:child_process";spawn("sleep",["1000"],{stdio:"ignore"});`,
          ...args,
        ],
        env: {},
      };
    },
  };
  await using worker = open({}, { engine: parent });
  await worker.loaded;
  const pid = worker.worker.pid!,
    pids = [...processes().withChildren([pid]).get(pid)!];
  assert.equal(pids.length, 2);
  worker.worker.kill();
  await worker.exited;
  await Promise.all(pids.map(gone));
});

test('low priority is low for every thread', { skip: linux }, async () => {
  await using worker = open({}, { options: { lowPriority: true } });
  await worker.loaded;
  const pid = worker.worker.pid!,
    nice = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[16];
  assert.equal(Number(nice), Math.min(19, getPriority() + 10));
});

test('workers end with a daemon that is killed, even one that computes', { skip: linux }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-orphan-'));
  const main = (file: string): string => JSON.stringify(join(import.meta.dirname, '..', '..', file));
  const daemon = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '-e',
      `
    import { Worker } from ${main('daemon/workers/worker.ts')};
    import { fake } from ${main('daemon/engines/fake/engine.ts')};
    for (const [id, script] of [['idle', ''], ['blocked', 'block@1']]) {
      const worker = new Worker({ id, engine: fake, context: { card: {}, runtime: () => '', device: { kind: 'cpu' },
        threads: 1 }, logPath: ${JSON.stringify(folder)} + '/worker-' + id + '.log', lowPriority: false,
        heartbeatTimeoutMs: 20000, loadTimeoutMs: 20000 }, {
        loaded: () => { if (script) worker.run({ type: 'run', id: '1', stage: 'nmt', steps: [{ index: 0, input: {
        text: 'a', from: 'en', to: 'es', before: [], glossary: [] } }] }, 60000); },
        progress() {}, result() {}, done() {}, failed() {}, exit() {}, heartbeat: () => console.log(worker.pid),
      });
      worker.load({ type: 'load', stage: 'nmt', model: 'm', directory: '', parameters: script ? { script } : {},
      device: { kind: 'cpu' }, precision: '', threads: 1 });
    }`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const pids = new Set<number>();
    for await (const line of createInterface({ input: daemon.stdout! })) {
      pids.add(Number(line));
      if (pids.size === 2) break;
    }
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    await Promise.all([...pids].map(gone));
  } finally {
    daemon.kill('SIGKILL');
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
});
