/** Which build of llama.cpp a machine's processor uses: one that its pack really has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backendFor } from '../../daemon/engines/llama/runtime.ts';
import { llamaBuilds } from '../../daemon/runtimes/packs.ts';

test('on the processor too a build is asked for that is installed', () => {
  for (const [platform, arch] of [
    ['darwin', 'arm64'],
    ['darwin', 'x64'],
    ['win32', 'x64'],
    ['linux', 'x64'],
    ['linux', 'arm64'],
  ] as const) {
    const [build = ''] = llamaBuilds({ platform, arch, nvidia: false }),
      asked = backendFor('cpu', { platform, arch });
    assert.equal(asked, build.endsWith('-metal') ? 'metal' : false, build);
    assert.equal(backendFor('gpu', { platform, arch }), 'auto');
  }
});
