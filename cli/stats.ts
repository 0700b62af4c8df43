/** `earshot stats`: how fast the stages are, what waits, and how good the estimates are. */
import { bottleneckText, stageText, words } from '../text/messages/messages.ts';
import { bytesText, durationText, percentText } from '../text/messages/figures.ts';
import type { Session } from './session.ts';
import { showTable } from './layout.ts';
import { clean } from './terminal.ts';

export async function stats(
  session: Session,
  options: { hours?: number; prometheus?: boolean; fleet?: boolean },
): Promise<void> {
  const client = await session.client();
  if (options.fleet) return (await import('./fleet-stats.ts')).fleetStats(session, options);
  const found = await client.call('stats/get', options.hours ? { sinceMs: Math.round(options.hours * 3_600_000) } : {});
  if (options.prometheus) {
    session.out.write((await import('./prometheus.ts')).prometheus(found));
    return;
  }
  if (session.json) return session.emit(found);
  const { t, paint, locale } = session;
  const right = 'right' as const;
  const rows = found.stages.map(stage => [
    stageText(stage.stage, locale),
    String(stage.done),
    String(stage.failed),
    String(stage.retried),
    String(stage.queue),
    durationText(stage.waitMs.p95, locale),
    durationText(stage.runMs.mean, locale),
    `${stage.throughput.toFixed(1)} ×`,
    percentText(stage.busy),
  ]);
  showTable(
    session,
    [
      { title: t.stage },
      { title: t.done, align: right },
      { title: t.failed, align: right },
      { title: t.retried, align: right },
      { title: t.queued, align: right },
      { title: `${t.wait} p95`, align: right },
      { title: t.run, align: right },
      { title: t.speed, align: right },
      { title: t.use, align: right },
    ],
    rows,
  );
  const { states } = words(locale);
  session.line();
  session.line(
    [
      t.list(
        (['completed', 'failed', 'cancelled', 'pending'] as const).map(
          state => `${found.jobs[state]} ${states[state]}`,
        ),
      ),
      t.loads(found.loads, durationText(found.loadMs, locale)),
      ...(found.estimateError === null ? [] : [`${t.estimateError} ${percentText(found.estimateError)}`]),
      ...(found.startError === null ? [] : [`${t.startError} ${percentText(found.startError)}`]),
    ].join(' · '),
  );
  for (const { device, leasedBytes, residentBytes } of found.devices)
    if (leasedBytes > 0)
      session.line(
        t.holds(clean(device), bytesText(leasedBytes), residentBytes === null ? '?' : bytesText(residentBytes)),
      );
  if (found.bottleneck) session.line(`${paint('yellow', t.bottleneck)} ${bottleneckText(found.bottleneck, locale)}`);
}
