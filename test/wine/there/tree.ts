/** Runs on Windows: a program is ended with what it started, and what it left behind ends with it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitOf } from '../../../client/exit.ts';
import { environment } from '../../../daemon/workers/environment.ts';
import { endTree, startProgram } from '../../../daemon/workers/spawn.ts';

const folder = process.argv[2]!;
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
/**
 * A program that starts another, which says its number, and then ends or stays. The other says it itself: Wine misses a
 * program that is just being started when it ends what is in a job.
 */
function parent(name: string, then: string) {
  const file = join(folder, name),
    says = `require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));setInterval(() => {}, 1000)`,
    script = `
      const { spawn } = require('node:child_process'),
        child = spawn(process.execPath, ['-e', ${JSON.stringify(says)}], { stdio: 'ignore', detached: true });
      ${then}`,
    env = environment('local');
  return { file, child: startProgram({ program: process.execPath, args: ['-e', script], cwd: folder, env }, 'ignore') };
}
async function grandchild(file: string): Promise<number> {
  for (;;) {
    try {
      const pid = Number(readFileSync(file, 'utf8'));
      if (pid) return pid;
    } catch {
      /* not yet */
    }
    await sleep(20);
  }
}
async function ended(pid: number): Promise<void> {
  for (const end = Date.now() + 90_000; isAlive(pid); await sleep(20))
    if (Date.now() > end) throw new Error('what it started lives on');
}

const stays = parent('stays.txt', 'setInterval(() => {}, 1000)'),
  first = await grandchild(stays.file);
if (!isAlive(first)) throw new Error('the grandchild never lived');
endTree(stays.child);
await exitOf(stays.child);
await ended(first);
const leaves = parent(
    'leaves.txt',
    `const { existsSync } = require('node:fs');
    setInterval(() => existsSync(${JSON.stringify(join(folder, 'leaves.txt'))}) && process.exit(0), 20)`,
  ),
  second = await grandchild(leaves.file);
await exitOf(leaves.child);
await ended(second);
console.log('both are gone');
process.exit(0);
