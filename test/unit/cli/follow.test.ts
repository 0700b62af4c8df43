import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import {
  allEnded,
  applyEvent,
  emptyWorld,
  followJob,
  front,
  isSettled,
  takeSettled,
  unsettled,
} from '../../../cli/follow.ts';
import { endLines, utteranceLines, type Style } from '../../../cli/output.ts';
import { width } from '../../../cli/layout.ts';
import { texts } from '../../../cli/texts.ts';
import { liveLines, type Frame } from '../../../cli/view.ts';
import { JOB_ID, job, utterance } from './jobs.ts';

const OTHER = '01JD00000000000000000000BB';
const plain = (_: unknown, text: string): string => text;
const frame = (changes: Partial<Frame> = {}): Frame => ({
  columns: 100,
  rows: 24,
  now: 10_000,
  locale: 'en',
  t: texts('en'),
  paint: plain,
  names: {},
  ...changes,
});
const style = (changes: Partial<Style> = {}): Style => ({
  columns: 60,
  locale: 'en',
  t: texts('en'),
  paint: plain,
  pretty: true,
  ...changes,
});

test('text is shown in order, once nothing can change it any more', () => {
  const world = emptyWorld();
  followJob(world, job());
  const followed = world.jobs.get(JOB_ID)!;
  for (const made of [utterance(1, 'repair'), utterance(2, 'asr')])
    applyEvent(world, { type: 'utterance', job: JOB_ID, utterance: made });
  assert.deepEqual(takeSettled(followed), [], 'utterance 0 is not there yet');
  applyEvent(world, { type: 'utterance', job: JOB_ID, utterance: utterance(0, 'asr') });
  assert.deepEqual(takeSettled(followed), [], 'utterance 0 may still be repaired');
  assert.deepEqual(
    unsettled(followed).map(each => each.index),
    [0, 1, 2],
  );
  applyEvent(world, { type: 'utterance', job: JOB_ID, utterance: utterance(0) });
  assert.deepEqual(
    takeSettled(followed).map(each => each.index),
    [0, 1],
  );
  assert.deepEqual(takeSettled(followed), []);
  applyEvent(world, { type: 'job', job: job({ state: 'failed' }) });
  assert.deepEqual(
    takeSettled(followed).map(each => each.index),
    [2],
    'a job that is over shows what it has',
  );
});

test('which stage settles a text', () => {
  const of = (stages: ('asr' | 'repair' | 'nmt' | 'tts')[]) => ({
    job: job({ stages }),
    utterances: new Map(),
    partial: null,
    shown: 0,
    ended: false,
  });
  assert.ok(isSettled(of(['asr']), utterance(0, 'asr')));
  assert.ok(isSettled(of(['asr', 'tts']), utterance(0, 'asr')));
  assert.ok(!isSettled(of(['asr', 'repair', 'nmt', 'tts']), utterance(0, 'repair')));
  assert.ok(
    isSettled(of(['asr', 'repair', 'nmt']), {
      ...utterance(0, 'asr'),
      failed: { stage: 'nmt', failure: { code: 'engineFailed', args: {} } },
    }),
  );
  assert.ok(
    !isSettled(of(['asr', 'repair', 'tts']), {
      ...utterance(0, 'asr'),
      failed: { stage: 'tts', failure: { code: 'engineFailed', args: {} } },
    }),
  );
});

test("another window's job tells its end once; ours does not", () => {
  const world = emptyWorld();
  followJob(world, job());
  assert.equal(applyEvent(world, { type: 'job', job: job({ state: 'completed' }) }), null);
  assert.equal(
    applyEvent(world, { type: 'job', job: job({ id: OTHER, state: 'completed' }) }),
    null,
    'it was over before we looked',
  );
  applyEvent(world, { type: 'job', job: job({ id: OTHER }) });
  assert.equal(applyEvent(world, { type: 'job', job: job({ id: OTHER, state: 'completed' }) })?.id, OTHER);
  assert.equal(applyEvent(world, { type: 'job', job: job({ id: OTHER, state: 'completed' }) }), null);
});

