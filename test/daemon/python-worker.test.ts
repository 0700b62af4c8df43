/** The Python side of the worker protocol against the daemon's: a worker of a few lines in the real kit. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Engine } from '../../daemon/contracts/engine.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { fake } from '../../daemon/engines/fake/engine.ts';
import { pythonKitFile } from '../../daemon/engines/files.ts';
import type { EarshotError } from '../../schemas/errors.ts';
import { failsWith, reads } from '../fixtures/fails-with.ts';
import { TestWorker } from '../engines/worker-harness.ts';

const program = ['python3', 'python'].find(name => spawnSync(name, ['--version']).status === 0);
const folder = mkdtempSync(join(tmpdir(), 'earshot-python-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** It does what the text of its first step says. */
const file = join(folder, 'worker.py');
writeFileSync(
  file,
  `
import errno, time
from earshot_worker import Failed

class Model:
    detail = {"precision": "int8"}

    def run(self, request, emit):
        for step in request["steps"]:
            what = step["input"]["text"]
            if what == "wait":
                while True:
                    emit.check()
                    time.sleep(0.01)
            if what == "language":
                raise Failed("languageNotSupported", {"language": "fi"}, "no Finnish")
            if what == "memory":
                raise RuntimeError("CUDA failed with error out of memory")
            if what == "kernel":
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
            if what == "full":
                raise OSError(errno.ENOSPC, "No space left on device", "/full/x.wav")
            if what == "bug":
                raise KeyError("x")
            print("what a library prints is no frame")
            emit.progress(1)
            emit.result(step["index"], {"text": what, "language": step["input"]["to"]})

def load(request):
    if request["directory"] == "broken":
        raise Failed("modelBroken", {"model": request["model"]}, "no weights")
    return Model()
`,
);
const engine: Engine = {
  ...fake,
  id: 'snake',
  command: () => ({ program: program!, args: ['-I', '-X', 'utf8', pythonKitFile(), file, 'snake'], env: {} }),
};
const open = (directory = ''): TestWorker => new TestWorker({ engine, stage: 'nmt', directory });
const text = (words: string): StepInputs['nmt'] => ({ text: words, from: 'en', to: 'es', before: [], glossary: [] });
const without = program ? false : 'needs Python';

test('loads, beats, says how far it is, answers, and leaves when told', { skip: without }, async () => {
  await using worker = open();
  assert.deepEqual(await worker.loaded, { precision: 'int8' });
  await worker.heartbeat();
  const answers = await worker.run<'nmt'>([text('uno'), text('dos')], { from: 4 });
  assert.deepEqual(
    answers.map(answer => answer.text),
    ['uno', 'dos'],
  );
  worker.worker.unload();
  assert.equal((await worker.exited).reason, 'unloaded');
  assert.equal(worker.events[1], 'progress 1 1');
  assert.deepEqual(
    worker.events.filter(event => !event.startsWith('progress')),
    ['loaded', 'result 1 4', 'result 1 5', 'done 1', 'exit unloaded'],
  );
});

test('each way to fail is understood, and the worker lives on', { skip: without }, async () => {
  await using worker = open();
  await worker.loaded;
  for (const [what, code, en, chinese] of [
    ['language', 'languageNotSupported', /test does not support Finnish/, /test.*芬兰语/],
    ['memory', 'outOfMemory', /^test ran out of memory/, /test.*内存/],
    ['full', 'diskFull', /\/full\/x\.wav is full/, /\/full\/x\.wav/],
    ['bug', 'engineFailed', /snake/, /snake/],
  ] as const)
    await assert.rejects(worker.run<'nmt'>([text(what)], { from: 3 }), (error: EarshotError & { index?: number }) => {
      reads(error.failure, en, chinese);
      assert.equal(error.index, 3);
      return failsWith(code)(error);
    });
  const waiting = worker.run<'nmt'>([text('wait')]);
  worker.worker.cancel(String(Number(worker.nextRun) - 1));
  await assert.rejects(waiting, failsWith('cancelled'));
  assert.equal((await worker.run<'nmt'>([text('a')]))[0]!.text, 'a');
});

test('a model that does not load says why', { skip: without }, async () => {
  await using worker = open('broken');
  await assert.rejects(worker.loaded, (error: EarshotError) => {
    reads(error.failure, /test/, /test/);
    return failsWith('modelBroken')(error);
  });
  assert.equal((await worker.exited).reason, 'loadFailed');
});

test('a kernel that failed ends the worker: nothing after it could succeed', { skip: without }, async () => {
  await using worker = open();
  await worker.loaded;
  await assert.rejects(worker.run<'nmt'>([text('kernel')]), failsWith('workerCrashed'));
  assert.equal((await worker.exited).reason, 'crashed');
});
