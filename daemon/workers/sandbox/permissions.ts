/**
 * What a process that opens media or models may touch: the system's own programs and libraries, Earshot's, and what it
 * works on. Nothing else of the user's.
 */
import { closeSync, existsSync, mkdirSync, readSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join, sep } from 'node:path';
import type { Engine, WorkerContext } from '../../contracts/engine.ts';
import { openFileNow } from '../../../client/files.ts';
import { isProgram } from '../../system/find-program.ts';

export interface Permissions {
  /** Files and folders with all in them: read, and run where they are programs. */
  read: readonly string[];
  /** Also changed. */
  write: readonly string[];
  /** Connections to anywhere. */
  network: boolean;
  /** What the driver of a GPU needs beside its devices. */
  gpu: boolean;
  /** So many files come with it, as descriptors 3, 4 …: it may read them. */
  files?: number;
  /** At most this version of Landlock, as if the kernel had no newer; for tests. */
  landlock?: number;
  /** What the driver of a GPU keeps for next time. */
  cache?: string;
}

const SYSTEM = [
  '/usr',
  '/lib',
  '/lib64',
  '/lib32',
  '/bin',
  '/sbin',
  '/opt',
  '/nix/store',
  '/gnu/store',
  '/snap',
  '/home/linuxbrew/.linuxbrew',
  '/sys',
  // Never /proc as a whole: it shows every process with its arguments.
  ...['cpuinfo', 'devices', 'driver', 'filesystems', 'loadavg', 'meminfo', 'modules', 'stat', 'sys', 'uptime'].map(
    name => `/proc/${name}`,
  ),
  '/proc/version',
  ...[
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'ld.so.preload',
    'localtime',
    'nsswitch.conf',
    'host.conf',
    'gai.conf',
    'resolv.conf',
    'hosts',
    'passwd',
    'group',
    'os-release',
    'alternatives',
    'ssl',
    'pki',
    'ca-certificates',
    'crypto-policies',
    'OpenCL',
    'vulkan',
    'mime.types',
  ].map(name => `/etc/${name}`),
];
/** Where /etc/resolv.conf leads. */
const NAMES = ['/run/systemd/resolve', '/run/resolvconf', '/run/NetworkManager', '/mnt/wsl/resolv.conf'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'].map(name => `/dev/${name}`);
/** Memory that processes share holds other programs' windows and sound too: only drivers get at it. */
const GPU_DEVICES = [
  'shm',
  'nvidia0',
  'nvidia1',
  'nvidia2',
  'nvidia3',
  'nvidia4',
  'nvidia5',
  'nvidia6',
  'nvidia7',
  'nvidia8',
  'nvidia9',
  'nvidia10',
  'nvidia11',
  'nvidia12',
  'nvidia13',
  'nvidia14',
  'nvidia15',
  'nvidiactl',
  'nvidia-modeset',
  'nvidia-uvm',
  'nvidia-uvm-tools',
  'nvidia-caps',
  'dri',
  'kfd',
  'dxg',
].map(name => `/dev/${name}`);

/** The folders of this program: the source tree's, or the bundle's. */
const bundled = !import.meta.filename.endsWith('.ts');
const APP = bundled
  ? [import.meta.dirname, join(import.meta.dirname, '..', 'node_modules')]
  : ['schemas', 'client', 'text', 'daemon', 'test', 'node_modules', 'package.json'].map(name =>
      join(import.meta.dirname, '..', '..', '..', name),
    );

/**
 * A program and the libraries beside it: …/bin/x brings …/lib, as environments and private builds have it; elsewhere
 * the folder it lies in. Never more of what lies around: ~/.local holds keys, and so may a home folder, those above it
 * and those directly in it, where a program brings only itself.
 */
export function installation(program: string, home = homedir()): string[] {
  const found = new Set<string>();
  for (const path of [program, real(program)]) {
    const folder = dirname(path),
      prefix = dirname(folder),
      personal = prefix === home || `${home}${sep}`.startsWith(folder === sep ? sep : folder + sep);
    found.add(path);
    if (basename(folder) === 'bin')
      for (const name of ['bin', 'lib', 'lib64', 'libexec']) found.add(join(prefix, name));
    else if (!personal) found.add(folder);
  }
  return [...found];
}

/** A program, and where it is a script, the programs that it names in full: its user wrote it to start them. */
export function startedBy(program: string): string[] {
  const found = new Set([program]);
  for (const path of found)
    for (const [, quoted, bare] of scriptText(path).matchAll(
      /["'](\/[^"'\n]+)["']|(?<![\w$}./-])(\/[^\s"'`;|&()<>$]+)/g,
    ))
      if (isProgram(quoted ?? bare!)) found.add(quoted ?? bare!);
  return [...found];
}

/** The beginning of a script; of anything else nothing. */
function scriptText(path: string): string {
  const bytes = Buffer.alloc(16 * 1024);
  try {
    const file = openFileNow(path);
    try {
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0)).replace(/^(?!#!)[^]*$/, '');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  } // whoever starts it says why
}

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};
const libraries = (env: NodeJS.ProcessEnv): string[] =>
  [env.LD_LIBRARY_PATH, env.NODE_EXTRA_CA_CERTS, env.SSL_CERT_FILE, env.SSL_CERT_DIR]
    .flatMap(value => value?.split(delimiter) ?? [])
    .filter(Boolean);

/** Only what is there, links with what they lead to. */
const there = (paths: readonly string[]): string[] =>
  [...new Set(paths.flatMap(path => [path, real(path)]))].filter(path => existsSync(path));

function permissionsFor(
  { read, write, network = false, gpu = false }: { read: string[]; write: string[]; network?: boolean; gpu?: boolean },
  env: NodeJS.ProcessEnv,
): Permissions {
  return {
    read: there([
      ...SYSTEM,
      ...APP,
      ...installation(process.execPath),
      ...libraries(env),
      ...(network ? NAMES : []),
      ...read,
    ]),
    write: there([...DEVICES, ...(gpu ? GPU_DEVICES : []), ...write]),
    network,
    gpu,
  };
}

/** Of a worker; null: it is a program of the user's own, which may do what its user may. */
export function workerPermissions({
  engine,
  context,
  program,
  env,
  directories,
  audio,
  cache,
}: {
  engine: Engine;
  context: WorkerContext;
  program: string;
  env: NodeJS.ProcessEnv;
  /** Its model's files, and those of the one that it may turn to; '': it has none. */
  directories: readonly string[];
  /** Sound in work, and what is spoken. */
  audio: string;
  /** What the driver of a GPU keeps for next time. */
  cache: string;
}): Permissions | null {
  if (engine.permissions === 'users') return null;
  const gpu = context.device.kind === 'gpu';
  const write = [
    ...(engine.stages.includes('tts') ? [audio] : []),
    ...(engine.writes?.(context) ?? []),
    ...(gpu ? [cache] : []),
  ];
  for (const folder of write) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    ...permissionsFor(
      {
        read: [
          ...installation(program),
          ...[...engine.runtimes, ...(engine.optionalRuntimes ?? [])].map(runtime => context.runtime(runtime)),
          ...directories.filter(Boolean),
          audio,
        ],
        write,
        network: engine.permissions === 'network',
        gpu,
      },
      env,
    ),
    ...(gpu ? { cache } : {}),
  };
}

/** Of the process that diarizes: it reads the sound and its models, and writes nothing. */
export const voicePermissions = ({
  pcmPath,
  sherpaDirectory,
  models,
}: {
  pcmPath: string;
  sherpaDirectory: string;
  models: readonly string[];
}): Permissions =>
  readingPermissions([
    join(sherpaDirectory, 'node_modules'),
    join(sherpaDirectory, 'package.json'),
    pcmPath,
    ...models,
  ]);

/** Of a process that builds a model of `weights` in `folder`. */
export const buildPermissions = (weights: string, folder: string): Permissions =>
  permissionsFor({ read: [weights], write: [folder] }, process.env);

/** Of a process of ours that reads `files`, and folders with all in them, and writes nothing. */
export const readingPermissions = (files: readonly string[]): Permissions =>
  permissionsFor({ read: [...files], write: [] }, process.env);

/** Of a process that reads `files` with ffmpeg and writes `place`, a folder or a file that is there, if anything. */
export function mediaPermissions({
  files,
  ffmpeg,
  runtime,
  place,
}: {
  files: readonly string[];
  ffmpeg: string;
  /** The voice detector's. */ runtime?: string;
  place?: string;
}): Permissions {
  return permissionsFor(
    {
      read: [...startedBy(ffmpeg).flatMap(each => installation(each)), ...(runtime ? [runtime] : []), ...files],
      write: place === undefined ? [] : [place],
    },
    process.env,
  );
}
