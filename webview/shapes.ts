/**
 * What a page takes for a message: one of its kinds, with all its fields, each of its sort. Anything else is not ours.
 * Pure.
 */
import type { ToDevices, ToQueue, ToTranscript } from './messages.ts';

type Sort = (value: unknown) => boolean;
export type Shapes<M extends { type: string }> = {
  readonly [T in M['type']]: { readonly [F in Exclude<keyof Extract<M, { type: T }>, 'type'>]: Sort };
};

const text: Sort = value => typeof value === 'string';
const figure: Sort = value => typeof value === 'number' && Number.isFinite(value);
const flag: Sort = value => typeof value === 'boolean';
const thing: Sort = value => typeof value === 'object' && value !== null && !Array.isArray(value);
const all =
  (sort: Sort): Sort =>
  value =>
    Array.isArray(value) && value.every(sort);
const orNone =
  (sort: Sort): Sort =>
  value =>
    value === null || sort(value);
const utterance: Sort = value =>
  thing(value) && figure((value as { index?: unknown }).index) && text((value as { text?: unknown }).text);

export const QUEUE: Shapes<ToQueue> = {
  snapshot: { rows: all(thing), first: flag, last: flag, paused: flag, connection: thing, modelsReady: flag },
  delta: { rows: all(thing), removed: all(text) },
  state: { paused: flag, connection: thing, modelsReady: flag },
};
export const DEVICES: Shapes<ToDevices> = {
  snapshot: {
    devices: all(thing),
    bottleneck: orNone(text),
    connection: thing,
    noGpu: orNone(thing),
    fleet: orNone(thing),
  },
};
export const TRANSCRIPT: Shapes<ToTranscript> = {
  document: {
    name: text,
    durationMs: orNone(figure),
    language: orNone(text),
    translatedTo: orNone(text),
    utterances: all(utterance),
    speakers: all(thing),
    media: orNone(text),
    video: flag,
    missing: orNone(text),
    error: orNone(text),
    chapterPauseMs: figure,
  },
  change: {
    language: orNone(text),
    translatedTo: orNone(text),
    changed: all(utterance),
    order: orNone(all(figure)),
    speakers: all(thing),
  },
  goto: { index: figure, atMs: figure },
  media: { media: orNone(text), preparing: flag, fraction: orNone(figure), failed: orNone(text) },
  command: { command: text, index: orNone(figure) },
  summary: { summary: thing },
  run: { run: thing },
  leave: {},
  arrive: { place: thing, playing: flag },
};

export function fits<M extends { type: string }>(shapes: Shapes<M>, data: unknown): data is M {
  if (!thing(data)) return false;
  const message = data as Record<string, unknown>,
    { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return false;
  return Object.entries<Sort>(shapes[type as M['type']]).every(([field, sort]) => sort(message[field]));
}
