/**
 * Windows' process groups: job objects, which hold a program and all that it starts, also what it leaves behind when it
 * ends. Where they cannot be had, null.
 */
import { createRequire } from 'node:module';

export interface JobObject {
  /** Ends all that is in it. */
  end(): void;
  /** The same, and it is no more. */
  close(): void;
}

const EXTENDED_LIMITS = 9,
  KILL_ON_CLOSE = 0x2000,
  /** JOBOBJECT_EXTENDED_LIMIT_INFORMATION of 64-bit systems, and its flags in it. */
  LIMITS_BYTES = 144,
  FLAGS_AT = 16,
  SET_QUOTA_AND_TERMINATE = 0x101;

type Call = (...args: unknown[]) => unknown;
interface Calls {
  create: Call;
  limit: Call;
  open: Call;
  assign: Call;
  terminate: Call;
  close: Call;
}
let calls: Calls | null | undefined;

/** Loaded with the first program: most processes that import this start none, and none elsewhere has it. */
function kernel(): Calls | null {
  if (calls !== undefined) return calls;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi'),
      library = koffi.load('kernel32.dll');
    calls = {
      create: library.func('CreateJobObjectW', 'void *', ['void *', 'void *']),
      limit: library.func('SetInformationJobObject', 'bool', ['void *', 'int', 'void *', 'uint32']),
      open: library.func('OpenProcess', 'void *', ['uint32', 'bool', 'uint32']),
      assign: library.func('AssignProcessToJobObject', 'bool', ['void *', 'void *']),
      terminate: library.func('TerminateJobObject', 'bool', ['void *', 'uint32']),
      close: library.func('CloseHandle', 'bool', ['void *']),
    };
  } catch {
    calls = null;
  }
  return calls;
}

/** One around a program that has just been started. When we end, however that is, so does what is in it. */
export function jobAround(pid: number): JobObject | null {
  const system = kernel(),
    job = system?.create(null, null);
  if (!system || !job) return null;
  const limits = Buffer.alloc(LIMITS_BYTES);
  limits.writeUInt32LE(KILL_ON_CLOSE, FLAGS_AT);
  const program = system.limit(job, EXTENDED_LIMITS, limits, LIMITS_BYTES)
    ? system.open(SET_QUOTA_AND_TERMINATE, false, pid)
    : null;
  const isIn = program ? system.assign(job, program) : false;
  if (program) system.close(program);
  if (!isIn) {
    system.close(job);
    return null;
  }
  let isOpen = true;
  return {
    end: () => {
      if (isOpen) system.terminate(job, 1);
    },
    close: () => {
      if (isOpen) system.close(job);
      isOpen = false;
    },
  };
}
