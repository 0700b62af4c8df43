/** Native parts of other platforms come into a VSIX as the lock file has them, or not at all. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { KOFFI_PACKAGES, locked, verify } from '../../scripts/package.ts';

test('every native part is locked with a checksum', () => {
  assert.ok(KOFFI_PACKAGES.length >= 5);
  for (const name of KOFFI_PACKAGES) assert.match(locked(name).integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, name);
  assert.throws(() => locked('@koromix/koffi-plan9-x64'), /not locked/);
});

test('what another registry would hand out is refused', () => {
  const bytes = Buffer.from('as it was published'),
    integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  verify('x', bytes, { integrity });
  assert.throws(
    () => verify('x', Buffer.concat([bytes, Buffer.from('!')]), { integrity }),
    /not what the lock file says/,
  );
});
