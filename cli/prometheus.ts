/**
 * Figures in Prometheus' text format, for a scraper that runs the command (node_exporter's textfile collector, say).
 */
import type { StageHistogram, Stats } from '../schemas/rpc.ts';

/** `suffix`: of a histogram's series, as the format names them. */
type Sample = readonly [labels: Record<string, string>, value: number, suffix?: '_bucket' | '_sum' | '_count'];
interface Metric {
  name: string;
  help: string;
  type?: 'histogram';
  samples: readonly Sample[];
}

export function prometheus(stats: Stats): string {
  const byStage = (value: (stage: Stats['stages'][number]) => number): Sample[] =>
    stats.stages.map(stage => [{ stage: stage.stage }, value(stage)]);
  const spread = (which: 'waitMs' | 'runMs'): Sample[] =>
    stats.stages.flatMap((stage): Sample[] => [
      [{ stage: stage.stage, stat: 'mean' }, stage[which].mean / 1000],
      [{ stage: stage.stage, stat: 'p95' }, stage[which].p95 / 1000],
    ]);
  const histogram = (which: StageHistogram['of']): Sample[] =>
    (stats.histograms ?? [])
      .filter(({ of }) => of === which)
      .flatMap(({ stage, count, sumMs, buckets }): Sample[] => [
        ...buckets.map(({ upToMs, count: upTo }): Sample => [{ stage, le: `${upToMs / 1000}` }, upTo, '_bucket']),
        [{ stage, le: '+Inf' }, count, '_bucket'],
        [{ stage }, sumMs / 1000, '_sum'],
        [{ stage }, count, '_count'],
      ]);
  const metrics: Metric[] = [
    {
      name: 'window_seconds',
      help: 'Length of the window that the other figures are about.',
      samples: [[{}, (stats.until - stats.since) / 1000]],
    },
    { name: 'steps_done', help: 'Steps that ended well in the window.', samples: byStage(stage => stage.done) },
    { name: 'steps_failed', help: 'Steps that were given up in the window.', samples: byStage(stage => stage.failed) },
    {
      name: 'attempts_retried',
      help: 'Attempts that were tried again in the window.',
      samples: byStage(stage => stage.retried),
    },
    {
      name: 'out_of_memory',
      help: 'Attempts that ran out of memory in the window.',
      samples: byStage(stage => stage.outOfMemory),
    },
    { name: 'steps_queued', help: 'Known steps that are not over now.', samples: byStage(stage => stage.queue) },
    { name: 'step_wait_seconds', help: 'From when a step could start until it did.', samples: spread('waitMs') },
    { name: 'step_run_seconds', help: 'How long steps took.', samples: spread('runMs') },
    {
      name: 'step_wait_duration_seconds',
      help: 'From when a step could start until it did, since the daemon began.',
      type: 'histogram',
      samples: histogram('wait'),
    },
    {
      name: 'step_run_duration_seconds',
      help: 'How long steps took, since the daemon began.',
      type: 'histogram',
      samples: histogram('run'),
    },
    {
      name: 'throughput_ratio',
      help: 'Seconds of recording handled for each second.',
      samples: byStage(stage => stage.throughput),
    },
    {
      name: 'stage_busy_ratio',
      help: 'Share of the window in which the stage worked.',
      samples: byStage(stage => stage.busy),
    },
    {
      name: 'jobs',
      help: 'Jobs that ended in the window, and those that are not over now.',
      samples: Object.entries(stats.jobs).map(([state, count]) => [{ state }, count]),
    },
    { name: 'model_loads', help: 'Models loaded in the window.', samples: [[{}, stats.loads]] },
    { name: 'model_load_seconds', help: 'Mean time of a load.', samples: [[{}, stats.loadMs / 1000]] },
    {
      name: 'device_leased_bytes',
      help: 'Memory that instances hold by their leases.',
      samples: stats.devices.map(({ device, leasedBytes }) => [{ device }, leasedBytes]),
    },
    {
      name: 'device_resident_bytes',
      help: 'What of it is really taken.',
      samples: stats.devices.flatMap(({ device, residentBytes }): Sample[] =>
        residentBytes === null ? [] : [[{ device }, residentBytes]],
      ),
    },
    {
      name: 'estimate_error_ratio',
      help: 'Mean error of the memory estimates.',
      samples: stats.estimateError === null ? [] : [[{}, stats.estimateError]],
    },
    {
      name: 'expected_start_error_ratio',
      help: 'Mean error of expected starts, as a share of the wait.',
      samples: stats.startError === null ? [] : [[{}, stats.startError]],
    },
  ];
  return (
    metrics
      .filter(({ samples }) => samples.length)
      .map(({ name, help, type = 'gauge', samples }) =>
        [
          `# HELP earshot_${name} ${help}`,
          `# TYPE earshot_${name} ${type}`,
          ...samples.map(([labels, value, suffix = '']) => `earshot_${name}${suffix}${labelText(labels)} ${value}`),
        ].join('\n'),
      )
      .join('\n') + '\n'
  );
}

function labelText(labels: Record<string, string>): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, found => (found === '\n' ? '\\n' : `\\${found}`))}"`,
  );
  return parts.length ? `{${parts.join(',')}}` : '';
}
