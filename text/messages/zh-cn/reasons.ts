/** 简体中文：任务等待的原因、队列的瓶颈，以及对受监视文件的决定。 */
import type { BottleneckTexts, DecisionTexts, ReasonTexts } from '../catalogue.ts';
import { bytesText, percentText, timeText } from '../figures.ts';
import { expected, installedText, optional, stageText, terms } from './words.ts';

const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;

export const reasons: ReasonTexts = {
  paused: () => '已暂停',
  queuePaused: () => '队列已暂停',
  ingesting: () => '正在读取录音',
  modelDownloading: a => `正在下载 ${a.model}（${a.percent}%）`,
  engineInstalling: a => `正在安装${installedText(a.engine) ?? ` ${a.engine}`}（${a.percent}%）`,
  modelLoading: (a, { device, now }) => `正在 ${device(a.device)} 上加载 ${a.model}${expected(a.at, now)}`,
  memory: (a, { device, now }) =>
    `${a.model} 在 ${device(a.device)} 上还缺 ${bytesText(a.bytes)}` +
    `${optional('，被 ', a.holder, ' 占用')}${expected(a.at, now)}`,
  reserved: (a, { device, job, now }) =>
    `${device(a.device)} 上的内存已留给等待更久的任务 ${job(a.for)}${expected(a.at, now)}`,
  deviceLimit: (a, { device }) => `${device(a.device)} 上的实例已达上限（${a.limit} 个）`,
  modelLimit: a => `已加载的模型达到上限（${a.limit} 个）`,
  taskLimit: a => `同时运行的任务达到上限（${a.limit} 个）`,
  cores: (a, { now }) => `所有处理器核心都在忙${expected(a.at, now)}`,
  behind: a => {
    const by = PRIORITIES.filter(priority => a[priority]).map(
      priority => `${terms.priorities[priority]} ${a[priority]} 个`,
    );
    return `前面还有 ${a.count} 个任务${by.length > 0 ? `（${by.join('，')}）` : ''}`;
  },
  retryAt: (a, { now }) => `${timeText(a.at, 'zh-cn', now)} 重试${stageText(a.stage)}`,
  instanceBusy: (a, { now }) => `${a.model} 正忙${expected(a.at, now)}`,
  deviceBusyLoading: (a, { device }) => `${device(a.device)} 正在加载 ${a.model}`,
  releasing: (a, { device }) => `${device(a.device)} 正在释放 ${bytesText(a.bytes)}`,
  serial: a => `一次只处理一个任务（设置 serial）${a.count > 0 ? `，前面还有 ${a.count} 个` : ''}`,
  starting: () => '正在开始',
  fleetSending: a => `正在发送到机群（${a.percent}%）`,
  fleetAhead: a => (a.count > 0 ? `机群中前面还有 ${a.count} 个任务` : '机群中下一个就是它'),
  fleetStarting: a => `${a.machine} 已接手，正在准备`,
  noMachineFits: a => (a.lacks ? `机群中没有机器能处理它，最接近的一台缺少 ${a.lacks}` : '机群中没有正在运行的机器'),
  fleetUnreachable: () => '无法连接机群，正在重试',
};

export const bottlenecks: BottleneckTexts = {
  stageBusy: a =>
    `${stageText(a.stage)}有 ${percentText(a.busyShare)} 的时间在忙，占等待的 ${percentText(a.waitShare)}`,
  memoryShort: a => `${percentText(a.share)} 的等待是在等内存`,
  loading: a => `${percentText(a.share)} 的时间在加载模型`,
};

export const decisions: DecisionTexts = {
  notWatched: () => '不在受监视的文件夹中',
  otherFolder: a => `属于另一个受监视的文件夹 ${a.folder}`,
  subfolder: () => '位于子文件夹中，而子文件夹不受监视',
  hidden: () => '隐藏文件：文件或文件夹的名称以点开头',
  temporary: () => '从名称看，文件尚未写完',
  notMedia: () => '从名称看，不是录音',
  otherContent: () => '从内容看，不是录音',
  excluded: a => `被模式 ${a.pattern} 排除`,
  notIncluded: a => `不符合任何包含模式（${a.patterns}）`,
  link: () => '是链接，请监视它指向的文件夹',
  notAFile: () => '不是文件',
  output: () => '由 Earshot 写入',
  outputsFolder: () => '位于输出文件夹中',
  originalsFolder: () => '位于已完成录音的文件夹中',
  unseen: () => '尚未检查，现在开始检查',
  folderPaused: () => '所在文件夹已暂停',
  folderMissing: () => '所在文件夹不存在',
  gone: () => '文件不存在',
  empty: () => '文件为空',
  writing: () => '仍在写入',
  open: () => '仍被其他程序打开并写入',
  waiting: () => '文件完整，等待队列中的空位',
  retry: () => '未能加入队列，将会重试',
  taken: () => '已加入队列',
  moved: a => `已转写，录音已移到 ${a.to}`,
  before: () => '开始监视之前就已存在',
  duplicate: a => `与 ${a.of} 是同一录音`,
  renamed: a => `已用原名 ${a.from} 加入队列`,
  refused: () => '无法转写',
};
