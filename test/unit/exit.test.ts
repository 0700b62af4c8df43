/** Programs that end and leave something behind that holds their pipes, and goes on talking. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { exitOf } from '../../client/exit.ts';

/** A program that starts another with its own pipes, says its number and some words, and ends. */
function left(then: string) {
  const script = `
    const { spawn } = require('node:child_process'),
      child = spawn(process.execPath, ['-e', ${JSON.stringify(then)}], { stdio: 'inherit', detached: true });
    child.unref();
    process.stdout.write(child.pid + ' some words ', () => process.exit(7));`;
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
}

describe('the end of a program comes, and what it said', { timeout: 180_000 }, () => {
  for (const [title, then] of [
    ['though something that it left behind holds its pipes', 'setInterval(() => {}, 1000)'],
    ['though that goes on talking', "setInterval(() => process.stdout.write('and '), 20)"],
  ] as const)
    test(title, async () => {
      const child = left(then);
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      const over = new Promise(resolve => child.stdout.once('end', resolve));
      try {
        assert.deepEqual(await exitOf(child, 100), { code: 7, signal: null });
        await over;
        assert.match(said, /^(and )*\d+ some words /);
      } finally {
        const pid = Number(/\d+/.exec(said)?.[0]);
        if (pid) process.kill(pid, 'SIGKILL');
      }
    });
});
