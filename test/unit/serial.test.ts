import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SerialQueue } from '../../daemon/system/serial.ts';

test('work that must not overlap goes one by one, and a failure is for whoever asked alone', async () => {
  const queue = new SerialQueue(),
    order: string[] = [],
    gate = Promise.withResolvers<void>();
  const first = queue.run(async () => {
    order.push('first begins');
    await gate.promise;
    order.push('first ends');
    throw new Error('first');
  });
  const second = queue.run(() => {
    order.push('second');
    throw new Error('second');
  });
  const third = queue.run(() => order.push('third'));
  gate.resolve();
  assert.deepEqual(
    (await Promise.allSettled([first, second, third])).map(end => end.status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(order, ['first begins', 'first ends', 'second', 'third']);
});
