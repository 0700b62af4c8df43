/** What this machine has, as can.ts judges it. */
import type { Engine } from '../contracts/engine.ts';
import type { Pool } from '../devices/pool.ts';
import { ENCODER } from '../diarization/label.ts';
import type { Models } from '../models/models.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { Settings } from '../../schemas/settings.ts';
import { abilities, warmOf, type MachineView, type ReadyModel } from './can.ts';

export interface MachineParts {
  pool: Pool;
  models: Models;
  runtimes: Runtimes;
  pipeline: Pipeline;
  engine(id: string): Engine | undefined;
  settings: () => Settings;
}

export function abilitiesOf(parts: MachineParts): { can: string[]; warm: string[] } {
  const view = machineView(parts),
    can = abilities(view);
  return { can, warm: warmOf(view.models, can) };
}

function machineView({ pool, models, runtimes, pipeline, engine, settings }: MachineParts): MachineView {
  const devices = pool.views(),
    instances = [...pipeline.instances.values()],
    idleBytes: Record<string, number> = {};
  for (const { state, options } of instances)
    if (state === 'idle') idleBytes[options.device] = (idleBytes[options.device] ?? 0) + options.lease.bytes;
  const ready: ReadyModel[] = [];
  for (const { card, state } of models.list()) {
    const by = engine(card.engine);
    if (!by || card.stages.length === 0) continue;
    if ((card.files.length > 0 && state !== 'installed') || !by.runtimes.every(id => runtimes.ready(id))) continue;
    const kinds = new Set(by.devices);
    ready.push({
      card,
      devices: by.devices,
      need: Object.fromEntries(
        devices
          .filter(device => kinds.has(device.kind))
          .map(device => {
            const precision = (device.id === 'cpu' ? card.precision.cpu : card.precision.gpu) ?? 'default';
            return [
              device.id,
              by.remote ? 0 : pool.estimate({ device: device.id, card, engine: by.id, precision }).bytes,
            ];
          }),
      ),
      loaded: instances.some(
        ({ state: at, options }) => options.card.id === card.id && (at === 'idle' || at === 'busy'),
      ),
    });
  }
  return {
    devices,
    idleBytes,
    models: ready,
    policy: settings(),
    speakers: models.ready(ENCODER),
    roots: Object.keys(settings().fleet?.roots ?? {}),
  };
}
