/**
 * Which files are taken for recordings by their name alone; what is in them shows when they are read. The one list:
 * folders, watched folders, links, drops, file choosers and the editor's menus (package.json, held to it by a test).
 */
export const MEDIA_EXTENSIONS = [
  'aac',
  'ac3',
  'aif',
  'aiff',
  'amr',
  'ape',
  'au',
  'avi',
  'caf',
  'flac',
  'flv',
  'm2ts',
  'm4a',
  'm4b',
  'm4v',
  'mka',
  'mkv',
  'mov',
  'mp2',
  'mp3',
  'mp4',
  'mpeg',
  'mpg',
  'mts',
  'oga',
  'ogg',
  'ogv',
  'opus',
  'ts',
  'vob',
  'wav',
  'webm',
  'wma',
  'wmv',
  'wv',
  '3gp',
] as const;

const EXTENSIONS: ReadonlySet<string> = new Set(MEDIA_EXTENSIONS);

/** The `when` clause of a menu that belongs to recordings. */
export const MEDIA_WHEN = `resourceExtname =~ /^\\.(${MEDIA_EXTENSIONS.join('|')})$/i`;

/** Whether a path is called like a recording. */
export function isMedia(path: string): boolean {
  const match = /[^/\\]\.([^./\\]+)$/.exec(path);
  return match !== null && EXTENSIONS.has(match[1]!.toLowerCase());
}
