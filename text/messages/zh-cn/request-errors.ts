/** 简体中文：请求本身的错误。 */
import { BAD_REQUEST } from './bad-requests.ts';
import { message, type SomeErrors, whyOf } from '../catalogue.ts';
import { clockText, languageText, ON_NETWORK, withoutPassword } from '../figures.ts';
import { optional, stageText, terms } from './words.ts';

/** 文件实际是什么，以及该怎么办。 */
const CONTENTS: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  address: ['是指向录音的链接，不是录音本身', '请下载链接所指的文件，再转写该文件。'],
  archive: ['是压缩包，不是录音', '请先解压。'],
  document: ['是文档，不是录音', ''],
  gitLfs: ['只是 Git LFS 指针，录音尚未获取', '请运行 `git lfs pull`。'],
  notes: ['是 MIDI 文件：只有音符，没有声音', ''],
  page: ['是网页，不是录音', '下载时可能需要登录，或应使用另一个链接。请下载录音本身。'],
  picture: ['是图片，不是录音', ''],
  recording: ['已损坏：开头像录音，但缺少读取所需的部分', '请重新复制、下载或导出。'],
  text: ['是文本，不是录音', '无论文件名是什么，其内容都不是音频或视频。'],
  zeros: ['全是零字节', '文件没有写完。请重新复制或下载。'],
};
const PROTECTIONS: Readonly<Record<string, string>> = { apple: '由 Apple (FairPlay) ', audible: '由 Audible ' };

const STATES: Record<string, string> = { ...terms.states, busy: '忙碌', closed: '已关闭', gone: '已不存在' };

export const recordingErrors: SomeErrors<
  | 'noSuchFile'
  | 'notAFile'
  | 'noRecordings'
  | 'notOnDisk'
  | 'foreignPath'
  | 'unreadableFile'
  | 'emptyFile'
  | 'notMedia'
  | 'encryptedFile'
  | 'noAudioTrack'
  | 'noSuchTrack'
  | 'otherTracks'
  | 'truncatedFile'
  | 'damagedFile'
  | 'unreliableTimes'
  | 'tooMuchSound'
  | 'recordingChanged'
  | 'noSuchFolder'
  | 'notAFolder'
  | 'notWatched'
  | 'originalsStay'
  | 'outputNotWritable'
  | 'outputKept'
