/** Has a model built of its weights, in a process that may read nothing else and write nothing else. */
import { dirname, join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import { environment } from '../../workers/environment.ts';
import { buildPermissions } from '../../workers/sandbox/permissions.ts';
import { run, SYSTEM_FOLDER } from '../../workers/spawn.ts';
import type { BuildRequest } from './child.ts';

/** It takes a second or two. */
const LIMIT_MS = 120_000;

const childFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'child.ts' : 'build-child.mjs');

/** @throws modelBroken where the weights are not what the builder knows; cancelled */
export async function build(
  builder: BuildRequest['builder'],
  weights: string,
  to: string,
  { sandboxed, signal }: { sandboxed: boolean; signal: AbortSignal },
): Promise<void> {
  const request: BuildRequest = { builder, weights, to };
  const { status, errors } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', childFile()], {
    cwd: SYSTEM_FOLDER,
    env: environment('local'),
    permissions: sandboxed ? buildPermissions(weights, dirname(to)) : null,
    timeoutMs: LIMIT_MS,
    signal,
    input: (async function* () {
      yield Buffer.from(`${JSON.stringify(request)}\n`);
    })(),
  });
  if (signal.aborted) throw new EarshotError('cancelled');
  if (status !== 0) throw new EarshotError('modelBroken', { path: weights }, errors.trim());
}
