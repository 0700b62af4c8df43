/**
 * Which files are recordings, by their names. The one list: folders, watched folders, links, drops, file choosers and
 * the editor's menus (`npm run reference` writes their clauses into package.json).
 */

/** Endings of recordings. A protected one is listed too: a job says why it cannot be read. */
export const MEDIA_EXTENSIONS = [
  ...['3g2', '3ga', '3gp', '3gp2', '3gpp', '8svx', 'aa', 'aa3', 'aac', 'aax', 'aaxc', 'ac3', 'adts', 'aif', 'aifc'],
  ...[
    'aiff',
    'amr',
    'ape',
    'asf',
    'au',
    'avi',
    'awb',
    'bwf',
    'caf',
    'dav',
    'dff',
    'divx',
    'dsf',
    'dss',
    'dv',
    'dvr-ms',
  ],
  ...['eac3', 'ec3', 'evo', 'f4a', 'f4b', 'f4v', 'flac', 'flv', 'g722', 'gsm', 'gxf', 'insv', 'isma', 'ismv', 'lrv'],
  ...['m2p', 'm2t', 'm2ts', 'm4a', 'm4b', 'm4p', 'm4r', 'm4v', 'mj2', 'mk3d', 'mka', 'mkv', 'mlp', 'mov', 'mp1', 'mp2'],
  ...['mp3', 'mp4', 'mpa', 'mpc', 'mpe', 'mpeg', 'mpg', 'mpga', 'mxf', 'nsv', 'nut', 'oga', 'ogg', 'ogm', 'ogv', 'ogx'],
  ...['oma', 'opus', 'qt', 'qta', 'rf64', 'rmvb', 'shn', 'sln', 'spx', 'tak', 'thd', 'tod', 'trp', 'tta', 'voc', 'vob'],
  ...['vqf', 'vro', 'w64', 'wav', 'wave', 'weba', 'webm', 'wma', 'wmv', 'wtv', 'wv', 'xwma'],
] as const;

/**
 * Endings that other files have as well: TypeScript, go.mod, device trees, data of all kinds. What such a file begins
 * with decides (client/recording-content.ts); menus and links, which know only names, leave them out.
 */
export const SHARED_EXTENSIONS = [
  ...['dat', 'dts', 'iff', 'mod', 'mts', 'nist', 'ra', 'rec', 'rm', 'snd', 'sph', 'tp', 'ts', 'tts'],
] as const;

const CERTAIN: ReadonlySet<string> = new Set(MEDIA_EXTENSIONS);
const SHARED: ReadonlySet<string> = new Set(SHARED_EXTENSIONS);

/** The `when` clause of a menu that belongs to recordings. */
export const MEDIA_WHEN = `resourceExtname =~ /^\\.(${MEDIA_EXTENSIONS.join('|')})$/i`;

const ending = (path: string): string => /[^/\\]\.([^./\\]+)$/.exec(path)?.[1]!.toLowerCase() ?? '';

/** Whether a path is called as only recordings are. */
export const isMedia = (path: string): boolean => CERTAIN.has(ending(path));

/** Whether a path is called as recordings are, and other files as well. */
export const maybeMedia = (path: string): boolean => SHARED.has(ending(path));
