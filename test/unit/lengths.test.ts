import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Lengths } from '../../daemon/jobs/lengths.ts';
import type { Store } from '../../daemon/contracts/store.ts';

it('a length is guessed from the size, better once files of the kind were seen, and that survives a restart', () => {
  const meta = new Map<string, string>();
  const store = {
    meta: (key: string) => meta.get(key) ?? null,
    setMeta: (key: string, value: string) => void meta.set(key, value),
  } as unknown as Store;
  const lengths = new Lengths(store);
  assert.equal(lengths.guessMs({ name: 'TALK.MP3', bytes: 14_000 * 60 }), 60_000);
  assert.ok(lengths.guessMs({ name: 'film.mkv', bytes: 1e9 }) < lengths.guessMs({ name: 'talk.mp3', bytes: 1e9 }));
  lengths.learn({ name: 'talk.mp3', bytes: 4_000 * 60 }, 60_000);
  assert.equal(lengths.guessMs({ name: 'other.mp3', bytes: 4_000 * 60 }), 60_000);
  lengths.learn({ name: 'blip.mp3', bytes: 99 }, 10);
  assert.equal(
    new Lengths(store).guessMs({ name: 'other.mp3', bytes: 4_000 * 60 }),
    60_000,
    'too short to say anything',
  );
});
