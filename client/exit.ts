/** The end of a program, for whoever started it: the one way to wait for it. */
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** After a program's end: pipes that are open and silent for this long are held by somebody else. */
const PIPES_MS = 1_000,
  /** So often they may still say something: what the program itself wrote was read long before. */
  MOST_LOOKS = 10;

/**
 * Resolves when the program has ended and all that it wrote was read. Something that it left behind may hold its pipes
 * for ever: once they are silent, or whoever reads them has long kept up, they end. Rejects when it could not be
 * started.
 */
export function exitOf(child: ChildProcess, pipesMs = PIPES_MS): Promise<Exit> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    child.once('error', error => {
      if (child.pid === undefined) reject(error);
    });
    child.once('exit', (code, signal) => {
      const pipes = child.stdio.filter(stream => stream instanceof Socket);
      let before = -1,
        looks = 0;
      const look = (): void => {
        const read = pipes.reduce((sum, pipe) => sum + pipe.bytesRead, 0),
          waiting = pipes.some(pipe => pipe.readableLength > 0);
        if (!waiting && (read === before || ++looks > MOST_LOOKS)) {
          for (const pipe of pipes) endPipe(pipe);
          resolve({ code, signal });
          return;
        }
        before = read;
        timer = setTimeout(look, pipesMs);
      };
      look();
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    });
  });
}

/** Its reader sees an end, not a failure. */
function endPipe(pipe: Socket): void {
  pipe.once('end', () => pipe.destroy());
  pipe.push(null);
  if (pipe.readableFlowing === null && pipe.listenerCount('readable') === 0) pipe.resume();
}
