/** The daemon leaves after the last window, and when the extension is removed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sentence } from '../../text/messages/messages.ts';
import type { Client } from '../../client/client.ts';
import { fakeModel } from './harness.ts';
import { posixOnly } from '../only.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const MAIN = join(import.meta.dirname, '..', '..');

async function running(t: TestContext, settings: ConstructorParameters<typeof RealDaemon>[0]): Promise<RealDaemon> {
  const daemon = await new RealDaemon(settings).start();
  t.after(() => daemon.close());
  return daemon;
}

test('a daemon that does not answer, or ends, is left behind by no test that starts one', async () => {
  for (const [code, why] of [
    ['setInterval(() => {}, 1000)', /gave no answer in 1000 ms: .*token/],
    ['process.exit(7)', /ended with 7: .*token/],
  ] as const) {
    const daemon = new RealDaemon({ nodeArgs: ['--eval', code] });
    await assert.rejects(daemon.start(why.source.includes('no answer') ? 1000 : 90_000), why);
    assert.throws(() => process.kill(daemon.pid, 0), { code: 'ESRCH' });
    await daemon.close();
  }
  // One whose test ends in the middle goes with it.
  const left = await new RealDaemon().start();
  const gone = once(left.process, 'exit', { signal: AbortSignal.timeout(90_000) });
  left.process.stdin!.destroy();
  await gone;
  await left.close();
});

const window = (daemon: RealDaemon): Promise<Client> => daemon.connect('vscode');

test('a window that reloads finds the same daemon; when the last one is gone and nothing is to do, it leaves', async t => {
  const daemon = await running(t, { settings: { idleExitSeconds: 2 } });
  // The folder that it was started from may be renamed and removed, which Windows forbids while a program stands in it.
  if (process.platform === 'linux')
    assert.equal(realpathSync(`/proc/${daemon.pid}/cwd`), realpathSync(daemon.home.run));
  const first = await window(daemon),
    second = await window(daemon);
  daemon.client.dispose();
  first.dispose();
  await first.closed;
  const again = await window(daemon);
  assert.equal(again.daemon.pid, second.daemon.pid);
  second.dispose();
  again.dispose();
  await once(daemon.process, 'exit');
  assert.match(
    readFileSync(join(daemon.home.logs, 'earshotd.log'), 'utf8'),
    /leaving: (the last window has gone|idle)/,
  );
});

test('models that are still warm do not keep it once the last window has gone', async t => {
  const daemon = await running(t, {
    models: [fakeModel('a', 'asr')],
    settings: { idleExitSeconds: 1, keepAliveSeconds: 3600, formats: [] },
  });
  const [job] = await daemon.submit([join(SAMPLES, 'sense-and-sensibility.flac')], { repair: false });
  await daemon.ended([job!]);
  const last = await window(daemon),
    gone = once(daemon.process, 'exit');
  assert.equal((await last.call('device/list', {})).instances.length, 1);
  // The other client goes a moment after the window, as when a window closes with its terminals.
  last.dispose();
  daemon.client.dispose();
  await gone;
  assert.match(readFileSync(join(daemon.home.logs, 'earshotd.log'), 'utf8'), /leaving: the last window has gone/);
});

test('removing the extension stops the daemon, and a second time finds nothing to stop', async t => {
  const daemon = await running(t, {}),
    gone = once(daemon.process, 'exit');
  const uninstall = async (): Promise<unknown> =>
    once(
      execFile(process.execPath, [join(MAIN, 'extension', 'uninstall.ts')], {
        env: { ...process.env, EARSHOT_STATE: daemon.home.state, EARSHOT_DATA: daemon.home.data },
      }),
      'exit',
    );
  assert.deepEqual(await uninstall(), [0, null]);
  await gone;
  assert.deepEqual(await uninstall(), [0, null]);
});

const signals = { skip: posixOnly('a signal makes the fault') };
test(
  'after an error that nothing handles it says so, stops its work and leaves; the next one goes on with the jobs',
  signals,
  async t => {
    // A fault of ours, made at will in the daemon's own process.
    const fault = join(mkdtempSync(join(tmpdir(), 'earshot-fault-')), 'fault.mjs');
    t.after(() => rmSync(dirname(fault), { recursive: true, force: true }));
    writeFileSync(fault, "process.on('SIGUSR2', () => void Promise.reject(new Error('a fault at will')));");
    const daemon = await running(t, {
      models: [fakeModel('a', 'asr', { ms: 3_600_000 })],
      settings: { formats: [] },
      env: { NODE_OPTIONS: `--import=${pathToFileURL(fault)}` },
    });
    const [job] = await daemon.submit([join(SAMPLES, 'sense-and-sensibility.flac')], { repair: false });
    await daemon.event([job!], event => event.type === 'instance' && event.instance.state === 'busy');
    const published = daemon.event([job!], event => event.type === 'notice'),
      gone = once(daemon.process, 'exit');
    await daemon.client.call('job/get', { id: job!.id }); // subscribed by now
    daemon.process.kill('SIGUSR2');
    const notice = await published;
    assert.ok(notice.type === 'notice' && notice.failure.code === 'daemonFailed', JSON.stringify(notice));
    assert.match(sentence(notice.failure, 'en'), /^The daemon stopped because of an internal error\. /);
    assert.deepEqual(await gone, [1, null], 'in its own time, with a status that says so');
    assert.match(
      readFileSync(join(daemon.home.logs, 'earshotd.log'), 'utf8'),
      /"a fault at will"[^\n]*"msg":"unhandled"[\s\S]*leaving: an error that nothing handles/,
    );
    delete daemon.env.NODE_OPTIONS;
    await daemon.start();
    const going = (await daemon.client.call('job/get', { id: job!.id })).job;
    assert.deepEqual([going.state === 'failed', going.failure], [false, null], 'nothing is lost');
  },
);
