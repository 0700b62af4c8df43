/**
 * Takes rights from this thread, and from everything that it starts, for good: files by Landlock, sockets by a seccomp
 * filter. Both are the kernel's own, need no privileges and no program, and hold in containers too.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import process, { arch, platform } from 'node:process';
import type { Permissions } from './permissions.ts';

type Koffi = typeof import('koffi').default;

/** Numbers of the calls that a kernel knows by number only; the first three are the same everywhere. */
const CREATE_RULESET = 444,
  ADD_RULE = 445,
  RESTRICT_SELF = 446;
const MACHINES: Partial<Record<string, { audit: number; seccomp: number; socket: number }>> = {
  x64: { audit: 0xc000_003e, seccomp: 317, socket: 41 },
  arm64: { audit: 0xc000_00b7, seccomp: 277, socket: 198 },
};
const IO_URING_SETUP = 425,
  FOREIGN_CALLS = 0x4000_0000;
const PR_SET_NO_NEW_PRIVS = 38,
  PR_CAPBSET_DROP = 24;
/** What root keeps: to read and write files that belong to others, where the rules allow it. */
const CAPABILITIES = 41,
  KEPT_CAPABILITIES: ReadonlySet<number> = new Set([1, 2]);
const F_GETFL = 3,
  F_SETFL = 4,
  O_NONBLOCK = 0o4000;
const RLIMIT_FSIZE = 1,
  RLIMIT_DATA = 2,
  RLIMIT_CORE = 4;
/**
 * Decoders that want more were made to want it. Counted is what they may write to, not what allocators and stacks only
 * reserve, which grows with the machine's cores.
 */
const READER_BYTES = 4 * 1024 ** 3;
const AF_UNIX = 1;

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
  limit(pid: number, resource: number, most: number): number;
  fcntl(fd: number, command: number, value: number): number;
}
let known: Calls | { reason: string } | undefined;

