/** `earshot daemon …`, `doctor`, `settings`. */
import { toFailure } from '../schemas/errors.ts';
import { checkMessage, entryOf } from '../text/messages/messages.ts';
import { bytesText, timeText } from '../text/messages/figures.ts';
import { EarshotError } from '../schemas/errors.ts';
import { about } from '../schemas/settings.ts';
import { EXIT, type Session } from './session.ts';
import { clean, cleanLines, type Colour } from './terminal.ts';
import { pad, table, width } from './layout.ts';

export async function start(session: Session): Promise<void> {
  const { daemon } = await session.client();
  if (session.json) session.emit(daemon);
  else session.line(session.t.daemonStarted(daemon.pid, daemon.version));
}

/** `now`: what runs is parked and goes on after the next start; otherwise it ends first. */
export async function stop(session: Session, options: { now?: boolean }): Promise<void> {
  const client = await session.running();
  if (client) {
    await client.call('daemon/stop', { finish: !options.now });
    await client.closed;
  }
  if (session.json) session.emit({ stopped: client !== null });
  else session.line(client ? session.t.daemonStopped : session.t.daemonOff);
}

export async function status(session: Session): Promise<void> {
  const client = await session.running();
  const found = client ? await client.call('daemon/status', {}) : null;
  if (session.json) session.emit(found ?? { running: false });
  if (!found) {
    process.exitCode = EXIT.daemon;
    if (!session.json) session.line(session.t.daemonOff);
    return;
  }
  if (session.json) return;
  const { t, locale, line } = session;
  line(t.daemonStarted(found.pid, found.version));
  line(
    [
      `${t.since} ${timeText(found.startedAt, locale, Date.now())}`,
      bytesText(found.rssBytes),
      t.clients(found.clients),
      t.jobsActive(found.jobs.active, found.jobs.total),
    ].join(' · '),
  );
  line(`${t.stateFolder} ${clean(found.stateDirectory)}`);
  line(`${t.dataFolder} ${clean(found.dataDirectory)}`);
  if (found.http?.url) line(`${t.httpServes} ${found.http.url}`);
  if (found.http?.failure) session.fail(found.http.failure);
  if (found.queuePaused) line(t.queueIsPaused);
}

/** Where programs with the OpenAI interface find the daemon, in the variables that they read. */
export async function http(session: Session): Promise<void> {
  const client = await session.client();
  const { place } = await client.call('daemon/http', {});
  if (session.json) session.emit(place ?? { off: true });
  if (!place) {
    const { http: found } = await client.call('daemon/status', {});
    process.exitCode = EXIT.failed;
    if (found?.failure) session.fail(found.failure);
    else if (!session.json) session.note(session.t.httpOff);
    return;
  }
  if (session.json) return;
  session.line(`OPENAI_BASE_URL=${place.url}`);
  session.line(`OPENAI_API_KEY=${place.token}`);
  if (session.out.isTTY) session.note(session.paint('dim', session.t.httpHint));
}

export async function logs(session: Session, options: { lines?: number }): Promise<void> {
  const client = await session.client();
  const { lines } = await client.call('daemon/logs', { lines: options.lines ?? 100 });
  for (const each of lines)
    if (session.json) session.emit({ line: each });
    else session.line(cleanLines(each));
}

const MARK = { ok: ['green', '✓'], warning: ['yellow', '!'], problem: ['red', '✗'] } as const;

export async function doctor(session: Session, { gpu = false }: { gpu?: boolean }): Promise<void> {
  let checks;
  try {
    ({ checks } = await (await session.client()).call('daemon/doctor', gpu ? { gpu } : {}));
  } catch (error) {
    session.fail(toFailure(error));
    return;
  }
  if (checks.some(check => check.status === 'problem')) process.exitCode = EXIT.failed;
  if (session.json)
    return checks.forEach(check => {
      session.emit(check);
    });
  const said = checks.map(check => ({ ...checkMessage(check, session.locale), status: check.status }));
  const column = Math.max(...said.map(each => width(each.name)), 0);
  for (const { name, what, todo, status: found } of said) {
    const [colour, mark] = entryOf<readonly [Colour, string]>(MARK, found, ['dim', '·']);
    session.line(`${session.paint(colour, mark)} ${pad(clean(name), column)}  ${clean(what)}`);
    if (todo) session.line(`  ${' '.repeat(column)}  ${session.paint('dim', clean(todo))}`);
  }
  if (said.every(each => each.status === 'ok')) session.line(session.t.allWell);
}

const shownValue = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export async function listSettings(session: Session): Promise<void> {
  const { settings, defaults } = await (await session.client()).call('settings/get', {});
  if (session.json) return session.emit(settings);
  const { t, paint } = session;
  const names = Object.keys(settings) as (keyof typeof settings)[];
  const changed = (name: keyof typeof settings): boolean =>
    JSON.stringify(settings[name]) !== JSON.stringify(defaults[name]);
  const rows = names.map(name => [name, clean(shownValue(settings[name])), about(name).description]);
  for (const line of table(
    [{ title: t.setting }, { title: t.value, give: true }, { title: t.note, give: true }],
    rows,
    session.columns(),
    (text, row, column) =>
      row < 0 || column === 2 ? paint('dim', text) : column === 1 && changed(names[row]!) ? paint('cyan', text) : text,
  ))
    session.line(line);
}

export async function getSetting(session: Session, name: string): Promise<void> {
  const { settings, defaults } = await (await session.client()).call('settings/get', {});
  if (!Object.hasOwn(settings, name)) throw new EarshotError('unknownSetting', { name });
  const key = name as keyof typeof settings;
  if (session.json) return session.emit({ name, value: settings[key], default: defaults[key] });
  session.line(clean(shownValue(settings[key])));
}

/** The value as JSON where it is JSON (`5`, `true`, `null`, `["txt"]`), else as text. */
export async function setSetting(session: Session, name: string, text: string): Promise<void> {
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    /* a plain word */
  }
  await store(session, name, value);
}

export const resetSetting = (session: Session, name: string): Promise<void> => store(session, name, null);

async function store(session: Session, name: string, value: unknown): Promise<void> {
  const { settings } = await (await session.client()).call('settings/set', { values: { [name]: value } });
  const now = settings[name as keyof typeof settings];
  if (session.json) session.emit({ name, value: now });
  else session.line(`${name} = ${clean(shownValue(now))}`);
}
