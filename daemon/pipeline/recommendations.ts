/** What every recognizer would be on this machine, for the judgement in recommend.ts. */
import { availableParallelism } from 'node:os';
import type { Result } from '../../schemas/rpc.ts';
import type { Engine, RuntimeId } from '../contracts/engine.ts';
import type { Pool } from '../devices/pool.ts';
import { recommend, type Candidate } from '../models/recommend.ts';
import type { Models } from '../models/models.ts';
import { slowness } from '../models/processor-speed.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import { freeBytes } from '../system/disk.ts';
import { kindOf, type Speeds } from './speeds.ts';

export interface RecommendDeps {
  models: Models;
  runtimes: Runtimes;
  pool: Pick<Pool, 'views' | 'estimate'>;
  speeds: Pick<Speeds, 'known'>;
  engine(id: string): Engine | undefined;
  /** The folder of all models. */
  directory: string;
  withoutPython(): Promise<boolean>;
}

/** What reading a recording needs, whatever recognizes it. */
const TOOLS: readonly RuntimeId[] = ['sherpa', 'ffmpeg'];

export async function recommendations(
  { models, runtimes, pool, speeds, engine, directory, withoutPython }: RecommendDeps,
  languages: readonly string[],
): Promise<Result<'model/recommend'>> {
  const [free, noPython, obtainable] = await Promise.all([freeBytes(directory), withoutPython(), models.obtainable()]),
    devices = pool.views().filter(device => device.usable);
  let calculated: number | null = null;
  const candidates = models.list().flatMap(({ card, state }): Candidate[] => {
    const runsIn = engine(card.engine),
      installed = state === 'installed';
    if (!card.figures || !runsIn || runsIn.hidden || (!installed && !obtainable(card))) return [];
    if (noPython && runsIn.runtimes.includes('python')) return [];
    const able = devices.filter(device => runsIn.devices.includes(device.kind)),
      device = able.find(each => each.kind === 'gpu' && card.figures!.gpuMs !== undefined) ?? able.at(-1);
    if (!device) return [];
    const kind = kindOf(device.id),
      precision = (kind === 'gpu' ? card.precision.gpu : card.precision.cpu) ?? 'default',
      known = speeds.known(card.id, 'asr', kind);
    const estimated = (): number =>
      kind === 'gpu'
        ? card.figures!.gpuMs!
        : card.figures!.cpuMs * (calculated ??= relativeToMeasured(models, speeds) ?? slowness(availableParallelism()));
    return [
      {
        card,
        installed,
        downloadBytes: installed ? 0 : card.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
        engineBytes: [...new Set([...runsIn.runtimes, ...TOOLS])].reduce(
          (sum, runtime) => sum + (runtimes.ready(runtime) ? 0 : runtimes.bytes(runtime)),
          0,
        ),
        needBytes: pool.estimate({ device: device.id, card, engine: runsIn.id, precision }).bytes,
        capBytes: device.cap,
        msPerSecond: known ?? estimated(),
        measured: known !== undefined,
      },
    ];
  });
  return { recommendations: recommend(candidates, { languages, freeBytes: free }), directory, freeBytes: free };
}

/** By recognizers that worked here already; null: none did. */
function relativeToMeasured(models: Models, speeds: RecommendDeps['speeds']): number | null {
  const factors = models.list().flatMap(({ card }) => {
    const known = card.figures && speeds.known(card.id, 'asr', 'cpu');
    return known ? [known / card.figures!.cpuMs] : [];
  });
  return factors.length ? factors.sort((a, b) => a - b)[Math.floor(factors.length / 2)]! : null;
}
