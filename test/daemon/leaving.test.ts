/** The daemon leaves after the last window, and when the extension is removed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, type Client } from '../../client/client.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const MAIN = join(import.meta.dirname, '..', '..');

async function running(t: TestContext, settings: ConstructorParameters<typeof RealDaemon>[0]): Promise<RealDaemon> {
  const daemon = await new RealDaemon(settings).start();
  t.after(() => daemon.close());
  return daemon;
}
const window = (daemon: RealDaemon): Promise<Client> =>
  connect({
    socket: daemon.home.socket,
    token: readFileSync(daemon.home.token, 'utf8'),
    client: 'vscode',
    version: '0.0.0',
  });

test('a window that reloads finds the same daemon; when the last one is gone and nothing is to do, it leaves', async t => {
  const daemon = await running(t, { settings: { idleExitSeconds: 2 } });
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
