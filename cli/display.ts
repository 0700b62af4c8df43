/** Where followed jobs are shown: live at a terminal, line by line in a pipe, as JSON for programs. */
import { createLogUpdate } from 'log-update';
import type { Job, Utterance } from '../schemas/job.ts';
import type { StateEvent } from '../schemas/rpc.ts';
import type { World } from './follow.ts';
import type { Session } from './session.ts';
import { endLines, utteranceLines, type Style } from './output.ts';
import { clean, painter } from './terminal.ts';
import { liveLines } from './view.ts';
import { termText } from '../text/messages/messages.ts';
import type { Names } from '../text/messages/catalogue.ts';

export interface Display {
  event(event: StateEvent): void;
  utterance(job: Job, utterance: Utterance): void;
  ended(job: Job, utterances: number): void;
  /** A job of another window came to its end. */
  elsewhere(job: Job): void;
  /** Something moved: draw again soon. */
  changed(): void;
  /** A question that waits for a key takes the place of the moving part. */
  ask(text: string | null): void;
  /** A line for people that stays. */
  note(text: string): void;
  close(): void;
}

/** Whether a stream can show what moves. */
export const isLive = (stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && env.TERM !== 'dumb';

/** `quiet`: stdout belongs to the result, so everything else goes to stderr. */
export function createDisplay(
  session: Session,
  world: World,
  names: Names,
  options: { quiet: boolean; several: boolean; meter?: () => string },
): Display {
  const stream = options.quiet ? session.err : session.out;
  if (session.json) return jsonDisplay(session, world);
  return isLive(stream, session.env)
    ? liveDisplay(session, world, names, stream, options.meter)
    : plainDisplay(session, options, stream);
}

function jsonDisplay(session: Session, world: World): Display {
  const ours = (event: StateEvent): boolean =>
    event.type === 'job' ? world.jobs.has(event.job.id) : event.type !== 'jobRemoved' || world.jobs.has(event.id);
  return {
    event: event => {
      if (ours(event)) session.emit(event);
    },
    utterance: () => {},
    ended: () => {},
    elsewhere: () => {},
    changed: () => {},
    ask: () => {},
    note: () => {},
    close: () => {},
  };
}

function plainDisplay(
  session: Session,
  { quiet, several }: { quiet: boolean; several: boolean },
  stream: NodeJS.WriteStream,
): Display {
  const style: Style = {
    columns: 100,
    locale: session.locale,
    t: session.t,
    paint: painter(stream, session.env),
    pretty: false,
  };
  let heading: string | null = null;
  const line = (text: string): void => {
    stream.write(`${text}\n`);
  };
  return {
    event: () => {},
    elsewhere: () => {},
    changed: () => {},
    ask: () => {},
    note: text => {
      session.err.write(`${text}\n`);
    },
    close: () => {},
    utterance: (job, utterance) => {
      if (quiet) return;
      if (several && heading !== job.id) line(`# ${clean(job.recording.name)}`);
      heading = job.id;
      utteranceLines(utterance, style).forEach(line);
    },
    // The text is the result; how it went is beside it.
    ended: (job, utterances) => {
      for (const each of endLines(job, utterances, { ...style, paint: painter(session.err, session.env) }))
        session.err.write(`${each}\n`);
    },
  };
}

/** Ten times a second is as much as eyes take. */
const REDRAW_MS = 100;

function liveDisplay(
  session: Session,
  world: World,
  names: Names,
  stream: NodeJS.WriteStream,
  meter?: () => string,
): Display {
  const paint = painter(stream, session.env);
  const region = createLogUpdate(stream, { showCursor: false });
  const columns = (): number => Math.max(24, (stream.columns ?? 80) - 1);
  const style = (): Style => ({ columns: columns(), locale: session.locale, t: session.t, paint, pretty: true });
  let question: string | null = null;
  let timer: NodeJS.Timeout | null = null,
    drawnAt = -Infinity;
  const heartbeat = setInterval(() => {
    changed();
  }, 250);

  const draw = (): void => {
    timer = null;
    drawnAt = performance.now();
    const lines =
      question !== null
        ? [question]
        : liveLines(world, {
            columns: columns(),
            rows: stream.rows ?? 24,
            now: Date.now(),
            locale: session.locale,
            t: session.t,
            paint,
            names,
            ...(meter ? { meter: meter() } : {}),
          });
    if (lines.length === 0) region.clear();
    else region(lines.join('\n'));
  };
  const changed = (): void => {
    timer ??= setTimeout(draw, Math.max(0, drawnAt + REDRAW_MS - performance.now()));
  };
  const above = (lines: string[]): void => {
    // In one piece: nothing below it blinks.
    stream.cork();
    region.clear();
    stream.write(`${lines.join('\n')}\n`);
    if (timer) clearTimeout(timer);
    draw();
    stream.uncork();
  };
  stream.on('resize', changed);
  changed();
  return {
    event: () => {},
    changed,
    utterance: (_, utterance) => above(utteranceLines(utterance, style())),
    ended: (job, utterances) => above([...(utterances > 0 ? [''] : []), ...endLines(job, utterances, style()), '']),
    elsewhere: job =>
      above([
        paint(
          'dim',
          `· ${clean(job.recording.name)} ${termText('states', job.state, session.locale)} (${session.t.elsewhere})`,
        ),
      ]),
    ask: text => {
      question = text;
      draw();
    },
    note: text => above([paint('dim', text)]),
    close: () => {
      clearInterval(heartbeat);
      if (timer) clearTimeout(timer);
      stream.off('resize', changed);
      region.clear();
      region.done();
    },
  };
}
