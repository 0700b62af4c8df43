/** Methods for the fleet. */
import { machinesOf, countsOf } from '../../fleet/overview.ts';
import { initFleet, joinFleet } from '../../fleet/membership.ts';
import type { FleetStatus } from '../../../schemas/fleet.ts';
import type { ClientConnection, Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function fleetMethods({ fleet, settings, settingsChanged, home, pipeline, store }: MethodDeps) {
  /** Clients that want this machine to work for the fleet, and how each stops. */
  const pilots = new Map<ClientConnection, () => Promise<void>>();
  const stopPilot = async (client: ClientConnection): Promise<void> => {
    const stop = pilots.get(client);
    pilots.delete(client);
    await stop?.();
  };

  return {
    'job/here': ({ ids }) => {
      fleet.takeBack(ids);
      return {};
    },
    'fleet/status': async (): Promise<FleetStatus> => {
      const { fleet: current } = settings.get(),
        { taken } = pipeline.elsewhere.here;
      const status = { settings: current, draining: fleet.isDraining, lent: pipeline.elsewhere.rows().length, taken };
      if (!current) return { ...status, problems: [], machines: [], jobs: [] };
      try {
        const [machines, jobs] = await fleet.ask(async (query, person) => [
          await machinesOf(query, fleet.id),
          person ? await countsOf(query) : [],
        ]);
        return { ...status, problems: fleet.problems, machines, jobs };
      } catch (error) {
        return { ...status, problems: fleet.problemsWith(error), machines: [], jobs: [] };
      }
    },
    'fleet/init': request => initFleet(request),
    'fleet/join': async request => {
      const as = await joinFleet(request, { settings, home });
      settingsChanged();
      await fleet.apply();
      return { as };
    },
    'fleet/leave': async () => {
      settings.set({ fleet: null });
      settingsChanged();
      await fleet.apply();
      store.setMeta('fleet.draining', '0');
      return {};
    },
    'fleet/drain': ({ draining }) => {
      fleet.setDraining(draining);
      return {};
    },
    'fleet/work': async ({ on }, client) => {
      if (!on) await stopPilot(client);
      else if (!pilots.has(client)) {
        pilots.set(client, await fleet.pilot());
        client.onClose(() => void stopPilot(client));
      }
      return { running: fleet.working };
    },
  } satisfies Partial<Handlers>;
}
