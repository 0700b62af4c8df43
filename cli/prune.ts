/** `earshot models update` and `prune`: models that have a newer revision, and those that nobody uses. */
import { createInterface } from 'node:readline/promises';
import { bytesText } from '../text/messages/figures.ts';
import type { Model } from '../schemas/model.ts';
import { EarshotError } from '../schemas/errors.ts';
import { followInstalls } from './machine.ts';
import type { Session } from './session.ts';
import { clean, table } from './terminal.ts';
import { usedText } from './used.ts';

/**
 * Installed, not used since, and none that jobs get by default. A model that was imported is only counted when
 * `imported`: it cannot be fetched again.
 */
export const unusedSince = (models: readonly Model[], before: number, imported: boolean): Model[] =>
  models.filter(
    model =>
      model.state === 'installed' &&
      model.diskBytes > 0 &&
      model.isDefault.length === 0 &&
      (imported || !model.imported) &&
      Math.max(model.lastUsedAt ?? 0, model.installedAt ?? 0) < before,
  );

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

/** Asks first, at a terminal; elsewhere `yes` must be said. */
export async function pruneModels(
  session: Session,
  options: { unusedFor: number; imported?: boolean; yes?: boolean; dryRun?: boolean },
): Promise<void> {
  const client = await session.client(),
    { t, paint } = session,
    now = Date.now();
  const found = unusedSince(
    (await client.call('model/list', {})).models,
    now - options.unusedFor,
    options.imported === true,
  );
  if (found.length === 0) return session.json ? undefined : session.line(t.nothingUnused);
  if (!session.json) {
    const rows = found.map(model => [clean(model.card.id), bytesText(model.diskBytes), usedText(model, session, now)]);
    for (const line of table(
      [{ title: t.model }, { title: t.size, align: 'right' }, { title: t.lastUsed }],
      rows,
      session.columns(),
      (text, row) => (row < 0 ? paint('dim', text) : text),
    ))
      session.line(line);
  }
  const bytes = found.reduce((sum, model) => sum + model.diskBytes, 0);
  if (options.dryRun || !(options.yes || (await agreed(session, t.removeThese(found.length, bytesText(bytes))))))
    return session.json
      ? found.forEach(model => {
          session.emit({ unused: model.card.id, bytes: model.diskBytes });
        })
      : undefined;
  for (const { card, diskBytes } of found) {
    await client.call('model/remove', { id: card.id });
    if (session.json) session.emit({ removed: card.id, bytes: diskBytes });
  }
  if (!session.json) session.line(t.freed(bytesText(bytes)));
}

async function agreed(session: Session, question: string): Promise<boolean> {
  if (!process.stdin.isTTY || session.json) {
    session.note(session.t.sayYes);
    return false;
  }
  const line = createInterface({ input: process.stdin, output: session.err });
  try {
    return /^\s*(y|yes|是|好)\s*$/i.test(await line.question(`${question} `));
  } finally {
    line.close();
  }
}
