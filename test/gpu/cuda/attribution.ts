/**
 * Who holds what: programs of others and a worker of ours take known amounts through PyTorch, and the device has to
 * show them under the right number, soon, and no longer once they are gone.
 */
import { gpuReader } from '../../../daemon/devices/readers.ts';
import { Harness } from '../../daemon/harness.ts';
import { torchEngine } from '../torch/engine.ts';
import { torchModel } from './models.ts';
import {
  contextBytes,
  GiB,
  mib,
  MiB,
  Outsider,
  percent,
  processOn,
  readerOf,
  readingOf,
  within,
  type Cuda,
} from './machine.ts';
import type { Section } from './report.ts';

const SOON_MS = 5000;

export async function attribution(cuda: Cuda, section: Section): Promise<void> {
  if (await others(cuda, section)) await ours(cuda, section);
}

/** False: the driver does not list programs by number here. */
async function others(cuda: Cuda, section: Section): Promise<boolean> {
  const first = await Outsider.start(cuda),
    second = await Outsider.start(cuda);
  const bytesOf = async (pid: number): Promise<number | null> => processOn(await readingOf(cuda), pid)?.bytes ?? null;
  try {
    const base = await contextBytes(cuda);
    if (base === null) {
      section.note('The driver lists no memory by program here (a container, WSL or MIG): that part was left out.');
      return false;
    }
    section.note(`A process has ${mib(base)} on the device before its allocator holds anything (CUDA's context).`);
    const rows: (string | number)[][] = [];
    let worst = 0;
    for (const [taker, bytes] of [
      [first, 256 * MiB],
      [second, GiB],
      [first, 3 * GiB],
    ] as const) {
      const { reserved, refused } = await taker.ask({ take: bytes });
      if (refused !== undefined) {
        section.note(`${mib(bytes)} were refused: the device is too full for this row.`);
        continue;
      }
      const expected = base + reserved!;
      const ms = await within(`${mib(bytes)} of ${taker.pid}`, SOON_MS, async () => {
        const seen = await bytesOf(taker.pid);
        return seen !== null && Math.abs(seen - expected) <= expected * 0.03;
      }).catch(() => NaN);
      const seen = (await bytesOf(taker.pid)) ?? 0,
        error = Math.abs(seen - expected) / expected;
      worst = Math.max(worst, error);
      rows.push([mib(bytes), mib(expected), mib(seen), percent(error), Number.isNaN(ms) ? 'never' : Math.round(ms)]);
    }
    section.table(['taken', 'held by PyTorch', 'shown', 'error', 'shown after, ms'], rows);
    section.check('other programs hold what is shown, within 3 %', worst <= 0.03, percent(worst));
    for (const [program, how] of [
      [first, 'leaves'],
      [second, 'killed'],
    ] as const) {
      const before = await readingOf(cuda),
        held = processOn(before, program.pid)?.bytes ?? 0;
      await program.end(how);
      const ms = await within(`${program.pid} to be gone`, SOON_MS, async () => {
        const now = await readingOf(cuda);
        return !processOn(now, program.pid) && now.freeBytes! >= before.freeBytes! + held * 0.97;
      }).catch(() => NaN);
      section.check(
        how === 'killed' ? 'memory of a killed program is free again' : 'memory of a program that ended is free again',
        !Number.isNaN(ms),
        Number.isNaN(ms) ? `not within ${SOON_MS} ms` : `${Math.round(ms)} ms after it was gone`,
      );
    }
    return true;
  } finally {
    await first.end('killed');
    await second.end('killed');
  }
}

/** A worker of ours: its lease says what the device says. */
async function ours(cuda: Cuda, section: Section): Promise<void> {
  const weightsMiB = cuda.short ? 600 : 2000;
  const harness = await Harness.open({
    models: [torchModel({ id: 'a-model', stage: 'asr', weightsMiB, scratchMiB: 200, cardMiB: weightsMiB + 1000 })],
    engines: [torchEngine(cuda.python, cuda.env)],
    readers: [gpuReader(readerOf())],
    utterances: () => [1000, 1000],
    settings: { keepAliveSeconds: 600, othersOnCpu: false },
  });
  try {
    await harness.pool.refresh('all');
    const jobs = await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
    await harness.ended(jobs, 120_000);
    await harness.pool.refresh();
    const lease = harness.pool.leases().find(each => each.pid !== null),
      reading = await readingOf(cuda),
      shown = lease && processOn(reading, lease.pid!)?.bytes;
    section.check(
      'a worker of ours holds what is shown, within 3 %',
      !!lease && !!shown && Math.abs((lease.residentBytes ?? 0) - shown) <= shown * 0.03,
      `${mib(lease?.residentBytes ?? 0)}, the driver: ${mib(shown ?? 0)}, its lease: ${mib(lease?.bytes ?? 0)}`,
    );
    section.check(
      'and at least its weights',
      (shown ?? 0) >= weightsMiB * MiB,
      `${mib(shown ?? 0)} of ${weightsMiB} MiB`,
    );
  } finally {
    await harness.close();
  }
}
