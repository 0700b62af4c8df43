/**
 * How long a page's main thread is held up, told by Chromium's own trace: a task counts for a script's frame when
 * anything in it (a call, a layout, a style) belongs to that frame. Measured in time of the processor, so that a busy
 * machine does not stretch what it is not to blame for.
 */
import type { Page } from './playwright.d.ts';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { data?: { url?: string; frame?: string }; beginData?: { frame?: string } };
}

/** Milliseconds of every task of the frames that run `script` while `work` runs, the longest first. */
export async function tasksOf(page: Page, script: RegExp, work: () => Promise<void>): Promise<number[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const whole = traceEvents.filter(e => e.ph === 'X'),
    thread = (e: TraceEvent): string => `${e.pid} ${e.tid}`;
  const frames = new Set(
    whole.flatMap(e => (e.args?.data?.url && script.test(e.args.data.url) ? (e.args.data.frame ?? []) : [])),
  );
  const ours = whole.filter(e => frames.has(e.args?.data?.frame ?? e.args?.beginData?.frame ?? ''));
  const tasks = Map.groupBy(
      whole.filter(e => e.name === 'RunTask').sort((a, b) => a.ts - b.ts),
      thread,
    ),
    found = new Set<TraceEvent>();
  for (const event of ours) {
    const list = tasks.get(thread(event)) ?? [];
    let low = 0,
      high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle]!.ts <= event.ts) low = middle + 1;
      else high = middle;
    }
    const task = list[low - 1];
    if (task && event.ts < task.ts + (task.dur ?? 0)) found.add(task);
  }
  return [...found].map(task => Math.round((task.tdur ?? task.dur ?? 0) / 100) / 10).sort((a, b) => b - a);
}
