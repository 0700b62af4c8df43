/** The command line's own words: headings and notes. Sentences for codes stand in schemas/messages. */
import type { Locale } from '../../schemas/messages/figures.ts';

const en = {
  error: 'error:', warning: 'warning:', hint: 'hint:', startingDaemon: 'Starting the daemon…', replacingDaemon: 'Replacing the older daemon; what runs ends first…',
  job: 'JOB', name: 'NAME', state: 'STATE', progress: 'PROGRESS', length: 'LENGTH', note: 'NOTE', model: 'MODEL', engine: 'ENGINE', stages: 'STAGES', languages: 'LANGUAGES', size: 'SIZE', licence: 'LICENCE',
  device: 'DEVICE', memory: 'MEMORY', free: 'FREE', ours: 'OURS', use: 'USE', temperature: 'TEMP', instance: 'INSTANCE', setting: 'SETTING', value: 'VALUE', time: 'TIME', event: 'EVENT', stage: 'STAGE', done: 'DONE', failed: 'FAILED', retried: 'RETRIED', queued: 'QUEUED', wait: 'WAIT', run: 'RUN', speed: 'SPEED',
  estimated: 'ESTIMATED', measured: 'MEASURED', priority: 'PRIORITY',
  queueEmpty: 'The queue is empty.', queueIsPaused: 'The queue is paused; `earshot resume --all` lets it go on.', noneInstalled: 'none', anyLanguage: 'any',
  moreJobs: (n: number): string => `… and ${n} more; \`earshot queue --all\` shows them.`,
  tookOver: 'this job is there already:', speaker: 'SPEAKER', noSpeakers: 'Speakers were not told apart in this job; `earshot transcribe --speakers` does it.', rememberedIn: (path: string): string => `the voices are remembered in ${path}; delete it to have them forgotten`, glossary: (path: string): string => `with the glossary ${path}`, submitted: 'submitted', detached: 'It goes on in the background; `earshot queue` shows how far it is.',
  stoppedUnder: 'The daemon was stopped; the job goes on when it starts again.',
  ask: 'Leave it running [d], cancel it [c], or go on [Enter]?', cancelling: 'Cancelling…', elsewhere: 'another window',
  wrote: 'Wrote', audio: 'audio', wall: 'time', faster: (x: string): string => `${x} × real time`, left: (text: string): string => `${text} left`, ofAll: (a: string, b: string): string => `${a} of ${b}`,
  httpServes: 'OpenAI interface', httpOff: 'The HTTP endpoint is off. `earshot settings set http \'{"port": 8484}\'` turns it on.', httpHint: 'Programs read these two from their environment; the key is this user\'s alone.',
  lastUsed: 'LAST USED', neverUsed: 'never', hasUpdate: 'update', onDisk: (size: string): string => `${size} on the disk`, allNewest: 'Every installed model is of the newest revision.', nothingUnused: 'Nothing lies unused for so long.',
  removeThese: (n: number, size: string): string => `Remove ${n === 1 ? 'this model' : `these ${n} models`}, ${size}? [y/N]`, freed: (size: string): string => `${size} are free again.`, sayYes: 'Nothing was removed: give --yes where nobody can be asked.',
  nothingFound: 'Nothing was found.', moreFound: (n: number): string => `… and ${n} more; --limit shows them.`, stillIndexing: 'Older transcripts are still being taken into the index.',
  noSpeech: 'There is no speech in this recording.', gaveUp: 'could not be done', detected: 'language',
  daemonStarted: (pid: number, v: string): string => `The daemon ${v} runs (process ${pid}).`, daemonStopped: 'The daemon has stopped.', daemonOff: 'The daemon is not running; it starts when it is needed.',
  clients: (n: number): string => `${n} ${n === 1 ? 'client' : 'clients'}`, jobsActive: (a: number, n: number): string => `${a} active of ${n} jobs`, since: 'since', stateFolder: 'state', dataFolder: 'data',
  isDefault: 'default', imported: 'imported', verified: (id: string): string => `${id} is whole.`, removed: (id: string): string => `${id} was removed.`, importedAs: (id: string): string => `Imported as ${id}.`, installed: (id: string): string => `${id} is installed.`,
  defaultIs: (v: string): string => `default ${v}`, waiting: 'waits', tryAgain: (a: number, b: number, at: string): string => `attempt ${a} of ${b} at ${at}`, startsAt: (at: string): string => `expected to start at ${at}`, endsAt: (at: string): string => `expected to end at ${at}`,
  allWell: 'All is well.', holds: (device: string, held: string, used: string): string => `${device}: ${held} held, ${used} used`, bottleneck: 'Held up by:', estimateError: 'Memory estimates are off by', startError: 'expected starts by', loads: (n: number, ms: string): string => `${n} model ${n === 1 ? 'load' : 'loads'}, ${ms} each`,
  notWaiting: 'It does not wait.', ambiguous: (text: string, n: number): string => `“${text}” fits ${n} jobs; give more of its id.`, download: 'downloading', install: 'installing', loadingModel: 'loading', pickOne: 'or', recordings: (n: number): string => `${n} recordings`, others: (n: number): string => `and ${n} more`,
  folder: 'FOLDER', recipe: 'RECIPE', taken: 'TAKEN', arriving: 'ARRIVING', file: 'FILE', decision: 'DECISION', noFolders: 'No folder is watched; `earshot watch add FOLDER` adds one.', nothingDecided: 'Nothing has arrived there yet.', watching: (path: string): string => `Watching ${path}.`, unwatched: (path: string): string => `${path} is not watched any more.`,
  subfoldersOut: 'no subfolders', movesTo: (path: string): string => `then moved to ${path}`, into: (path: string): string => `into ${path}`,
  summedUpBy: (model: string, language: string): string => `${language ? `${language}, by` : 'By'} ${model}, a language model; it may be wrong.`,
  listening: 'listening', endListening: 'Ctrl-C ends it', lastWords: 'The last words are on their way; Ctrl-C again leaves them to the daemon.', noInputs: 'ffmpeg sees nothing to record from. --device FORMAT:NAME names an input of any format that it knows, such as alsa:hw:1.',
};

