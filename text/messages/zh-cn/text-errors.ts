/** 简体中文：所读取的文本和字幕，以及其中未能保留的内容。 */
import { message, type SomeErrors } from '../catalogue.ts';
import { bytesText } from '../figures.ts';

const listed = (parts: readonly (string | number | undefined)[]): string =>
  parts.filter(part => typeof part === 'string').join('，') || '部分内容';

export const textErrors: SomeErrors<
  | 'notText'
  | 'textTooLarge'
  | 'noWords'
  | 'textDecoded'
  | 'textEncoded'
  | 'unknownEncoding'
  | 'subtitlesUnclear'
  | 'subtitlesReduced'
> = {
  notText: a => message(`${a.path} 不是文本文件。`, '无论文件名是什么，其内容都不是文本。'),
  textTooLarge: a =>
    message(`${a.path} 太大，不能作为文本处理，上限为 ${bytesText(a.mostBytes)}。`, '请拆分为多个文件。'),
  noWords: a => message(`${a.path} 中没有文字。`),
  textDecoded: a =>
    message(
      `根据字符特征，${a.path} 按 ${a.encoding} 编码读取。`,
      '如果文字显示不正确，请指明其编码：命令行用 --encoding，VS Code 中用“通过编码重新打开”。',
    ),
  textEncoded: a => message(`${a.path} 以 UTF-8 写入：源文件的编码 ${a.encoding} 无法表示其中的某些字符。`),
  unknownEncoding: a =>
    message(
      `Earshot 不认识编码“${a.encoding}”。`,
      '请使用 utf-8、windows-1250、iso-8859-2、koi8-r、gb18030、shift_jis 这样的名称。',
    ),
  subtitlesUnclear: a =>
    message(
      `${a.path} 中以下内容保持原样：${listed([
        a.texts && `不属于任何字幕的文字 ${a.texts} 处`,
        a.times && `时间无法读取的字幕 ${a.times} 条`,
        a.generated && `自动生成的卡拉 OK 行 ${a.generated} 行`,
      ])}。`,
    ),
  subtitlesReduced: a =>
    message(
      `以下内容没有带入 ${a.path}：${listed([
        a.notes && `注释 ${a.notes} 条`,
        a.styles && `样式 ${a.styles} 个`,
        a.drawings && `绘图 ${a.drawings} 处`,
        a.texts && `不属于任何字幕的文字 ${a.texts} 处`,
        a.formatting && `${a.formatting} 条字幕的位置、颜色或字体`,
        a.wordTimes && `${a.wordTimes} 条字幕中逐词的时间`,
      ])}。`,
    ),
};
