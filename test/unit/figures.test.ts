/** Sizes, times and names as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesText,
  clockText,
  durationText,
  languageText,
  localeOf,
  percentText,
  timeText,
} from '../../text/messages/figures.ts';

test('bytes: three digits or so, never 1000 of a unit', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [999.4, '999 B'],
    [1000, '1 kB'],
    [1499, '1 kB'],
    [380e6, '380 MB'],
    [999.4e6, '999 MB'],
    [999.5e6, '1.0 GB'],
    [1.24e9, '1.2 GB'],
    [99.94e9, '99.9 GB'],
    [100e9, '100 GB'],
    [150.4e9, '150 GB'],
    [2.5e12, '2.5 TB'],
    [120e12, '120 TB'],
  ] as const)
    assert.equal(bytesText(bytes), text);
});

test('places in a recording', () => {
  for (const [ms, text] of [
    [0, '0:00'],
    [499, '0:00'],
    [7_000, '0:07'],
    [59_500, '1:00'],
    [725_000, '12:05'],
    [3_599_000, '59:59'],
    [3_600_000, '1:00:00'],
    [3_723_000, '1:02:03'],
    [36_610_000, '10:10:10'],
  ] as const)
    assert.equal(clockText(ms), text);
});

test('lengths of time', () => {
  for (const [ms, en, zh] of [
    [350.4, '350 ms', '350 毫秒'],
    [999, '999 ms', '999 毫秒'],
    [1000, '1.0 s', '1.0 秒'],
    [4_240, '4.2 s', '4.2 秒'],
    [59_949, '59.9 s', '59.9 秒'],
    [59_950, '1 min 00 s', '1 分 00 秒'],
    [185_000, '3 min 05 s', '3 分 05 秒'],
    [3_599_400, '59 min 59 s', '59 分 59 秒'],
    [3_600_000, '1 h 00 min', '1 小时 00 分'],
    [7_800_000, '2 h 10 min', '2 小时 10 分'],
  ] as const)
    assert.deepEqual([durationText(ms, 'en'), durationText(ms, 'zh-cn')], [en, zh]);
});

test('the time of day, and the day where it is another', () => {
  const at = new Date(2026, 2, 3, 14, 5, 10).getTime(),
    sameDay = new Date(2026, 2, 3, 23, 0).getTime(),
    nextDay = new Date(2026, 2, 4, 0, 30).getTime();
  assert.equal(timeText(at, 'en', sameDay), '14:05:10');
  assert.equal(timeText(at, 'zh-cn', sameDay), '14:05:10');
  assert.equal(timeText(at, 'en', nextDay), '3 Mar, 14:05');
  assert.match(timeText(at, 'zh-cn', nextDay), /^3月3日\s?14:05$/);
  assert.equal(timeText(new Date(2026, 2, 3, 0, 5, 10).getTime(), 'en', sameDay).slice(2), ':05:10');
  assert.equal(timeText(Number.NaN, 'en', sameDay), '?');
});

test('shares, languages, locales', () => {
  assert.deepEqual([0, 0.004, 0.126, 1].map(percentText), ['0%', '0%', '13%', '100%']);
  assert.deepEqual([languageText('de', 'en'), languageText('de', 'zh-cn')], ['German', '德语']);
  assert.equal(languageText('not a code!', 'en'), 'not a code!');
  assert.deepEqual(['zh', 'zh-TW', 'zh_CN.UTF-8', 'ZH.utf8', 'zha', 'en_US', 'x-zh', '', undefined].map(localeOf), [
    'zh-cn',
    'zh-cn',
    'zh-cn',
    'zh-cn',
    'en',
    'en',
    'en',
    'en',
    'en',
  ]);
});
