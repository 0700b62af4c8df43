/**
 * Which system calls a process in the sandbox may make: a list, as a program for the kernel's seccomp. What is not
 * listed is refused. Landlock guards files that are opened; this keeps off what it does not guard: modes, owners, times
 * and attributes of files, memory shared by number, other processes, namespaces, sockets. It also refuses what only
 * newer versions of Landlock guard. Pure.
 */
import { LAST_KNOWN, systemCalls, type Machine } from './syscalls.ts';

export interface Allowance {
  machine: Machine;
  /** Landlock's version. */
  abi: number;
  /** Sockets to anywhere. */
  network: boolean;
  /** The driver of a GPU. */
  gpu: boolean;
  /** Node's event loop runs in it: it has a ring of io_uring by now, and ends without. No other can be made. */
  atWork: boolean;
  /** Of the process that the filter is for. */
  pid: number;
}

/** One argument (its lower 32 bits), with only these bits of it, is one of these. */
interface Condition {
  argument: number;
  mask?: number;
  values: readonly number[];
}
/** The call is allowed where all conditions of one alternative hold. */
type Alternatives = readonly (readonly Condition[])[];

const AF_UNIX = 1,
  INTERNET = [2, 10];
const SOCKET_TYPE = 0xf,
  /** Connected for good: SOCK_DGRAM sends to whom it likes. */
  CONNECTED = [1, 5];
const NEW_NAMESPACES = 0x7e02_0000;
const HOW_OPENED = 0o1003;
/**
 * To read, write or both; emptied only where it is written. O_RDONLY | O_TRUNC empties what may only be read, and 3
 * opens without reading or writing: older versions of Landlock do not look at either.
 */
const OPENINGS = [0, 1, 2, 0o1001, 0o1002];
/** Duplicates, flags of descriptors, locks, sizes of pipes, seals; nobody else is sent signals (F_SETOWN, F_NOTIFY). */
const FCNTL = [0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032, 1033, 1034];
/** TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS2, FICLONE. */
const IOCTL = [0x5401, 0x540f, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451, 0x802c_542a, 0x4004_9409];
/** Of NVIDIA's driver and its memory, DRM, AMD's, WSL's, shared buffers and fences. None means a file or a terminal. */
const GPU_IOCTL = ['\0', 'F', 'm', 'd', 'K', 'G', 'b', '>'].map(kind => kind.charCodeAt(0) << 8);
/**
 * The process itself: signal at its parent's end, name, capabilities, privileges, timer slack, huge pages, extensions
 * of ARM, speculation, names of memory.
 */
const PRCTL = [
  ...[1, 2, 3, 7, 15, 16, 21, 23, 27, 29, 30, 38, 39, 41, 42, 50, 51, 52, 53, 54, 55, 56, 63, 64, 65, 66],
  ...[0x5356_4d41, 0x4155_5856],
];
const SIGNALS = ['kill', 'tgkill', 'tkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'];
const SELF: Alternatives = [[{ argument: 0, values: [0] }]];

function conditions({ abi, network, gpu, atWork, pid }: Allowance): Record<string, Alternatives> {
  const open = (argument: number): Alternatives => [[{ argument, mask: HOW_OPENED, values: OPENINGS }]];
  const always: Alternatives = [[]],
    // Landlock's version 6 keeps signals among its own. Before, only those to the process itself can be told apart.
    signals: Alternatives = abi >= 6 ? always : [[{ argument: 0, values: [pid] }]];
  return {
    open: open(1),
    openat: open(2),
    ...(abi >= 3 ? { truncate: always } : {}),
    fcntl: [[{ argument: 1, values: FCNTL }]],
    ioctl: [[{ argument: 1, values: IOCTL }], ...(gpu ? [[{ argument: 1, mask: 0xff00, values: GPU_IOCTL }]] : [])],
    prctl: [[{ argument: 0, values: PRCTL }]],
    personality: [[{ argument: 0, values: [0xffff_ffff] }]],
    ...(atWork ? { io_uring_enter: always } : {}),
    clone: [[{ argument: 0, mask: NEW_NAMESPACES, values: [0] }]],
    setpriority: [
      [
        { argument: 0, values: [0] },
        { argument: 1, values: [0] },
      ],
    ],
    prlimit64: SELF,
    sched_setaffinity: SELF,
    sched_setscheduler: SELF,
    sched_setparam: SELF,
    sched_setattr: SELF,
    kill: signals,
    tgkill: signals,
    rt_sigqueueinfo: signals,
    rt_tgsigqueueinfo: signals,
    ...(abi >= 6 ? { tkill: always } : {}),
    socketpair: [
      [
        { argument: 0, values: [AF_UNIX] },
        { argument: 1, mask: SOCKET_TYPE, values: CONNECTED },
      ],
    ],
    // CUDA offers its memory on an abstract socket, and does not start without; it need not reach anybody else's.
    ...(network
      ? { socket: [[{ argument: 0, values: INTERNET }]], bind: always, connect: always }
      : gpu
        ? {
            socket: [
              [
                { argument: 0, values: [AF_UNIX] },
                { argument: 1, mask: SOCKET_TYPE, values: CONNECTED },
              ],
            ],
            bind: always,
            listen: always,
          }
        : {}),
  };
}

