/**
 * What the tests get for `node:test` while mutants are tried: it collects them, so that any one can be run again in the
 * same process.
 */
import assert from 'node:assert/strict';
import { mock as real } from 'node:test';

type Done = (error?: unknown) => void;
type Body = (context: unknown, done?: Done) => unknown;
type Hook = () => unknown;

interface Suite {
  name: string;
  parent: Suite | null;
  hooks: Record<'before' | 'after' | 'beforeEach' | 'afterEach', Hook[]>;
  opened: boolean;
}
export interface Case {
  name: string;
  body: Body;
  suite: Suite;
}

const suite = (name: string, parent: Suite | null): Suite => ({
  name,
  parent,
  hooks: { before: [], after: [], beforeEach: [], afterEach: [] },
  opened: false,
});

let current = suite('', null);
let cases: Case[] = [];
let suites: Suite[] = [];

/** The tests that `load` declares. */
export async function collect(load: () => Promise<unknown>): Promise<Case[]> {
  current = suite('', null);
  cases = [];
  suites.push(current);
  await load();
  return cases;
}

/** Ends what `before` hooks opened, of every test collected so far. */
export async function close(): Promise<void> {
  for (const each of suites.filter(({ opened }) => opened)) for (const hook of each.hooks.after) await hook();
  suites = [];
}

/** Opens what a test stands in: its `before` hooks, once. */
export async function open({ suite: inner }: Case): Promise<void> {
  for (const each of line(inner)) {
    if (each.opened) continue;
    each.opened = true;
    for (const hook of each.hooks.before) await hook();
  }
}

/** @throws what the test throws */
export async function runCase(each: Case): Promise<void> {
  await open(each);
  const around = line(each.suite),
    after: Hook[] = [];
  try {
    for (const { hooks } of around) for (const hook of hooks.beforeEach) await hook();
    const context = contextOf(each.name, after);
    if (each.body.length < 2) await each.body(context);
    else
      await new Promise<void>(
        (resolve, reject) => void each.body(context, error => (error ? reject(error) : resolve())),
      );
  } finally {
    for (const hook of after) await hook();
    for (const { hooks } of around.toReversed()) for (const hook of hooks.afterEach) await hook();
    real.reset();
  }
}

function contextOf(name: string, after: Hook[]): unknown {
  const inner = async (...args: unknown[]): Promise<void> => {
    const body = args.findLast(arg => typeof arg === 'function') as Body;
    await body(contextOf(String(args[0]), after));
  };
  return {
    name,
    fullName: name,
    signal: new AbortController().signal,
    mock: real,
    assert,
    test: inner,
    it: inner,
    after: (hook: Hook) => after.push(hook),
    diagnostic: () => {},
    plan: () => {},
    skip: () => {},
    todo: () => {},
  };
}
const line = (inner: Suite): Suite[] => (inner.parent ? [...line(inner.parent), inner] : [inner]);

function declare(...args: unknown[]): Promise<void> {
  const body = args.findLast(arg => typeof arg === 'function') as Body | undefined,
    options = args.find(arg => typeof arg === 'object' && arg !== null) as { skip?: unknown } | undefined;
  if (body && !options?.skip) cases.push({ name: typeof args[0] === 'string' ? args[0] : '', body, suite: current });
  return Promise.resolve();
}
function group(...args: unknown[]): void {
  const body = args.findLast(arg => typeof arg === 'function') as (() => void) | undefined,
    options = args.find(arg => typeof arg === 'object' && arg !== null) as { skip?: unknown } | undefined;
  if (!body || options?.skip) return;
  const outer = current;
  current = suite(String(args[0]), outer);
  suites.push(current);
  body();
  current = outer;
}
const nothing = { skip: () => {}, todo: () => {} };
export const test = Object.assign(declare, nothing, { only: declare }),
  it = test,
  describe = Object.assign(group, nothing, { only: group });
export { describe as suite };
const hook = (kind: keyof Suite['hooks']) => (run: Hook) => void current.hooks[kind].push(run);
export const before = hook('before'),
  after = hook('after'),
  beforeEach = hook('beforeEach'),
  afterEach = hook('afterEach');
export { real as mock };
export default test;