> = {
  noSuchFile: a => message(`找不到文件 ${a.path}。`, '请检查拼写，并确认磁盘已连接。'),
  notAFile: a => message(`${a.path} 不是文件。`, '请指定录音文件，或存放录音的文件夹。'),
  noRecordings: a =>
    message(`在 ${a.path} 中没有找到录音。`, 'Earshot 会在该文件夹及其子文件夹中查找常见的音频和视频文件。'),
  notOnDisk: a =>
    ON_NETWORK.test(a.path)
      ? message(
          `${withoutPassword(a.path)} 是网络地址，不是文件。`,
          'Earshot 只读取本机上的文件：请先下载录音，再指定该文件。',
        )
      : /^file:/i.test(a.path)
        ? message(`${a.path} 不是本机文件的地址。`, '请用路径指定该文件，或将地址写成 file:///folder/file.wav。')
        : /^[\\/]{2}/.test(a.path)
          ? message(
              `${a.path} 位于另一台机器上，助手不得向其索取文件。`,
              '请自行转写该文件，或为其共享文件夹分配盘符，再用盘符路径指定该文件。',
            )
          : message(
              `${a.path} 位于虚拟工作区中。`,
              '录音必须是运行 Earshot 的机器上的文件。请将其复制到该机器，或在该机器上打开文件夹。',
            ),
  foreignPath: a =>
    message(
      `${a.path} 是 Windows 路径，而 Earshot 运行在其他系统上。`,
      '请使用该系统的路径：在 WSL 中，C: 盘是 /mnt/c。',
    ),
  unreadableFile: a => message(`无法读取 ${a.path}。`, '请检查文件权限。'),
  emptyFile: a =>
    a.bytes
      ? message(`${a.path} 中没有声音：只有文件头，后面没有内容。`, '录制在写入声音之前就停止了，或文件没有复制完整。')
      : message(`${a.path} 是空文件。`, '如果它是下载或复制得到的，请重试。'),
  notMedia: a => {
    const [what, todo] = CONTENTS[a.content ?? ''] ?? [
      '不是 ffmpeg 能读取的音频或视频文件',
      '无论文件名是什么，其内容都不是媒体。',
    ];
    return message(`${a.path} ${what}。`, todo);
  },
  encryptedFile: a =>
    message(
      `${a.path} 已${PROTECTIONS[a.by] ?? ''}加密。`,
      '只有提供它的服务自己的播放器才能打开。请获取一份没有保护的副本。',
    ),
  noAudioTrack: a => message(`${a.path} 没有声音。`),
  noSuchTrack: a => message(`${a.path} 没有第 ${a.track} 条音轨，共有 ${a.tracks} 条。`, '音轨从 0 开始编号。'),
  otherTracks: a =>
    message(
      a.speech
        ? `${a.path} 有 ${a.tracks} 条音轨：${a.list}。已转写第 ${a.track} 条。`
        : `第 ${a.track} 条音轨中没有语音。此录音有 ${a.tracks} 条音轨：${a.list}。`,
      '可用 --track（RPC 中为 audioTrack）选择其他音轨。',
    ),
  truncatedFile: a =>
    message(
      a.durationMs === undefined
        ? `录音不完整，在 ${clockText(a.readMs)} 处中断。`
        : `录音不完整：只能读取 ${clockText(a.readMs)}，全长 ${clockText(a.durationMs)}。`,
      a.readMs > 0 ? '能读取的部分已经转写。' : '如有可能，请从来源重新复制一份。',
    ),
  damagedFile: a => message(`${a.path} 部分损坏，无法解码。`, '其余部分已经转写。如有可能，请从来源重新复制一份。'),
  unreliableTimes: a =>
    message(
      `${a.path} 中的时间与声音不符，或从头开始。`,
      `全部内容已经转写。从 ${clockText(a.atMs)} 起，时间按声音计算，播放器显示的时间可能不同。`,
    ),
  tooMuchSound: a =>
    message(
      `${a.path} 的声音超过 ${a.hours} 小时。`,
      '请将其分割成多个部分。解码后如此之大的小文件，可能是有人为占满磁盘而制作的。',
    ),
  recordingChanged: a => message(`任务创建后，${a.path} 发生了变化。`, '请重新提交。'),
  noSuchFolder: a => message(`找不到文件夹 ${a.path}。`, '请检查拼写，并确认磁盘已连接。'),
  notAFolder: a => message(`${a.path} 是文件，不是文件夹。`, '请指定它所在的文件夹。'),
  notWatched: a => message(`${a.path} 不是受监视的文件夹。`, '运行 `earshot watch list` 查看受监视的文件夹。'),
  originalsStay: a => message(`无法把完成的录音移到 ${a.path}，因为它们本来就在那里。`, '请为它们另选文件夹。'),
  outputKept: a =>
    message(
      a.inUse
        ? `无法替换 ${a.path}：它正在另一个程序中打开。`
        : `${a.path} 没有被覆盖：它被修改过，或不是由 Earshot 写入的。`,
      a.instead ? `新版本在 ${a.instead}。` : a.inUse ? '请在该程序中关闭它，然后重试。' : '',
    ),
  outputNotWritable: a => message(`无法写入 ${a.path}。`, '请用 --output 另选文件夹，或修改其权限。'),
};

export const requestErrors: SomeErrors<
  | 'badRequest'
  | 'unknownModel'
  | 'unknownPreset'
  | 'unknownLanguage'
  | 'languageNeeded'
  | 'wrongStage'
  | 'languageNotSupported'
  | 'unknownJob'
  | 'wrongState'
  | 'unknownSetting'
  | 'settingRange'
  | 'noVoice'
  | 'badGlossary'
  | 'speakersUnknown'
  | 'voicesOutdated'
  | 'noSummary'
  | 'fontMissing'
  | 'untrustedWorkspace'
  | 'notTranslated'
  | 'voiceOverLags'
  | 'summaryTrimmed'
  | 'nothingSaid'
  | 'notATranscript'
  | 'cancelled'
