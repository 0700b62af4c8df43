/** What a job needs and what a machine has, in the same words: `stage:model@identity`, `root:name`. Pure. */
import { createHash } from 'node:crypto';
import type { ModelCard } from '../../schemas/model.ts';
import type { DeviceKind, Stage } from '../../schemas/words.ts';
import type { JobRow } from '../contracts/store.ts';
import { allowedDevices } from '../scheduler/admit.ts';
import type { DeviceView, Policy } from '../scheduler/snapshot.ts';

/** The same model on two machines: its name, its engine and the checksums of its files. */
export function identityOf({ id, engine, files, parameters = {} }: ModelCard): string {
  const names = Object.keys(parameters).sort();
  const parts = [
    id,
    engine,
    files.map(({ name, sha256 }) => [name, sha256]),
    names.map(name => [name, parameters[name]]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
}
const word = (stage: Stage, card: ModelCard): string => `${stage}:${card.id}@${identityOf(card)}`;

/** Null: one of its models is not known here. */
export function needsOf(
  { stages, models, options }: Pick<JobRow, 'stages' | 'models' | 'options'>,
  card: (id: string) => ModelCard | undefined,
): string[] | null {
  const needs: string[] = [];
  for (const stage of stages) {
    const id = models[stage];
    // Repaired by its recognizer; a voice that follows the language is the machine's to find.
    if (!id) continue;
    const found = card(id);
    if (!found) return null;
    needs.push(word(stage, found));
  }
  if (options.speakers) needs.push('speakers');
  return needs.sort();
}
/** Parts of long recordings: a machine that is at one has it no more, so that the next goes to another machine. */
export const PART_NEED = 'part';
export const rootNeed = (root: string): string => `root:${root}`;

/** A model that is installed with all that its engine needs. */
export interface ReadyModel {
  card: ModelCard;
  devices: readonly DeviceKind[];
  /** Expected peak by device, bytes; 0: it runs elsewhere. */
  need: Readonly<Record<string, number>>;
  loaded: boolean;
}

/** `idleBytes`: by device, held by models of ours that nothing is asked of: they would give way. */
export interface MachineView {
  devices: readonly DeviceView[];
  idleBytes: Readonly<Record<string, number>>;
  models: readonly ReadyModel[];
  policy: Policy;
  speakers: boolean;
  roots: readonly string[];
}

/** What this machine can place now, or has loaded. */
export function abilities({ devices, idleBytes, models, policy, speakers, roots }: MachineView): string[] {
  const can = models.flatMap(({ card, devices: kinds, need, loaded }) =>
    card.stages
      .filter(stage =>
        allowedDevices(devices, stage, { id: card.id, devices: kinds, need }, policy).some(
          ({ id, usable, cap, admissible }) =>
            usable && need[id]! <= cap && (loaded || need[id]! <= admissible + (idleBytes[id] ?? 0)),
        ),
      )
      .map(stage => word(stage, card)),
  );
  return [...can, ...(speakers ? ['speakers'] : []), ...roots.map(rootNeed)].sort();
}

/** Of what it can, what its loaded models serve. */
export const warmOf = (models: readonly ReadyModel[], can: readonly string[]): string[] => {
  const loaded = models.filter(each => each.loaded).flatMap(({ card }) => card.stages.map(stage => word(stage, card)));
  // What costs nothing to have is warm everywhere.
  return loaded.length === 0 ? [] : can.filter(each => loaded.includes(each) || !each.includes('@'));
};
