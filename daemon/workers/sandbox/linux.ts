/**
 * Takes rights from this thread, and from everything that it starts, for good: files by Landlock, all else by a list of
 * system calls (seccomp.ts). Both are the kernel's own, need no privileges and no program, and hold in containers too.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import process, { arch, platform } from 'node:process';
import type { Permissions } from './permissions.ts';
import { systemCallFilter } from './seccomp.ts';
import type { Machine } from './syscalls.ts';

type Koffi = typeof import('koffi').default;

/** Numbers of the calls that a kernel knows by number only; the first three are the same everywhere. */
const CREATE_RULESET = 444,
  ADD_RULE = 445,
  RESTRICT_SELF = 446;
const SECCOMP: Partial<Record<string, number>> = { x64: 317, arm64: 277 } satisfies Record<Machine, number>;
const SET_FILTER = 1,
  ALL_THREADS = 1,
  IS_AVAILABLE = 2,
  RETURN_ERRNO = 0x0005_0000;
const PR_SET_NO_NEW_PRIVS = 38,
  PR_CAPBSET_DROP = 24;
/** What root keeps: to read and write files that belong to others, where the rules allow it. */
const CAPABILITIES = 41,
  KEPT_CAPABILITIES: ReadonlySet<number> = new Set([1, 2]);
const F_SETFD = 2,
  F_GETFL = 3,
  F_SETFL = 4,
  O_NONBLOCK = 0o4000;
const RLIMIT_FSIZE = 1,
  RLIMIT_DATA = 2,
  RLIMIT_CORE = 4;
/** Counted is what can be written to, not what allocators and stacks only reserve, which grows with the cores. */
const READER_BYTES = 4 * 1024 ** 3;
/** What runtimes read of the process itself. The rest of its folder shows the sockets of others. */
const OF_ITSELF = [
  ...['auxv', 'cgroup', 'cmdline', 'comm', 'fd', 'limits', 'maps', 'mountinfo', 'mounts', 'smaps_rollup'],
  ...['stat', 'statm', 'status'],
].map(name => `/proc/self/${name}`);

const DESCRIPTORS = '/proc/self/fd/',
  FIRST_FILE = 3;

// Landlock's rights of files, by bit; each needs a kernel that has it.
const EXECUTE = 1n << 0n,
  WRITE_FILE = 1n << 1n,
  READ_FILE = 1n << 2n,
  READ_DIR = 1n << 3n,
  REFER = 1n << 13n,
  TRUNCATE = 1n << 14n,
  IOCTL = 1n << 15n;
/** Devices, sockets, pipes and links. */
const SPECIAL = (1n << 6n) | (1n << 9n) | (1n << 10n) | (1n << 11n) | (1n << 12n);
const OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL,
  READING = EXECUTE | READ_FILE | READ_DIR;
const handledBy = (abi: number): bigint =>
  ((1n << 13n) - 1n) | (abi >= 2 ? REFER : 0n) | (abi >= 3 ? TRUNCATE : 0n) | (abi >= 5 ? IOCTL : 0n);

/** Made on the thread that libuv works on. */
const onPool = (call: { async(...args: unknown[]): void }, ...args: number[]): Promise<number> =>
  new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number) => {
      if (error) reject(error);
      else resolve(Number(result));
    });
  });

interface Calls {
  /** Landlock's version; 0: there is none. */
  abi: number;
  create(attributes: Buffer): number;
  add(ruleset: number, rule: Buffer): number;
  restrict(ruleset: number): number;
  /** The same for the thread that libuv works on. */
  restrictPool(ruleset: number): Promise<number>;
  prctl(option: number, value: number): number;
  filter(program: Buffer): number;
  limit(resource: number, most: number): number;
  fcntl(fd: number, command: number, value: number): number;
}
let known: Calls | { reason: string } | undefined;

