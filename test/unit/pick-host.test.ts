/** Where tests inside the extension host run. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { pickHost } from '../extension/host/config.ts';

const said: string[] = [],
  say = (line: string): void => {
    said.push(line);
  };
const version = '1.139.1';

it('code-server is not asked to download anything', async () => {
  assert.deepEqual(await pickHost({ host: 'code-server', version }, () => assert.fail('downloads'), say), {
    host: 'code-server',
  });
});
it('the desktop is taken where it can be downloaded', async () => {
  assert.deepEqual(await pickHost({ host: 'electron', version }, async wanted => `/desktop/${wanted}/code`, say), {
    host: 'electron',
    executable: '/desktop/1.139.1/code',
  });
  assert.deepEqual(said, []);
});
it('a download that fails is said, and the tests run all the same', async () => {
  assert.deepEqual(
    await pickHost({ host: 'electron', version }, () => Promise.reject(new Error('getaddrinfo ENOTFOUND')), say),
    { host: 'code-server' },
  );
  assert.deepEqual(said, [
    'VS Code 1.139.1 could not be downloaded (getaddrinfo ENOTFOUND): the tests run on code-server',
  ]);
});
