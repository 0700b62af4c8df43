/** Installing models and engines from the command line: started, and followed to their end. */
import { createLogUpdate } from 'log-update';
import type { Client } from '../client/client.ts';
import { EarshotError, type Failure } from '../schemas/errors.ts';
import type { Engine, Model } from '../schemas/model.ts';
import type { StateEvent } from '../schemas/rpc.ts';
import { bytesText } from '../text/messages/figures.ts';
import type { Session } from './session.ts';
import { bar, showTable } from './layout.ts';
import { agreed } from './agreed.ts';
import { clean } from './terminal.ts';

/** Of a model of the hub's. */
const isSource = (name: string): boolean => /^(hf:|https?:\/\/)/.test(name);

/** Without names: the defaults of this machine. Follows the downloads to their end. */
export async function installModels(session: Session, named: string[], { yes = false } = {}): Promise<void> {
  const client = await session.client(),
    ids: string[] = [];
  for (const name of named) {
    if (!isSource(name)) ids.push(name);
    else {
      const id = await addFromHub(session, client, name, yes);
      if (id === null) return;
      ids.push(id);
    }
  }
  const { ids: begun } = await client.call('model/install', { ids });
  await followInstalls(session, client, { models: begun, engines: [] });
}

/** Shows what would be fetched, and asks. Null: it is not wanted. */
async function addFromHub(session: Session, client: Client, source: string, yes: boolean): Promise<string | null> {
  const { t, paint } = session,
    found = await client.call('model/find', { source });
  if (session.json) session.emit({ found });
  else {
    session.line(`${clean(found.repository)} @ ${found.revision.slice(0, 12)} ${paint('dim', clean(found.licence))}`);
    showTable(
      session,
      [{ title: t.file }, { title: t.size, align: 'right' }],
      found.files.map(({ path, bytes }) => [clean(path), bytes === null ? '' : bytesText(bytes)]),
    );
    session.line(paint('dim', t.trustedFirst));
  }
  if (found.installed) return found.id;
  const bytes = found.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  if (!yes && !(await agreed(session, t.fetchThis(clean(found.id), bytesText(bytes)), t.nothingFetched))) return null;
  return (await client.call('model/add', { source, revision: found.revision })).model.card.id;
}

export async function installEngines(session: Session, ids: string[]): Promise<void> {
  const client = await session.client();
  await followInstalls(session, client, { models: [], engines: ids });
}

/** Without names: all that have one. The old revision is used until the new one is whole. */
export async function updateModels(session: Session, named: string[]): Promise<void> {
  const client = await session.client(),
    { models } = await client.call('model/list', {});
  for (const id of named)
    if (!models.some(model => model.card.id === id)) throw new EarshotError('unknownModel', { model: id });
  const ids = models
    .filter(model => model.outdated && (named.length === 0 || named.includes(model.card.id)))
    .map(model => model.card.id);
  if (ids.length === 0) return session.json ? undefined : session.line(session.t.allNewest);
  await followInstalls(session, client, { models: ids, engines: [], update: true });
}

const modelKey = (id: unknown): string => `model ${String(id)}`,
  engineKey = (id: unknown): string => `engine ${String(id)}`;

/** Starts what is not there and shows progress until everything is there or has failed. */
async function followInstalls(
  session: Session,
  client: Client,
  wanted: { models: string[]; engines: string[]; update?: boolean },
): Promise<void> {
  const models = new Map<string, Model>(),
    engines = new Map<string, Engine>(),
    failures: Failure[] = [];
  // An engine and its model may have the same name.
  const waiting = new Map([
    ...wanted.models.map(id => [modelKey(id), id] as const),
    ...wanted.engines.map(id => [engineKey(id), id] as const),
  ]);
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  const region = session.out.isTTY && !session.json ? createLogUpdate(session.out, {}) : null;
  const settle = (key: string, state: 'done' | 'failed' | 'running', failure: Failure | null): void => {
    const id = waiting.get(key);
    if (state === 'running' || id === undefined) return;
    waiting.delete(key);
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
      const { model } = event,
        key = modelKey(model.card.id);
      models.set(model.card.id, model);
      if (waiting.has(key) && session.json) session.emit(event);
      settle(
        key,
        model.state === 'installed' && !(wanted.update && model.outdated)
          ? 'done'
          : begun && model.failure && model.state !== 'downloading'
            ? 'failed'
            : 'running',
        model.failure,
      );
    } else if (event.type === 'engine') {
      const { engine } = event,
        key = engineKey(engine.id);
      engines.set(engine.id, engine);
      if (waiting.has(key) && session.json) session.emit(event);
      settle(
        key,
        engine.state === 'ready' ? 'done' : begun && engine.state === 'broken' ? 'failed' : 'running',
        engine.failure,
      );
    } else if (event.type === 'notice' && begun) {
      // An install that ends before its model has a state of its own is reported by a notice.
      const { model, engine, runtime } = event.failure.args,
        about = [modelKey(model), engineKey(engine), engineKey(runtime)].find(key => waiting.has(key));
      if (about !== undefined) settle(about, 'failed', event.failure);
    }
    region?.(installLines(session, models, engines).join('\n'));
  };
  const stop = client.onEvents(batch => batch.events.forEach(take));
  try {
    const snapshot = await client.call('state/subscribe', { topics: ['models', 'engines'] });
    for (const model of snapshot.models) take({ type: 'model', model });
    for (const engine of snapshot.engines) take({ type: 'engine', engine });
    begun = true;
    const absent = wanted.models.filter(id => waiting.has(modelKey(id)));
    if (absent.length > 0)
      await client.call('model/install', { ids: absent, ...(wanted.update ? { update: true } : {}) });
    for (const id of wanted.engines) if (waiting.has(engineKey(id))) await client.call('engine/install', { id });
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
  const line = (name: string, fraction: number | null, text: string): string =>
    `  ${clean(name).padEnd(28)} ${fraction === null ? '' : bar(fraction, columns)} ${session.paint('dim', text)}`;
  const lines: string[] = [];
  for (const { name, state, progress } of engines.values())
    if (state === 'installing') lines.push(line(name, progress?.fraction ?? null, clean(progress?.step ?? '')));
  for (const { card, state, progress } of models.values()) {
    if (state !== 'downloading' || !progress) continue;
    const { bytes, total } = progress;
    lines.push(line(card.id, total > 0 ? bytes / total : 0, session.t.ofAll(bytesText(bytes), bytesText(total))));
  }
  return lines;
}
