/**
 * Preloaded into a daemon (`node --import`): says in the file TURNS which turns of its event loop kept its thread, by
 * the processor's time, so that a busy machine makes no turn longer. Between two ticks, which come late where a turn
 * takes long, lies one long turn, or many short ones of one tick's length together. The threads that the daemon starts
 * are preloaded with this too, and may take their time: nobody waits for their turns.
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { MOST_MS } from './cpu.ts';

const TICK_MS = 10;
let before = process.threadCpuUsage();

function tick(): void {
  const { user, system } = process.threadCpuUsage(before),
    ms = (user + system) / 1000;
  before = process.threadCpuUsage();
  if (ms >= MOST_MS + TICK_MS)
    appendFileSync(process.env.TURNS!, `${Math.round(ms)} ms, ${Math.round(performance.now())} ms after its start\n`);
}

if (isMainThread) setInterval(tick, TICK_MS).unref();