function calls(): Calls | { reason: string } {
  if (platform !== 'linux') return { reason: platform };
  if (typeof process.execve !== 'function') return { reason: `Node ${process.versions.node}` };
  const machine = SECCOMP[arch];
  if (machine === undefined) return { reason: arch };
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi,
      libc = koffi.load(null);
    const call = (...types: string[]) =>
      libc.func('syscall', 'long', ['long', ...types]) as unknown as ((...args: unknown[]) => number) & {
        async(...args: unknown[]): void;
      };
    koffi.struct('earshot_sock_fprog', { length: 'uint16', filter: 'void *' });
    const create = call('void *', 'size_t', 'uint32'),
      add = call('int', 'int', 'void *', 'uint32'),
      restrict = call('int', 'uint32'),
      prctl = libc.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']) as unknown as typeof create;
    const seccomp = call('uint', 'uint', 'earshot_sock_fprog *'),
      available = call('uint', 'uint', 'void *'),
      rlimit = libc.func('prlimit', 'int', ['int', 'int', 'void *', 'void *']) as (
        pid: number,
        resource: number,
        limits: Buffer,
        before: null,
      ) => number;
    const refusal = Buffer.alloc(4);
    refusal.writeUInt32LE(RETURN_ERRNO);
    if (Number(available(machine, IS_AVAILABLE, 0, refusal)) !== 0) return { reason: 'seccomp' };
    return {
      abi: Math.max(0, Number(create(CREATE_RULESET, null, 0, 1))),
      create: attributes => Number(create(CREATE_RULESET, attributes, attributes.length, 0)),
      add: (ruleset, rule) => Number(add(ADD_RULE, ruleset, 1, rule, 0)),
      restrict: ruleset => Number(restrict(RESTRICT_SELF, ruleset, 0)),
      restrictPool: async ruleset =>
        (await onPool(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) || (await onPool(restrict, RESTRICT_SELF, ruleset, 0)),
      prctl: (option, value) => prctl(option, value, 0, 0, 0),
      filter: program =>
        Number(seccomp(machine, SET_FILTER, ALL_THREADS, { length: program.length / 8, filter: program })),
      fcntl: libc.func('fcntl', 'int', ['int', 'int', 'long']) as Calls['fcntl'],
      limit: (resource, most) => {
        const limits = Buffer.alloc(16);
        limits.writeBigUInt64LE(BigInt(most), 0);
        limits.writeBigUInt64LE(BigInt(most), 8);
        return rlimit(0, resource, limits, null);
      },
    };
  } catch (error) {
    return { reason: String(error) };
  }
}

/** What this system can take away: Landlock's version, or why nothing. Costs nothing after the first time. */
export function sandboxSupport(): { abi: number } | { reason: string } {
  known ??= calls();
  if ('reason' in known) return known;
  return known.abi >= 1 ? { abi: known.abi } : { reason: 'landlock' };
}

const must = (what: string, result: number): number => {
  if (result < 0) throw new Error(`the kernel refused ${what}`);
  return result;
};

/** @throws when the kernel refuses: nothing may go on with more rights than it was given. */
export function enterSandbox(permissions: Permissions): void {
  closeSync(restrictFiles(permissions));
  restrictCalls(permissions, false);
}

/**
 * The same in a program that is at work: files are taken from one thread at a time, and libuv reads and writes on
 * threads of its own that may be there already. So that all are known it is started with one, `ONE_THREAD`.
 */
export async function enterSandboxLate(permissions: Permissions): Promise<void> {
  if (process.env.UV_THREADPOOL_SIZE !== ONE_THREAD.UV_THREADPOOL_SIZE) throw new Error('its threads are not known');
  const ruleset = restrictFiles(permissions);
  try {
    must('to take rights from its other thread', await (known as Calls).restrictPool(ruleset));
  } finally {
    closeSync(ruleset);
  }
  restrictCalls(permissions, true);
}
export const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' } as const;

/** Landlock's version that counts. @throws where there is none */
function versionFor({ landlock = Infinity }: Permissions): number {
  const found = sandboxSupport();
  if ('reason' in found) throw new Error(`no confinement here: ${found.reason}`);
  return Math.min(found.abi, landlock);
}

