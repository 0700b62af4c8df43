/** `earshot devices`, `models`, `engines`: what this machine has and what may be installed. */
import { resolve } from 'node:path';
import type { Client } from '../client/client.ts';
import { EarshotError, type Failure } from '../schemas/errors.ts';
import { holdUp, words } from '../text/messages/messages.ts';
import { bytesText, durationText, percentText } from '../text/messages/figures.ts';
import type { Engine, Model } from '../schemas/model.ts';
import type { StateEvent } from '../schemas/rpc.ts';
import type { Stage } from '../schemas/words.ts';
import { createLogUpdate } from 'log-update';
import { usedText } from './used.ts';
import type { Session } from './session.ts';
import { bar, clean, table } from './terminal.ts';

export async function devices(session: Session): Promise<void> {
  const client = await session.client();
  const { devices: found, instances, estimates } = await client.call('device/list', {});
  if (session.json) return session.emit({ devices: found, instances, estimates });
  const { t, paint, locale } = session;
  const dim = (text: string, row: number): string => (row < 0 ? paint('dim', text) : text);
  const rows = found.map(device => [
    clean(device.name),
    bytesText(device.memory.total),
    bytesText(device.memory.free),
    `${bytesText(device.memory.leased)} / ${bytesText(device.memory.cap)}`,
    device.utilization === null ? '' : percentText(device.utilization),
    device.temperatureC === null ? '' : `${device.temperatureC} °C`,
    device.health === 'ok' ? '' : device.health,
  ]);
  const right = 'right' as const;
  for (const line of table(
    [
      { title: t.device, give: true },
      { title: t.memory, align: right },
      { title: t.free, align: right },
      { title: t.ours, align: right },
      { title: t.use, align: right },
      { title: t.temperature, align: right },
      { title: '' },
    ],
    rows,
    session.columns(),
    dim,
  ))
    session.line(line);
  if (instances.length > 0) {
    session.line();
    const of = (id: string): string => found.find(device => device.id === id)?.name ?? id;
    const lines = instances.map(each => [
      clean(each.model),
      words(locale).stages[each.stage].name,
      clean(of(each.device)),
      words(locale).instanceStates[each.state],
      bytesText(each.leaseBytes),
      each.peakBytes === null ? '' : bytesText(each.peakBytes),
    ]);
    for (const line of table(
      [
        { title: t.instance, give: true },
        { title: t.stage },
        { title: t.device, give: true },
        { title: t.state },
        { title: t.estimated, align: right },
        { title: t.measured, align: right },
      ],
      lines,
      session.columns(),
      dim,
    ))
      session.line(line);
  }
}

const STATE_COLOUR = {
  installed: 'green',
  downloading: 'cyan',
  absent: 'dim',
  broken: 'red',
  ready: 'green',
  installing: 'cyan',
} as const;

export async function listModels(session: Session, options: { installed?: boolean; stage?: Stage }): Promise<void> {
  const client = await session.client();
  const models = (await client.call('model/list', {})).models.filter(
    model =>
      (!options.installed || model.state === 'installed') &&
      (!options.stage || model.card.stages.includes(options.stage)),
  );
  if (session.json)
    return models.forEach(model => {
      session.emit(model);
    });
  const { t, paint, locale } = session;
  const size = (model: Model): number =>
    model.diskBytes || model.card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const rows = models.map(model => [
    clean(model.card.id),
    words(locale).modelStates[model.state],
    model.card.stages.map(stage => words(locale).stages[stage].name).join(', '),
    model.card.languages.length === 0
      ? t.anyLanguage
      : model.card.languages.length > 6
        ? String(model.card.languages.length)
        : model.card.languages.join(' '),
    size(model) > 0 ? bytesText(size(model)) : '',
    usedText(model, session, Date.now()),
    clean(model.card.licence),
    [model.outdated ? t.hasUpdate : '', model.isDefault.length > 0 ? t.isDefault : '', model.imported ? t.imported : '']
      .filter(Boolean)
      .join(', '),
  ]);
  const columns = [
    { title: t.model },
    { title: t.state },
    { title: t.stages, give: true },
    { title: t.languages, give: true },
    { title: t.size, align: 'right' as const },
    { title: t.lastUsed },
    { title: t.licence, give: true },
    { title: '' },
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0 ? paint('dim', text) : column === 1 ? paint(STATE_COLOUR[models[row]!.state], text) : text,
  ))
    session.line(line);
  const onDisk = models.reduce((sum, model) => sum + model.diskBytes, 0);
  if (onDisk > 0) session.line(paint('dim', t.onDisk(bytesText(onDisk))));
}

