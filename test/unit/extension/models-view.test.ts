/** An installation that somebody begins in the Models view: it says how it ended, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventEmitter } from '../../fixtures/vscode.ts';
import { emptyState, noChange, takeEvent, type Change } from '../../../extension/connection/mirror.ts';
import { readRegistry } from '../../../daemon/models/registry.ts';
import type { Failure } from '../../../schemas/errors.ts';
import type { Model } from '../../../schemas/model.ts';
import { failsWith } from '../../fixtures/fails-with.ts';
const { ModelsView } = await import('../../../extension/views/models.ts');

const [card] = readRegistry().models,
  id = card!.id;
const FULL: Failure = { code: 'diskFull', args: { path: '/d', needed: 2, free: 1 } };
const model = (state: Model['state'], failure: Failure | null = null): Model => ({
  card: card!,
  state,
  progress: null,
  diskBytes: 0,
  outdated: false,
  installedAt: null,
  lastUsedAt: null,
  imported: false,
  isDefault: [],
  failure,
});

function view(): {
  models: InstanceType<typeof ModelsView>;
  /** As the daemon publishes it. */
  publish: (model: Model) => void;
  answered: Promise<unknown>;
} {
  const state = emptyState(),
    changes = new EventEmitter<Change>(),
    { promise: answered, resolve } = Promise.withResolvers<unknown>();
  const daemon = {
    state,
    onChange: changes.event,
    call: async (method: string, params: unknown) => {
      resolve([method, params]);
      return { ids: [id] };
    },
  };
  return {
    models: new ModelsView(daemon as never),
    publish: each => {
      const change = noChange();
      takeEvent(state, { type: 'model', model: each }, change);
      changes.fire(change);
    },
    answered,
  };
}

test('a download that fails is an error of the command, also where the model of old still works', async () => {
  for (const after of [model('absent', FULL), model('installed')]) {
    const { models, publish, answered } = view();
    const installed = models.install(id, 'x', after.state === 'installed');
    assert.deepEqual(await answered, [
      'model/install',
      { ids: [id], ...(after.state === 'installed' ? { update: true } : {}) },
    ]);
    publish(model('downloading'));
    if (after.state === 'installed') assert.equal(models.reports(FULL), true, 'the notice of the daemon');
    publish(after);
    await assert.rejects(installed, failsWith('diskFull'));
  }
});

test('changes of other things end no installation; one that is whole, or was cancelled, is no error', async () => {
  for (const last of [model('installed'), model('absent')]) {
    const { models, publish } = view();
    let over = false;
    const installed = models.install(id, 'x').then(() => (over = true));
    publish({ ...model('absent'), card: { ...card!, id: 'another' } });
    publish(model('downloading'));
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(over, false);
    if (last.state === 'absent') models.reports({ code: 'cancelled', args: {} });
    publish(last);
    await installed;
  }
});

test('notices that are about something else are left to the notifications', async () => {
  const { models, publish } = view();
  assert.equal(models.reports(FULL), false, 'nobody installs anything');
  const installed = models.install(id, 'x');
  assert.equal(models.reports({ code: 'deviceLost', args: { device: 'GPU-0' } } as Failure), false);
  assert.equal(models.reports({ code: 'offline', args: { model: 'another' } } as Failure), false);
  publish(model('installed'));
  await installed;
});

test('what changed shows at once; what goes on changing, a few times a second', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { models, publish } = view();
  let drawn = 0;
  models.onDidChangeTreeData(() => (drawn += 1));
  publish(model('installed'));
  assert.equal(drawn, 1);
  for (let n = 0; n < 20; n++) publish(model('downloading'));
  assert.equal(drawn, 1);
  t.mock.timers.tick(300);
  assert.equal(drawn, 2, 'the last of them shows too');
  t.mock.timers.tick(3000);
  assert.equal(drawn, 2);
  publish(model('absent'));
  assert.equal(drawn, 3);
  models.dispose();
});
