/** Forms that end where they should not: each is refused, and nothing of it stays open or on the disk. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { receiveForm } from '../../daemon/api/http/upload.ts';
import { toFailure } from '../../schemas/errors.ts';

/** A request with this body; `complete`: as much as it promised. */
function request(body: string, complete: boolean): IncomingMessage {
  const made = new IncomingMessage(new Socket());
  made.headers = { 'content-type': 'multipart/form-data; boundary=b' };
  made.complete = complete;
  made.push(body);
  if (complete) made.push(null);
  else setImmediate(() => made.destroy());
  return made;
}
const file = (content: string): string =>
  `--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n${content}`;
const long = `--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n${'a'.repeat(20_000)}\r\n`;
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      return []; // what listed them
    }
  });

for (const [name, body, complete] of [
  ['nothing of it', file(''), true],
  ['a byte of it', file('a'), true],
  ['much of it', file('a'.repeat(100_000)), true],
  ['a byte of it, and the connection is gone', file('a'), false],
  ['a byte of it behind a field that is too long', long + file('a'), true],
] as const)
  test(`a form that ends inside its file, with ${name}`, { timeout: 60_000 }, async t => {
    const root = mkdtempSync(join(tmpdir(), 'earshot-form-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const folder = join(root, 'upload');
    await assert.rejects(receiveForm(request(body, complete), folder, 1024 ** 2), error => {
      assert.equal(
        complete ? (error as { status?: number }).status : toFailure(error).code,
        complete ? 400 : 'cancelled',
      );
      return true;
    });
    // Nothing that comes later makes it again.
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    assert.ok(!existsSync(folder));
    if (process.platform === 'linux')
      assert.deepEqual(
        openFiles().filter(path => path.startsWith(root)),
        [],
      );
  });
