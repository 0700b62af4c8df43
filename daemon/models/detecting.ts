/**
 * What a file or folder is, without waiting for it: `detect` looks in a process of its own, which may read nothing but
 * that, for a limited time. Its answer is checked like a stranger's.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { EarshotError, thrown } from '../../schemas/errors.ts';
import { Failure } from '../../schemas/failure.ts';
import { ModelCard } from '../../schemas/model.ts';
import { environment } from '../workers/environment.ts';
import { readingPermissions } from '../workers/sandbox/permissions.ts';
import { run, SYSTEM_FOLDER } from '../workers/spawn.ts';
import { blobsOf } from './detect.ts';
import type { Detected } from './detected.ts';

/** The largest models of a slow disk take a second. */
const LIMIT_MS = 20_000,
  MOST_ANSWER_BYTES = 1024 ** 2;

const childFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'detect-child.ts' : 'detect-child.mjs');

const isCard = Compile(ModelCard),
  isFailure = Compile(Failure),
  areFiles = Compile(
    Type.Array(Type.Object({ name: Type.String({ pattern: '^[A-Za-z0-9._-]+$' }), path: Type.String() }), {
      minItems: 1,
      maxItems: 100,
    }),
  );

/** @throws what `detect` throws; modelBroken where there is no answer in time, or none that makes sense */
export async function detectApart(path: string, sandboxed: boolean): Promise<Detected> {
  const full = resolve(path);
  const { status, signal, output, errors } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512', childFile()],
    {
      cwd: SYSTEM_FOLDER,
      env: environment('local'),
      permissions: sandboxed
        ? readingPermissions([full, `${full}.json`, full.replace(/\.json$/, ''), blobsOf(full), blobsOf(dirname(full))])
        : null,
      timeoutMs: LIMIT_MS,
      maxOutputBytes: MOST_ANSWER_BYTES,
      input: (async function* () {
        yield Buffer.from(`${JSON.stringify(full)}\n`);
      })(),
    },
  );
  const broken = (why: string): EarshotError => new EarshotError('modelBroken', { path }, why);
  if (signal) throw broken('it takes too long to look at');
  if (status !== 0) throw broken(errors.trim());
  return answerOf(output.toString('utf8'), full, broken);
}

function answerOf(text: string, path: string, broken: (why: string) => EarshotError): Detected {
  let answer: { failure?: unknown; found?: { card?: object; files?: unknown } };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw broken('no answer that makes sense');
  }
  const { failure, found } = answer;
  if (isFailure.Check(failure)) throw thrown(failure);
  if (!found || !isCard.Check({ ...found.card, id: 'x', files: [] }) || !areFiles.Check(found.files))
    throw broken('no answer that makes sense');
  // Only what was asked about, whatever the answer says.
  for (const file of found.files)
    if (![path, join(path, 'tokenizer'), dirname(path)].includes(dirname(file.path)) || basename(file.path) === '..')
      throw broken(`${file.path} is no part of it`);
  return found as Detected;
}
