/** `earshot fleet …`: what it shows, and a machine that works until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { Static } from 'typebox';
import type { Client } from '../client/client.ts';
import { EarshotError } from '../schemas/errors.ts';
import type { FleetLogin, FleetMachine, FleetShare, FleetUse } from '../schemas/fleet.ts';
import type { Params } from '../schemas/rpc.ts';
import { timeText } from '../text/messages/figures.ts';
import { counts } from './fleet-queue.ts';
import { findJob, showAct } from './jobs.ts';
import type { Session } from './session.ts';
import { clean } from './terminal.ts';
import { table } from './layout.ts';

/** How often a machine that works until it is idle looks whether it is. */
const LOOK_MS = 2_000;

export async function status(session: Session): Promise<void> {
  const found = await (await session.client()).call('fleet/status', {});
  if (session.json) return session.emit(found);
  const { t } = session;
  if (!found.settings) return session.note(t.noFleet);
  const { url, person, machine, use = 'always', share = 'always' } = found.settings;
  session.line(t.fleetOf(clean(url)));
  if (person) session.line(`  ${t.asPerson(person, use)}`);
  if (machine) session.line(`  ${t.asMachine(machine, found.draining ? t.draining : share)}`);
  for (const problem of found.problems) session.fail(problem);
  if (found.problems.length > 0) return;
  session.line();
  if (found.machines.length === 0) session.note(t.noMachines);
  else showMachines(session, found.machines);
  if (found.jobs.length === 0) return;
  session.line();
  counts(session, found);
}

function showMachines(session: Session, machines: readonly FleetMachine[]): void {
  const { t, locale, paint } = session;
  const models = (can: readonly string[]): string =>
    [...new Set(can.flatMap(each => /^\w+:([^@]+)@/.exec(each)?.[1] ?? []))].join(' ');
  const rows = machines.map(({ name, here, live, draining, seenAt, running, can }) => [
    here ? `${clean(name)} (${t.thisMachine})` : clean(name),
    live ? (draining ? t.draining : t.machineLive) : timeText(seenAt, locale, Date.now()),
    String(running),
    clean(models(can)),
  ]);
  for (const line of table(
    [
      { title: t.machine, give: true },
      { title: t.seen },
      { title: t.jobCount, align: 'right' },
      { title: t.models, give: true },
    ],
    rows,
    session.columns(),
    (text, row) => (row < 0 || !machines[row]!.live ? paint('dim', text) : text),
  ))
    session.line(line);
}

export async function init(
  session: Session,
  url: string,
  options: {
    person?: string[];
    chief?: string[];
    machine?: string[];
    withoutPasswords?: boolean;
    perPerson?: number;
    lease?: number;
    ca?: string;
  },
): Promise<void> {
  const { person, chief, machine, withoutPasswords, perPerson, lease, ca } = options;
  const made = await (
    await session.client()
  ).call('fleet/init', {
    url: await withPassword(session, url),
    ...(ca === undefined ? {} : { ca: resolve(ca) }),
    ...(person ? { people: person } : {}),
    ...(chief ? { chiefs: chief } : {}),
    ...(machine ? { machines: machine } : {}),
    ...(withoutPasswords ? { withoutPasswords } : {}),
    ...(perPerson === undefined ? {} : { perPerson }),
    ...(lease === undefined ? {} : { leaseSeconds: lease }),
  });
  if (session.json) return session.emit(made);
  session.line(session.t.fleetReady(made.version, made.before));
  showLogins(session, made.logins, ca);
}

/** What each has to run; `ca`: a file with the certificates that they need. */
export function showLogins(session: Session, logins: readonly FleetLogin[], ca: string | null | undefined): void {
  const known = ca == null ? '' : ` --ca ${basename(ca)}`,
    { t } = session;
  const [machines, people] = [true, false].map(each => logins.filter(({ kind }) => (kind === 'machine') === each));
  for (const [title, some] of [
    [t.joinPeople, people],
    [t.joinMachines, machines],
  ] as const) {
    if (some!.length > 0) session.line(title);
    for (const { url } of some!) session.line(`  earshot fleet join '${url}'${known}`);
  }
}

