/**
 * Preloaded into a daemon (`node --import`): says in the file TURNS which turns of its event loop kept its thread, by
 * the processor's time, so that a busy machine makes no turn longer. Between two ticks, which come late where a turn
 * takes long, lies one long turn, or many short ones of one tick's length together.
 */
import { appendFileSync } from 'node:fs';
import { MOST_MS } from './cpu.ts';

const TICK_MS = 10;
let before = process.threadCpuUsage();
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before),
    ms = (user + system) / 1000;
  before = process.threadCpuUsage();
  if (ms >= MOST_MS + TICK_MS)
    appendFileSync(process.env.TURNS!, `${Math.round(ms)} ms, ${Math.round(performance.now())} ms after its start\n`);
}, TICK_MS).unref();