type Instruction = [code: number, yes: number, no: number, value: number];
const LOAD = 0x20,
  AND = 0x54,
  JUMP = 0x05,
  EQUAL = 0x15,
  AT_LEAST = 0x35,
  RETURN = 0x06;
const ALLOW = 0x7fff_0000,
  ERROR = 0x0005_0000,
  EPERM = ERROR | 1,
  ESRCH = ERROR | 3,
  ENOSYS = ERROR | 38;
/** Where the call's number, its architecture and the lower half of an argument lie. */
const NUMBER = 0,
  MACHINE = 4,
  argumentAt = (n: number): number => 16 + 8 * n;
const AUDIT: Record<Machine, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** Allows if all hold; otherwise goes on behind. */
function alternative(conditions: readonly Condition[]): Instruction[] {
  return conditions.reduceRight<Instruction[]>(
    (rest, { argument, mask, values }) => [
      [LOAD, 0, 0, argumentAt(argument)],
      ...(mask === undefined ? [] : ([[AND, 0, 0, mask]] as Instruction[])),
      ...values.map((value, n): Instruction => [EQUAL, values.length - n, 0, value]),
      [JUMP, 0, 0, rest.length],
      ...rest,
    ],
    [[RETURN, 0, 0, ALLOW]],
  );
}

/** The numbers in a row, so that few comparisons do. */
function spans(numbers: readonly number[]): [first: number, last: number][] {
  const found: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/**
 * The program. Calls that need no look at their arguments are decided by the kernel once and for all; a filter for
 * another architecture's calls, such as 32-bit ones, would need their numbers: they are refused.
 */
export function systemCallFilter(allowance: Allowance): Buffer {
  const { always, sometimes, unknown } = systemCalls(allowance.machine),
    wanted = conditions(allowance);
  const program: Instruction[] = [
    [LOAD, 0, 0, MACHINE],
    [EQUAL, 1, 0, AUDIT[allowance.machine]],
    [RETURN, 0, 0, EPERM],
    [LOAD, 0, 0, NUMBER],
  ];
  for (const [calls, otherwise] of [
    [sometimes, EPERM],
    [unknown, ENOSYS],
  ] as const)
    for (const [name, number] of calls) {
      // There is no such process, as far as it is concerned: Node takes any other answer for a fault.
      const refusal: Instruction = [RETURN, 0, 0, SIGNALS.includes(name) ? ESRCH : otherwise],
        block = [...(wanted[name] ?? []).flatMap(alternative), refusal];
      program.push([EQUAL, 0, block.length, number], ...block);
    }
  for (const [first, last] of spans(always))
    program.push([AT_LEAST, 3, 0, last + 1], [AT_LEAST, 0, 1, first], [RETURN, 0, 0, ALLOW], [RETURN, 0, 0, EPERM]);
  program.push([AT_LEAST, 0, 1, LAST_KNOWN + 1], [RETURN, 0, 0, ENOSYS], [RETURN, 0, 0, EPERM]);
  return encode(program);
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [n, [code, yes, no, value]] of program.entries()) {
    bytes.writeUInt16LE(code, n * 8);
    bytes[n * 8 + 2] = yes;
    bytes[n * 8 + 3] = no;
    bytes.writeUInt32LE(value >>> 0, n * 8 + 4);
  }
  return bytes;
}
