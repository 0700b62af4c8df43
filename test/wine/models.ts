/** Models and engines of Windows' Earshot, fetched from Linux: models are the same files everywhere. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkOrCopyNow } from '../../client/files.ts';
import type { NpmRuntime } from '../../daemon/runtimes/packs.ts';
import { home } from '../../daemon/auth/home.ts';
import { createHub } from '../../daemon/models/hub.ts';
import { installModel } from '../../daemon/models/install.ts';
import { readRegistry } from '../../daemon/models/registry.ts';
import { STAMP } from '../../daemon/runtimes/build.ts';
import { findPython } from '../../daemon/runtimes/find-python.ts';
import { pack, type Machine } from '../../daemon/runtimes/packs.ts';
import { fetchPackages } from '../../daemon/runtimes/registry-packages.ts';
import { fetchWheel } from '../../daemon/runtimes/wheel.ts';
import { freeBytes } from '../../daemon/system/disk.ts';
import { DEFAULTS } from '../../schemas/settings.ts';

export const WINDOWS: Machine = { platform: 'win32', arch: 'x64', nvidia: false };

/** Into `data`, Windows' data folder. `env` knows the user's registry. */
export async function bringRuntime(id: NpmRuntime | 'ffmpeg', data: string, env: NodeJS.ProcessEnv): Promise<void> {
  const found = pack(id, WINDOWS),
    directory = join(data, 'runtimes', `${id}-${found.hash}`),
    temporary = `${directory}.part`,
    how = { runtime: id, directory, temporary, signal: new AbortController().signal, env };
  if (existsSync(join(directory, STAMP))) return;
  for (const folder of [directory, temporary]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  if (found.kind === 'wheel') await fetchWheel({ ...how, wheel: found.wheel!, platform: 'linux' });
  else if (found.kind === 'npm') {
    await fetchPackages({ ...how, lock: found.lock, machine: WINDOWS });
    writeFileSync(join(directory, 'package.json'), found.manifest);
  }
  rmSync(temporary, { recursive: true, force: true });
  writeFileSync(join(directory, STAMP), '{}');
}

/** The files that this machine's Earshot has, under a second name; else fetched as Earshot fetches them. */
export async function bringModel(id: string, data: string, env: NodeJS.ProcessEnv): Promise<void> {
  const models = join(data, 'models'),
    there = join(models, id),
    here = join(home().models, id);
  if (existsSync(join(there, 'earshot-model.json'))) return;
  if (existsSync(join(here, 'earshot-model.json'))) {
    rmSync(there, { recursive: true, force: true });
    mkdirSync(there, { recursive: true });
    for (const name of readdirSync(here)) linkOrCopyNow(join(here, name), join(there, name));
    return;
  }
  await installModel({
    card: readRegistry().models.find(card => card.id === id)!,
    models,
    sources: { folders: [], offline: false, hub: createHub(), hubUrl: DEFAULTS.hubUrl, sandboxed: true },
    python: () => findPython(DEFAULTS, env),
    env,
    freeBytes,
    report: () => {},
    signal: new AbortController().signal,
  });
}
