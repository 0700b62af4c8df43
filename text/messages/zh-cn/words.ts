/** 简体中文：界面上的名称，以及句子的组成部分。 */
import type { TermTexts } from '../catalogue.ts';
import { timeText } from '../figures.ts';

export const terms: TermTexts = {
  states: {
    pending: '等待中',
    loading: '加载模型',
    processing: '处理中',
    paused: '已暂停',
    completed: '已完成',
    failed: '失败',
    cancelled: '已取消',
  },
  stages: {
    asr: { name: '识别', doing: '识别中' },
    repair: { name: '修正', doing: '修正中' },
    nmt: { name: '翻译', doing: '翻译中' },
    tts: { name: '配音', doing: '配音中' },
    summary: { name: '摘要', doing: '摘要中' },
  },
  priorities: { urgent: '紧急', high: '高', normal: '普通', low: '低' },
  modelStates: { absent: '未安装', downloading: '下载中', installed: '已安装', broken: '已损坏' },
  engineStates: { ready: '就绪', absent: '未安装', installing: '安装中', broken: '已损坏' },
  instanceStates: {
    starting: '启动中',
    loading: '加载中',
    idle: '空闲',
    busy: '忙碌',
    stopping: '停止中',
    releasing: '释放内存',
  },
  watchStates: {
    starting: '正在扫描',
    watching: '监视中',
    polling: '监视中（定时检查）',
    paused: '已暂停',
    missing: '不存在',
    blocked: '监视中（定时检查）',
  },
};

/** 句子中的阶段名称。 */
export const stageText = (stage: string): string =>
  Object.hasOwn(terms.stages, stage) ? terms.stages[stage as keyof TermTexts['stages']].name : stage;
/** “，预计 14:05:10”，时间未知时为空。 */
export const expected = (at: number | undefined, now: number): string =>
  at === undefined ? '' : `，预计 ${timeText(at, 'zh-cn', now)}`;
/** 进程如何结束。 */
export const exitText = (exit: string | number): string => (typeof exit === 'number' ? `退出代码 ${exit}` : exit);
/** 有值时加上前后文字，否则为空。 */
export const optional = (before: string, text: string | number | undefined, after = ''): string =>
  text === undefined || text === '' ? '' : `${before}${text}${after}`;

const INSTALLED: ReadonlyMap<string, string> = new Map([
  ['python', '引擎组件“Python 环境”'],
  ['llama', '引擎组件“llama.cpp”'],
  ['sherpa', '引擎组件“sherpa-onnx”'],
  ['dictionaries', '引擎组件“拼写词典”'],
  ['ffmpeg', '引擎组件“ffmpeg”'],
  ['postgres', 'PostgreSQL'],
]);
/** 为引擎安装的组件；undefined：这是引擎自己的名称。 */
export const installedText = (runtime: string | undefined): string | undefined => INSTALLED.get(runtime ?? '');

/** 可用的版本：“3.9 或更新版本”，“3.9 至 3.12”。 */
export const pythonRange = ({ needed, newest }: { needed: string; newest?: string | undefined }): string =>
  newest === undefined ? `${needed} 或更新版本` : `${needed} 至 ${newest}`;

/** 在各个系统上安装 Python 的一条命令。 */
export const pythonTodo = (platform: string | undefined): string =>
  platform === 'win32'
    ? '在终端中运行：winget install -e --id Python.Python.3.12 --architecture x64'
    : platform === 'darwin'
      ? '在终端中运行：xcode-select --install'
      : 'Debian 和 Ubuntu：apt install python3-venv；Fedora：dnf install python3。';

/** 请求受阻的原因和办法；不知道时没有。 */
const OBSTACLES: Readonly<Record<string, readonly [what: string, todo?: string]>> = {
  certificate: ['其证书不受信任', '如果网络会检查连接，请将 NODE_EXTRA_CA_CERTS 设为其证书，然后重新启动守护进程。'],
  proxyLogin: ['代理要求用户名和密码', '请写入 HTTPS_PROXY（http://用户名:密码@代理:端口），然后重新启动守护进程。'],
  socks: [
    '设置了 SOCKS 代理，Earshot 无法使用',
    '请将 HTTPS_PROXY 设为 HTTP 代理（http://代理:端口），然后重新启动守护进程。',
  ],
  proxy: ['代理拒绝了请求', '请检查 HTTPS_PROXY 和 NO_PROXY，然后重新启动守护进程。'],
  name: ['找不到该主机名', '请检查网络。如在代理之后，请设置 HTTPS_PROXY，然后重新启动守护进程。'],
  timeout: ['没有应答', '请检查网络。如在代理之后，请设置 HTTPS_PROXY，然后重新启动守护进程。'],
};
export const obstacleText = (why: string | undefined): string | undefined => OBSTACLES[why ?? '']?.[0];
export const obstacleTodo = (why: string | undefined): string | undefined => OBSTACLES[why ?? '']?.[1];