export async function join(
  session: Session,
  url: string,
  options: {
    use?: Params<'fleet/join'>['use'];
    share?: Params<'fleet/join'>['share'];
    partMinutes?: number;
    root?: string[];
    ca?: string;
  },
): Promise<void> {
  const { use, share, partMinutes, root = [], ca } = options;
  const roots = Object.fromEntries(
    root.map(each => {
      const equals = each.indexOf('='),
        folder = each.slice(equals + 1);
      if (equals < 1 || !isAbsolute(folder)) throw new EarshotError('badRequest', { field: '--root', path: folder });
      return [each.slice(0, equals), folder];
    }),
  );
  const client = await session.client();
  const { as } = await client.call('fleet/join', {
    url: await withPassword(session, url),
    ...(use ? { use } : {}),
    ...(share ? { share } : {}),
    ...(partMinutes === undefined ? {} : { partMinutes }),
    ...(root.length > 0 ? { roots } : {}),
    ...(ca === undefined ? {} : { ca: resolve(ca) }),
  });
  if (session.json) return session.emit({ as });
  const { t } = session,
    when = await whenOf(client);
  for (const each of as) session.line(each === 'person' ? t.joinedPerson[when.use] : t.joinedMachine[when.share]);
}

/** When jobs go to the fleet, and when those of others are done here, as the settings are now. */
async function whenOf(client: Client): Promise<{ use: Static<typeof FleetUse>; share: Static<typeof FleetShare> }> {
  const { settings } = await client.call('settings/get', {}),
    { use = 'always', share = 'always' } = settings.fleet ?? {};
  return { use, share };
}

/** An address without a password gets one from whoever sits here, or from a pipe; empty: the server asks for none. */
async function withPassword(session: Session, text: string): Promise<string> {
  const url = URL.parse(text);
  if (!url || url.password || !url.username) return text;
  const { stdin } = process;
  if (!stdin.isTTY && session.json) return text;
  if (stdin.isTTY) session.err.write(`${session.t.fleetPassword(decodeURIComponent(url.username))} `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: stdin.isTTY });
  try {
    for await (const line of lines) {
      if (line) url.password = encodeURIComponent(line);
      break;
    }
    return url.href;
  } finally {
    lines.close();
    if (stdin.isTTY) session.err.write('\n');
  }
}

export async function leave(session: Session): Promise<void> {
  await (await session.client()).call('fleet/leave', {});
  if (session.json) session.emit({ left: true });
  else session.line(session.t.leftFleet);
}

export async function drain(session: Session, { off = false }: { off?: boolean }): Promise<void> {
  const client = await session.client();
  await client.call('fleet/drain', { draining: !off });
  if (session.json) session.emit({ draining: !off });
  else session.line(off ? session.t.takingAgain[(await whenOf(client)).share] : session.t.drainingNow);
}

export async function here(session: Session, names: string[]): Promise<void> {
  const client = await session.client();
  const ids = await Promise.all(names.map(async name => (await findJob(client, session, name)).id));
  await client.call('job/here', { ids });
  for (const id of ids) showAct(session, (await client.call('job/get', { id })).job);
}

/** Until it is told to stop (Ctrl-C, SIGTERM), or has been idle for long enough. */
export async function work(session: Session, { untilIdle }: { untilIdle?: number }): Promise<void> {
  const client = await session.client(),
    stop = new AbortController(),
    end = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  await client.call('fleet/work', { on: true });
  if (!session.json) session.note(session.t.workingForFleet);
  let busyAt = Date.now();
  while (!stop.signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    const { running } = await client.call('fleet/work', { on: true });
    if (running > 0) busyAt = Date.now();
    else if (untilIdle !== undefined && Date.now() - busyAt >= untilIdle) break;
  }
  await client.call('fleet/work', { on: false });
  if (session.json) session.emit({ ended: true });
  else session.note(session.t.gaveBack);
}
