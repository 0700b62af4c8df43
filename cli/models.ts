/** `earshot models`: what is installed and what could be, imports, checks, and what can go. */
import { resolve } from 'node:path';
import { entryOf, stageText, termText } from '../text/messages/messages.ts';
import { bytesText, languageText, timeText } from '../text/messages/figures.ts';
import { languageOf } from '../client/languages.ts';
import { EarshotError } from '../schemas/errors.ts';
import type { Model } from '../schemas/model.ts';
import type { Stage } from '../schemas/words.ts';
import type { Session } from './session.ts';
import { showTable, table } from './layout.ts';
import { agreed } from './agreed.ts';
import { clean, type Colour } from './terminal.ts';

const STATE_COLOURS = { installed: 'green', downloading: 'cyan', absent: 'dim', broken: 'red' } as const;

/** When a model was last used, in words. */
const usedText = (model: Model, { t, locale }: Session, now: number): string =>
  model.state !== 'installed'
    ? ''
    : model.lastUsedAt === null
      ? model.diskBytes > 0
        ? t.neverUsed
        : ''
      : timeText(model.lastUsedAt, locale, now);

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
    termText('modelStates', model.state, locale),
    // The voice model is of no stage: it identifies speakers.
    t.list(model.card.stages.map(stage => stageText(stage, locale))) || t.speakers,
    model.card.languages.length === 0
      ? t.anyLanguage
      : model.card.languages.length > 6
        ? String(model.card.languages.length)
        : model.card.languages.join(' '),
    size(model) > 0 ? bytesText(size(model)) : '',
    usedText(model, session, Date.now()),
    clean(model.card.licence),
    t.list(
      [
        model.outdated ? t.hasUpdate : '',
        model.isDefault.length > 0 ? t.isDefault : '',
        model.imported ? t.imported : '',
      ].filter(Boolean),
    ),
  ]);
  const columns = [
    { title: t.model },
    { title: t.state },
    { title: t.stages, give: 11 },
    { title: t.languages, give: true },
    { title: t.size, align: 'right' as const },
    { title: t.lastUsed, drop: 1 },
    { title: t.licence, give: true, drop: 2 },
    { title: '' },
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0
      ? paint('dim', text)
      : column === 1
        ? paint(entryOf<Colour>(STATE_COLOURS, models[row]!.state, 'dim'), text)
        : text,
  ))
    session.line(line);
  const onDisk = models.reduce((sum, model) => sum + model.diskBytes, 0);
  if (onDisk > 0) session.line(paint('dim', t.onDisk(bytesText(onDisk))));
}

/** What suits this machine, the smallest download first, and how to take it. */
/** Without a voice, those that there are; a model with one voice says its sentence at once. */
export async function voices(session: Session, model: string, wanted: string | undefined): Promise<void> {
  const client = await session.client(),
    { t, locale } = session;
  const { voices: all } = await client.call('voice/list', { model });
  const chosen = all.length === 1 && wanted === undefined ? all[0] : all.find(({ voice }) => voice === wanted);
  if (wanted !== undefined && !chosen) throw new EarshotError('noVoice', { model });
  if (chosen) {
    const { path } = await client.call('voice/sample', { model, voice: chosen.voice, language: chosen.language });
    return session.json ? session.emit({ ...chosen, path }) : session.line(clean(path));
  }
  if (session.json)
    return all.forEach(each => {
      session.emit(each);
    });
  const rows = all.map(({ voice, language, pitch }) => [
    clean(voice ?? ''),
    languageText(language, locale),
    pitch ? t.pitches[pitch] : '',
  ]);
  const columns = [{ title: t.voice }, { title: t.language }, { title: t.pitch }];
  showTable(session, columns, rows);
}

export async function recommendModels(session: Session, options: { language?: string }): Promise<void> {
  const client = await session.client(),
    { t, paint } = session,
    languages = (options.language ?? '').split(',').flatMap(name => (name.trim() ? [languageOf(name.trim())] : []));
  const { recommendations, directory, freeBytes } = await client.call('model/recommend', { languages });
  if (session.json)
    return recommendations.forEach(each => {
      session.emit(each);
    });
  if (recommendations.length === 0) return session.line(t.nothingSuits);
  const rows = recommendations.map(each => [
    t.tiers[each.tier] ?? each.tier,
    clean(each.model),
    each.installed ? termText('modelStates', 'installed', session.locale) : bytesText(each.downloadBytes),
    each.engineBytes > 0 ? `+ ${bytesText(each.engineBytes)}` : '',
    t.speedHere(speedText(each.speed), each.measured),
    String(Math.round(each.wordErrors)),
    each.languages.length === 0 ? t.anyLanguage : String(each.languages.length),
    clean(each.licence),
  ]);
  const columns = [
    { title: '' },
    { title: t.model },
    { title: t.size, align: 'right' as const },
    { title: t.engine, drop: 1 },
    { title: t.speed },
    { title: t.wrongWords, align: 'right' as const },
    { title: t.languages, align: 'right' as const },
    { title: t.licence, drop: 2 },
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0
      ? paint('dim', text)
      : column === 0 && recommendations[row]!.tier === 'recommended'
        ? paint('green', text)
        : text,
  ))
    session.line(line);
  const chosen = recommendations.find(({ tier }) => tier === 'recommended')!.model;
  session.line(paint('dim', t.recommendedWhere(clean(directory), bytesText(freeBytes))));
  session.line(paint('dim', t.errorsAreFrom));
  session.line(paint('dim', t.takeIt(clean(chosen))));
}

/** 7.3, 21, 140: no more digits than are known. */
const speedText = (speed: number): string =>
  (speed < 10 ? speed.toFixed(1) : speed.toPrecision(2)).replace('e+2', '00');

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

/**
 * Installed, not used since, and none that jobs get by default. A model that was imported is only counted when
 * `imported`: it cannot be fetched again.
 */
const unusedSince = (models: readonly Model[], before: number, imported: boolean): Model[] =>
  models.filter(
    model =>
      model.state === 'installed' &&
      model.diskBytes > 0 &&
      model.isDefault.length === 0 &&
      (imported || !model.imported) &&
      Math.max(model.lastUsedAt ?? 0, model.installedAt ?? 0) < before,
  );

/** Asks first, at a terminal; elsewhere `yes` must be said. */
export async function pruneModels(
  session: Session,
  options: { unusedFor: number; imported?: boolean; yes?: boolean; dryRun?: boolean },
): Promise<void> {
  const client = await session.client(),
    { t } = session,
    now = Date.now();
  const found = unusedSince(
    (await client.call('model/list', {})).models,
    now - options.unusedFor,
    options.imported === true,
  );
  if (found.length === 0) return session.json ? undefined : session.line(t.nothingUnused);
  if (!session.json) {
    const rows = found.map(model => [clean(model.card.id), bytesText(model.diskBytes), usedText(model, session, now)]);
    showTable(session, [{ title: t.model }, { title: t.size, align: 'right' }, { title: t.lastUsed }], rows);
  }
  const bytes = found.reduce((sum, model) => sum + model.diskBytes, 0);
  if (
    options.dryRun ||
    !(options.yes || (await agreed(session, t.removeThese(found.length, bytesText(bytes)), t.sayYes)))
  )
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
