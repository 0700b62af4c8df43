/** 简体中文：本机、程序、设备与实时声音的错误。 */
import { message, type SomeErrors } from '../catalogue.ts';
import { bytesText, percentText } from '../figures.ts';
import { exitText, installedText, obstacleText, obstacleTodo, optional, pythonRange, pythonTodo } from './words.ts';

export const liveErrors: SomeErrors<'noMicrophone' | 'tooManySessions' | 'sessionBehind'> = {
  noMicrophone: a =>
    message(
      `无法录音${optional('（', a.device, '）')}。`,
      '运行 `earshot listen --list-devices` 查看输入设备，并确认本程序有权使用麦克风。',
    ),
  tooManySessions: a => message(`已经打开了 ${a.limit} 个实时会话。`, '请关闭一个，或调大设置 liveSessions。'),
  sessionBehind: a =>
    message(
      `文字最多比说话落后 ${a.seconds} 秒${a.unrepaired ? `；${a.unrepaired} 句保持识别原样，未作修正` : ''}。`,
      '内容不会丢失。使用更小的模型或减少同时进行的任务可以跟上。',
    ),
};

export const programErrors: SomeErrors<
  | 'diskFull'
  | 'noPython'
  | 'noFfmpeg'
  | 'engineMissing'
  | 'unknownEngine'
  | 'engineInstallFailed'
  | 'ffmpegFailed'
  | 'watchLimit'
> = {
  diskFull: a => {
    const room =
      a.neededBytes === undefined || a.freeBytes === undefined
        ? ''
        : `：需要 ${bytesText(a.neededBytes)}，剩余 ${bytesText(a.freeBytes)}`;
    return message(`${optional('', a.path, ' 所在的')}磁盘已满${room}。`, '请腾出空间，任务会从中断处继续。');
  },
  noPython: a =>
    a.missing === 'store'
      ? message('Microsoft Store 版 Python 安装的内容只有它自己能看到，Earshot 无法使用。', pythonTodo('win32'))
      : a.missing
        ? message(
            `已安装 Python ${a.needed} 或更新版本，但缺少模块 ${a.missing}。`,
            '在 Debian 和 Ubuntu 上：apt install python3-venv。',
          )
        : message(
            `没有找到 Python ${pythonRange(a)}${optional('（', a.path, '）')}。`,
            a.platform === undefined ? '请安装 Python 3，或在设置 pythonPath 中指定。' : pythonTodo(a.platform),
          ),
  noFfmpeg: a =>
    a.sandboxed
      ? message(
          `${a.path ?? 'ffmpeg'} 无法在沙箱中启动，因为它需要沙箱之外的文件。`,
          '请在设置 ffmpegPath 中指定程序本身，或运行 `earshot settings set sandbox off`。',
        )
      : message(
          a.path ? `${a.path} 处没有 ffmpeg。` : '没有找到 ffmpeg。',
          '请先转写一个录音（会自动安装 ffmpeg），或安装 ffmpeg 并在设置 ffmpegPath 中指定。',
        ),
  unknownEngine: a => message(`没有引擎“${a.engine}”。`, '运行 `earshot engines list` 查看引擎。'),
  engineMissing: a => message(`引擎 ${a.engine} 尚未安装。`, `请运行 \`earshot engines install ${a.engine}\`。`),
  engineInstallFailed: a =>
    message(
      `无法安装${installedText(a.engine) ?? `引擎 ${a.engine}`}${optional('：', obstacleText(a.why))}。`,
      obstacleTodo(a.why) ?? '详情见 `earshot daemon logs`；`earshot doctor` 会指出缺少什么。',
    ),
  ffmpegFailed: a =>
    message(
      a.exit === 'silent'
        ? `ffmpeg 在读取 ${a.path} 时停止响应。`
        : `ffmpeg 处理 ${a.path} 失败（${exitText(a.exit)}）。`,
    ),
  watchLimit: a =>
    message(
      `系统无法监视更多文件夹，因此改为每 30 秒检查一次 ${a.path}。`,
      '调大 fs.inotify.max_user_watches 可以解决。',
    ),
};

export const deviceErrors: SomeErrors<
  | 'neverFits'
  | 'noRoom'
  | 'noSuchDevice'
  | 'deviceLost'
  | 'deviceBack'
  | 'driverMismatch'
  | 'driverHangs'
  | 'memoryHigh'
  | 'memoryCritical'
> = {
  neverFits: a =>
    message(
      `模型 ${a.model} 需要 ${bytesText(a.needBytes)}，而最大的设备（${a.device}）只允许 ${bytesText(a.largestBytes)}。`,
      a.alternatives ? `以下模型放得下：${a.alternatives}。` : '请选择更小的模型。',
    ),
  noRoom: (a, { device }) =>
    message(
      `${device(a.device)} 目前放不下 ${bytesText(a.needBytes)}，可用于模型的只有 ${bytesText(a.admissibleBytes)}。`,
      '有空间时会自动重试。',
    ),
  noSuchDevice: (a, { device }) => message(`没有设备 ${device(a.device)}。`, '运行 `earshot devices` 查看设备。'),
  deviceLost: (a, { device }) =>
    message(`${device(a.device)} 没有响应。`, '它的任务已回到队列。如果一直没有恢复，请检查驱动程序。'),
  deviceBack: (a, { device }) => message(`${device(a.device)} 已恢复响应。`),
  driverMismatch: () =>
    message('NVIDIA 驱动程序与其库的版本不一致。', '请重启计算机，更新驱动程序后常会出现这种情况。'),
  driverHangs: () => message('NVIDIA 驱动程序没有响应。', '暂时不使用其 GPU，重启计算机通常可以解决。'),
  memoryHigh: (a, { device }) =>
    message(`${device(a.device)}：Earshot 可用的内存已占用 ${percentText(a.usedBytes / a.capBytes)}。`),
  memoryCritical: (a, { device }) =>
    message(
      `${device(a.device)}：Earshot 可用的内存已占用 ${percentText(a.usedBytes / a.capBytes)}。`,
      '有空余内存后才会加载新的模型。',
    ),
};
