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
/** A program that starts another, says its number, and then ends or stays. */
function parent(name: string, then: string) {
  const file = join(folder, name),
    script = `
      const { spawn } = require('node:child_process'),
        waits = ['-e', 'setInterval(() => {}, 1000)'],
        child = spawn(process.execPath, waits, { stdio: 'ignore', detached: true });
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid));
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
  while (isAlive(pid)) await sleep(20);
}

const stays = parent('stays.txt', 'setInterval(() => {}, 1000)'),
  first = await grandchild(stays.file);
if (!isAlive(first)) throw new Error('the grandchild never lived');
endTree(stays.child);
await exitOf(stays.child);
await ended(first);
const leaves = parent('leaves.txt', 'child.unref(); process.exit(0)');
await exitOf(leaves.child);
await ended(await grandchild(leaves.file));
console.log('both are gone');
process.exit(0);
