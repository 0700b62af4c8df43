/**
 * Figures in Prometheus' text format, for a scraper that runs the command (node_exporter's textfile collector, say).
 */
import type { StageHistogram, Stats } from '../schemas/rpc.ts';

/** `suffix`: of a histogram's series, as the format names them. */
export type Sample = readonly [labels: Record<string, string>, value: number, suffix?: '_bucket' | '_sum' | '_count'];
export interface Metric {
  name: string;
  help: string;
  type?: 'gauge' | 'histogram';
  samples: readonly Sample[];
}

export const prometheus = (stats: Stats): string =>
  exposition([...stepMetrics(stats), ...durationMetrics(stats), ...jobMetrics(stats), ...memoryMetrics(stats)]);

/** Metrics without a sample are left out. */
export const exposition = (metrics: readonly Metric[]): string =>
  metrics
    .filter(({ samples }) => samples.length)
    .map(metricText)
    .join('\n') + '\n';

type StageFigures = Stats['stages'][number];
const byStage = ({ stages }: Stats, value: (stage: StageFigures) => number): Sample[] =>
  stages.map(stage => [{ stage: stage.stage }, value(stage)]);

const stepMetrics = (stats: Stats): Metric[] => [
  {
    name: 'window_seconds',
    help: 'Length of the window that the other figures are about.',
    samples: [[{}, (stats.until - stats.since) / 1000]],
  },
  { name: 'steps_done', help: 'Steps that ended well in the window.', samples: byStage(stats, stage => stage.done) },
  {
    name: 'steps_failed',
    help: 'Steps that were given up in the window.',
    samples: byStage(stats, stage => stage.failed),
  },
  {
    name: 'attempts_retried',
    help: 'Attempts that were tried again in the window.',
    samples: byStage(stats, stage => stage.retried),
  },
  {
    name: 'out_of_memory',
    help: 'Attempts that ran out of memory in the window.',
    samples: byStage(stats, stage => stage.outOfMemory),
  },
  { name: 'steps_queued', help: 'Known steps that are not over now.', samples: byStage(stats, stage => stage.queue) },
  {
    name: 'throughput_ratio',
    help: 'Seconds of recording handled for each second.',
    samples: byStage(stats, stage => stage.throughput),
  },
  {
    name: 'stage_busy_ratio',
    help: 'Share of the window in which the stage worked.',
    samples: byStage(stats, stage => stage.busy),
  },
];

/** How long steps waited and ran: in the window as figures, since the daemon began as histograms. */
function durationMetrics({ stages, histograms = [] }: Stats): Metric[] {
  const spread = (which: 'waitMs' | 'runMs'): Sample[] =>
    stages.flatMap((stage): Sample[] => [
      [{ stage: stage.stage, stat: 'mean' }, stage[which].mean / 1000],
      [{ stage: stage.stage, stat: 'p95' }, stage[which].p95 / 1000],
    ]);
  const histogram = (which: StageHistogram['of']): Sample[] =>
    histograms
      .filter(({ of }) => of === which)
      .flatMap(({ stage, count, sumMs, buckets }): Sample[] => [
        ...buckets.map(({ upToMs, count: upTo }): Sample => [{ stage, le: `${upToMs / 1000}` }, upTo, '_bucket']),
        [{ stage, le: '+Inf' }, count, '_bucket'],
        [{ stage }, sumMs / 1000, '_sum'],
        [{ stage }, count, '_count'],
      ]);
  return [
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
  ];
}

const jobMetrics = ({ jobs, startError }: Stats): Metric[] => [
  {
    name: 'jobs',
    help: 'Jobs that ended in the window, and those that are not over now.',
    samples: Object.entries(jobs).map(([state, count]) => [{ state }, count]),
  },
  {
    name: 'expected_start_error_ratio',
    help: 'Mean error of expected starts, as a share of the wait.',
    samples: startError === null ? [] : [[{}, startError]],
  },
];

const memoryMetrics = ({ loads, loadMs, devices, estimateError }: Stats): Metric[] => [
  { name: 'model_loads', help: 'Models loaded in the window.', samples: [[{}, loads]] },
  { name: 'model_load_seconds', help: 'Mean time of a load.', samples: [[{}, loadMs / 1000]] },
  {
    name: 'device_leased_bytes',
    help: 'Memory that instances hold by their leases.',
    samples: devices.map(({ device, leasedBytes }) => [{ device }, leasedBytes]),
  },
  {
    name: 'device_resident_bytes',
    help: 'What of it is really taken.',
    samples: devices.flatMap(({ device, residentBytes }): Sample[] =>
      residentBytes === null ? [] : [[{ device }, residentBytes]],
    ),
  },
  {
    name: 'estimate_error_ratio',
    help: 'Mean error of the memory estimates.',
    samples: estimateError === null ? [] : [[{}, estimateError]],
  },
];

const metricText = ({ name, help, type = 'gauge', samples }: Metric): string =>
  [
    `# HELP earshot_${name} ${help}`,
    `# TYPE earshot_${name} ${type}`,
    ...samples.map(([labels, value, suffix = '']) => `earshot_${name}${suffix}${labelText(labels)} ${value}`),
  ].join('\n');

function labelText(labels: Record<string, string>): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, found => (found === '\n' ? '\\n' : `\\${found}`))}"`,
  );
  return parts.length ? `{${parts.join(',')}}` : '';
}
