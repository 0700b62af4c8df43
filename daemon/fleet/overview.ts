/** What a member may see of its fleet. */
import { Compile, type Validator } from 'typebox/compile';
import type { Device } from '../../schemas/device.ts';
import { FleetMachine, type FleetCount, type FleetFigures } from '../../schemas/fleet.ts';
import { openOf } from '../../schemas/open.ts';
import type { Query } from './postgres.ts';

let machine: Validator | null = null;

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
    `select id, left(name, 200) as name, left(version, 50) as version, can, share, draining, running,
       case when octet_length(devices::text) <= 1000000 then devices end as devices,
       (extract(epoch from seen_at) * 1000)::float8 as seen,
       seen_at > now() - interval '45 s' and not away as live
     from fleet.machine where seen_at > now() - interval '30 days' order by live desc, name, id`,
  );
  const machines = rows.map(({ seen, ...row }) => ({ ...row, here: row.id === self, seenAt: Math.round(seen) }));
  // Each says of itself what it likes: what is none is not shown.
  machine ??= Compile(openOf(FleetMachine)) as Validator;
  return machines.filter(each => machine!.Check(each));
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

/** By machine, of the last so many milliseconds; those of whoever asks, or everybody's for a chief. */
export async function figuresOf(query: Query, sinceMs: number): Promise<FleetFigures[]> {
  const rows = await query<{ machine: string | null } & Record<Exclude<keyof FleetFigures, 'machine'>, string>>(
    `select machine, count(*) filter (where state = 'completed') as completed,
       count(*) filter (where state = 'failed') as failed, count(*) filter (where state = 'cancelled') as cancelled,
       sum(recording_s) as "recordingSeconds", coalesce(sum(waited_s), 0) as "waitedSeconds",
       coalesce(sum(worked_s), 0) as "workedSeconds", sum(sent_bytes) as "sentBytes",
       sum(result_bytes) as "resultBytes", sum(greatest(attempts - 1, 0)) as takeovers
     from fleet.audit where ended_at > now() - $1 * interval '1 ms' group by machine order by machine nulls last`,
    [sinceMs],
  );
  return rows.map(({ machine, ...row }) => ({
    machine,
    ...(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])) as Omit<
      FleetFigures,
      'machine'
    >),
  }));
}
export async function isChief(query: Query): Promise<boolean> {
  const [row] = await query<{ chief: boolean }>('select fleet.is_chief() as chief');
  return row!.chief;
}
