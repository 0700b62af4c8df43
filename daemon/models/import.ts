/** Imports a model from this machine: its files are copied into a folder that appears whole or not at all. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyNew, moveOwn } from '../../client/files.ts';
import { EarshotError, badRequest } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Stage } from '../../schemas/words.ts';
import { idOf } from './detect.ts';
import type { Detected } from './detected.ts';
import { detectApart } from './detecting.ts';
import { sizeOf, writeStamp, type Stamp } from './folder.ts';
import { isModelId, type Inventory } from './inventory.ts';
import { sha256Of } from './part-file.ts';
import type { Registry } from './registry.ts';

export interface ImportOptions {
  /** A GGUF file, a CTranslate2 folder, a Piper voice. */
  path: string;
  /** Chosen by the user; else made of the model's name. */
  id?: string | undefined;
  /** The only stage that it shall do. */
  stage?: Stage | undefined;
  inventory: Inventory;
  registry: Registry;
  freeBytes: (folder: string) => Promise<number>;
  /** It is looked at with no more permissions than that takes. */
  sandboxed: boolean;
}

/** The model's id. Throws `noSuchFile`, `modelBroken`, `badRequest` (the id), `wrongStage`, `diskFull`. */
export async function importModel({
  path,
  id,
  stage,
  inventory,
  registry,
  freeBytes,
  sandboxed,
}: ImportOptions): Promise<string> {
  const { models } = inventory;
  const found = await detectApart(path, sandboxed);
  if (stage && !found.card.stages.includes(stage)) throw new EarshotError('wrongStage', { model: path, stage });
  await mkdir(models, { recursive: true });
  const needed = found.files.reduce((sum, file) => sum + sizeOf(file.path), 0),
    free = await freeBytes(models);
  if (free < needed) throw new EarshotError('diskFull', { path: models, neededBytes: needed, freeBytes: free });
  const building = join(models, `.import-${process.pid}-${Date.now()}`);
  await mkdir(building);
  try {
    const files = await copyFiles(found.files, building);
    const same = id ? undefined : withFiles(registry, files);
    const target = same?.id ?? freeId(inventory, id ?? idOf(found.card.name), id !== undefined);
    if (same) await renameAs(same, files, building);
    const card: ModelCard = {
      ...found.card,
      id: target,
      ...(stage ? { stages: [stage] } : {}),
      files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256, sources: [] })),
    };
    await writeStamp(building, { installedAt: new Date().toISOString(), files, ...(same ? {} : { card }) });
    await rm(inventory.folder(target), { recursive: true, force: true });
    await moveOwn(building, inventory.folder(target));
    return target;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function copyFiles(sources: Detected['files'], folder: string): Promise<Stamp['files']> {
  const files: Stamp['files'] = [];
  for (const { name, path } of sources) {
    const copy = join(folder, name);
    // A clone where the disk can make one: no second copy of the bytes.
    await copyNew(path, copy);
    files.push({ name, bytes: sizeOf(copy), sha256: await sha256Of(copy), pinned: true, source: 'import' });
  }
  return files;
}

/** The very files of a model that the registry knows are that model. */
const withFiles = (registry: Registry, files: Stamp['files']): ModelCard | undefined =>
  registry.models.find(
    ({ files: wanted }) =>
      wanted.length === files.length && wanted.every(file => files.some(has => has.sha256 === file.sha256)),
  );

/** Gives the copies the names that the registry has for them. */
async function renameAs(card: ModelCard, files: Stamp['files'], folder: string): Promise<void> {
  for (const file of files) {
    const { name } = card.files.find(one => one.sha256 === file.sha256)!;
    if (name !== file.name) await moveOwn(join(folder, file.name), join(folder, name));
    file.name = name;
  }
}

/** An id that no other model has; a name that the user chose is not changed but refused. */
function freeId(inventory: Inventory, wanted: string, chosen: boolean): string {
  if (!isModelId(wanted)) throw badRequest('id', 'idShape');
  if (!inventory.isRegistered(wanted) && !existsSync(inventory.folder(wanted))) return wanted;
  if (chosen) throw badRequest('id', 'idTaken');
  for (let number = 2; ; number++) if (!inventory.find(`${wanted}-${number}`)) return `${wanted}-${number}`;
}
