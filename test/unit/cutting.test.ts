import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  FRAME_MS,
  MAX_UTTERANCE_MS,
  startCutting,
  type Frame,
  type UtteranceTimes,
} from '../../daemon/ingest/cutting.ts';

/** Frames for a time of speech (loud), a dip (quiet, yet heard as speech) or silence. */
const sound = (seconds: number, kind: 'speech' | 'dip' | 'silence'): Frame[] =>
  Array.from({ length: Math.round((seconds * 1000) / FRAME_MS) }, () => ({
    speech: kind !== 'silence',
    level: kind === 'speech' ? -20 : kind === 'dip' ? -60 : -80,
  }));
const cut = (frames: readonly Frame[], chunk = frames.length || 1): UtteranceTimes[] => {
  const cutting = startCutting(),
    rows: UtteranceTimes[] = [];
  for (let at = 0; at < frames.length; at += chunk) rows.push(...cutting.push(frames.slice(at, at + chunk)));
  return [...rows, ...cutting.end(frames.length * FRAME_MS)];
};
const seconds = (rows: readonly UtteranceTimes[]): [number, number][] =>
  rows.map(row => [row.startMs / 1000, row.endMs / 1000]);
const within = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} ± ${tolerance}`);

describe('cutting', () => {
  test('silence, and clicks in it, are no utterances', () => {
    assert.deepEqual(cut([]), []);
    assert.deepEqual(cut(sound(60, 'silence')), []);
    assert.deepEqual(cut([...sound(2, 'silence'), ...sound(0.064, 'speech'), ...sound(5, 'silence')]), []);
  });
  test('says from where to where the utterance is heard that has no end yet, as it will be cut', () => {
    const frames = [...sound(3, 'silence'), ...sound(2, 'speech'), ...sound(3, 'silence')],
      cutting = startCutting();
    assert.deepEqual(cutting.speaking(), { index: 0, span: null });
    const rows: UtteranceTimes[] = [],
      starts = new Set<number>();
    let lastMs = 0;
    for (const [at, frame] of frames.entries()) {
      rows.push(...cutting.push([frame]));
      const { index, span } = cutting.speaking();
      assert.equal(index, rows.length);
      if (!span) continue;
      starts.add(span.startMs);
      assert.ok(span.endMs >= lastMs && span.endMs <= (at + 1) * FRAME_MS);
      lastMs = span.endMs;
    }
    assert.deepEqual([...starts], [rows[0]!.startMs]);
    within(lastMs / 1000, 5, 0.033);
    assert.deepEqual(cutting.speaking(), { index: 1, span: null });
  });
  test('an utterance keeps a margin on both sides', () => {
    const [row] = seconds(cut([...sound(3, 'silence'), ...sound(2, 'speech'), ...sound(3, 'silence')]));
    within(row![0], 3 - 0.256, 0.033);
    within(row![1], 5 + 0.384, 0.033);
  });
  test('a short answer before a long silence stands alone', () => {
    assert.equal(cut([...sound(0.5, 'speech'), ...sound(2, 'silence'), ...sound(4, 'speech')]).length, 2);
  });
  test('a breath does not end a short utterance; a clear pause ends a long one', () => {
    assert.equal(cut([...sound(2, 'speech'), ...sound(0.6, 'silence'), ...sound(2, 'speech')]).length, 1);
    const rows = cut([...sound(7, 'speech'), ...sound(0.6, 'silence'), ...sound(7, 'speech')]);
    assert.equal(rows.length, 2);
    assert.ok(rows[0]!.endMs <= rows[1]!.startMs);
    // The pause is shared: neither word stands at an edge.
    assert.ok(rows[0]!.endMs >= 7200 && rows[1]!.startMs <= 7450);
  });
  test('fluent speech is cut at the best pause it had', () => {
    const rows = seconds(
      cut([
        ...sound(8, 'speech'),
        ...sound(0.13, 'dip'),
        ...sound(4, 'speech'),
        ...sound(0.3, 'dip'),
        ...sound(12, 'speech'),
      ]),
    );
    assert.equal(rows.length, 2);
    within(rows[0]![1], 12.28, 0.2);
  });
  test('speech without any pause is cut at its quietest moment, at most 30 s long', () => {
    const frames = sound(70, 'speech');
    for (const at of [24, 25, 26])
      frames[Math.round((at * 1000) / FRAME_MS)] = { speech: true, level: at === 25 ? -30 : -26 };
    const rows = cut(frames);
    within(rows[0]!.endMs / 1000, 25, 0.1);
    assert.equal(rows[0]!.endMs, rows[1]!.startMs);
    assert.ok(rows.every(row => row.endMs - row.startMs <= MAX_UTTERANCE_MS));
    assert.equal(rows.at(-1)!.endMs, frames.length * FRAME_MS);
  });
  test('a beginning that the detector heard too late is taken in', () => {
    const late = sound(3, 'speech').map((frame, n): Frame => (n < 16 ? { ...frame, speech: false } : frame));
    assert.equal(cut([...late, ...sound(2, 'silence')])[0]!.startMs, 0);
  });

  const scene = fc
    .array(
      fc.record({
        kind: fc.constantFrom('speech' as const, 'speech' as const, 'dip' as const, 'silence' as const),
        seconds: fc.double({ min: 0.03, max: 14, noNaN: true }),
      }),
      { maxLength: 30 },
    )
    .map(parts => parts.flatMap(part => sound(part.seconds, part.kind)));

  test('how the frames arrive does not matter', () => {
    fc.assert(
      fc.property(scene, fc.integer({ min: 1, max: 200 }), (frames, chunk) =>
        assert.deepEqual(cut(frames, chunk), cut(frames)),
      ),
      { numRuns: 60 },
    );
  });
  test('utterances are in order, apart, not too long, and hold all speech that is more than a click', () => {
    fc.assert(
      fc.property(scene, frames => {
        const rows = cut(frames),
          totalMs = frames.length * FRAME_MS;
        rows.forEach((row, n) => {
          assert.equal(row.index, n);
          assert.ok(
            row.startMs >= (rows[n - 1]?.endMs ?? 0) &&
              row.endMs > row.startMs &&
              row.endMs <= totalMs &&
              row.endMs - row.startMs <= MAX_UTTERANCE_MS,
          );
          assert.ok(Number.isInteger(row.startMs * 16) && Number.isInteger(row.endMs * 16));
        });
        let outside = 0;
        frames.forEach((frame, n) => {
          const covered = rows.some(row => row.startMs <= n * FRAME_MS && (n + 1) * FRAME_MS <= row.endMs);
          outside = frame.speech && !covered ? outside + 1 : 0;
          assert.ok(outside < 3, `speech at ${n * FRAME_MS} ms is in no utterance`);
        });
      }),
      { numRuns: 60 },
    );
  });
});
