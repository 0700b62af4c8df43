/** 简体中文。 */
import type { Args, Catalogue, Said } from './catalogue.ts';
import { bytesText, clockText, languageText, percentText, timeText } from './figures.ts';

const share = (a: Args, name: string): string => (a.has(name) ? percentText(a.number(name)) : '?');
const says = (what: string, todo = ''): Said => ({ what, todo });
const STAGES = { asr: '识别', repair: '修正', nmt: '翻译', tts: '配音', summary: '摘要' } as Record<string, string>;
const STATES = {
  pending: '等待中',
  loading: '加载模型',
  processing: '处理中',
  paused: '已暂停',
  completed: '已完成',
  failed: '失败',
  cancelled: '已取消',
} as const;
const PRIORITIES = { urgent: '紧急', high: '高', normal: '普通', low: '低' } as const;
const stage = (a: Args): string => STAGES[a.text('stage')] ?? '该阶段';
const bytes = (a: Args, name: string): string => (a.has(name) ? bytesText(a.number(name)) : '未知大小');
const expected = (a: Args): string => (a.has('at') ? `，预计 ${timeText(a.number('at'), 'zh-cn', a.now)}` : '');
const model = (a: Args): string => (a.has('model') ? `模型 ${a.text('model')}` : '模型');

export const zhCn: Catalogue = {
  errors: {
    badRequest: a =>
      says(
        a.has('path')
          ? `需要完整路径，而不是“${a.text('path')}”。`
          : `守护进程无法理解请求${a.has('method') ? ` ${a.text('method')}` : ''}${a.has('field') ? `（${a.text('field')}）` : ''}。`,
      ),
    noSuchFile: a => says(`找不到文件 ${a.text('path')}。`, '请检查拼写，以及磁盘是否已连接。'),
    notAFile: a => says(`${a.text('path')} 不是文件。`, '请指定录音文件，或存放录音的文件夹。'),
    noRecordings: a =>
      says(`${a.text('path')} 中没有录音。`, 'Earshot 会在该文件夹及其子文件夹中查找常见的音频和视频文件。'),
    notOnDisk: a =>
      says(
        `${a.text('path')} 位于虚拟工作区中。`,
        '录音必须是运行 Earshot 的机器上的文件：请将其复制到该机器，或在该机器上打开文件夹。',
      ),
    unreadableFile: a => says(`无法读取 ${a.text('path')}。`, '请检查文件权限。'),
    emptyFile: a => says(`${a.text('path')} 是空文件。`),
    notMedia: a =>
      says(`${a.text('path')} 不是 ffmpeg 能读取的音频或视频文件。`, '无论扩展名是什么，它的内容并非媒体。'),
    noAudioTrack: a => says(`${a.text('path')} 没有声音。`),
    noSuchTrack: a =>
      says(
        `${a.text('path')} 没有第 ${a.text('track')} 条音轨${a.has('tracks') ? `，共有 ${a.text('tracks')} 条` : ''}。`,
        '音轨从 0 开始编号。',
      ),
    truncatedFile: a =>
      says(
        `录音不完整${a.has('readMs') ? `：只能读取 ${clockText(a.number('readMs'))}${a.has('durationMs') ? `（共 ${clockText(a.number('durationMs'))}）` : ''}` : ''}。`,
        '能读取的部分已经转写。',
      ),
    damagedFile: a =>
      says(`${a.text('path')} 有损坏，部分内容无法解码。`, '其余部分已经转写。如有可能，请从来源重新复制一份。'),
    recordingChanged: a => says(`任务创建后，${a.text('path')} 发生了变化。`, '请重新提交。'),
    unknownLanguage: a => says(`没有语言“${a.text('language')}”。`, '请使用 en、es、zh、pt 之类的代码。'),
    unknownModel: a => says(`没有模型“${a.text('model')}”。`, '运行 `earshot models list` 查看可用模型。'),
    wrongStage: a =>
      says(
        `${model(a)} 不能用于${stage(a)}${
          a.has('stages')
            ? `，只能用于${a
                .text('stages')
                .split(', ')
                .map(each => STAGES[each] ?? each)
                .join('和')}`
            : ''
        }。`,
        '请为该阶段另选模型。',
      ),
    languageNotSupported: a =>
      says(
        `${model(a)} 不支持${languageText(a.text('language'), 'zh-cn')}${a.has('stage') ? `（${stage(a)}）` : ''}。`,
        '请另选模型；`earshot models list` 会列出各模型支持的语言。',
      ),
    unknownJob: a => says(`没有任务 ${a.text('id')}。`, '运行 `earshot queue` 查看任务。'),
    wrongState: a =>
      says(`当前状态（${STATES[a.text('state') as keyof typeof STATES] ?? a.text('state')}）下无法执行该操作。`),
    unknownSetting: a => says(`没有设置项“${a.text('name')}”。`, '运行 `earshot settings` 查看全部设置。'),
    settingRange: a =>
      says(
        `${a.text('name')} 不能设为 ${a.text('value')}${a.has('range') ? `，允许的范围是 ${a.text('range')}` : ''}。`,
      ),
    noVoice: a =>
      says(
        a.has('language')
          ? `没有可用的${languageText(a.text('language'), 'zh-cn')}语音。`
          : `${model(a)} 没有合适的语音。`,
        '请用 --speak 选择语音，或不生成配音。',
      ),
    outputNotWritable: a => says(`无法写入 ${a.text('path')}。`, '请用 --output 另选文件夹，或修改其权限。'),
    outputKept: a =>
      says(
        `${a.text('path')} 已保留原样：它被修改过，或不是 Earshot 写的。`,
        a.has('instead') ? `新版本在 ${a.text('instead')}。` : '',
      ),
    noSummary: a =>
      says(
        `没有生成摘要：语言模型 ${a.text('model')} 尚未安装。`,
        `请用 \`earshot models install ${a.text('model')}\` 安装，然后再次请求摘要。`,
      ),
    nothingSaid: a => says(`${a.text('path', '录音')} 中没有可以摘要的内容：没有识别出语音。`),
    notATranscript: a =>
      says(`${a.text('path')} 不是 Earshot 的转写文本。`, '请指定一个任务，或它写出的 talk.earshot.json 文件。'),
    speakersUnknown: a =>
      says(
        '无法区分说话人。',
        a.has('model') ? `请在可以获取 ${a.text('model')} 后重试；其他内容都已完成。` : '其他内容都已完成。',
      ),
    badGlossary: a =>
      says(
        `无法读取术语表${a.after('path')}${a.has('line') ? `（第 ${a.text('line')} 行）` : ''}。`,
        '每行一个术语，写作“术语”、“术语 = 译文”或“术语 (别名, 别名) = 译文”；也可以是 Markdown 表格或列表（.md）、CSV 表格（.csv）或 JSON 列表。',
      ),
    noSuchFolder: a => says(`没有文件夹 ${a.text('path')}。`, '请检查拼写，并确认磁盘已连接。'),
    notWatched: a => says(`${a.text('path')} 不是受监视的文件夹。`, '运行 `earshot watch list` 查看受监视的文件夹。'),
    watchLimit: a =>
      says(
        `系统没有更多的监视名额可用于 ${a.text('path')}。`,
        '改为每半分钟查看一次。提高 fs.inotify.max_user_watches 可以解决。',
      ),

    noMicrophone: a =>
      says(
        `无法录音${a.has('device') ? `（${a.text('device')}）` : ''}。`,
        '运行 `earshot listen --list-devices` 查看可用的输入设备，并确认本程序有权使用麦克风。',
      ),
    tooManySessions: a =>
      says(`已经打开了 ${a.text('limit', '太多')} 个实时会话。`, '请关闭一个，或调大设置 liveSessions。'),
    sessionBehind: a =>
      says(
        `文字最多比说话落后 ${a.text('seconds', '若干')} 秒${a.number('unrepaired') > 0 ? `；${a.text('unrepaired')} 句保持识别原样，未作修正` : ''}。`,
        '说过的话不会丢失。使用更小的模型或减少同时进行的任务可以跟上。',
      ),

    diskFull: a =>
      says(
        `${a.has('path') ? `${a.text('path')} 所在的` : ''}磁盘已满${a.has('needed') ? `：需要 ${bytes(a, 'needed')}，剩余 ${bytes(a, 'free')}` : ''}。`,
        '请腾出空间；任务会从中断处继续。',
      ),
    noPython: a =>
      says(
        a.has('missing')
          ? `找到了 Python ${a.text('needed', '3')}，但缺少模块 ${a.text('missing')}。`
          : `没有找到 Python ${a.text('needed', '3.10')} 或更新版本${a.has('path') ? `（${a.text('path')}）` : ''}。`,
        a.has('missing')
          ? '在 Debian 和 Ubuntu 上：apt install python3-venv。'
          : '请安装 Python 3，或在设置 pythonPath 中指定。',
      ),
    noNpm: () => says('没有找到 npm。', '请安装带有 npm 的 Node.js；安装引擎时需要它一次。'),
    noFfmpeg: a =>
      a.has('confined')
        ? says(
            `${a.text('path')} 无法在受限权限下启动：它要启动或需要的文件在别处。`,
            '请在设置 ffmpegPath 中直接指定程序本身，或运行 `earshot settings set sandbox off`。',
          )
        : says(
            a.has('path') ? `${a.text('path')} 处没有 ffmpeg。` : '没有找到 ffmpeg。',
            '请安装 ffmpeg，或在设置 ffmpegPath 中指定；`earshot models install` 安装的 Python 引擎也自带一份。',
          ),
    engineMissing: a =>
      says(`引擎 ${a.text('engine')} 尚未安装。`, '运行 `earshot engines install` 加引擎名即可安装。'),
    engineInstallFailed: a =>
      says(
        `无法安装 ${a.text('engine', a.text('runtime', '该引擎'))}。`,
        '详情见 `earshot daemon logs`；`earshot doctor` 会指出缺少什么。',
      ),
    ffmpegFailed: a =>
      says(`ffmpeg 无法读取 ${a.text('path', '该录音')}${a.has('exit') ? `（${a.text('exit')}）` : ''}。`),
    neverFits: a =>
      says(
        `${model(a)} 需要 ${bytes(a, 'needBytes')}，而最大的设备只允许 ${bytes(a, 'largestBytes')}。`,
        a.has('fits') ? `以下模型放得下：${a.text('fits')}。` : '请选择更小的模型。',
      ),
    noRoom: a =>
      says(
        `${a.device('device', '设备')} 目前放不下 ${bytes(a, 'needBytes')}，可用于模型的只有 ${bytes(a, 'admissibleBytes')}。`,
        '有空间时会再次尝试。',
      ),
    noSuchDevice: a => says(`没有设备 ${a.device('device')}。`, '运行 `earshot devices` 查看设备。'),
    deviceLost: a =>
      says(`${a.device('device', '某个设备')} 不再响应。`, '其任务已回到队列。如果一直不恢复，请检查驱动程序。'),
    deviceBack: a => says(`${a.device('device', '某个设备')} 已恢复响应。`),
    driverMismatch: () => says('NVIDIA 驱动程序与其库的版本不一致。', '请重启计算机；更新驱动后常会如此。'),
    driverHangs: () => says('NVIDIA 驱动程序没有响应。', '暂不使用它的 GPU；重启计算机通常有效。'),
    memoryHigh: a => says(`${a.device('device', '某个设备')}：Earshot 可用的内存已占用 ${a.text('percent', '85')} %。`),
    memoryCritical: a =>
      says(
        `${a.device('device', '某个设备')}：Earshot 可用的内存已占用 ${a.text('percent', '95')} %。`,
        '新的模型要等到有空间时才能加载。',
      ),

    modelNotInstalled: a =>
      says(`${model(a)} 尚未安装。`, `运行 \`earshot models install ${a.text('model', '名称')}\` 安装。`),
    modelUnavailable: a =>
      says(
        `无法从任何来源获得${model(a)}。`,
        a.has('instead')
          ? `改用 ${a.text('instead')}。`
          : '请检查网络和设置 hubUrl，或把模型文件放入设置 modelFolders 中的文件夹。',
      ),
    checksumMismatch: a =>
      says(`${model(a)} 的文件${a.after('file')} 校验和不符。`, '该文件没有安装。请重新安装，或换一个来源。'),
    modelBroken: a =>
      says(
        `模型${a.has('model') ? a.after('model') : a.after('path')}${a.has('file') ? `（${a.text('file')}）` : ''} 已损坏，或者不是模型。`,
        '请删除后重新安装。',
      ),
    offline: a =>
      a.has('server')
        ? says(`服务器 ${a.text('server')} 不在本机上，而设置 offline 禁止联网。`, '请关闭该设置，或选用其他模型。')
        : says(
            `需要下载 ${a.text('model', a.text('runtime', '文件'))}，但设置 offline 禁止联网。`,
            '请关闭该设置，或从文件导入模型。',
          ),
    downloadFailed: a =>
      says(
        `下载 ${a.text('url', '文件')} 失败${a.has('status') ? `（服务器返回 ${a.text('status')}）` : ''}。`,
        '请重试：会从中断处继续。',
      ),

    outOfMemory: a => says(`${model(a)} 内存不足。`, '会留出更多空间再试，不会丢失任何内容。'),
    workerCrashed: a =>
      says(
        `${a.has('engine') ? `引擎 ${a.text('engine')} 的` : ''}工作进程意外结束（${a.text('exit', '原因不明')}）。`,
        '`earshot log 任务` 会显示它最后的输出。',
      ),
    workerSilent: a => says(`引擎${a.after('engine')} 的工作进程 ${a.text('seconds')} 秒没有动静，已被结束。`),
    workerTimeout: a => says(`引擎${a.after('engine')} 的工作进程超过 ${a.text('seconds')} 秒，已被结束。`),
    engineFailed: a =>
      says(`引擎${a.has('engine') ? ` ${a.text('engine')} ` : ''}报告了错误。`, '详情见 `earshot log 任务`。'),
    badAnswer: a => says(`${a.text('engine', a.text('from', '引擎'))} 返回了无意义的结果。`),
    cancelled: () => says('已取消。'),
    setAside: a =>
      says(
        `该录音使工作进程崩溃了 ${a.text('times', '多')} 次，已被搁置。`,
        '请换一个模型；`earshot retry` 会再试一次。',
      ),
    serverUnreachable: a => says(`无法连接服务器 ${a.text('url')}。`, '请检查它是否在运行，以及设置 server。'),
    serverRefused: a =>
      says(
        `服务器 ${a.text('url')} 拒绝了请求${a.has('status') ? `（${a.text('status')}）` : ''}。`,
        '请检查设置 server 中的密钥和模型名称。',
      ),

    portTaken: a =>
      says(
        `HTTP 接口的端口 ${a.text('port')} 无法使用。`,
        '已被其他程序占用：请用 `earshot settings set http \'{"port": …}\'` 换一个端口。',
      ),
    daemonRunning: a => says(`已有一个守护进程在运行${a.number('pid') > 0 ? `（进程 ${a.text('pid')}）` : ''}。`),
    daemonUnreachable: () =>
      says('无法连接守护进程。', '`earshot daemon start` 可启动它，`earshot daemon logs` 可查看日志。'),
    wrongToken: () =>
      says('守护进程拒绝了连接：令牌不符。', '请重试；如果仍然如此，请用 `earshot daemon stop` 停止后重新启动。'),
    wrongVersion: a =>
      says(`守护进程的版本是 ${a.text('daemon')}，当前版本无法与它通信。`, '请更新本程序，或用启动它的程序停止它。'),
    storeNewer: a =>
      says(
        '队列由更新版本的 Earshot 写入，未作任何改动。',
        a.has('path') ? `请更新 Earshot，或移走 ${a.text('path')}。` : '请更新 Earshot。',
      ),
    storeBroken: a => says(`队列数据库${a.after('path')} 已损坏。`, '旁边的 backups 文件夹中有备份。'),
    storeRestored: a =>
      says(
        `队列数据库已损坏，已另行保存${a.after('path')}。${a.has('backup') ? '已用最新备份恢复。' : '没有备份，队列重新开始。'}${a.number('count') ? `当时未完成：${a.text('jobs')}。` : ''}`,
        '请检查队列中缺少的任务。',
      ),
    storeBusy: a => says(`另一个程序占用了队列数据库${a.after('path')}。`, '请关闭它后重试。'),
    internal: () => says('Earshot 内部出错。', '详情见 `earshot daemon logs`，请反馈给我们。'),
  },
  reasons: {
    paused: () => '已暂停',
    queuePaused: () => '队列已暂停',
    ingesting: () => '正在读取录音',
    modelDownloading: a => `正在下载${model(a)}${a.has('percent') ? `（${Math.round(a.number('percent'))} %）` : ''}`,
    engineInstalling: a =>
      `正在安装 ${a.text('engine', a.text('runtime', '引擎'))}${a.has('percent') ? `（${Math.round(a.number('percent'))} %）` : ''}`,
    modelLoading: a => `正在${a.has('device') ? `${a.device('device')} 上` : ''}加载${model(a)}${expected(a)}`,
    memory: a =>
      `${model(a)} 在 ${a.device('device', '设备')} 上还缺 ${bytes(a, 'bytes')}${a.has('holder') ? `，被 ${a.text('holder')} 占用` : ''}${expected(a)}`,
    reserved: a => `${a.device('device', '设备')} 上的空间留给等待更久的任务 ${a.job('for')}${expected(a)}`,
    neverFits: a => `${model(a)} 需要 ${bytes(a, 'needBytes')}，最大的设备只允许 ${bytes(a, 'largestBytes')}`,
    deviceLimit: a => `${a.device('device', '设备')} 上的实例已达上限（${a.text('limit')} 个）`,
    modelLimit: a => `已加载的模型达到上限（${a.text('limit')} 个）`,
    taskLimit: a => `同时运行的任务达到上限（${a.text('limit')} 个）`,
    cores: a => `处理器核心全部在忙${expected(a)}`,
    behind: a => {
      const by = (['urgent', 'high', 'normal', 'low'] as const)
        .filter(priority => a.number(priority) > 0)
        .map(priority => `${PRIORITIES[priority]} ${a.text(priority)} 个`);
      return `前面还有 ${a.text('count')} 个任务${by.length > 0 ? `（${by.join('，')}）` : ''}`;
    },
    retryAt: a => `${timeText(a.number('at'), 'zh-cn', a.now)} 重试${stage(a)}`,
    instanceBusy: a => `${model(a)} 正忙${expected(a)}`,
    deviceBusyLoading: a => `${a.device('device', '设备')} 正在加载${model(a)}`,
    releasing: a => `${a.device('device', '设备')} 正在归还 ${bytes(a, 'bytes')}`,
    serial: a => `一次只处理一个任务（设置 serial）${a.number('count') > 0 ? `，前面还有 ${a.text('count')} 个` : ''}`,
    diskFull: a => `磁盘已满${a.has('path') ? `（${a.text('path')}）` : ''}`,
    starting: () => '正在开始',
  },
  states: STATES,
  stages: {
    asr: { name: '识别', doing: '识别中' },
    repair: { name: '修正', doing: '修正中' },
    nmt: { name: '翻译', doing: '翻译中' },
    tts: { name: '配音', doing: '配音中' },
    summary: { name: '摘要', doing: '摘要中' },
  },
  priorities: PRIORITIES,
  modelStates: { absent: '未安装', downloading: '下载中', installed: '已安装', broken: '已损坏' },
  engineStates: { ready: '就绪', absent: '未安装', installing: '安装中', broken: '损坏' },
  bottlenecks: {
    stageBusyReplicaFits: a =>
      `${stage(a)}有 ${share(a, 'busy')} 的时间在忙，占等待的 ${share(a, 'wait')}：还放得下一个实例（${bytes(a, 'bytes')}）`,
    stageBusyNoRoom: a =>
      `${stage(a)}有 ${share(a, 'busy')} 的时间在忙，占等待的 ${share(a, 'wait')}：再加一个实例需要 ${bytes(a, 'bytes')}，目前空闲 ${bytes(a, 'room')}`,
    stageBusy: a => `${stage(a)}有 ${share(a, 'busy')} 的时间在忙，占等待的 ${share(a, 'wait')}`,
    memoryShort: a => `${share(a, 'share')} 的等待是在等内存`,
    loading: a => `${share(a, 'share')} 的时间在加载模型`,
  },
  instanceStates: {
    starting: '启动中',
    loading: '加载中',
    idle: '空闲',
    busy: '忙',
    stopping: '停止中',
    releasing: '归还内存',
  },
  checks: {
    node: {
      name: 'Node.js',
      ok: a => says(a.text('version', '已找到')),
      warning: a => says(a.text('version', '已找到')),
      problem: a =>
        says(`${a.text('version', '已找到')} 版本太旧`, `请安装 Node.js ${a.text('needed', '22')} 或更新版本。`),
    },
    python: {
      name: 'Python',
      ok: a => says(`${a.text('version', '已找到')}${a.has('path') ? `，位于 ${a.text('path')}` : ''}`),
      warning: a =>
        says(
          `${a.text('version', '已找到')}，但缺少 ${a.text('missing', '一部分')}`,
          '在 Debian 和 Ubuntu 上：apt install python3-venv。',
        ),
      problem: a => says('未找到', `请安装 Python ${a.text('needed', '3.9')} 或更新版本。`),
    },
    npm: {
      name: 'npm',
      ok: a => says(a.text('version', '已找到')),
      warning: () => says('未找到', '安装某些引擎时需要它。'),
      problem: () => says('未找到', '请安装带有 npm 的 Node.js。'),
    },
    ffmpeg: {
      name: 'ffmpeg',
      ok: a => says(`${a.text('version', '已找到')}${a.has('path') ? `，位于 ${a.text('path')}` : ''}`),
      warning: () => says('尚未安装', '它随 Python 引擎一起安装。'),
      problem: () => says('未找到', '请安装 ffmpeg，或在设置 ffmpegPath 中指定。'),
    },
    gpu: {
      name: 'GPU',
      ok: a => says(a.text('names', a.text('name', '已找到'))),
      warning: a => says(a.text('problem', '没有 GPU，全部在处理器上运行')),
      problem: a => says(a.text('problem', '驱动程序没有响应')),
    },
    memory: {
      name: '内存',
      ok: a => says(`可用 ${bytes(a, 'free')}`),
      warning: a => says(`可用仅 ${bytes(a, 'free')}`, '将选用小模型。'),
      problem: a => says(`可用仅 ${bytes(a, 'free')}`, '请关闭其他程序。'),
    },
    disk: {
      name: '磁盘',
      ok: a => says(`可用 ${bytes(a, 'free')}`),
      warning: a => says(`${a.text('path')} 可用仅 ${bytes(a, 'free')}`),
      problem: a => says(`${a.text('path')} 可用仅 ${bytes(a, 'free')}`, '请腾出空间。'),
    },
    models: {
      name: '模型',
      ok: a => says(a.text('names', '已安装')),
      warning: a =>
        says(
          `${a.text('names', '部分模型')} 未安装`,
          a.has('offline')
            ? '离线设置 offline 禁止下载：请用 `earshot models import` 导入，或关闭该设置。'
            : '运行 `earshot models install` 安装。',
        ),
      problem: a => says(`${a.text('names', '部分模型')} 已损坏`, '运行 `earshot models install` 修复。'),
    },
    engines: {
      name: '引擎',
      ok: a => says(a.text('names', '就绪')),
      warning: a => says(`${a.text('names', '部分引擎')} 未安装`, '需要时会自动安装。'),
      problem: a => says(`${a.text('names', '部分引擎')} 损坏`, '运行 `earshot engines install` 修复。'),
    },
    network: {
      name: '网络',
      ok: a => says(a.has('offline') ? '从不使用：已开启离线设置 offline' : a.text('url', '可访问')),
      warning: a => says(`无法访问 ${a.text('url', '模型仓库')}`, '已安装的内容不受影响。'),
      problem: a => says(`无法访问 ${a.text('url', '模型仓库')}`),
    },
    sandbox: {
      name: '沙箱',
      ok: a => says(`录音和模型在受限进程中打开（Landlock ${a.text('abi')}、seccomp）：没有网络，只能访问自己的文件`),
      warning: a =>
        says(
          a.text('reason') === 'off'
            ? '录音和模型以你的全部权限打开：设置 sandbox 为 off'
            : '录音和模型以你的全部权限打开：此系统无法收回权限',
          a.text('reason') === 'off'
            ? 'earshot settings set sandbox auto'
            : 'Linux 5.13 及以上版本有 Landlock；在其他系统上请只打开可信的录音和模型。',
        ),
      problem: a =>
        says(
          `${a.text('path')} 无法在受限权限下启动：它要启动或需要的文件在别处`,
          '请在设置 ffmpegPath 中直接指定程序本身，或运行 `earshot settings set sandbox off`。',
        ),
    },
    socket: {
      name: '隐私',
      ok: () => says('只有你能访问守护进程'),
      warning: a => says(`其他人可以打开 ${a.text('path')}`),
      problem: a => says(`其他人可以打开 ${a.text('path')}`, '请停止守护进程，删除该文件夹后重新启动。'),
    },
  },
  watchStates: {
    starting: '正在查看',
    watching: '监视中',
    polling: '监视中（定时查看）',
    paused: '已暂停',
    missing: '不存在',
    blocked: '监视中（定时查看）',
  },
  decisions: {
    notWatched: () => '不在任何受监视的文件夹中',
    otherFolder: a => `属于另一个受监视的文件夹${a.has('folder') ? ` ${a.text('folder')}` : ''}`,
    subfolder: () => '在子文件夹中，而子文件夹不在监视之列',
    hidden: () => '隐藏：文件或文件夹的名称以点开头',
    temporary: () => '名称表明文件还没有写完',
    notMedia: () => '名称不是录音',
    excluded: a => `被模式 ${a.text('pattern')} 排除`,
    notIncluded: a => `不符合任何包含模式（${a.text('patterns')}）`,
    link: () => '是链接；请监视它指向的文件夹',
    notAFile: () => '不是文件',
    output: () => '由 Earshot 写入',
    outputsFolder: () => '位于输出文件夹中',
    originalsFolder: () => '位于已完成录音的文件夹中',
    unseen: () => '还没有查看，现在就会查看',
    folderPaused: () => '所在文件夹已暂停',
    folderMissing: () => '所在文件夹不存在',
    gone: () => '文件不存在',
    empty: () => '文件为空',
    writing: () => '还在写入',
    open: () => '有程序仍打开着它写入',
    waiting: () => '文件完整，等待队列中的空位',
    retry: () => '未能提交，会再次尝试',
    taken: () => '已提交',
    moved: a => `已提交；录音已移到 ${a.text('to')}`,
    before: () => '在开始监视之前就在那里',
    duplicate: a => `与 ${a.text('of')} 是同一录音`,
    renamed: a => `已经提交过，原名 ${a.text('from')}`,
    refused: () => '无法提交',
  },
};
