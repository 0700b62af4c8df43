/** Files that another program has open, as Windows says it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InUse, isSameFile, whileInUse } from '../../client/files.ts';

const refused = (code: string): Error => Object.assign(new Error(code), { code });
const pausesMs = [0, 0, 0];

/** What fails so often with this, and the number of tries. */
async function tried(code: string, times: number, platform: NodeJS.Platform): Promise<number | Error> {
  let tries = 0;
  const work = async (): Promise<void> => {
    if (tries++ < times) throw refused(code);
  };
  return whileInUse('C:\\talk.srt', work, { platform, pausesMs }).then(
    () => tries,
    (error: Error) => error,
  );
}

test('Windows: what a scanner or a player holds is waited for, then said; other failures are none of it', async () => {
  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    assert.equal(await tried(code, 3, 'win32'), 4, code);
    const given = await tried(code, 4, 'win32');
    assert.ok(given instanceof InUse && given.path === 'C:\\talk.srt' && /open in another program/.test(given.message));
    assert.equal(((given as InUse).cause as NodeJS.ErrnoException).code, code);
  }
  assert.equal(((await tried('ENOENT', 1, 'win32')) as NodeJS.ErrnoException).code, 'ENOENT');
});

test('elsewhere a refusal is final', async () => {
  assert.equal(((await tried('EPERM', 1, 'linux')) as NodeJS.ErrnoException).code, 'EPERM');
});

test('two files of a disk of Windows are two, whose numbers differ beyond what a double holds', () => {
  const at = (record: bigint): { dev: bigint; ino: bigint } => ({ dev: 1n, ino: (300n << 48n) | record });
  assert.equal(Number(at(1001n).ino), Number(at(1002n).ino));
  assert.equal(isSameFile(at(1001n), at(1002n)), false);
  assert.equal(isSameFile(at(1001n), at(1001n)), true);
});
