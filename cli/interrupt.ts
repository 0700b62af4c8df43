/**
 * Ctrl-C while jobs are followed: at a terminal it asks, and a second one cancels; without a terminal it cancels.
 * SIGTERM and a closed terminal detach.
 */
import type { Display } from './display.ts';
import type { Session } from './session.ts';

export function onInterrupt(
  session: Session,
  display: Display,
  actions: { detach: () => void; cancel: () => void },
): () => void {
  const { stdin } = process;
  let asking = false;
  const stopAsking = (): void => {
    asking = false;
    display.ask(null);
    stdin.off('data', onKey);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  };
  const cancel = (): void => {
    display.ask(session.t.cancelling);
    actions.cancel();
  };
  const onKey = (data: Buffer): void => {
    // Keys that were struck quickly come together; in raw mode Ctrl-C and Ctrl-D are characters among them.
    for (const key of data.toString('utf8').toLowerCase())
      if (!asking) {
        if (key === '\u0003') onSigint();
      } else {
        stopAsking();
        if (key === 'c' || key === '\u0003') return cancel();
        if (key === 'd' || key === '\u0004') return actions.detach();
      }
  };
  const onSigint = (): void => {
    if (asking || !stdin.isTTY || session.json) {
      if (asking) stopAsking();
      cancel();
      return;
    }
    asking = true;
    display.ask(session.t.ask);
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onKey);
  };
  process.on('SIGINT', onSigint);
  process.on('SIGTERM', actions.detach);
  process.on('SIGHUP', actions.detach);
  return () => {
    if (asking) stopAsking();
    process.off('SIGINT', onSigint);
    process.off('SIGTERM', actions.detach);
    process.off('SIGHUP', actions.detach);
  };
}
