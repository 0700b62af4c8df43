/**
 * Messages between the extension and its pages: neither side takes what is not of its contract. That nothing else runs
 * or loads is tried in a real window (test/extension).
 */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { checked } from '../../extension/ui/receive.ts';
import {
  FromDevices,
  FromQueue,
  FromTranscript,
  type ToDevices,
  type ToQueue,
  type ToTranscript,
} from '../../webview/messages.ts';
import { DEVICES, fits, QUEUE, TRANSCRIPT } from '../../webview/shapes.ts';
import { mutated, valid } from './values.ts';

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const CONTRACTS = { FromQueue, FromDevices, FromTranscript };
/** By contract: what a page that was broken into might try. */
const ILL: Readonly<Record<keyof typeof CONTRACTS, readonly unknown[]>> = {
  FromQueue: [
    { type: 'action', action: 'shutdown', ids: [ID] },
    { type: 'action', action: 'remove', ids: [] },
    { type: 'action', action: 'remove', ids: ['../x'] },
    { type: 'action', action: 'remove', ids: [ID], force: true },
    { type: 'action', action: 'constructor', ids: [ID] },
    { type: 'command', command: 'workbench.action.terminal.sendSequence' },
    { type: 'command', command: 'toString' },
    { type: 'drop', uris: 'file:///etc/passwd' },
    { type: 'drop', uris: ['x'.repeat(10_000)] },
    { type: 'move', id: ID, to: 'up' },
    { type: 'eval', code: '1' },
  ],
  FromDevices: [
    { type: 'unload' },
    { type: 'unload', id: '*' },
    { type: 'exclude', device: '', excluded: true },
    { type: 'exclude', device: 'GPU-0', excluded: 'yes' },
    { type: 'exclude', device: 'x'.repeat(129), excluded: true },
    { type: 'command', command: '__proto__' },
  ],
  FromTranscript: [
    { type: 'text', index: -1, text: 'x' },
    { type: 'text', index: 0.5, text: 'x' },
    { type: 'text', index: 0, text: 'x'.repeat(20_001) },
    { type: 'text', index: 0, text: { toString: 'x' } },
    { type: 'translation', index: '0', text: 'x' },
    { type: 'takeBack', index: 0 },
    { type: 'speaker', index: -1 },
    { type: 'speakerEverywhere', name: '' },
    { type: 'assign', index: 0, turn: false },
    { type: 'assign', index: 0, name: 'x'.repeat(10_000), turn: false },
    { type: 'assign', index: 0, name: 'x', turn: 'all' },
    { type: 'summary', action: 'write' },
    { type: 'replace', find: '', replacement: 'x', matchCase: true, wholeWord: true, except: [] },
    { type: 'replace', find: 'x', replacement: 'x'.repeat(201), matchCase: true, wholeWord: true, except: [] },
    { type: 'replace', find: 'x', replacement: 'x', matchCase: 'no', wholeWord: true, except: [] },
    { type: 'split', index: 0, at: -1, text: null },
    { type: 'times', index: 0, startMs: -5, endMs: 0 },
    { type: 'times', index: 0, startMs: 0.5, endMs: 1 },
    { type: 'comment', index: 0, text: 'x'.repeat(10_001) },
    { type: 'copy', indexes: ['all'], times: true },
    { type: 'link', index: 0, atMs: '0' },
    { type: 'export', path: '/etc/passwd' },
    { type: 'media', action: 'delete' },
    { type: 'ready', extra: 1 },
  ],
};
const NOTHING = [
  null,
  undefined,
  0,
  'ready',
  [],
  {},
  { type: null },
  { type: ['ready'] },
  { __proto__: { type: 'ready' } },
  { type: '__proto__' },
];

