/** What a member may see of its fleet. */
import type { Device } from '../../schemas/device.ts';
import type { FleetCount, FleetMachine } from '../../schemas/fleet.ts';
import type { Query } from './postgres.ts';

export async function machinesOf(query: Query, self: string): Promise<FleetMachine[]> {
  const rows = await query<{
    id: string;
    name: string;
    version: string;
    can: string[];
    share: FleetMachine['share'];
    draining: boolean;
    running: number;
    devices: Device[];
    seen: number;
    live: boolean;
  }>(
    `select id, name, version, can, share, draining, running, devices,
       (extract(epoch from seen_at) * 1000)::float8 as seen,
       seen_at > now() - interval '45 s' and not away as live
     from fleet.machine where seen_at > now() - interval '30 days' order by live desc, name, id`,
  );
  return rows.map(({ seen, ...row }) => ({ ...row, here: row.id === self, seenAt: Math.round(seen) }));
}

export async function countsOf(query: Query): Promise<FleetCount[]> {
  const rows = await query<{ owner: string | null; state: string; jobs: string; recording_s: string; yours: boolean }>(
    'select * from fleet.overview()',
  );
  return rows.map(({ owner, state, jobs, recording_s, yours }) => ({
    owner,
    state,
    yours,
    jobs: Number(jobs),
    recordingSeconds: Number(recording_s),
  }));
}