function calls(): Calls | { reason: string } {
  if (platform !== 'linux') return { reason: platform };
  if (typeof process.execve !== 'function') return { reason: `Node ${process.versions.node}` };
  const machine = MACHINES[arch];
  if (!machine) return { reason: arch };
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
      prctl = libc.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']) as (...args: number[]) => number;
    const seccomp = call('uint', 'uint', 'earshot_sock_fprog *'),
      rlimit = libc.func('prlimit', 'int', ['int', 'int', 'void *', 'void *']) as (
        pid: number,
        resource: number,
        limits: Buffer,
        before: null,
      ) => number;
    return {
      abi: Math.max(0, Number(create(CREATE_RULESET, null, 0, 1))),
      create: attributes => Number(create(CREATE_RULESET, attributes, attributes.length, 0)),
      add: (ruleset, rule) => Number(add(ADD_RULE, ruleset, 1, rule, 0)),
      restrict: ruleset => Number(restrict(RESTRICT_SELF, ruleset, 0)),
      restrictPool: ruleset =>
        new Promise((resolve, reject) => {
          restrict.async(RESTRICT_SELF, ruleset, 0, (error: Error | null, result: number) => {
            if (error) reject(error);
            else resolve(Number(result));
          });
        }),
      prctl: (option, value) => prctl(option, value, 0, 0, 0),
      // Mode: filter; for all threads that there are by now.
      filter: program => Number(seccomp(machine.seccomp, 1, 1, { length: program.length / 8, filter: program })),
      fcntl: libc.func('fcntl', 'int', ['int', 'int', 'long']) as Calls['fcntl'],
      limit: (pid, resource, most) => {
        const limits = Buffer.alloc(16);
        limits.writeBigUInt64LE(BigInt(most), 0);
        limits.writeBigUInt64LE(BigInt(most), 8);
        return rlimit(pid, resource, limits, null);
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
  closeSync(applyPermissions(permissions));
}

/**
 * The same in a program that is at work: files are taken from one thread at a time, and libuv reads and writes on
 * threads of its own that may be there already. So that all are known it is started with one, `ONE_THREAD`.
 */
export async function enterSandboxLate(permissions: Permissions): Promise<void> {
  if (process.env.UV_THREADPOOL_SIZE !== ONE_THREAD.UV_THREADPOOL_SIZE) throw new Error('its threads are not known');
  const ruleset = applyPermissions(permissions);
  try {
    must('to take rights from its other thread', await (known as Calls).restrictPool(ruleset));
  } finally {
    closeSync(ruleset);
  }
}
export const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' } as const;

/** Answers with the rules, for other threads. */
function applyPermissions({ read, write, network, gpu }: Permissions): number {
  const found = sandboxSupport();
  if ('reason' in found) throw new Error(`no confinement here: ${found.reason}`);
  const { abi } = found,
    kernel = known as Calls;
  must('to keep privileges from growing', kernel.prctl(PR_SET_NO_NEW_PRIVS, 1));
  for (let capability = 0; capability < CAPABILITIES; capability++)
    if (!KEPT_CAPABILITIES.has(capability)) kernel.prctl(PR_CAPBSET_DROP, capability); // only root has any
  // No image of its memory is left behind.
  kernel.limit(0, RLIMIT_CORE, 0);

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
    try {
      const rule = Buffer.alloc(12);
      rule.writeBigUInt64LE((fstatSync(place).isDirectory() ? rights : rights & OF_FILES) & handled, 0);
      rule.writeInt32LE(place, 8);
      must(path, kernel.add(ruleset, rule));
    } finally {
      closeSync(place);
    }
  };
  const written = new Set(write);
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
  // above 0: a thread that cannot follow
  if (!network) must('a filter for sockets', -Math.abs(kernel.filter(noSockets(MACHINES[arch]!, gpu))));
  return ruleset;
}

/**
 * Node reads its own standard input and output without waiting; the program that comes in its place expects to wait.
 */
export function waitingStdio(): void {
  const kernel = known as Calls;
  for (const fd of [0, 1, 2]) kernel.fcntl(fd, F_SETFL, kernel.fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
}

/** A program that only reads and writes to its pipes: it makes no files, and its memory has an end. */
export function limitReader(pid: number): void {
  if ('reason' in sandboxSupport()) return;
  const kernel = known as Calls;
  kernel.limit(pid, RLIMIT_FSIZE, 0);
  kernel.limit(pid, RLIMIT_DATA, READER_BYTES);
}

/** No socket of any kind (for GPUs: none but this machine's own), nor the ways around it. */
function noSockets({ audit, socket }: { audit: number; socket: number }, local: boolean): Buffer {
  const LOAD = 0x20,
    EQUAL = 0x15,
    AT_LEAST = 0x35,
    RETURN = 0x06,
    ALLOW = 0x7fff_0000,
    EACCES = 0x0005_000d,
    ENOSYS = 0x0005_0026,
    NUMBER = 0,
    MACHINE = 4,
    FIRST = 16;
  const program: [code: number, yes: number, no: number, value: number][] = [
    [LOAD, 0, 0, MACHINE],
    [EQUAL, 1, 0, audit],
    [RETURN, 0, 0, EACCES],
    [LOAD, 0, 0, NUMBER],
    [AT_LEAST, 0, 1, FOREIGN_CALLS],
    [RETURN, 0, 0, EACCES],
    [EQUAL, 0, 1, IO_URING_SETUP],
    [RETURN, 0, 0, ENOSYS],
    [EQUAL, 0, 3, socket],
    [LOAD, 0, 0, FIRST],
    [EQUAL, 1, 0, local ? AF_UNIX : 0xffff_ffff],
    [RETURN, 0, 0, EACCES],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [n, [code, yes, no, value]] of program.entries()) {
    bytes.writeUInt16LE(code, n * 8);
    bytes[n * 8 + 2] = yes;
    bytes[n * 8 + 3] = no;
    bytes.writeUInt32LE(value >>> 0, n * 8 + 4);
  }
  return bytes;
}
