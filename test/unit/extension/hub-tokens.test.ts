/** The access token of a hub: asked for when it is needed, kept once it was right, given to each daemon. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { EventEmitter, window } from '../../fixtures/vscode.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import { failsWith } from '../../fixtures/fails-with.ts';
const { HubTokens } = await import('../../../extension/setup/hub-token.ts');

const HUB = 'https://huggingface.co',
  RIGHT = 'hf_right';

function bench(t: TestContext, { kept = {}, typed }: { kept?: Record<string, string>; typed?: string }) {
  const secrets = new Map(Object.keys(kept).length ? [['earshot.hubTokens', JSON.stringify(kept)]] : []),
    connections = new EventEmitter<{ kind: string }>(),
    daemon = new Map<string, string | null>(),
    boxes: { password?: boolean }[] = [];
  t.mock.method(window, 'showInputBox', async (options: { password?: boolean }) => {
    boxes.push(options);
    return typed;
  });
  const tokens = new HubTokens(
    {
      get: async (key: string) => secrets.get(key),
      store: async (key: string, value: string) => void secrets.set(key, value),
      delete: async (key: string) => void secrets.delete(key),
    } as never,
    {
      onConnection: connections.event,
      call: async (method: string, { hub, token }: { hub: string; token: string | null }) => {
        assert.equal(method, 'model/hubToken');
        daemon.set(hub, token);
      },
    } as never,
  );
  t.after(() => tokens.dispose());
  const find = async (): Promise<string> => {
    if (daemon.get(HUB) === RIGHT) return 'found';
    throw new EarshotError('modelGated', { repository: 'a/b', url: `${HUB}/a/b`, token: daemon.get(HUB) ? 1 : 0 });
  };
  return { secrets, daemon, boxes, tokens, find, connect: () => connections.fire({ kind: 'connected' }) };
}

test('is asked for as a secret, tried, and then kept', async t => {
  const { secrets, boxes, tokens, find } = bench(t, { typed: ` ${RIGHT}\n` });
  assert.equal(await tokens.with(find), 'found');
  assert.deepEqual(
    boxes.map(box => box.password),
    [true],
  );
  assert.deepEqual(JSON.parse(secrets.get('earshot.hubTokens')!), { [HUB]: RIGHT });
});
test('a wrong one is not kept, and who types none gets the reason', async t => {
  for (const typed of ['hf_wrong', undefined]) {
    const { secrets, tokens, find } = bench(t, typed === undefined ? {} : { typed });
    await assert.rejects(tokens.with(find), failsWith('modelGated'));
    assert.equal(secrets.size, 0);
  }
});
test('goes to each daemon that the window connects to', async t => {
  const { daemon, boxes, tokens, find, connect } = bench(t, { kept: { [HUB]: RIGHT } });
  connect();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(await tokens.with(find), 'found');
  assert.deepEqual([daemon.get(HUB), boxes], [RIGHT, []]);
});
test('is forgotten here and there', async t => {
  const { secrets, daemon, tokens } = bench(t, { kept: { [HUB]: RIGHT } });
  await tokens.forget();
  assert.deepEqual([secrets.size, daemon.get(HUB)], [0, null]);
});
