/** Models that people name on a hub: found, chosen, and, once their files are there, looked at like any stranger's. */
import { EarshotError, badRequest } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { idOf } from './detect.ts';
import { detectApart } from './detecting.ts';
import { readStamp, removeFolder, writeStamp } from './folder.ts';
import type { Hub } from './hub.ts';
import { cardOfChoice, chooseFiles } from './hub-choice.ts';
import { parseHubSource } from './hub-source.ts';
import type { Inventory } from './inventory.ts';

/** What would be fetched. */
export interface FoundOnHub {
  card: ModelCard;
  repository: string;
  /** The commit that it is held to. */
  revision: string;
  /** By their paths in the repository; null: the hub states no size. */
  files: { path: string; bytes: number | null }[];
}

/** @throws badRequest, offline, modelGated, notOnHub, downloadFailed, cancelled */
export async function findOnHub(
  source: string,
  {
    hub,
    inventory,
    settings: { hubUrl, offline },
  }: { hub: Hub; inventory: Inventory; settings: Pick<Settings, 'hubUrl' | 'offline'> },
  signal: AbortSignal,
): Promise<FoundOnHub> {
  const named = parseHubSource(source, hubUrl);
  if (!named) throw badRequest('source', 'hubSource');
  if (offline) throw new EarshotError('offline', { model: source });
  const { commit, files, licence } = await hub.list(hubUrl, named.repository, named.revision, signal);
  const choice = chooseFiles(named.repository, files, named.file),
    homepage = `${hubUrl.replace(/(?<!\/)\/+$/, '')}/${named.repository}`;
  const card = cardOfChoice('x', choice, { repository: named.repository, revision: commit, licence, homepage });
  return {
    card: { ...card, id: freeId(inventory, card) },
    repository: named.repository,
    revision: commit,
    files: choice.files.map(({ path, bytes }) => ({ path, bytes })),
  };
}

/** The same files have the same id again; otherwise one that nobody has. */
function freeId(inventory: Inventory, card: ModelCard): string {
  const wanted = idOf(card.name),
    sourceOf = ({ files }: ModelCard): string => JSON.stringify(files.map(file => file.sources));
  for (let number = 1; ; number++) {
    const id = number === 1 ? wanted : `${wanted}-${number}`,
      other = inventory.find(id);
    if (!other || (!inventory.isRegistered(id) && sourceOf(other) === sourceOf(card))) return id;
  }
}

/**
 * Its files are there: what they are says their content, and with what came first every later check compares. Files
 * that are no model that runs here do not stay.
 *
 * @throws modelBroken
 */
export async function settle(card: ModelCard, inventory: Inventory, sandboxed: boolean): Promise<void> {
  const folder = inventory.folder(card.id),
    stamp = readStamp(folder);
  if (!stamp || stamp.card) return;
  try {
    const { card: found } = await detectApart(folder, sandboxed);
    await writeStamp(folder, {
      ...stamp,
      card: {
        ...found,
        id: card.id,
        name: card.name,
        licence: found.licence || card.licence,
        homepage: card.homepage,
        files: card.files.map(file => {
          const has = stamp.files.find(({ name }) => name === file.name)!;
          return { ...file, bytes: has.bytes, sha256: has.sha256 };
        }),
      },
    });
  } catch (error) {
    await removeFolder(inventory.models, card.id, () => {});
    throw error;
  }
}