/** Without names: the defaults of this machine. Follows the downloads to their end. */
export async function installModels(session: Session, named: string[]): Promise<void> {
  const client = await session.client();
  const { ids } = await client.call('model/install', { ids: named });
  await followInstalls(session, client, { models: ids, engines: [] });
}

export async function installEngines(session: Session, ids: string[]): Promise<void> {
  const client = await session.client();
  await followInstalls(session, client, { models: [], engines: ids });
}

/** Starts what is not there and shows progress until everything is there or has failed. */
export async function followInstalls(
  session: Session,
  client: Client,
  wanted: { models: string[]; engines: string[]; update?: boolean },
): Promise<void> {
  const models = new Map<string, Model>(),
    engines = new Map<string, Engine>(),
    failures: Failure[] = [];
  const waiting = new Set<string>([...wanted.models, ...wanted.engines]);
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  const region = session.out.isTTY && !session.json ? createLogUpdate(session.out, {}) : null;
  const settle = (id: string, state: 'done' | 'failed' | 'running', failure: Failure | null): void => {
    if (state === 'running' || !waiting.delete(id)) return;
    if (failure) failures.push(failure);
    if (state === 'done' && !session.json) {
      region?.clear();
      session.line(`${session.paint('green', '✓')} ${session.t.installed(clean(id))}`);
    }
    if (waiting.size === 0) finish();
  };
  let begun = false;
  const take = (event: StateEvent): void => {
    if (event.type === 'model') {
      const { model } = event;
      models.set(model.card.id, model);
      if (waiting.has(model.card.id) && session.json) session.emit(event);
      settle(
        model.card.id,
        model.state === 'installed' && !(wanted.update && model.outdated)
          ? 'done'
          : begun && model.failure && model.state !== 'downloading'
            ? 'failed'
            : 'running',
        model.failure,
      );
    } else if (event.type === 'engine') {
      const { engine } = event;
      engines.set(engine.id, engine);
      if (waiting.has(engine.id) && session.json) session.emit(event);
      settle(
        engine.id,
        engine.state === 'ready' ? 'done' : begun && engine.state === 'broken' ? 'failed' : 'running',
        engine.failure,
      );
    } else if (event.type === 'notice' && begun) {
      // An install that ends before its model has a state of its own tells so by a notice.
      const about = [event.failure.args.model, event.failure.args.engine, event.failure.args.runtime].find(
        each => typeof each === 'string' && waiting.has(each),
      );
      if (about !== undefined) settle(String(about), 'failed', event.failure);
    }
    region?.(installLines(session, models, engines).join('\n'));
  };
  const stop = client.onEvents(batch => batch.events.forEach(take));
  try {
    const snapshot = await client.call('state/subscribe', { topics: ['models', 'engines'] });
    for (const model of snapshot.models) take({ type: 'model', model });
    for (const engine of snapshot.engines) take({ type: 'engine', engine });
    begun = true;
    const absent = wanted.models.filter(id => waiting.has(id));
    if (absent.length > 0)
      await client.call('model/install', { ids: absent, ...(wanted.update ? { update: true } : {}) });
    for (const id of wanted.engines) if (waiting.has(id)) await client.call('engine/install', { id });
    if (waiting.size > 0)
      await Promise.race([
        promise,
        client.closed.then(() => {
          throw new EarshotError('daemonUnreachable');
        }),
      ]);
  } finally {
    stop();
    region?.clear();
    region?.done();
  }
  for (const failure of failures) session.fail(failure);
}

function installLines(
  session: Session,
  models: ReadonlyMap<string, Model>,
  engines: ReadonlyMap<string, Engine>,
): string[] {
  const columns = Math.max(8, Math.min(30, session.columns() - 60));
  const lines: string[] = [];
  for (const engine of engines.values())
    if (engine.state === 'installing')
      lines.push(
        `  ${clean(engine.name).padEnd(28)} ${engine.progress?.fraction == null ? '' : bar(engine.progress.fraction, columns)} ${session.paint('dim', clean(engine.progress?.step ?? ''))}`,
      );
  for (const { card, state, progress } of models.values()) {
    if (state === 'downloading' && progress)
      lines.push(
        `  ${clean(card.id).padEnd(28)} ${bar(progress.total > 0 ? progress.bytes / progress.total : 0, columns)} ${session.paint('dim', session.t.ofAll(bytesText(progress.bytes), bytesText(progress.total)))}`,
      );
  }
  return lines;
}

