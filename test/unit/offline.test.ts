import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forbidden, isLoopback, remoteCards } from '../../daemon/models/remote.ts';
import { sentence } from '../../text/messages/messages.ts';
import { DEFAULTS } from '../../schemas/settings.ts';

test('what leads to this machine alone', () => {
  for (const url of [
    'http://localhost:11434/v1',
    'http://127.0.0.1',
    'https://127.8.9.10:1',
    'http://[::1]:8080',
    'http://a.localhost',
  ])
    assert.ok(isLoopback(url), url);
  for (const url of [
    'http://example.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://192.168.1.2:11434',
    'http://0.0.0.0',
    'http://[::ffff:1.2.3.4]',
    'x',
    'http://user@evil.example/localhost',
  ])
    assert.ok(!isLoopback(url), url);
});

test('offline, a server elsewhere is not asked; one on this machine is', () => {
  const card = (url: string) =>
    remoteCards({ server: { url, key: null, models: { repair: 'm', summary: 's' } }, commands: {} });
  const [repair, summary] = card('http://192.168.1.2:11434/v1');
  assert.deepEqual([repair!.id, summary!.id], ['server-repair', 'server-summary']);
  const why = forbidden(repair!, { ...DEFAULTS, offline: true })!;
  assert.deepEqual(why, { code: 'offline', args: { server: 'http://192.168.1.2:11434/v1', model: 'server-repair' } });
  for (const locale of ['en', 'zh-cn'] as const) assert.match(sentence(why, locale), /192\.168\.1\.2.*offline/);
  assert.equal(forbidden(repair!, DEFAULTS), null);
  assert.equal(forbidden(card('http://localhost:11434/v1')[0]!, { ...DEFAULTS, offline: true }), null);
});
