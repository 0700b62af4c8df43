/** The queue of the whole fleet, of everybody. */
import type { Client } from '../client/client.ts';
import type { FleetStatus } from '../schemas/fleet.ts';
import { entryOf } from '../text/messages/messages.ts';
import type { Session } from './session.ts';
import { showTable } from './layout.ts';
import { clean } from './terminal.ts';

/** Above the jobs of this machine: those of the fleet, of everybody. */
export async function wholeQueue(session: Session, client: Client): Promise<void> {
  const found = await client.call('fleet/status', {});
  if (session.json) return session.emit({ type: 'fleet', jobs: found.jobs });
  if (!found.settings) return session.note(session.t.noFleet);
  for (const problem of found.problems) session.fail(problem);
  if (found.jobs.length === 0) return;
  counts(session, found);
  session.line();
}

/** Jobs of the whole fleet, by whose they are: of others nothing but numbers. */
export function counts(session: Session, { jobs }: Pick<FleetStatus, 'jobs'>): void {
  const { t } = session;
  const minutes = (seconds: number): string => `${Math.ceil(seconds / 60)} min`;
  showTable(
    session,
    [
      { title: t.owner, give: true },
      { title: t.state },
      { title: t.jobCount, align: 'right' },
      { title: t.length, align: 'right' },
    ],
    jobs.map(({ owner, state, jobs: many, recordingSeconds }) => [
      owner === null ? t.otherPeople : clean(owner),
      entryOf<string>(t.fleetStates, state, state),
      String(many),
      minutes(recordingSeconds),
    ]),
  );
}
