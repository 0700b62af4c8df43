/** English: why jobs wait, what holds the queue up, and why a file was taken or left alone. */
import type { BottleneckTexts, DecisionTexts, ReasonTexts } from '../catalogue.ts';
import { bytesText, percentText, timeText } from '../figures.ts';
import { count, expected, installedText, optional, stageText } from './words.ts';

const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;

export const reasons: ReasonTexts = {
  paused: () => 'paused',
  queuePaused: () => 'the queue is paused',
  ingesting: () => 'reading the recording',
  modelDownloading: a => `downloading ${a.model} (${a.percent}%)`,
  engineInstalling: a => `installing ${installedText(a.engine)?.replace(/^The /, 'the ') ?? a.engine} (${a.percent}%)`,
  modelLoading: (a, { device, now }) => `loading ${a.model} on ${device(a.device)}${expected(a.at, now)}`,
  memory: (a, { device, now }) =>
    `${a.model} needs ${bytesText(a.bytes)} more on ${device(a.device)}` +
    `${optional(', held by ', a.holder)}${expected(a.at, now)}`,
  reserved: (a, { device, job, now }) =>
    `the memory on ${device(a.device)} is reserved for ${job(a.for)}, which has waited longer${expected(a.at, now)}`,
  deviceLimit: (a, { device }) => `${device(a.device)} has reached its limit of ${count(a.limit, 'instance')}`,
  modelLimit: a => `the limit of ${count(a.limit, 'loaded model')} is reached`,
  taskLimit: a => `the limit of ${count(a.limit, 'running task')} is reached`,
  cores: (a, { now }) => `all CPU cores are busy${expected(a.at, now)}`,
  behind: a => {
    const by = PRIORITIES.filter(priority => a[priority]).map(priority => `${a[priority]} ${priority}`);
    return `${count(a.count, 'job')} ahead${by.length > 0 ? ` (${by.join(', ')})` : ''}`;
  },
  retryAt: (a, { now }) => `retrying ${stageText(a.stage)} at ${timeText(a.at, 'en', now)}`,
  instanceBusy: (a, { now }) => `${a.model} is busy${expected(a.at, now)}`,
  deviceBusyLoading: (a, { device }) => `${device(a.device)} is loading ${a.model}`,
  releasing: (a, { device }) => `${device(a.device)} is releasing ${bytesText(a.bytes)}`,
  serial: a => `one job at a time (setting serial)${a.count > 0 ? `; ${count(a.count, 'job')} before this one` : ''}`,
  starting: () => 'starting',
  fleetSending: a => `sending to the fleet (${a.percent}%)`,
  fleetAhead: a => (a.count > 0 ? `${count(a.count, 'job')} of the fleet ahead` : 'next in the fleet'),
  fleetStarting: a => `${a.machine} has it and is getting ready`,
  noMachineFits: a =>
    a.lacks
      ? `no machine of the fleet can do it; the nearest one lacks ${a.lacks}`
      : 'no machine of the fleet is running',
  fleetUnreachable: () => 'the fleet cannot be reached; trying again',
};

export const bottlenecks: BottleneckTexts = {
  stageBusy: a =>
    `${stageText(a.stage)} is busy ${percentText(a.busyShare)} of the time and accounts for ` +
    `${percentText(a.waitShare)} of the waiting`,
  memoryShort: a => `${percentText(a.share)} of the waiting is for memory`,
  loading: a => `${percentText(a.share)} of the time is spent loading models`,
};

export const decisions: DecisionTexts = {
  notWatched: () => 'not in a watched folder',
  otherFolder: a => `belongs to another watched folder, ${a.folder}`,
  subfolder: () => 'in a subfolder, and subfolders are not watched',
  hidden: () => 'hidden: its name, or the name of a folder, begins with a dot',
  temporary: () => 'its name is that of an unfinished file',
  notMedia: () => 'its name is not that of a recording',
  otherContent: () => 'its content is not that of a recording',
  excluded: a => `excluded by the pattern ${a.pattern}`,
  notIncluded: a => `not included by any pattern (${a.patterns})`,
  link: () => 'a link; watch the folder that it points to',
  notAFile: () => 'not a file',
  output: () => 'written by Earshot',
  outputsFolder: () => 'in the folder for outputs',
  originalsFolder: () => 'in the folder for finished recordings',
  unseen: () => 'not checked yet; checking now',
  folderPaused: () => 'the folder is paused',
  folderMissing: () => 'the folder is missing',
  gone: () => 'missing',
  empty: () => 'empty',
  writing: () => 'still being written',
  open: () => 'still open for writing in another program',
  waiting: () => 'complete; waiting for a place in the queue',
  retry: () => 'could not be queued; trying again',
  taken: () => 'queued',
  moved: a => `transcribed; the recording was moved to ${a.to}`,
  before: () => 'was there before the folder was watched',
  duplicate: a => `same recording as ${a.of}`,
  renamed: a => `already queued as ${a.from}`,
  refused: () => 'cannot be transcribed',
};
