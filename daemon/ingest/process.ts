/** The process that an ingest runs in: how it starts and how it ends, with everything that it started. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { ONE_THREAD } from '../workers/sandbox/linux.ts';
import { harmless } from '../workers/sandbox/permissions.ts';
import { channelOf } from './channel.ts';

const childFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'child.ts' : 'ingest-child.mjs');

/**
 * Its own process group, so that ffmpeg ends with it. @throws where the daemon has no descriptors left for its pipes
 */
export function startChild(node: string): ChildProcess {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', childFile()], {
    env: { ...harmless(process.env), ...ONE_THREAD },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  child.on('error', () => {}); // whoever waits for it hears of it
  if (!(child.stdio as ChildProcess['stdio'] | undefined))
    throw new Error('too many files are open to start a process');
  channelOf(child).on('error', () => {}); // it is gone, which its end says
  return child;
}

export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill();
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    /* gone already */
  }
}
