/** `earshot watch`: folders whose recordings are transcribed as they arrive. */
import { basename, relative, resolve } from 'node:path';
import { decisionText, entryOf, failureMessage, termText, stageText } from '../text/messages/messages.ts';
import { languageText, timeText } from '../text/messages/figures.ts';
import type { WatchedFile, WatchedFolder, WatchSpec } from '../schemas/watch.ts';
import type { Session } from './session.ts';
import { shortId } from './jobs.ts';
import { withPreset } from './presets.ts';
import { clean, type Colour } from './terminal.ts';
import { table } from './layout.ts';
import { jobOptions, parseFormats } from './transcribe.ts';
import type { Recipe } from './recipe.ts';

export interface AddOptions extends Recipe {
  include?: string[];
  exclude?: string[];
  subfolders: boolean;
  newOnly?: boolean;
  moveTo?: string;
  settle?: number;
  /** The earlier name of `settle`. */
  quiet?: number;
  poll?: number;
}

export async function add(session: Session, named: string, asked: AddOptions): Promise<void> {
  const client = await session.client(),
    given = await withPreset(asked, async () => client);
  const options = await jobOptions(client, given, parseFormats(given.format));
  const settleSeconds = given.settle ?? given.quiet;
  const spec: WatchSpec = {
    path: resolve(named),
    options,
    owner: 'cli',
    ...(given.glossary === false ? { glossary: false } : {}),
    ...(given.priority ? { priority: given.priority } : {}),
    ...(given.include ? { include: given.include } : {}),
    ...(given.exclude ? { exclude: given.exclude } : {}),
    ...(given.subfolders ? {} : { subfolders: false }),
    ...(given.moveTo ? { moveTo: resolve(given.moveTo) } : {}),
    ...(settleSeconds === undefined ? {} : { settleSeconds }),
    ...(given.poll === undefined ? {} : { pollSeconds: given.poll }),
  };
  const { folder } = await client.call('watch/add', { folder: spec, existing: given.newOnly ? 'leave' : 'take' });
  if (session.json) return session.emit(folder);
  session.line(session.t.watching(clean(folder.spec.path)));
  session.line(`  ${session.paint('dim', clean(recipeText(folder.spec, session)))}`);
}

/** What is done with a folder's recordings, on one line. */
export function recipeText(
  { options, moveTo, subfolders, include, exclude }: WatchSpec,
  { locale, t }: Pick<Session, 'locale' | 't'>,
): string {
  return [
    options.language ? languageText(options.language, locale) : '',
    options.repair ? stageText('repair', locale) : '',
    options.translateTo ? `→ ${languageText(options.translateTo, locale)}` : '',
    options.speak ? stageText('tts', locale) : '',
    options.outputs?.formats.join(',') ?? '',
    options.outputs?.directory ? t.into(options.outputs.directory) : '',
    moveTo ? t.movesTo(moveTo) : '',
    subfolders === false ? t.subfoldersOut : '',
    ...(include ?? []).map(each => `+${each}`),
    ...(exclude ?? []).map(each => `−${each}`),
  ]
    .filter(Boolean)
    .join(' · ');
}

const STATE_COLOUR: Record<WatchedFolder['state'], Colour> = {
  starting: 'cyan',
  watching: 'green',
  polling: 'green',
  paused: 'yellow',
  missing: 'red',
  blocked: 'yellow',
};

export async function list(session: Session): Promise<void> {
  const client = await session.client();
  const { folders } = await client.call('watch/list', {});
  if (session.json)
    return folders.forEach(folder => {
      session.emit(folder);
    });
  const { t, locale, paint } = session;
  if (folders.length === 0) return session.note(t.noFolders);
  const rows = folders.map(({ spec, state, counts }) => [
    clean(spec.path),
    termText('watchStates', state, locale),
    String(counts.taken),
    counts.refused > 0 ? String(counts.refused) : '',
    counts.waiting + counts.writing > 0 ? String(counts.waiting + counts.writing) : '',
    clean(recipeText(spec, session)),
  ]);
  const right = 'right' as const;
  const columns = [
    { title: t.folder, give: true },
    { title: t.state },
    { title: t.taken, align: right },
    { title: t.failed, align: right },
    { title: t.arriving, align: right },
    { title: t.recipe, give: true },
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0 || column === 5
      ? paint('dim', text)
      : column === 1
        ? paint(entryOf<Colour>(STATE_COLOUR, folders[row]!.state, 'dim'), text)
        : text,
  ))
    session.line(line);
  for (const { failure } of folders) {
    if (!failure) continue;
    const { what, todo } = failureMessage(failure, locale);
    session.note(`${paint('yellow', t.warning)} ${clean(what)} ${clean(todo)}`);
  }
}

/** The colour of a file's decision: done, on its way, in question, left. */
const colourOf = ({ decision }: WatchedFile): Colour =>
  decision.code === 'taken' || decision.code === 'moved'
    ? 'green'
    : decision.code === 'refused' || decision.code === 'retry'
      ? 'red'
      : ['writing', 'open', 'waiting', 'unseen'].includes(decision.code)
        ? 'cyan'
        : 'dim';

export async function files(session: Session, named: string, options: { limit?: number }): Promise<void> {
  const client = await session.client(),
    path = resolve(named);
  const { files: found } = await client.call('watch/files', { path, limit: options.limit ?? 50 });
  if (session.json)
    return found.forEach(file => {
      session.emit(file);
    });
  const { t, locale, paint } = session,
    now = Date.now();
  if (found.length === 0) return session.note(t.nothingDecided);
  const rows = found.map(file => [
    timeText(file.at, locale, now),
    clean(relative(file.folder ?? path, file.path)),
    clean(decisionText(file.decision, locale)),
    file.job ? shortId(file.job) : '',
  ]);
  const columns = [
    { title: t.time },
    { title: t.file, give: true },
    { title: t.decision, give: true },
    { title: t.job },
  ];
  for (const line of table(columns, rows, session.columns(), (text, row, column) =>
    row < 0 ? paint('dim', text) : column === 2 ? paint(colourOf(found[row]!), text) : text,
  ))
    session.line(line);
}

export async function why(session: Session, named: string[]): Promise<void> {
  const client = await session.client();
  for (const name of named) {
    const { file } = await client.call('watch/why', { path: resolve(name) });
    if (session.json) {
      session.emit(file);
      continue;
    }
    const which = named.length > 1 ? `${clean(basename(file.path))}: ` : '',
      decision = session.paint(colourOf(file), clean(decisionText(file.decision, session.locale)));
    session.line(`${which}${decision}${file.job ? `  ${session.paint('dim', shortId(file.job))}` : ''}`);
  }
}

export async function act(
  session: Session,
  action: 'pause' | 'resume' | 'remove',
  named: string[],
  options: { forget?: boolean },
): Promise<void> {
  const client = await session.client(),
    paths = named.map(name => resolve(name));
  if (action === 'remove') {
    await client.call('watch/remove', { paths, ...(options.forget ? { forget: true } : {}) });
    for (const path of paths)
      if (session.json) session.emit({ removed: path });
      else session.line(session.t.unwatched(clean(path)));
    return;
  }
  await client.call(`watch/${action}`, { paths });
  const { folders } = await client.call('watch/list', {});
  for (const folder of folders.filter(each => paths.includes(each.spec.path)))
    if (session.json) session.emit(folder);
    else session.line(`${clean(folder.spec.path)}  ${termText('watchStates', folder.state, session.locale)}`);
}
