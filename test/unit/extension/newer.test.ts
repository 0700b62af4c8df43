/** A window of today and a daemon of tomorrow: what its mirror, rows and views make of names and fields it lacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../fixtures/vscode.ts';
import { newer, samples } from '../../fixtures/newer.ts';
import { emptyState, noChange, takeEvent, takeSnapshot } from '../../../extension/connection/mirror.ts';
import { DoctorReport } from '../../../schemas/reasons.ts';
import { Job } from '../../../schemas/job.ts';
import { StateEvent, StateSnapshot, Topic } from '../../../schemas/rpc.ts';
import { arrange, heightOf, totals, type Section } from '../../../webview/queue/order.ts';
import type { JobRow } from '../../../webview/messages.ts';
import { job } from '../cli/jobs.ts';

// All that a page's parts need of a page before they are painted.
Object.assign(globalThis, { document: { body: { dataset: {} }, createTreeWalker: () => ({}) } });
const { jobRow } = await import('../../../extension/panels/rows.ts');
const { deviceViews, History } = await import('../../../extension/panels/device-views.ts');
const { Doctor } = await import('../../../extension/commands/help.ts');
const { ModelsView } = await import('../../../extension/views/models.ts');
// By a name that the compiler does not follow: pages have types of their own, those of a browser.
const row = (await import(String(new URL('../../../webview/queue/row.ts', import.meta.url)))) as {
  jobRow(row: JobRow, section: Section, now: number, active: boolean, handlers: { act(): void }): unknown;
  describe(row: JobRow, now: number): string;
};
const progress = (await import(String(new URL('../../../webview/progress.ts', import.meta.url)))) as {
  progressText(row: JobRow): string;
};

test('a state of the mirror, as rows and as what the page paints of them', () => {
  const state = emptyState();
  for (const snapshot of samples(StateSnapshot, 20)) {
    const sent = newer(StateSnapshot, snapshot);
    takeSnapshot(state, sent, Topic.enum);
    assert.deepEqual([...state.jobs.values()].length, new Set(sent.jobs.map(each => each.id)).size);
    const rows = [...state.jobs.values()].map(each => jobRow(each));
    for (const item of arrange(rows, 'all', '')) {
      assert.ok(heightOf(item) > 0);
      if (item.kind === 'job') row.jobRow(item.row, item.section, 0, true, { act: () => {} });
    }
    assert.equal(totals(rows).waiting, rows.length, 'what is of a state that nobody knows is not over');
    const [devices, instances] = [state.devices.values(), state.instances.values()];
    deviceViews({ devices, instances, estimates: [], history: new History(), modelName: id => id });
  }
});

test('names that nobody knows are shown as they are', () => {
  const shown = jobRow(newer(Job, job({ waiting: { code: 'fromTheFuture', args: { depth: 3 } }, lastWords: '' })));
  assert.match(shown.note?.text ?? '', /^FromTheFuture.*depth 3/);
  assert.match(row.describe(shown, 0), /^talk\.wav\. fromTheFuture\. /);
  assert.equal(progress.progressText(shown), 'fromTheFuture: 0 of 4, fromTheFuture: 0 of 4');
});

test('the doctor and the list of models: what nobody knows is marked as such, and stands last', async () => {
  const checks = newer<DoctorReport>(DoctorReport, { checks: [{ id: 'disk', status: 'ok', args: {} }] }).checks,
    call = async (method: string) => (method === 'daemon/doctor' ? { checks } : { clients: 1 });
  const report = await new Doctor({ daemon: { call } } as never).provideTextDocumentContent();
  assert.match(report, /^\| ❔ \| \*\*Disk\*\* \|/m);
  const state = emptyState(),
    model = (id: string, of: string) => ({ card: { id, name: id, stages: ['asr'], size: 1, files: [] }, state: of });
  for (const each of [model('a', 'fromTheFuture'), model('b', 'absent'), model('c', 'installed')])
    state.models.set(each.card.id, each as never);
  const view = new ModelsView({ state, onChange: () => ({ dispose: () => {} }) } as never);
  const order = await view.getChildren({ stage: 'asr' });
  assert.deepEqual(
    order.map(each => ('model' in each ? each.model.card.id : null)),
    ['c', 'b', 'a'],
  );
});

test('events of every type reach the mirror', () => {
  for (const schema of StateEvent.anyOf)
    for (const event of samples(schema, 10)) takeEvent(emptyState(), newer(schema, event) as StateEvent, noChange());
});