test('jobs are shown one after the other', () => {
  const world = emptyWorld();
  followJob(world, job());
  followJob(world, job({ id: OTHER }));
  assert.equal(front(world)!.job.id, JOB_ID);
  world.jobs.get(JOB_ID)!.ended = true;
  assert.equal(front(world)!.job.id, OTHER);
  assert.ok(!allEnded(world));
  world.jobs.get(OTHER)!.ended = true;
  assert.ok(allEnded(world));
  assert.deepEqual(liveLines(world, frame()), []);
});

test('the moving part: work under way, four stages, what is waited for', () => {
  const world = emptyWorld();
  const stages = {
    asr: { done: 3, failed: 0, running: 1 },
    repair: { done: 2, failed: 0, running: 0 },
    nmt: { done: 1, failed: 0, running: 0 },
    tts: { done: 0, failed: 1, running: 0 },
  };
  followJob(
    world,
    job({
      stages: ['asr', 'repair', 'nmt', 'tts'],
      options: { repair: true, translateTo: 'de', speak: true },
      expectedEndAt: 32_500,
      progress: { utterances: 4, ingested: true, ingestedMs: 60_000, stages },
      waiting: { code: 'modelLoading', args: { stage: 'tts', model: 'joe', device: 'cpu' } },
    }),
  );
  applyEvent(world, { type: 'utterance', job: JOB_ID, utterance: utterance(0, 'asr', 'hello \u001b[2Jthere') });
  const lines = liveLines(world, frame());
  const text = lines.join('\n');
  assert.match(text, /0:00\s+hello �\[2Jthere/);
  assert.match(text, /talk\.wav {2}1:00 · English → German · 22\.5 s left/);
  assert.match(
    text,
    /Recognition [█▏▎▍▌▋▊▉░]+ 3\/4 {3}Repair [█▏▎▍▌▋▊▉░]+ 2\/4 {3}Translation [█▏▎▍▌▋▊▉░]+ 1\/4 {3}Speech [█▏▎▍▌▋▊▉░]+ 1\/4/,
  );
  assert.match(text, /loading joe on the CPU/);
  for (const columns of [24, 40, 60, 80, 200])
    for (const locale of ['en', 'zh-cn'] as const) {
      for (const line of liveLines(world, frame({ columns, locale, t: texts(locale) })))
        assert.ok(width(line) <= columns, `${columns}: ${line}`);
    }
  assert.ok(liveLines(world, frame({ rows: 6 })).length <= 5);
});

test('what is downloaded and loaded shows', () => {
  const world = emptyWorld();
  followJob(world, job({ state: 'pending', waiting: { code: 'modelDownloading', args: { model: 'whisper-base' } } }));
  applyEvent(world, {
    type: 'model',
    model: {
      card: {
        id: 'whisper-base',
        name: 'Whisper base',
        family: 'whisper',
        engine: 'faster-whisper',
        stages: ['asr'],
        languages: [],
        licence: 'MIT',
        homepage: '',
        files: [],
        memory: {},
        precision: {},
        size: 1,
      },
      state: 'downloading',
      progress: { bytes: 45e6, total: 145e6 },
      outdated: false,
      installedAt: null,
      lastUsedAt: null,
      diskBytes: 0,
      imported: false,
      isDefault: [],
      failure: null,
    },
  });
  assert.match(liveLines(world, frame()).join('\n'), /downloading whisper-base [█▏▎▍▌▋▊▉░]+ 45 MB of 145 MB/);
});

test('an utterance on the screen and in a pipe', () => {
  assert.deepEqual(utteranceLines(utterance(1), style()), ['0:10    Words 1.']);
  assert.deepEqual(utteranceLines(utterance(1, 'nmt'), style({ pretty: false })), ['0:10\tWords 1.', '\t→ Words 1.']);
  const long = utteranceLines(utterance(0, 'nmt', 'word '.repeat(30).trim()), style());
  assert.ok(
    long.length > 4 &&
      long.every(line => width(line) <= 60) &&
      long.slice(1).every(line => line.startsWith('        ')),
  );
  const failed = utteranceLines(
    { ...utterance(2, 'asr'), failed: { stage: 'repair', failure: { code: 'engineFailed', args: {} } } },
    style(),
  );
  assert.deepEqual(failed, ['0:20    words 2', '        [Repair: could not be done]']);
});

test('how a job ended', () => {
  const done = job({
    state: 'completed',
    finishedAt: 12_000,
    outputs: [{ kind: 'txt', path: '/out/ta\u001blk.txt', bytes: 3 }],
    warnings: [{ code: 'truncatedFile', args: { path: 'x.wav', readMs: 30_000, durationMs: 60_000 } }],
  });
  const text = endLines(done, 4, style({ columns: 100 })).join('\n');
  assert.match(text, /✓ talk\.wav {2}completed · English/);
  assert.match(text, /cut off: only 0:30 of 1:00 could be read/);
  assert.match(text, /Wrote \/out\/ta�lk\.txt/);
  assert.match(text, /audio 1 min 00 s · time 10\.0 s · 6\.0 × real time · whisper-base, qwen/);
  const narrow = endLines(done, 4, style({ columns: 40 }));
  assert.ok(narrow.every(line => width(line) <= 40 && line.match(/^( {2}\S|✓)/)));
  assert.equal(narrow.join('').replaceAll(/\s+/g, ''), text.replaceAll(/\s+/g, ''), 'wrapped at words');
  assert.match(endLines(job({ state: 'completed' }), 0, style()).join('\n'), /no speech/);
  assert.match(
    endLines(
      job({ state: 'failed', failure: { code: 'noAudioTrack', args: { path: 'x.mp4' } } }),
      0,
      style({ locale: 'zh-cn', t: texts('zh-cn') }),
    ).join('\n'),
    /✗ talk\.wav {2}失败[\s\S]*x\.mp4 没有声音/,
  );
});

test('what is still being said has the lines that its utterance will have', () => {
  const colored = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { validateStream: false });
  const said = [
    'After early nightfall the yellow lamps would light up here and there the squalid quarter of the town',
    '天黑之后，城里肮脏的街区里，昏黄的灯光会零零落落地亮起来，街上的人也渐渐多了起来，谁也不知道要到什么时候才会散去。',
  ];
  for (const columns of [40, 79, 119])
    for (const text of said) {
      const world = emptyWorld(),
        whole = { ...utterance(0, 'asr', text), startMs: 61_000 };
      followJob(world, job({ stages: ['asr'], live: { open: true } }));
      const partial = { index: 0, startMs: 61_000, endMs: 62_000, stable: text.slice(0, 30), unstable: text.slice(30) };
      applyEvent(world, { type: 'partial', job: JOB_ID, partial });
      const lines = liveLines(world, frame({ columns, paint: colored })).map(line => stripVTControlCharacters(line)),
        settled = utteranceLines(whole, style({ columns }));
      assert.deepEqual(lines.slice(0, lines.indexOf('')), settled.slice(-3));
      assert.ok(settled.every(line => width(line) <= columns));
    }
});

