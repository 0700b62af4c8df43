/** Rows of differing heights in view: by halving, as by looking at each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reveal, rowAt, tops, visible } from '../../../webview/virtual.ts';

const heights = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 200 });

test('tops are where rows begin, and the height of all', () => {
  assert.deepEqual([...tops([30, 92, 58], h => h)], [0, 30, 122, 180]);
  assert.deepEqual([...tops([], () => 1)], [0]);
});

test('the row that covers a place', () => {
  fc.assert(
    fc.property(heights, fc.integer({ min: 0, max: 30_000 }), (rows, y) => {
      const all = tops(rows, h => h);
      const plain = rows.findIndex((_, i) => all[i]! <= y && y < all[i + 1]!);
      assert.equal(rowAt(all, y), plain < 0 ? rows.length - 1 : plain);
    }),
  );
});

test('what is in view is painted, with a margin and little more', () => {
  assert.deepEqual(
    visible(
      tops([], () => 1),
      0,
      500,
    ),
    { from: 0, to: 0 },
  );
  fc.assert(
    fc.property(
      heights,
      fc.integer({ min: 0, max: 20_000 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 0, max: 400 }),
      (rows, scroll, height, margin) => {
        const all = tops(rows, h => h),
          { from, to } = visible(all, scroll, height, margin);
        assert.ok(0 <= from && from < to && to <= rows.length);
        rows.forEach((_, i) => {
          const inView = all[i + 1]! > scroll - margin && all[i]! <= scroll + height + margin;
          if (inView) assert.ok(from <= i && i < to, `row ${i} is in view`);
          // At the end of the list the last row stands in for what was scrolled past.
          else if (i !== rows.length - 1) assert.ok(i < from || i >= to, `row ${i} is not`);
        });
      },
    ),
  );
});

test('a row that is revealed is whole in view, and what is whole stays', () => {
  fc.assert(
    fc.property(heights, fc.nat(), fc.integer({ min: 0, max: 20_000 }), (rows, some, scroll) => {
      const all = tops(rows, h => h),
        i = some % rows.length,
        height = 500,
        to = reveal(all, i, scroll, height) ?? scroll;
      assert.ok(all[i]! >= to && all[i + 1]! <= to + height);
      if (all[i]! >= scroll && all[i + 1]! <= scroll + height) assert.equal(to, scroll);
    }),
  );
});
