/** 简体中文：检查的结果。 */
import { message, type CheckMessages } from '../catalogue.ts';
import { bytesText } from '../figures.ts';
import { obstacleText, obstacleTodo, optional, pythonRange, pythonTodo } from './words.ts';

/** 说明为什么没有 GPU 的错误。 */
const GPU_PROBLEMS: Readonly<Record<string, string>> = {
  deviceLost: '没有响应',
  driverMismatch: 'NVIDIA 驱动程序与其库的版本不一致，请重启计算机',
  driverHangs: 'NVIDIA 驱动程序没有响应，请重启计算机',
};
const gpuProblem = (code: string): string => GPU_PROBLEMS[code] ?? code;

/** 某一版本的 Landlock 阻止什么，以及哪些只有更新的版本才阻止。 */
const LANDLOCK: readonly (readonly [version: number, what: string])[] = [
  [1, '读写文件'],
  [3, '清空文件'],
  [5, '控制设备'],
  [6, '向其他程序发送信号'],
];
const stopped = (known: (version: number) => boolean): string =>
  LANDLOCK.filter(([version]) => known(version))
    .map(([, what]) => what)
    .join('、');

const FREE_SPACE = '请腾出空间；`earshot models prune` 可删除无人使用的模型。';

export const checks: CheckMessages = {
  node: {
    name: 'Node.js',
    ok: a => message(a.version),
    problem: a => message(`${a.version} 版本太旧`, `请安装 Node.js ${a.needed} 或更新版本。`),
  },
  python: {
    name: 'Python',
    ok: a => message(`${a.version}，位于 ${a.path}`),
    warning: a =>
      message(
        `${a.version}，位于 ${a.path}，但缺少 ${a.missing}`,
        a.platform === 'win32' || a.platform === 'darwin'
          ? pythonTodo(a.platform)
          : '在 Debian 和 Ubuntu 上：apt install python3-venv。',
      ),
    problem: a =>
      message(`没有找到 ${pythonRange(a)}。识别无需 Python；faster-whisper 和 M2M100 需要`, pythonTodo(a.platform)),
  },
  ffmpeg: {
    name: 'ffmpeg',
    ok: a => message(`${optional('', a.version, '，位于 ')}${a.path}`),
    warning: a =>
      a.path
        ? message(
            `${optional('', a.version, '，位于 ')}${a.path}，在 Earshot 自带的版本安装之前使用`,
            '如要继续使用此程序，请在设置 ffmpegPath 中指定。',
          )
        : message('尚未安装', '处理第一个录音时会自动安装。'),
    problem: a =>
      a.path
        ? message(
            `${a.path} 无法使用`,
            '请运行 `earshot settings reset ffmpegPath`，处理下一个录音时会安装 Earshot 自带的版本。',
          )
        : message('未找到', '请安装 ffmpeg，或在设置 ffmpegPath 中指定。'),
  },
  gpu: {
    name: 'GPU',
    ok: a =>
      a.metalBytes === undefined
        ? message(a.names)
        : a.metalBytes === 0
          ? message(`${a.names}，已按设置排除`)
          : message(`${a.names}（Metal），最多可用 ${bytesText(a.metalBytes)} 内存；修正、翻译和摘要会使用它`),
    warning: a =>
      message(
        a.names ? `${a.names}${optional('：', a.problem && gpuProblem(a.problem))}` : '未找到，全部在处理器上运行',
      ),
    problem: a => message(`${optional('', a.name, '：')}${gpuProblem(a.problem)}`),
  },
  gpuReadings: {
    name: 'GPU 读数',
    ok: a => message(`与 nvidia-smi 一致，共 ${a.devices} 个设备`),
    warning: () => message('nvidia-smi 没有响应，未能比较'),
    problem: a => message(`与 nvidia-smi 不一致：${a.fields}`, '请反馈此问题，并附上 nvidia-smi -q 的输出。'),
  },
  gpuSpeed: {
    name: 'GPU 驱动程序',
    ok: a => message(`读取一次需 ${a.ms} 毫秒`),
    warning: a => message(`读取一次需 ${a.ms} 毫秒，偏慢`, '请开启持久模式：sudo nvidia-smi -pm 1'),
  },
  gpuPrograms: {
    name: 'GPU 内存',
    ok: a => message(a.names ? `占用者：${a.names}` : '没有程序占用'),
    warning: () => message('驱动程序不报告各程序的占用', 'Earshot 改为计算设备减少的内存。'),
  },
  gpuRecognition: {
    name: '识别',
    ok: a => message(`可在 GPU 上运行（${a.types}）`),
    warning: () => message('尚未安装', 'earshot models install'),
    problem: a => message(`无法使用 GPU：${a.why}`, '请重新安装引擎：earshot models install。在此之前使用处理器。'),
  },
  memory: {
    name: '内存',
    ok: a => message(`可用 ${bytesText(a.freeBytes)}`),
    warning: a => message(`仅剩 ${bytesText(a.freeBytes)} 可用`, 'Earshot 会选用小模型。'),
    problem: a => message(`仅剩 ${bytesText(a.freeBytes)} 可用`, '请关闭其他程序。'),
  },
  disk: {
    name: '磁盘',
    ok: a => message(`可用 ${bytesText(a.freeBytes)}`),
    warning: a => message(`${a.path} 仅剩 ${bytesText(a.freeBytes)} 可用`, FREE_SPACE),
    problem: a => message(`${a.path} 仅剩 ${bytesText(a.freeBytes)} 可用`, FREE_SPACE),
  },
  models: {
    name: '模型',
    ok: a => message(a.names),
    warning: a =>
      message(
        `未安装：${a.names}`,
        a.offline
          ? '设置 offline 禁止下载。请用 `earshot models import` 导入，或关闭该设置。'
          : '请运行 `earshot models install`。',
      ),
    problem: a => message(`已损坏：${a.names}`, '运行 `earshot models install` 修复。'),
  },
  engines: {
    name: '引擎',
    ok: a => message(a.names),
    warning: a =>
      message(
        `未安装：${a.names}`,
        '需要时会自动安装；`earshot engines` 列出引擎，`earshot engines install` 可立即安装。',
      ),
  },
  network: {
    name: '网络',
    ok: a =>
      message(
        a.offline
          ? '不使用：已开启设置 offline'
          : (a.url ?? '可访问') +
              optional('，经由代理 ', a.proxy) +
              optional('，直接访问：Earshot 无法使用代理 ', a.unusable),
      ),
    warning: a =>
      message(
        `无法${optional('经由代理 ', a.proxy, ' ')}访问 ${a.url}${optional('：', obstacleText(a.why))}`,
        obstacleTodo(a.why) ?? '已安装的内容不受影响。',
      ),
  },
  sandbox: {
    name: '沙箱',
    ok: a =>
      message(
        '录音和模型在沙箱中打开，不能访问网络和其他文件。' +
          `Landlock ${a.abi} 阻止：${stopped(version => version <= a.abi)}。` +
          `系统调用过滤器（seccomp）阻止其余操作${a.abi < 6 ? `，此处还包括：${stopped(version => version > a.abi)}` : ''}。` +
          '文件的名称、大小和时间仍然可见',
      ),
    warning: a =>
      a.reason === 'off'
        ? message('录音和模型以你的全部权限打开：设置 sandbox 为 off', '请运行 `earshot settings set sandbox auto`。')
        : message(
            '录音和模型以你的全部权限打开：此系统没有可用的沙箱',
            'Linux 5.13 及以上版本提供沙箱（Landlock）。在其他系统上，请只打开可信的录音和模型。',
          ),
    problem: a =>
      message(
        `${a.path} 无法在沙箱中启动，因为它需要沙箱之外的文件`,
        '请在设置 ffmpegPath 中指定程序本身，或运行 `earshot settings set sandbox off`。',
      ),
  },
  socket: {
    name: '隐私',
    ok: () => message('只有你能访问守护进程'),
    problem: a => message(`其他用户可以打开 ${a.path}`, '请停止守护进程，删除该文件夹后重新启动。'),
  },
};