test('what is still being said stands below, its last words first of all, until its utterance has its text', () => {
  const world = emptyWorld();
  followJob(world, job({ live: { open: true }, recording: { ...job().recording, durationMs: null } }));
  const hear = (index: number, stable: string, unstable: string): void =>
    void applyEvent(world, {
      type: 'partial',
      job: JOB_ID,
      partial: { index, startMs: 0, endMs: 2000, stable, unstable },
    });
  hear(0, 'so far', ' and perhaps');
  const styled = (style: unknown, text: string): string => `<${String(style)}>${text}</>`;
  assert.equal(
    liveLines(world, frame({ paint: styled }))[0],
    '<dim>0:00    </><dim>so far</><dim,italic> and perhaps</>',
  );
  hear(0, Array.from({ length: 60 }, (_, n) => `word${n}`).join(' '), ' and the last');
  const long = liveLines(world, frame({ columns: 60 }));
  assert.deepEqual(
    [long.findIndex(line => line === ''), long[2]!.trim().endsWith('and the last …')],
    [3, true],
    long.join('\n'),
  );
  assert.ok(long.every(line => width(line) <= 60));
  hear(0, '\u001b[31mred', '\n');
  assert.ok(!liveLines(world, frame()).join('').includes('\u001b'));
  applyEvent(world, { type: 'utterance', job: JOB_ID, utterance: utterance(0, 'asr') });
  assert.ok(!liveLines(world, frame()).join('').includes('red'));
  // One that was on its way says nothing any more.
  hear(0, 'late', '');
  assert.ok(!liveLines(world, frame()).join('').includes('late'));
  hear(1, 'next', '');
  hear(1, '', '');
  assert.ok(!liveLines(world, frame()).join('').includes('next'));
});
