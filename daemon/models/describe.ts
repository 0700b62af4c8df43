/** What clients are shown of a model: its card, whether it is installed, what is wrong with it, who uses it. */
import { join } from 'node:path';
import type { Failure } from '../../schemas/errors.ts';
import type { Model, ModelCard } from '../../schemas/model.ts';
import type { DefaultModels } from './defaults.ts';
import { lookAt, sizeOf } from './folder.ts';
import type { Installations } from './installations.ts';
import type { Inventory } from './inventory.ts';

export interface DescribeDeps {
  inventory: Inventory;
  installations: Installations;
  defaults: DefaultModels;
  /** When it was last loaded, ms. */
  lastUsed: (id: string) => number | null;
}

export function describeModel(card: ModelCard, { inventory, installations, defaults, lastUsed }: DescribeDeps): Model {
  const { id } = card,
    folder = inventory.folder(id),
    hasFiles = card.files.length > 0,
    stamp = hasFiles ? inventory.stamp(id) : null,
    wrong = stamp && lookAt(card, folder, stamp),
    progress = installations.progress(card);
  const state = progress ? 'downloading' : stateOnDisk(!hasFiles || stamp !== null, wrong);
  return {
    card,
    state,
    progress,
    diskBytes: stamp ? stamp.files.reduce((sum, { name }) => sum + sizeOf(join(folder, name)), 0) : 0,
    outdated: state === 'installed' && inventory.outdated(id),
    installedAt: stamp ? Date.parse(stamp.installedAt) || 0 : null,
    lastUsedAt: hasFiles ? lastUsed(id) : null,
    imported: Boolean(stamp?.card),
    isDefault: defaults.stagesOf(id),
    failure: state === 'broken' ? wrong : state === 'absent' ? installations.failure(id) : null,
  };
}

function stateOnDisk(there: boolean, wrong: Failure | null): 'installed' | 'broken' | 'absent' {
  if (there && !wrong) return 'installed';
  return wrong && wrong.code !== 'modelNotInstalled' ? 'broken' : 'absent';
}
