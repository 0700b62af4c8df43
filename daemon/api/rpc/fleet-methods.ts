/** Methods for the fleet. */
import { forgetSecrets } from '../../fleet/access.ts';
import { countsOf, figuresOf, isChief, machinesOf } from '../../fleet/overview.ts';
import { prepareHost } from '../../fleet/host.ts';
import { initFleet, joinFleet } from '../../fleet/membership.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import type { FleetStats, FleetStatus } from '../../../schemas/fleet.ts';
import type { ClientConnection, Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function fleetMethods({ fleet, settings, settingsChanged, home, runtimes, pipeline, store, clock }: MethodDeps) {
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
    'fleet/stats': ({ sinceMs = 3_600_000 }): Promise<FleetStats> =>
      fleet.ask(async (query, person) => {
        const until = clock();
        return {
          since: until - sinceMs,
          until,
          everybody: await isChief(query),
          // The books are people's; a machine is told who is there.
          figures: person ? await figuresOf(query, sinceMs) : [],
          machines: await machinesOf(query, fleet.id),
          jobs: person ? await countsOf(query) : [],
        };
      }),
    'fleet/init': request => initFleet(request),
    'fleet/host': async (request, client) => {
      const stop = new AbortController();
      client.onClose(() => stop.abort());
      return prepareHost(request, { home, runtimes }, stop.signal);
    },
    'fleet/join': async request => {
      const as = await joinFleet(request, { settings, home });
      settingsChanged();
      await fleet.apply();
      return { as };
    },
    'fleet/leave': async () => {
      if (!settings.get().fleet) throw new EarshotError('noFleet');
      settings.set({ fleet: null });
      settingsChanged();
      await fleet.apply();
      forgetSecrets(home);
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
