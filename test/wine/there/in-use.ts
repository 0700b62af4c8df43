/** Runs on Windows: a file that a player has open is moved once the player has closed it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { moveOwn } from '../../../client/files.ts';

const [folder = '', ffmpeg = '', recording = ''] = process.argv.slice(2);
const play = (): ChildProcess =>
  spawn(ffmpeg, ['-nostdin', '-loglevel', 'error', '-re', '-i', recording, '-f', 'null', '-'], { stdio: 'ignore' });
let player = play(),
  refusals = 0;
// Until the player has it open, it could be moved.
for (const there = join(folder, 'away.flac'); refusals === 0;)
  try {
    // It looked just when the file was away.
    if (player.exitCode !== null) player = play();
    renameSync(recording, there);
    renameSync(there, recording);
    await sleep(20);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    if (!existsSync(recording)) renameSync(there, recording);
    refusals++;
  }
const moving = moveOwn(recording, join(folder, 'moved.flac'));
await sleep(200);
if (!existsSync(recording)) throw new Error('it was moved while it was open');
const gone = once(player, 'exit');
player.kill();
await gone;
await moving;
console.log(existsSync(join(folder, 'moved.flac')) ? 'moved in the end' : 'it is nowhere');
process.exit(0);
