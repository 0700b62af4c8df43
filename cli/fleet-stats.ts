/** `earshot stats --fleet`: what every machine of the fleet did. */
import type { FleetStats } from '../schemas/fleet.ts';
import { bytesText, durationText } from '../text/messages/figures.ts';
import { counts } from './fleet-queue.ts';
import { exposition, type Metric, type Sample } from './prometheus.ts';
import type { Session } from './session.ts';
import { showTable } from './layout.ts';
import { clean } from './terminal.ts';

export async function fleetStats(session: Session, options: { hours?: number; prometheus?: boolean }): Promise<void> {
  const found = await (
    await session.client()
  ).call('fleet/stats', options.hours ? { sinceMs: Math.round(options.hours * 3_600_000) } : {});
  if (options.prometheus) {
    session.out.write(exposition(fleetMetrics(found)));
    return;
  }
  if (session.json) return session.emit(found);
  const { t, locale } = session,
    right = 'right' as const;
  if (found.figures.length === 0) session.note(t.noFleetFigures);
  else
    showTable(
      session,
      [
        { title: t.machine, give: true },
        { title: t.done, align: right },
        { title: t.failed, align: right },
        { title: t.length, align: right },
        { title: t.wait, align: right },
        { title: t.run, align: right },
        { title: t.sentBytes, align: right },
        { title: t.takeovers, align: right },
      ],
      found.figures.map(
        ({
          machine,
          completed,
          failed,
          cancelled,
          recordingSeconds,
          waitedSeconds,
          workedSeconds,
          sentBytes,
          takeovers,
        }) => {
          const jobs = Math.max(1, completed + failed + cancelled);
          return [
            machine === null ? '–' : clean(machine),
            String(completed),
            String(failed),
            durationText(recordingSeconds * 1000, locale),
            durationText((waitedSeconds / jobs) * 1000, locale),
            durationText((workedSeconds / jobs) * 1000, locale),
            bytesText(sentBytes),
            String(takeovers),
          ];
        },
      ),
    );
  if (found.jobs.length === 0) return;
  session.line();
  counts(session, found);
}

/** For one scraper: of all machines together, by their names. */
export function fleetMetrics({ since, until, figures, machines, jobs }: FleetStats): Metric[] {
  const name = (machine: string | null): string => machine ?? '';
  const each = (value: (figure: FleetStats['figures'][number]) => number): Sample[] =>
    figures.map(figure => [{ machine: name(figure.machine) }, value(figure)]);
  return [
    {
      name: 'fleet_window_seconds',
      help: 'Length of the window that the figures of jobs that ended are about.',
      samples: [[{}, (until - since) / 1000]],
    },
    {
      name: 'fleet_machine_up',
      help: 'The machine was heard of within the last 45 seconds and did not leave.',
      samples: machines.map(({ id, name: machine, live }) => [{ machine, id }, live ? 1 : 0]),
    },
    {
      name: 'fleet_machine_jobs',
      help: 'Jobs of the fleet that the machine works on.',
      samples: machines.map(({ id, name: machine, running }) => [{ machine, id }, running]),
    },
    {
      name: 'fleet_jobs',
      help: 'Jobs that are not over now.',
      samples: [...Map.groupBy(jobs, ({ state }) => state)].map(([state, some]) => [
        { state },
        some.reduce((sum, count) => sum + count.jobs, 0),
      ]),
    },
    {
      name: 'fleet_jobs_recording_seconds',
      help: 'Recording in jobs that are not over now.',
      samples: [...Map.groupBy(jobs, ({ state }) => state)].map(([state, some]) => [
        { state },
        some.reduce((sum, count) => sum + count.recordingSeconds, 0),
      ]),
    },
    {
      name: 'fleet_jobs_ended',
      help: 'Jobs that ended in the window.',
      samples: figures.flatMap(figure =>
        (['completed', 'failed', 'cancelled'] as const).map((state): Sample => [
          { machine: name(figure.machine), state },
          figure[state],
        ]),
      ),
    },
    {
      name: 'fleet_recording_seconds',
      help: 'Recording in jobs that ended in the window.',
      samples: each(figure => figure.recordingSeconds),
    },
    {
      name: 'fleet_waited_seconds',
      help: 'From submission to the first attempt, of jobs that ended in the window, together.',
      samples: each(figure => figure.waitedSeconds),
    },
    {
      name: 'fleet_worked_seconds',
      help: 'From the first attempt to the end, of jobs that ended in the window, together.',
      samples: each(figure => figure.workedSeconds),
    },
    {
      name: 'fleet_sent_bytes',
      help: 'Sound that moved through the database for jobs that ended in the window.',
      samples: each(figure => figure.sentBytes),
    },
    {
      name: 'fleet_result_bytes',
      help: 'What came back of jobs that ended in the window.',
      samples: each(figure => figure.resultBytes),
    },
    {
      name: 'fleet_takeovers',
      help: 'Attempts beyond the first of jobs that ended in the window.',
      samples: each(figure => figure.takeovers),
    },
  ];
}