export async function importModel(
  session: Session,
  path: string,
  options: { id?: string; stage?: Stage },
): Promise<void> {
  const client = await session.client();
  const { model } = await client.call('model/import', {
    path: resolve(path),
    ...(options.id ? { id: options.id } : {}),
    ...(options.stage ? { stage: options.stage } : {}),
  });
  if (session.json) session.emit(model);
  else session.line(session.t.importedAs(clean(model.card.id)));
}

export async function removeModels(session: Session, ids: string[]): Promise<void> {
  const client = await session.client();
  for (const id of ids) {
    await client.call('model/remove', { id });
    if (session.json) session.emit({ removed: id });
    else session.line(session.t.removed(clean(id)));
  }
}

/** Without names: all that are installed. */
export async function verifyModels(session: Session, named: string[]): Promise<void> {
  const client = await session.client();
  const ids =
    named.length > 0
      ? named
      : (await client.call('model/list', {})).models
          .filter(model => model.state === 'installed')
          .map(model => model.card.id);
  for (const id of ids) {
    const { failure } = await client.call('model/verify', { id });
    if (session.json) session.emit({ id, failure });
    if (failure) {
      if (!session.json) session.fail(failure);
      else process.exitCode = 1;
    } else if (!session.json) session.line(`${session.paint('green', '✓')} ${session.t.verified(clean(id))}`);
  }
}

export async function listEngines(session: Session): Promise<void> {
  const client = await session.client();
  const { engines } = await client.call('engine/list', {});
  if (session.json)
    return engines.forEach(engine => {
      session.emit(engine);
    });
  const { t, paint, locale } = session;
  const rows = engines.map(engine => [
    clean(engine.id),
    words(locale).engineStates[engine.state],
    engine.stages.map(stage => words(locale).stages[stage].name).join(', '),
    engine.devices.join(' '),
    clean(engine.licence),
    clean(engine.name),
  ]);
  for (const line of table(
    [
      { title: t.engine },
      { title: t.state },
      { title: t.stages, give: true },
      { title: t.device },
      { title: t.licence, give: true },
      { title: t.name },
    ],
    rows,
    session.columns(),
    (text, row, column) =>
      row < 0 ? paint('dim', text) : column === 1 ? paint(STATE_COLOUR[engines[row]!.state], text) : text,
  ))
    session.line(line);
}

export async function stats(session: Session, options: { hours?: number; prometheus?: boolean }): Promise<void> {
  const client = await session.client();
  const found = await client.call('stats/get', options.hours ? { sinceMs: Math.round(options.hours * 3_600_000) } : {});
  if (options.prometheus) {
    session.out.write((await import('./prometheus.ts')).prometheus(found));
    return;
  }
  if (session.json) return session.emit(found);
  const { t, paint, locale } = session;
  const right = 'right' as const;
  const rows = found.stages.map(stage => [
    words(locale).stages[stage.stage].name,
    String(stage.done),
    String(stage.failed),
    String(stage.retried),
    String(stage.queue),
    durationText(stage.waitMs.p95, locale),
    durationText(stage.runMs.mean, locale),
    `${stage.throughput.toFixed(1)} ×`,
    percentText(stage.busy),
  ]);
  for (const line of table(
    [
      { title: t.stage },
      { title: t.done, align: right },
      { title: t.failed, align: right },
      { title: t.retried, align: right },
      { title: t.queued, align: right },
      { title: `${t.wait} p95`, align: right },
      { title: t.run, align: right },
      { title: t.speed, align: right },
      { title: t.use, align: right },
    ],
    rows,
    session.columns(),
    (text, row) => (row < 0 ? paint('dim', text) : text),
  ))
    session.line(line);
  const { states } = words(locale);
  session.line();
  session.line(
    `${found.jobs.completed} ${states.completed}, ${found.jobs.failed} ${states.failed}, ${found.jobs.cancelled} ${states.cancelled}, ${found.jobs.pending} ${states.pending} · ${t.loads(found.loads, durationText(found.loadMs, locale))}${found.estimateError === null ? '' : ` · ${t.estimateError} ${percentText(found.estimateError)}`}${found.startError === null ? '' : ` · ${t.startError} ${percentText(found.startError)}`}`,
  );
  for (const { device, leasedBytes, residentBytes } of found.devices)
    if (leasedBytes > 0)
      session.line(
        t.holds(clean(device), bytesText(leasedBytes), residentBytes === null ? '?' : bytesText(residentBytes)),
      );
  if (found.bottleneck) session.line(`${paint('yellow', t.bottleneck)} ${holdUp(found.bottleneck, locale)}`);
}