export type Texts = typeof en;

const zhCn: Texts = {
  error: '错误：', warning: '警告：', hint: '提示：', startingDaemon: '正在启动守护进程…', replacingDaemon: '正在替换旧版守护进程，先完成正在运行的工作…',
  job: '任务', name: '名称', state: '状态', progress: '进度', length: '时长', note: '说明', model: '模型', engine: '引擎', stages: '阶段', languages: '语言', size: '大小', licence: '许可证',
  device: '设备', memory: '内存', free: '可用', ours: '占用', use: '负载', temperature: '温度', instance: '实例', setting: '设置', value: '值', time: '时间', event: '事件', stage: '阶段', done: '完成', failed: '失败', retried: '重试', queued: '排队', wait: '等待', run: '运行', speed: '速度',
  estimated: '估计', measured: '实测', priority: '优先级',
  queueEmpty: '队列为空。', queueIsPaused: '队列已暂停；运行 `earshot resume --all` 继续。', noneInstalled: '无', anyLanguage: '任意',
  moreJobs: (n) => `… 还有 ${n} 个；运行 \`earshot queue --all\` 查看。`,
  tookOver: '已有相同的任务：', speaker: '说话人', noSpeakers: '此任务没有区分说话人；使用 `earshot transcribe --speakers`。', rememberedIn: (path) => `声音已记录在 ${path} 中；删除该文件即可清除`, glossary: (path) => `使用术语表 ${path}`, submitted: '已提交', detached: '任务在后台继续；运行 `earshot queue` 查看进度。',
  stoppedUnder: '守护进程已被停止；下次启动后任务会继续。',
  ask: '让它继续运行 [d]，取消 [c]，还是返回 [回车]？', cancelling: '正在取消…', elsewhere: '其他窗口',
  wrote: '已写入', audio: '音频', wall: '用时', faster: (x) => `${x} 倍实时速度`, left: (text) => `剩余 ${text}`, ofAll: (a, b) => `${a} / ${b}`,
  httpServes: 'OpenAI 接口', httpOff: 'HTTP 接口未开启。运行 `earshot settings set http \'{"port": 8484}\'` 开启。', httpHint: '程序从环境变量读取这两项；密钥仅属于当前用户。',
  lastUsed: '上次使用', neverUsed: '从未', hasUpdate: '有更新', onDisk: (size) => `占用磁盘 ${size}`, allNewest: '已安装的模型都是最新版本。', nothingUnused: '没有闲置这么久的模型。',
  removeThese: (n, size) => `删除这 ${n} 个模型（${size}）？[y/N]`, freed: (size) => `已释放 ${size}。`, sayYes: '未删除任何内容：无法询问时请加 --yes。',
  nothingFound: '没有找到。', moreFound: (n) => `… 还有 ${n} 条；用 --limit 显示更多。`, stillIndexing: '较早的转写仍在建立索引。',
  noSpeech: '这段录音中没有语音。', gaveUp: '未能完成', detected: '语言',
  daemonStarted: (pid, v) => `守护进程 ${v} 正在运行（进程 ${pid}）。`, daemonStopped: '守护进程已停止。', daemonOff: '守护进程没有运行，需要时会自动启动。',
  clients: (n) => `${n} 个客户端`, jobsActive: (a, n) => `共 ${n} 个任务，${a} 个未完成`, since: '启动于', stateFolder: '状态', dataFolder: '数据',
  isDefault: '默认', imported: '导入', verified: (id) => `${id} 完好。`, removed: (id) => `已删除 ${id}。`, importedAs: (id) => `已导入为 ${id}。`, installed: (id) => `${id} 已安装。`,
  defaultIs: (v) => `默认 ${v}`, waiting: '等待', tryAgain: (a, b, at) => `第 ${a} 次尝试（共 ${b} 次），${at}`, startsAt: (at) => `预计 ${at} 开始`, endsAt: (at) => `预计 ${at} 完成`,
  allWell: '一切正常。', holds: (device, held, used) => `${device}：占用 ${held}，实际使用 ${used}`, bottleneck: '瓶颈：', estimateError: '内存估计的平均误差', startError: '预计开始时间的平均误差', loads: (n, ms) => `加载模型 ${n} 次，平均 ${ms}`,
  notWaiting: '它没有在等待。', ambiguous: (text, n) => `“${text}”对应 ${n} 个任务，请给出更完整的编号。`, download: '下载', install: '安装', loadingModel: '加载', pickOne: '或', recordings: (n) => `${n} 个录音`, others: (n) => `另有 ${n} 个`,
  folder: '文件夹', recipe: '处理方式', taken: '已提交', arriving: '到达中', file: '文件', decision: '处理结果', noFolders: '没有受监视的文件夹；运行 `earshot watch add 文件夹` 添加。', nothingDecided: '还没有文件到达。', watching: (path) => `正在监视 ${path}。`, unwatched: (path) => `不再监视 ${path}。`,
  subfoldersOut: '不含子文件夹', movesTo: (path) => `完成后移到 ${path}`, into: (path) => `写入 ${path}`,
  summedUpBy: (model: string, language: string): string => `${language ? `${language}，` : ''}由语言模型 ${model} 生成，可能有误。`,
  listening: '正在听', endListening: '按 Ctrl-C 结束', lastWords: '正在处理最后几句；再按一次 Ctrl-C 则交给后台。', noInputs: 'ffmpeg 没有找到可录音的设备。可用 --device 格式:名称 指定它认识的任何输入，例如 alsa:hw:1。',
};

export const texts = (locale: Locale): Texts => (locale === 'zh-cn' ? zhCn : en);
