/** The editor's proxy, as the daemon's environment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './../fixtures/vscode.ts';
import { proxiesIn } from '../../client/proxies.ts';
const { proxySettings } = await import('../../extension/connection/proxy-settings.ts');

test('the proxy of the editor goes before that of the environment, unless it is told to use none', () => {
  const set = (values: Record<string, unknown>) => proxySettings({ get: (name: string) => values[name] as never });
  assert.deepEqual(set({ proxy: '', noProxy: ['x.org'] }), {});
  assert.deepEqual(set({ proxy: 'http://p:1', proxySupport: 'off' }), {});
  const { https, direct } = proxiesIn({
    HTTPS_PROXY: 'http://other:1',
    ...set({ proxy: 'http://p:1', noProxy: ['x.org'] }),
  });
  assert.ok(https === 'http://p:1' && direct.startsWith('x.org,'));
});
