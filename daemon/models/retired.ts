/** Models that an earlier Earshot fetched and no later one uses: their files go, unless somebody imported them. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readStamp } from './folder.ts';

/** `prepared`: what was made of them in the runtime `sherpa`. */
const RETIRED = [{ id: 'resemblyzer', prepared: 'resemblyzer-1' }] as const;

export async function removeRetired({ models, runtimes }: { models: string; runtimes: string }): Promise<void> {
  const packs = (await readdir(runtimes).catch(() => [])).filter(name => name.startsWith('sherpa-'));
  for (const { id, prepared } of RETIRED) {
    const folder = join(models, id),
      stamp = readStamp(folder);
    if (stamp && !stamp.card) await rm(folder, { recursive: true, force: true });
    for (const pack of packs) await rm(join(runtimes, pack, 'prepared', prepared), { recursive: true, force: true });
  }
}