/** Answers with the rules, for other threads. */
function restrictFiles(permissions: Permissions): number {
  const { read, write, network, files = 0 } = permissions,
    abi = versionFor(permissions),
    kernel = known as Calls;
  must('to keep privileges from growing', kernel.prctl(PR_SET_NO_NEW_PRIVS, 1));
  for (let capability = 0; capability < CAPABILITIES; capability++)
    if (!KEPT_CAPABILITIES.has(capability)) kernel.prctl(PR_CAPBSET_DROP, capability); // only root has any
  // No image of its memory is left behind.
  kernel.limit(RLIMIT_CORE, 0);

  const handled = handledBy(abi),
    attributes = Buffer.alloc(abi >= 6 ? 24 : abi >= 4 ? 16 : 8);
  attributes.writeBigUInt64LE(handled, 0);
  if (abi >= 4) attributes.writeBigUInt64LE(network ? 0n : 3n, 8);
  // Abstract sockets and signals: only among its own.
  if (abi >= 6) attributes.writeBigUInt64LE(3n, 16);
  const ruleset = must('a set of rules', kernel.create(attributes));
  const allow = (path: string, rights: bigint): void => {
    let place: number;
    try {
      place = openSync(path, (constants as typeof constants & { O_PATH?: number }).O_PATH ?? 0o10000000);
    } catch {
      return;
    } // gone meanwhile
    const rule = Buffer.alloc(12);
    rule.writeBigUInt64LE((fstatSync(place).isDirectory() ? rights : rights & OF_FILES) & handled, 0);
    rule.writeInt32LE(place, 8);
    const added = kernel.add(ruleset, rule);
    // The kernel forgets files of /proc that nobody holds, and makes others, which the rule would not be for.
    if (path.startsWith('/proc/') && !path.startsWith(DESCRIPTORS)) kernel.fcntl(place, F_SETFD, 0);
    else closeSync(place);
    must(path, added);
  };
  const written = new Set(write);
  for (const path of OF_ITSELF) allow(path, READ_FILE | READ_DIR);
  for (let n = 0; n < files; n++) allow(`${DESCRIPTORS}${FIRST_FILE + n}`, READ_FILE);
  for (const path of read) if (!written.has(path)) allow(path, READING);
  // What can be written is never run, and is a file or a folder.
  for (const path of write)
    allow(
      path,
      path.startsWith('/dev/')
        ? READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | IOCTL
        : handled & ~IOCTL & ~EXECUTE & ~SPECIAL,
    );
  must('to take rights from itself', kernel.restrict(ruleset));
  return ruleset;
}

/** On all threads that there are by now. */
function restrictCalls(permissions: Permissions, atWork: boolean): void {
  const { network, gpu } = permissions;
  const filter = systemCallFilter({
    machine: arch as Machine,
    abi: versionFor(permissions),
    network,
    gpu,
    atWork,
    pid: process.pid,
  });
  // above 0: a thread that cannot follow
  must('a list of system calls', -Math.abs((known as Calls).filter(filter)));
}

/**
 * For the program that comes in this one's place: Node reads its own standard input and output without waiting, where
 * others expect to wait, and keeps files that it was given to itself.
 */
export function handOver({ files = 0 }: Permissions): void {
  const kernel = known as Calls;
  for (const fd of [0, 1, 2]) kernel.fcntl(fd, F_SETFL, kernel.fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
  for (let n = 0; n < files; n++) kernel.fcntl(FIRST_FILE + n, F_SETFD, 0);
}

/** From here on this process and what it starts can have so much memory, for good: what wants more was made to. */
export function limitMemory(): void {
  if (!('reason' in sandboxSupport())) (known as Calls).limit(RLIMIT_DATA, READER_BYTES);
}

/** And makes files no longer, wherever it may write. */
export function limitReader(): void {
  limitMemory();
  if (!('reason' in sandboxSupport())) (known as Calls).limit(RLIMIT_FSIZE, 0);
}