describe('what a page tells the extension', () => {
  for (const [name, schema] of Object.entries(CONTRACTS))
    test(`${name}: only what its contract allows is acted on; the rest is refused, in its turn`, async () => {
      const check = Compile(schema),
        taken: unknown[] = [],
        refused: unknown[] = [];
      const hear = checked<unknown>(
        async () => check,
        message => taken.push(message),
        message => refused.push(message),
      );
      const ill = [...NOTHING, ...ILL[name as keyof typeof ILL]];
      for (const message of ill) hear(message);
      await turn();
      assert.deepEqual([taken, refused], [[], ill]);
      await fc.assert(
        fc.asyncProperty(fc.array(mutated(valid(schema as never)), { maxLength: 8 }), async messages => {
          taken.length = refused.length = 0;
          for (const message of messages) hear(message);
          await turn();
          assert.deepEqual(
            taken,
            messages.filter(message => check.Check(message)),
          );
          assert.deepEqual(
            refused,
            messages.filter(message => !check.Check(message)),
          );
        }),
        { numRuns: 100 },
      );
      // Whatever is taken is what this side knows how to do: no field more, none missing.
      fc.assert(
        fc.property(valid(schema as never), message => {
          if (!check.Check(message)) return;
          assert.ok(!check.Check({ ...(message as object), more: 1 }));
          for (const field of ['type', ...Object.keys(message as object)])
            if (!isOptional(schema as never, (message as { type: string }).type, field))
              assert.ok(
                !check.Check(Object.fromEntries(Object.entries(message as object).filter(([key]) => key !== field))),
                field,
              );
        }),
        { numRuns: 100 },
      );
    });
});

interface UnionSchema {
  anyOf: { properties: { type: { const: string } }; required?: string[] }[];
}
const isOptional = ({ anyOf }: UnionSchema, type: string, field: string): boolean =>
  !anyOf.find(each => each.properties.type.const === type)!.required?.includes(field);

describe('what the extension tells a page', () => {
  const connection = { kind: 'connected', text: '' } as const;
  const queue: ToQueue[] = [
    { type: 'snapshot', rows: [], first: true, last: true, paused: false, connection, modelsReady: true },
    { type: 'delta', rows: [], removed: [ID] },
    { type: 'state', paused: true, connection, modelsReady: false },
  ];
  const devices: ToDevices[] = [
    {
      type: 'snapshot',
      devices: [],
      bottleneck: null,
      connection,
      fleet: null,
      noGpu: { title: '', text: '', link: null, linkText: null },
    },
  ];
  const transcript: ToTranscript[] = [
    {
      type: 'document',
      name: 'x',
      durationMs: null,
      language: null,
      translatedTo: null,
      utterances: [
        {
          index: 0,
          startMs: 0,
          endMs: 1,
          text: '',
          original: null,
          translation: null,
          heard: [],
          changes: [],
          failed: null,
          speaker: null,
          comment: null,
        },
      ],
      speakers: [],
      media: null,
      video: false,
      missing: null,
      chapterPauseMs: 0,
      error: null,
    },
    { type: 'change', language: null, translatedTo: null, changed: [], order: [0], speakers: [] },
    { type: 'goto', index: 0, atMs: 0 },
    { type: 'command', command: 'edit', index: 0 },
    { type: 'media', media: null, preparing: true, fraction: 0.5, failed: null },
  ];
  const pages = [
    ['queue', QUEUE, queue],
    ['devices', DEVICES, devices],
    ['transcript', TRANSCRIPT, transcript],
  ] as const;
  for (const [name, shapes, messages] of pages)
    test(`${name}: what lacks a field, or holds another sort of it, is not taken`, () => {
      for (const message of messages) {
        assert.ok(fits(shapes as never, message), message.type);
        for (const field of Object.keys(message)) {
          assert.ok(
            !fits(shapes as never, Object.fromEntries(Object.entries(message).filter(([key]) => key !== field))),
            `${message.type} without ${field}`,
          );
          for (const other of [undefined, Symbol.iterator, () => 1, Number.NaN])
            assert.ok(!fits(shapes as never, { ...message, [field]: other }), `${message.type}.${field}`);
        }
      }
      for (const message of [
        ...NOTHING,
        { type: 'constructor' },
        ...messages.map(each => ({ type: each.type })),
        ...messages.map(each => [each]),
      ])
        assert.ok(!fits(shapes as never, message));
      fc.assert(fc.property(fc.jsonValue(), value => !fits(shapes as never, value)));
      for (const [other, , theirs] of pages)
        if (other !== name)
          for (const message of theirs) assert.ok(!fits(shapes as never, message), `${other}'s ${message.type}`);
    });
});
