import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../../schemas/errors.ts';
import { Reason } from '../../schemas/job.ts';
import { WATCH_DECISIONS } from '../../schemas/watch.ts';
import { checkText, decided, explain, sentence, words } from '../../text/messages/messages.ts';
import { CHECKS } from '../../schemas/rpc.ts';
import { bytesText, clockText, durationText, localeOf, timeText, type Locale } from '../../text/messages/figures.ts';

const LOCALES: Locale[] = ['en', 'zh-cn'];
const FULL = {
  path: '/a/b.wav',
  method: 'job/get',
  field: '/id',
  language: 'de',
  model: 'whisper-base',
  stage: 'nmt',
  stages: 'asr, tts',
  id: 'X',
  state: 'paused',
  name: 'attempts',
  value: 9,
  range: '1 … 3',
  needed: 5e9,
  free: 1e9,
  needBytes: 10.4e9,
  largestBytes: 7.2e9,
  device: 'cpu',
  bytes: 3e6,
  total: 9e6,
  at: 1_700_000_000_000,
  limit: 5,
  count: 2,
  high: 1,
  low: 1,
  pid: 7,
  for: 'Y',
  fits: 'tiny, base',
};

test('every code has its sentence, with all arguments and with none', () => {
  const reasons = (Reason.properties.code as unknown as { enum: Reason['code'][] }).enum;
  assert.ok(reasons.length > 15);
  for (const locale of LOCALES) {
    for (const args of [{}, FULL]) {
      const said = [
        ...ERROR_CODES.map(code => sentence({ code, args }, locale)),
        ...reasons.map(code => explain({ code, args }, locale)),
        ...WATCH_DECISIONS.map(code => decided({ code, args }, locale)),
        ...CHECKS.flatMap(id =>
          (['ok', 'warning', 'problem'] as const).map(status => checkText({ id, status, args }, locale).what),
        ),
      ];
      for (const text of said) {
        assert.ok(text.length > 1, text);
        assert.doesNotMatch(text, /undefined|NaN|null|\[object|  | [.。]|Invalid/, text);
      }
      for (const code of ERROR_CODES) assert.match(sentence({ code, args }, locale), /[.。]$/, code);
    }
  }
});

test('Chinese sentences are Chinese, and say different things for different codes', () => {
  const said = ERROR_CODES.map(code => sentence({ code, args: FULL }, 'zh-cn'));
  for (const text of said) assert.match(text, /[\u4e00-\u9fff]{2}/);
  assert.equal(new Set(said).size, ERROR_CODES.length);
});

test('the figures of what can never fit', () => {
  const failure = {
    code: 'neverFits' as const,
    args: { model: 'whisper-large-v3', needBytes: 10.4e9, largestBytes: 7.2e9 },
  };
  assert.equal(
    sentence(failure, 'en'),
    'whisper-large-v3 needs 10.4 GB; the largest device allows 7.2 GB. Choose a smaller model.',
  );
  assert.equal(
    sentence(failure, 'zh-cn'),
    '模型 whisper-large-v3 需要 10.4 GB，而最大的设备只允许 7.2 GB。请选择更小的模型。',
  );
});

test('why a job waits', () => {
  const now = new Date(2025, 2, 3, 14, 0, 0).getTime();
  const at = new Date(2025, 2, 3, 14, 5, 10).getTime();
  assert.equal(
    explain({ code: 'retryAt', args: { stage: 'nmt', at } }, 'en', { now }),
    'translation is tried again at 14:05:10',
  );
  assert.equal(
    explain({ code: 'behind', args: { count: 3, urgent: 1, high: 0, normal: 2, low: 0 } }, 'en'),
    '3 jobs go first (1 urgent, 2 normal)',
  );
  assert.equal(explain({ code: 'behind', args: { count: 1 } }, 'en'), '1 job goes first');
  assert.equal(
    explain({ code: 'memory', args: { model: 'base', device: 'GPU-1', bytes: 4e8, holder: 'llama' } }, 'en', {
      device: id => (id === 'GPU-1' ? 'RTX 4090' : undefined),
    }),
    'base needs 400 MB more on RTX 4090, held by llama',
  );
  assert.equal(
    explain({ code: 'serial', args: { count: 2 } }, 'zh-cn'),
    '一次只处理一个任务（设置 serial），前面还有 2 个',
  );
});

test('sizes and times', () => {
  assert.deepEqual(
    [0, 999, 1500, 999_600, 380e6, 999.6e6, 1.25e9, 24e9, 240e9].map(bytesText),
    ['0 B', '999 B', '2 kB', '1.0 MB', '380 MB', '1.0 GB', '1.3 GB', '24.0 GB', '240 GB'].map(text =>
      text.replace('1.0 MB', '1 MB'),
    ),
  );
  assert.deepEqual([0, 7400, 725_000, 3_723_000].map(clockText), ['0:00', '0:07', '12:05', '1:02:03']);
  assert.deepEqual(
    [350, 4200, 59_960, 185_000, 7_800_000].map(ms => durationText(ms, 'en')),
    ['350 ms', '4.2 s', '1 min 00 s', '3 min 05 s', '2 h 10 min'],
  );
  assert.equal(durationText(185_000, 'zh-cn'), '3 分 05 秒');
  const now = new Date(2025, 2, 3, 23, 0).getTime();
  assert.equal(timeText(new Date(2025, 2, 4, 1, 30).getTime(), 'en', now), '4 Mar, 01:30');
});

test('the language of the environment', () => {
  assert.deepEqual(['zh_CN.UTF-8', 'zh-TW', 'zh', 'en_GB.UTF-8', 'C', 'zhx', undefined].map(localeOf), [
    'zh-cn',
    'zh-cn',
    'zh-cn',
    'en',
    'en',
    'en',
    'en',
  ]);
});

test('a check that this client does not know still shows', () => {
  assert.deepEqual(checkText({ id: 'tapeDrive', status: 'ok', args: { speed: 4 } }, 'en'), {
    name: 'tapeDrive',
    what: 'speed 4',
    todo: '',
  });
  assert.equal(words('zh-cn').states.processing, '处理中');
});
