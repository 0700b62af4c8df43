/** Models made ready for sherpa-onnx: a folder with `model.onnx` and `tokens.txt`, made once and kept. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { moveOwn, openNew, writeAnew } from '../../client/files.ts';

/** Pieces that one call writes: systems take no more than 1024. */
const AT_ONCE = 512;

export interface Prepared {
  model: string;
  tokens: string;
}

/**
 * `name`: what people may know it by; `of`: all that the result hangs on, and a number that changes with the way it is
 * made. @throws what `make` throws
 */
export async function prepared(
  cache: string,
  name: string,
  of: readonly unknown[],
  make: () => Promise<{ model: readonly Buffer[]; tokens: string }>,
): Promise<Prepared> {
  const key = createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 16),
    folder = join(cache, `${name}-${key}`),
    found = { model: join(folder, 'model.onnx'), tokens: join(folder, 'tokens.txt') };
  if (existsSync(folder)) return found;

  const partial = `${folder}.${process.pid}.part`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const { model, tokens } = await make();
  {
    await using file = await openNew(join(partial, 'model.onnx'), 0o600);
    for (let at = 0; at < model.length; at += AT_ONCE) await file.writev(model.slice(at, at + AT_ONCE));
  }
  await writeAnew(join(partial, 'tokens.txt'), tokens, 0o600);
  await moveOwn(partial, folder).catch(async (error: unknown) => {
    // Another worker was quicker.
    if (!existsSync(folder)) throw error;
    await rm(partial, { recursive: true, force: true });
  });
  return found;
}
