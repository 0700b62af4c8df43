import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArgKinds, Args } from '../../schemas/args.ts';
import { ERROR_CODES, ERRORS } from '../../schemas/errors.ts';
import { BOTTLENECKS, CHECKS, reason, REASONS, type Check } from '../../schemas/reasons.ts';
import { DECISIONS } from '../../schemas/watch.ts';
import {
  bottleneckText,
  checkMessage,
  decisionText,
  failureMessage,
  reasonText,
  sentence,
  words,
} from '../../text/messages/messages.ts';
import type { Locale } from '../../text/messages/figures.ts';

const LOCALES: Locale[] = ['en', 'zh-cn'];
/** Arguments of these kinds: all of them, or only those that are never missing. */
const argsOf = (kinds: ArgKinds, all: boolean): Args =>
  Object.fromEntries(
    Object.entries(kinds)
      .filter(([, kind]) => all || !kind.endsWith('?'))
      .map(([name, kind]) => [name, kind.startsWith('number') ? 7 : name === 'stage' ? 'nmt' : `the ${name}`]),
  );
const each = <K extends object>(lists: K): [keyof K & string, ArgKinds][] =>
  Object.entries(lists) as [keyof K & string, ArgKinds][];

test('every code has its sentence, with all arguments and with none but those that are never missing', () => {
  for (const locale of LOCALES)
    for (const all of [true, false]) {
      const errors = each(ERRORS).map(([code, kinds]) => sentence({ code, args: argsOf(kinds, all) }, locale));
      const checks = each(CHECKS).flatMap(([id, statuses]) =>
        each(statuses).map(([status, kinds]) =>
          checkMessage({ id, status: status as Check['status'], args: argsOf(kinds, all) }, locale),
        ),
      );
      const texts = [
        ...errors,
        ...each(REASONS).map(([code, kinds]) => reasonText({ code, args: argsOf(kinds, all) }, locale)),
        ...each(BOTTLENECKS).map(([code, kinds]) => bottleneckText({ code, args: argsOf(kinds, all) }, locale)),
        ...each(DECISIONS).map(([code, kinds]) => decisionText({ code, args: argsOf(kinds, all) }, locale)),
        ...checks.flatMap(({ name, what }) => [name, what]),
      ];
      for (const text of texts) {
        assert.ok(text.length > 1, text);
        assert.doesNotMatch(text, /undefined|NaN|null|\[object|  | [.。,，;](?!\w)|Invalid|^ | $/, text);
      }
      for (const text of errors) assert.match(text, /[.。]$/, text);
      if (locale === 'zh-cn') for (const text of errors) assert.match(text, /[\u4e00-\u9fff]{2}/);
      assert.equal(new Set(errors).size, ERROR_CODES.length, 'different sentences for different codes');
    }
});

test('what another version wrote is shown as it is, in every place', () => {
  const stored = { code: 'neverFits', args: { model: 'large', need: 10_400_000_000, largest: 7_200_000_000 } };
  assert.deepEqual(failureMessage(stored, 'en'), {
    what: 'Error “neverFits” (model large, need 10400000000, largest 7200000000).',
    todo: 'It was reported by another version of Earshot.',
  });
  assert.equal(
    sentence({ code: 'workerCrashed', args: { engine: 'llama', how: 'SIGKILL' } }, 'zh-cn'),
    '错误“workerCrashed”（engine llama, how SIGKILL）。由其他版本的 Earshot 报告。',
  );
  assert.equal(
    sentence({ code: 'constructor', args: {} }, 'en'),
    'Error “constructor”. It was reported by another version of Earshot.',
  );
  assert.equal(
    sentence({ code: 'notMedia', args: { path: 'a', more: 1 } }, 'en'),
    sentence({ code: 'notMedia', args: { path: 'a' } }, 'en'),
    'what is more does no harm',
  );
  assert.equal(reasonText({ code: 'fullMoon', args: { at: 3 } }, 'en'), 'fullMoon (at 3)');
  assert.equal(
    reasonText({ code: 'memory', args: { model: 'base', bytes: '4' } }, 'en'),
    'memory (model base, bytes 4)',
  );
  assert.equal(bottleneckText({ code: 'stageBusyNoRoom', args: {} }, 'zh-cn'), 'stageBusyNoRoom');
  assert.equal(
    decisionText({ code: 'asleep', args: {}, failure: { code: 'tired', args: {} } }, 'en'),
    'asleep: Error “tired”.',
  );
  assert.deepEqual(checkMessage({ id: 'tapeDrive', status: 'ok', args: { speed: 4 } }, 'en'), {
    name: 'tapeDrive',
    what: 'speed 4',
    todo: '',
  });
  assert.deepEqual(checkMessage({ id: 'node', status: 'warning', args: { version: '24' } }, 'en'), {
    name: 'Node.js',
    what: 'version 24',
    todo: '',
  });
});

test('why a job waits', () => {
  const now = new Date(2025, 2, 3, 14, 0, 0).getTime();
  const at = new Date(2025, 2, 3, 14, 5, 10).getTime();
  assert.equal(reasonText(reason('retryAt', { stage: 'nmt', at }), 'en', { now }), 'retrying translation at 14:05:10');
  assert.equal(
    reasonText(reason('behind', { count: 3, urgent: 1, high: 0, normal: 2, low: 0 }), 'en'),
    '3 jobs ahead (1 urgent, 2 normal)',
  );
  assert.equal(reasonText(reason('behind', { count: 1 }), 'en'), '1 job ahead');
  assert.equal(
    reasonText(
      reason('memory', { stage: 'asr', model: 'base', device: 'GPU-1', bytes: 4e8, holder: 'llama', at }),
      'en',
      { device: id => (id === 'GPU-1' ? 'RTX 4090' : undefined), now },
    ),
    'base needs 400 MB more on RTX 4090, held by llama; expected at 14:05:10',
  );
  assert.equal(reasonText(reason('serial', { count: 2 }), 'zh-cn'), '一次只处理一个任务（设置 serial），前面还有 2 个');
});

test('the states of a job', () => {
  assert.equal(words('en').states.processing, 'processing');
  assert.equal(words('zh-cn').states.processing, '处理中');
});
