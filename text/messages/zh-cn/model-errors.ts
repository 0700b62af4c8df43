/** 简体中文：模型、工作进程与服务器的错误。 */
import { message, type SomeErrors } from '../catalogue.ts';
import { withoutPassword } from '../figures.ts';
import { exitText, installedText, obstacleText, obstacleTodo, optional, stageText } from './words.ts';

/** 模型被替换的原因，按所导致的错误代码。 */
const CAUSES: Readonly<Record<string, string>> = {
  offline: '尚未安装，而设置 offline 禁止下载',
  modelUnavailable: '无法下载',
  downloadFailed: '无法下载',
  neverFits: '在任何设备上都放不下',
  noRoom: '在任何设备上都放不下',
  outOfMemory: '内存不足',
};

export const modelErrors: SomeErrors<
  | 'modelNotInstalled'
  | 'modelUnavailable'
  | 'modelReplaced'
  | 'repairLeftOut'
  | 'checksumMismatch'
  | 'modelBroken'
  | 'offline'
  | 'modelGated'
  | 'notOnHub'
  | 'downloadFailed'
> = {
  modelNotInstalled: a => message(`模型 ${a.model} 尚未安装。`, `请运行 \`earshot models install ${a.model}\`。`),
  modelUnavailable: a =>
    message(
      `无法从任何来源下载模型 ${a.model}${optional('：', obstacleText(a.why))}。`,
      obstacleTodo(a.why) ?? '请检查网络和设置 hubUrl，或把模型文件放入设置 modelFolders 中的文件夹。',
    ),
  modelReplaced: a =>
    message(`${stageText(a.stage)}改用 ${a.instead}，因为 ${a.model} ${CAUSES[a.cause] ?? '无法加载'}。`),
  repairLeftOut: a => message(`未修正听错的词：${a.model} ${CAUSES[a.cause] ?? '无法加载'}。`),
  checksumMismatch: a =>
    message(
      `${optional('模型 ', a.model, ' 的')}文件 ${a.file} 校验和不符。`,
      '该文件没有安装。请重新安装，或换一个来源。',
    ),
  modelBroken: a =>
    a.model === undefined && a.path !== undefined
      ? message(
          `${a.path} 已损坏，或者不是 Earshot 认识的模型。`,
          '可用的有：GGUF 文件、CTranslate2（Whisper、M2M100、NLLB、OPUS-MT）和 sherpa-onnx 的文件夹，以及 Piper 语音。',
        )
      : message(
          `模型${optional(' ', a.model ?? a.path)}${optional('（', a.file, '）')} 已损坏，或者不是模型。`,
          '请删除后重新安装。',
        ),
  offline: a =>
    a.server
      ? message(`服务器 ${a.server} 不在本机上，而设置 offline 禁止使用网络。`, '请关闭该设置，或选择其他模型。')
      : message(
          `${installedText(a.engine) ?? `${a.model ?? a.engine ?? '文件'} `}尚未安装，而设置 offline 禁止下载。`,
          a.model ? '请关闭该设置，或从文件导入模型。' : '请关闭该设置。',
        ),
  modelGated: a =>
    message(
      `${a.repository} 只提供给申请过的人。`,
      a.token
        ? `请用您的令牌所属的账号，在 ${withoutPassword(a.url)} 接受其条款。`
        : `请在 ${withoutPassword(a.url)} 接受其条款，并设置 HF_TOKEN，或用 \`hf auth login\` 登录。` +
            '然后运行 `earshot daemon stop`，再试一次。',
    ),
  notOnHub: a =>
    message(
      `模型库中没有 ${a.repository}${optional('，版本 ', a.revision)}。`,
      '请检查写法：hf:所有者/仓库，需要时在后面加上 @版本 或 :文件。',
    ),
  downloadFailed: a =>
    message(
      `无法下载 ${withoutPassword(a.url)}${optional('（状态码 ', a.status, '）')}${optional('：', obstacleText(a.why))}。`,
      obstacleTodo(a.why) ?? '请重试，会从中断处继续下载。',
    ),
};

export const workerErrors: SomeErrors<
  | 'outOfMemory'
  | 'workerCrashed'
  | 'workerSilent'
  | 'workerTimeout'
  | 'engineFailed'
  | 'badAnswer'
  | 'setAside'
  | 'serverUnreachable'
  | 'serverRefused'
> = {
  outOfMemory: a => message(`${a.model ?? a.engine ?? '模型'} 内存不足。`, '会留出更多空间重试，不会丢失任何内容。'),
  workerCrashed: a =>
    message(`引擎 ${a.engine} 的工作进程崩溃（${exitText(a.exit)}）。`, '运行 `earshot log 任务` 查看它最后的输出。'),
  workerSilent: a => message(`引擎 ${a.engine} 的工作进程 ${a.seconds} 秒没有响应，已被停止。`),
  workerTimeout: a => message(`引擎 ${a.engine} 的工作进程运行超过 ${a.seconds} 秒，已被停止。`),
  engineFailed: a => message(`引擎${optional(' ', a.engine, ' ')}报告了错误。`, '运行 `earshot log 任务` 查看。'),
  badAnswer: a => message(`${a.engine ?? a.model ?? '引擎'} 返回了无效的结果。`),
  setAside: a =>
    message(`${a.model} 处理此录音时崩溃了 ${a.times} 次，任务已停止。`, '请换一个模型，或运行 `earshot retry` 重试。'),
  serverUnreachable: a =>
    message(
      `无法连接服务器 ${withoutPassword(a.url)}${optional('：', obstacleText(a.why))}。`,
      obstacleTodo(a.why) ?? '请确认它正在运行，并检查设置 server。',
    ),
  serverRefused: a =>
    message(`服务器 ${a.url} 拒绝了请求（状态码 ${a.status}）。`, '请检查设置 server 中的密钥和模型名称。'),
};
