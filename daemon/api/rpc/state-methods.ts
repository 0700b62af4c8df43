/** Methods for those who follow the state: a snapshot, then its changes (events.ts). */
import type { Engine as EngineWord } from '../../../schemas/model.ts';
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

/** Finished jobs in a first snapshot. */
const RECENT = 200;

export function stateMethods(deps: MethodDeps, engines: () => EngineWord[]) {
  const { store, pipeline, pool, models, events } = deps;

  return {
    'state/subscribe': async ({ topics, utterancesOf }, connection) => {
      if (topics.includes('devices')) {
        deps.watched();
        await pool.refresh('all');
      }
      const seq = events.subscribe(connection, { topics, ...(utterancesOf ? { utterancesOf } : {}) });
      for (const failure of deps.notices()) events.publish({ type: 'notice', failure });
      const recent = store
        .list({ states: ['completed', 'failed', 'cancelled'], limit: RECENT })
        .jobs.map(row => pipeline.presentRow(row));
      return {
        seq,
        queuePaused: !pipeline.queue.open,
        jobs: topics.includes('jobs') ? [...pipeline.active(), ...recent] : [],
        devices: topics.includes('devices') ? pool.devices() : [],
        instances: [...pipeline.instances.values()].map(instance => instance.word()),
        models: topics.includes('models') ? models.list() : [],
        engines: topics.includes('engines') ? engines() : [],
        ...(topics.includes('watch') ? { watch: deps.watch.list() } : {}),
      };
    },
    'state/unsubscribe': (_, connection) => {
      events.unsubscribe(connection);
      return {};
    },
  } satisfies Partial<Handlers>;
}