> = {
  badRequest: a => {
    if (a.path !== undefined) return message(`需要完整路径，而不是 ${a.path}。`);
    const why = whyOf(BAD_REQUEST, a);
    if (a.field && why) return message(`${a.field} 无效：${why}。`);
    if (a.method === undefined) return message(a.field ? `${a.field} 无效。` : '请求无效。');
    return message(a.field ? `请求 ${a.method} 无效：${a.field}。` : `未知的请求 ${a.method}。`);
  },
  unknownLanguage: a =>
    message(
      `Earshot 不认识语言“${a.language}”。`,
      a.code
        ? `${languageText(a.code, 'zh-cn')}的代码是 ${a.code}。`
        : '请使用 en、de、pt-BR、zh 这样的代码。运行 `earshot models list` 查看各模型支持的语言。',
    ),
  languageNeeded: a => message(`${a.path} 是什么语言？文本本身没有说明。`, '请给出它的语言，在命令行中用 --language。'),
  unknownPreset: a =>
    message(
      `没有名为“${a.preset}”的预设，或有多个预设以此开头。`,
      a.presets ? `现有预设：${a.presets}。` : '在 VS Code 的“按选项转写”中保存一个，或使用设置 presets。',
    ),
  unknownModel: a => message(`没有模型“${a.model}”。`, '运行 `earshot models list` 查看可用模型。'),
  wrongStage: a => {
    const stages = a.stages?.split(', ').map(stageText).join('和');
    return message(
      `模型 ${a.model} 不能用于${stageText(a.stage)}${optional('，只能用于', stages)}。`,
      '请为该阶段另选模型。',
    );
  },
  languageNotSupported: a => {
    const language = a.language ? languageText(a.language, 'zh-cn') : '该语言',
      stage = a.stage ? `（${stageText(a.stage)}）` : '';
    return message(
      a.model ? `模型 ${a.model} 不支持${language}${stage}。` : `没有支持${language}的模型${stage}。`,
      '运行 `earshot models list` 查看各模型支持的语言。',
    );
  },
  unknownJob: a => message(`没有任务 ${a.id}。`, '运行 `earshot queue` 查看任务。'),
  wrongState: a => message(`当前状态（${STATES[a.state] ?? a.state}）下无法执行该操作。`),
  unknownSetting: a => message(`没有设置项“${a.name}”。`, '运行 `earshot settings` 查看全部设置。'),
  settingRange: a => message(`${a.name} 不能设为 ${a.value}，允许的值：${a.range}。`),
  fontMissing: a =>
    message(
      `这台机器上没有能显示这些字符的字体：${a.characters}`,
      '请安装支持该文字的字体（例如 Noto Sans 系列），或改用不内嵌字体的 DOCX 或 HTML。',
    ),
  noVoice: a =>
    message(
      a.language
        ? `没有可用的${languageText(a.language, 'zh-cn')}语音。`
        : `模型${optional(' ', a.model, ' ')}没有该语音。`,
      '请用 --speak 另选语音，或不生成配音。',
    ),
  badGlossary: a =>
    a.missing
      ? message(`找不到术语表 ${a.path}。`, '请检查拼写，并确认磁盘已连接。')
      : message(
          `无法读取术语表 ${a.path}${optional('（第 ', a.line, ' 行）')}。`,
          '每行一个术语，写作“术语”、“术语 = 译文”或“术语 (别名, 别名) = 译文”；' +
            '也可以使用 Markdown 表格或列表（.md）、CSV 表格（.csv）或 JSON 列表。',
        ),
  speakersUnknown: a =>
    message('无法区分说话人。', a.model ? `其他内容都已完成。可以下载 ${a.model} 时请重试。` : '其他内容都已完成。'),
  voicesOutdated: a =>
    message(`以下记住的声音来自旧模型，已无法识别：${a.names}。`, '请再次为这些说话人命名，之后即可重新识别。'),
  noSummary: a =>
    message(
      `生成摘要需要语言模型 ${a.model}，但它尚未安装。`,
      `请运行 \`earshot models install ${a.model}\`，然后再次请求摘要。`,
    ),
  untrustedWorkspace: () =>
    message(
      '在不受信任的工作区中，Earshot 不会转录任何内容。',
      '请运行“工作区: 管理工作区信任”来信任它，或在另一个窗口中打开录音。',
    ),
  notTranslated: a =>
    message(
      `有 ${a.count} 段话未能翻译，已标记为 [not translated]：${
        a.numbers === undefined
          ? '模型的回答不是译文'
          : a.numbers === a.count
            ? '译文中的数字与原文不同'
            : `其中 ${a.numbers} 段的译文数字与原文不同，其余的回答不是译文`
      }。`,
      '请为翻译选择更大的模型，或在转录稿中更正文字。',
    ),
  voiceOverLags: a =>
    message(
      `配音最多比录音慢 ${a.seconds} 秒：译文比原文需要更长的时间来说。`,
      '请在要紧处缩短文字，或选择语速更快的声音。',
    ),
  summaryTrimmed: a =>
    message(`摘要中有 ${a.count} 句被略去：录音中没有说过类似的内容。`, '如果缺失过多，请为摘要选择更大的模型。'),
  nothingSaid: a => message(`${a.path} 中没有可以摘要的内容：没有识别到语音。`),
  notATranscript: a =>
    message(
      a.path ? `${a.path} 不是 Earshot 的转写文件。` : '这不是 Earshot 的转写文件。',
      '请指定一个任务，或它写出的 .earshot.json 文件。',
    ),
  cancelled: () => message('已取消。'),
};
