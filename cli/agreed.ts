/** A question at the terminal. */
import { createInterface } from 'node:readline/promises';
import type { Session } from './session.ts';

/** Where nobody can be asked, `unasked` says so, and the answer is no. */
export async function agreed(session: Session, question: string, unasked: string): Promise<boolean> {
  if (!process.stdin.isTTY || session.json) {
    session.note(unasked);
    return false;
  }
  const line = createInterface({ input: process.stdin, output: session.err });
  try {
    return /^\s*(y|yes|是|好)\s*$/i.test(await line.question(`${question} `));
  } finally {
    line.close();
  }
}
