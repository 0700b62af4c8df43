import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startClock, type ClockFacts } from '../../daemon/ingest/clock.ts';
import { readPieces, timedSound } from '../../daemon/ingest/timed.ts';

const MS = 16,
  PIECE = 32 * MS;
const FACTS: ClockFacts = { startMs: 0, lengthMs: null, longestHoleMs: 6 * 3_600_000, none: false };

/** Pieces of 32 ms through a clock: where each of them is put (ms), what is left out of them, and the clock's word. */
function run(times: readonly (number | null)[], facts: Partial<ClockFacts> = {}, samples = PIECE) {
  const clock = startClock();
  clock.part({ ...FACTS, ...facts });
  const placed = [...times.flatMap(at => clock.push({ at: at === null ? null : at * MS, samples })), ...clock.end()];
  let now = 0;
  const starts = placed.map(({ silence, skip, samples }) => {
    const start = now + silence;
    now = start + samples - skip;
    return start / MS;
  });
  return {
    starts,
    skipped: placed.reduce((sum, { skip }) => sum + skip, 0) / MS,
    endMs: now / MS,
    overruledMs: clock.overruledAt() === null ? null : clock.overruledAt()! / MS,
  };
}
/** `count` times from `from` on, `step` ms apart. */
const every = (from: number, count: number, step = 32): number[] =>
  Array.from({ length: count }, (_, n) => from + n * step);
const HEARD = { skipped: 0, overruledMs: null };

describe('the clock of a recording', () => {
  test('goes on as the sound does', () =>
    assert.deepEqual(run(every(0, 100)), { ...HEARD, starts: every(0, 100), endMs: 3200 }));
  test('begins where the file does, and late sound late', () => {
    assert.equal(run(every(1400, 20), { startMs: 1400 }).starts[0], 0);
    assert.deepEqual(run(every(3400, 20), { startMs: 1400 }).starts.slice(0, 2), [2000, 2032]);
  });
  test('what an encoder puts before zero is left out, and nothing else', () => {
    assert.deepEqual(run(every(-32, 20), { startMs: -32 }, 64 * MS).skipped, 32);
    assert.deepEqual(run(every(-64, 20), { startMs: -64 }).starts.slice(0, 4), [0, 0, 0, 32]);
    assert.deepEqual(run(every(-500, 20), { startMs: -500 }).skipped, 0);
  });
  test('a hole is silence, less than 40 ms is left alone', () => {
    const hole = run([...every(0, 20), ...every(1640, 20)]);
    assert.deepEqual([hole.starts[19], hole.starts[20], hole.overruledMs], [608, 1640, null]);
    assert.equal(run([...every(0, 20), ...every(679, 20)]).endMs, 1280);
  });
  test('two holes, one soon behind the other', () => {
    const { starts, overruledMs } = run([...every(0, 20), ...every(1000, 4), ...every(3000, 30)]);
    assert.deepEqual([starts[20], starts[24], overruledMs], [1000, 3000, null]);
  });
  test('a clock that goes back is counted on from there', () => {
    const back = run([...every(0, 100), ...every(0, 100)]);
    assert.deepEqual([back.endMs, back.overruledMs, back.skipped], [6400, 3200, 0]);
    // And a hole behind that is one.
    const later = run([...every(0, 100), ...every(0, 50), ...every(2600, 50)]);
    assert.equal(later.endMs, 6400 + 1000);
  });
  test('a jump to where nothing can be is none', () => {
    assert.deepEqual(run([...every(0, 50), ...every(9_000_000, 50)], { lengthMs: 3200 }).endMs, 3200);
    const broadcast = run([...every(0, 50), ...every(13_000, 50)], { longestHoleMs: 10_000 });
    assert.deepEqual([broadcast.endMs, broadcast.overruledMs], [3200, 1600]);
  });
  test('a few times that are wrong change nothing', () => {
    assert.deepEqual(run([...every(0, 50), 10_600, 10_632, ...every(1664, 50)]).endMs, 3264);
    assert.equal(run([...every(0, 50), 60, 92, ...every(1664, 50)]).overruledMs, null);
  });
  test('a clock of another speed is none', () => {
    for (const step of [64, 45, 20]) {
      const { endMs, skipped, overruledMs } = run(every(0, 200, step));
      assert.ok(overruledMs !== null && skipped <= 64 && Math.abs(endMs - 6400) < 200, `${step}: ${endMs} ${skipped}`);
    }
  });
  test('one that runs a little slower or faster is kept up with', () => {
    const fast = run(every(0, 3000, 32.032));
    assert.ok(Math.abs(fast.endMs - 3000 * 32.032) < 80 && fast.overruledMs === null, String(fast.endMs));
    const slow = run(every(0, 3000, 31.968));
    assert.ok(Math.abs(slow.endMs - 3000 * 31.968) < 80 && slow.overruledMs === null, String(slow.endMs));
  });
  test('where there is none, or no time, samples are counted', () => {
    assert.equal(run(every(0, 100, 88), { none: true }).endMs, 3200);
    assert.equal(run([null, null, ...every(64, 10)]).endMs, 384);
    assert.equal(run([0, null, null, null, ...every(128, 10)]).endMs, 448);
  });
  test('joined files follow one another, each with a clock of its own', () => {
    const clock = startClock();
    clock.part(FACTS);
    for (const at of every(0, 50)) clock.push({ at: at * MS, samples: PIECE });
    clock.end();
    clock.part({ ...FACTS, startMs: 5000 });
    const [first] = clock.push({ at: 5500 * MS, samples: PIECE });
    assert.deepEqual([first, clock.overruledAt()], [{ silence: 500 * MS, skip: 0, samples: PIECE }, null]);
  });
});

describe('samples and their times', () => {
  test('framecrc, however it comes', () => {
    const text =
      '#software: Lavf63\n#tb 0: 1/16000\n0, -1000000000000,      22400,      496,      1984, 0xe6b688e3\n' +
      '0,  -999999999999, -9223372036854775808,      512,     2048, 0x8407ef46\n';
    for (const size of [1, 7, 1000]) {
      const pieces: unknown[] = [],
        read = readPieces(piece => pieces.push(piece));
      for (let at = 0; at < text.length; at += size) read(Buffer.from(text.slice(at, at + size)));
      assert.deepEqual(pieces, [
        { at: 22_400, samples: 496 },
        { at: null, samples: 512 },
      ]);
    }
  });
  test('silence goes between them, and what is left out goes', () => {
    for (const size of [1, 3, 8, 100]) {
      const timed = timedSound(),
        samples = Buffer.from(Int16Array.from({ length: 8 }, (_, n) => n + 1).buffer),
        out: Buffer[] = [];
      timed.place([
        { silence: 2, skip: 1, samples: 3 },
        { silence: 0, skip: 0, samples: 2 },
        { silence: 1, skip: 0, samples: 1 },
      ]);
      for (let at = 0; at < samples.length; at += size) {
        timed.push(samples.subarray(at, at + size));
        out.push(...timed.take());
      }
      const whole = Buffer.concat([...out, ...timed.rest()]);
      assert.deepEqual([...new Int16Array(new Uint8Array(whole).buffer)], [0, 0, 2, 3, 4, 5, 0, 6, 7, 8]);
    }
  });
});
