/** A counting semaphore: places, the line, and leaving it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Semaphore } from '../../daemon/system/semaphore.ts';

const never = new AbortController().signal;

test('so many at a time; those who wait come in turn, and one that is cancelled takes no place', async () => {
  const semaphore = new Semaphore(2),
    entered: string[] = [];
  const take = async (name: string, signal = never) => {
    const place = await semaphore.take(signal);
    entered.push(name);
    return place;
  };
  const first = await take('first'),
    second = await take('second');
  const cancelled = new AbortController();
  const third = take('third', cancelled.signal),
    fourth = take('fourth'),
    fifth = take('fifth');
  cancelled.abort();
  await assert.rejects(third, { failure: { code: 'cancelled', args: {} } });
  assert.deepEqual(entered, ['first', 'second']);
  await first[Symbol.asyncDispose]();
  const place = await fourth;
  assert.deepEqual(entered, ['first', 'second', 'fourth']);
  await second[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await fifth;
  assert.deepEqual(entered, ['first', 'second', 'fourth', 'fifth']);
});
