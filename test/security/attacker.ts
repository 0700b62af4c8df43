/**
 * What a process that was broken into might try, by the system call itself: started in the sandbox by sandbox.test.ts,
 * it says what the kernel answered, as JSON: name → 0 or more for what went through, or the error's number, negative.
 */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface Target {
  /** A file of the user's that is not given, one that may be read, and a folder that may be written. */
  secret: string;
  recording: string;
  place: string;
  /** A process of the user's, outside. */
  pid: number;
}

type Argument = number | string | Buffer | null;
/** Numbers of the call on x86_64 and aarch64; null: there is none. */
type Attack = [x64: number | null, arm64: number | null, ...args: Argument[]];

const AT_FDCWD = -100,
  O_TRUNC = 0o1000;
const NEW_USER = 0x1000_0000,
  CLONE_FS = 0x200;

/** By what they would do if they went through. Those that could do harm then are given what no kernel accepts. */
export function attacks({ secret, recording, place, pid }: Target, fd: number): Record<string, Attack> {
  const out = (bytes = 64): Buffer => Buffer.alloc(bytes),
    times = Buffer.alloc(32),
    limit = Buffer.alloc(16, 0xff),
    name = (file: string): string => `${place}/${file}`;
  return {
    // What belongs to a file beside its content.
    chmod: [90, null, secret, 0o777],
    fchmodat: [268, 53, AT_FDCWD, secret, 0o777],
    fchmodat2: [452, 452, AT_FDCWD, secret, 0o777, 0],
    'fchmod of what may be read': [91, 52, fd, 0o777],
    chown: [92, null, secret, -1, -1],
    lchown: [94, null, secret, -1, -1],
    fchownat: [260, 54, AT_FDCWD, secret, -1, -1, 0],
    fchown: [93, 55, fd, -1, -1],
    utime: [132, null, secret, null],
    utimes: [235, null, secret, null],
    futimesat: [261, null, AT_FDCWD, secret, null],
    utimensat: [280, 88, AT_FDCWD, secret, times, 0],
    setxattr: [188, 5, secret, 'user.x', '1', 1, 0],
    lsetxattr: [189, 6, secret, 'user.x', '1', 1, 0],
    fsetxattr: [190, 7, fd, 'user.x', '1', 1, 0],
    getxattr: [191, 8, secret, 'user.x', out(), 64],
    listxattr: [194, 11, secret, out(), 64],
    removexattr: [197, 14, secret, 'user.x'],
    'chattr of what may be read': [16, 29, fd, 0x4008_6602, out(8)],
    // What Landlock guards only in newer versions.
    truncate: [76, 45, secret, 0],
    'truncate what may be read': [76, 45, recording, 0],
    'open to empty what may be read': [257, 56, AT_FDCWD, recording, O_TRUNC, 0],
    'open to empty, neither reading nor writing': [257, 56, AT_FDCWD, secret, O_TRUNC | 3, 0],
    'open neither reading nor writing': [257, 56, AT_FDCWD, secret, 3, 0],
    openat2: [437, 437, AT_FDCWD, secret, out(), 24],
    // Other ways to files.
    'mknod of a pipe': [259, 33, AT_FDCWD, name('pipe'), 0o010600, 0],
    symlink: [266, 36, '/etc/passwd', AT_FDCWD, name('link')],
    link: [265, 37, AT_FDCWD, recording, AT_FDCWD, name('hard'), 0],
    inotify: [294, 26, 0],
    fanotify: [300, 262, 0, 0],
    'name to handle': [303, 264, AT_FDCWD, secret, out(8), out(8), 0],
    'open by handle': [304, 265, AT_FDCWD, out(8), 0],
    // Memory and messages that processes share by a number.
    shmget: [29, 194, 0x0ea2_5401, 4096, 0o1600],
    shmat: [30, 196, -1, null, 0],
    semget: [64, 190, 0x0ea2_5401, 1, 0o1600],
    msgget: [68, 186, 0x0ea2_5401, 0o1600],
    mq_open: [240, 180, 'earshot', 0o102, 0o600, null],
    // Other processes.
    kill: [62, 129, pid, 0],
    tgkill: [234, 131, pid, pid, 0],
    tkill: [200, 130, pid, 0],
    rt_sigqueueinfo: [129, 138, pid, 0, out(128)],
    pidfd_open: [434, 434, pid, 0],
    pidfd_send_signal: [424, 424, -1, 0, null, 0],
    pidfd_getfd: [438, 438, -1, 0, 0],
    setpriority: [141, 140, 0, pid, 5],
    'setpriority of all': [141, 140, 2, 0, 5],
    ioprio_set: [251, 30, 1, pid, 0x4007],
    sched_setaffinity: [203, 122, pid, 8, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
    sched_setscheduler: [144, 119, pid, 5, out(4)],
    sched_setparam: [142, 118, pid, out(4)],
    sched_setattr: [314, 274, pid, out(), 0],
    prlimit64: [302, 261, pid, 4, limit, null],
    ptrace: [101, 117, 0x4206, pid, 0, 0],
    process_vm_readv: [310, 270, pid, null, 0, null, 0, 0],
    process_vm_writev: [311, 271, pid, null, 0, null, 0, 0],
    kcmp: [312, 272, pid, pid, 0, 0, 0],
    move_pages: [279, 239, pid, 0, null, null, null, 0],
    migrate_pages: [256, 238, pid, 0, null, null],
    process_madvise: [440, 440, -1, null, 0, 0, 0],
    'signals from a descriptor': [72, 25, fd, 8, pid],
    'notes of a folder': [72, 25, fd, 1026, 1],
    setsid: [112, 157],
    // Itself in a world of its own, where it would be root.
    unshare: [272, 97, NEW_USER],
    'clone into a namespace': [56, 220, NEW_USER | CLONE_FS, null, null, null, 0],
    clone3: [435, 435, null, 0],
    setns: [308, 268, fd, 0],
    mount: [165, 40, 'none', place, 'tmpfs', 0, null],
    open_tree: [428, 428, AT_FDCWD, place, 1],
    fsopen: [430, 430, 'tmpfs', 0],
    chroot: [161, 51, place],
    pivot_root: [155, 41, place, place],
    setuid: [105, 146, 65_534],
    setgroups: [116, 159, 0, null],
    personality: [135, 92, 0x004_0000],
    seccomp: [317, 277, 0, 0, null],
    // Parts of the kernel that no program here needs.
    keyctl: [250, 219, 0, -3, 0],
    add_key: [248, 217, 'user', 'earshot', 'x', 1, -3],
    request_key: [249, 218, 'user', 'earshot', null, 0],
    bpf: [321, 280, 5, out(), 64],
    io_uring_setup: [425, 425, 1, out(128)],
    perf_event_open: [298, 241, out(128), 0, -1, -1, 0],
    userfaultfd: [323, 282, 1],
    syslog: [103, 116, 10, null, 0],
    quotactl: [179, 60, 0x80_0001, null, 0, null],
    acct: [163, 89, name('none')],
    modify_ldt: [154, null, 0, out(), 64],
    vmsplice: [278, 75, fd, null, 0, 0],
    'a call of x32': [0x4000_0027, null],
    'a call that is yet to come': [600, 600],
    // Sockets.
    'socket: this machine': [41, 198, 1, 1, 0],
    'socket: TCP': [41, 198, 2, 1, 0],
    'socket: UDP': [41, 198, 10, 2, 0],
    'socket: netlink': [41, 198, 16, 3, 0],
    'socket: packets': [41, 198, 17, 3, 0],
    'socket: ciphers': [41, 198, 38, 5, 0],
    'socket: virtual machines': [41, 198, 40, 1, 0],
    'socketpair that sends anywhere': [53, 199, 1, 2, 0, out(8)],
    connect: [42, 203, -1, out(), 16],
    bind: [49, 200, -1, out(), 16],
    listen: [50, 201, -1, 1],
    accept4: [288, 242, -1, null, null, 0],
  };
}

function main(target: Target): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi').default,
    libc = koffi.load(null),
    call = libc.func('syscall', 'long', ['long', ...Array.from({ length: 6 }, () => 'intptr_t')]) as (
      ...args: (number | bigint)[]
    ) => number;
  const kept: Buffer[] = [];
  const asNumber = (argument: Argument): number | bigint => {
    if (argument === null) return 0;
    if (typeof argument === 'number') return argument;
    const bytes = typeof argument === 'string' ? Buffer.from(`${argument}\0`) : argument;
    kept.push(bytes);
    return koffi.address(bytes);
  };
  const fd = openSync(target.recording, 'r'),
    answers: Record<string, number> = {};
  for (const [name, [x64, arm64, ...args]] of Object.entries(attacks(target, fd))) {
    const number = process.arch === 'x64' ? x64 : arm64;
    if (number === null) continue;
    const given = [...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map(each => asNumber(each as Argument));
    const result = Number(call(number, ...given));
    answers[name] = result === -1 ? -koffi.errno() : result;
  }
  closeSync(fd);
  console.log(JSON.stringify(answers));
}

if (import.meta.main) main(JSON.parse(process.argv[2]!) as Target);
