/** Which files are taken for recordings by their name alone; what is in them shows when they are read. */
const EXTENSIONS: ReadonlySet<string> = new Set([
  'wav',
  'mp3',
  'm4a',
  'm4b',
  'aac',
  'flac',
  'ogg',
  'oga',
  'opus',
  'wma',
  'aif',
  'aiff',
  'amr',
  'ac3',
  'caf',
  'mka',
  'au',
  'ape',
  'wv',
  'mp4',
  'm4v',
  'mkv',
  'mov',
  'webm',
  'avi',
  'wmv',
  'flv',
  'mpg',
  'mpeg',
  'ts',
  'mts',
  'm2ts',
  '3gp',
  'ogv',
  'vob',
]);

/** Whether a path is called like a recording. */
export function isMedia(path: string): boolean {
  const match = /[^/\\]\.([^./\\]+)$/.exec(path);
  return match !== null && EXTENSIONS.has(match[1]!.toLowerCase());
}
