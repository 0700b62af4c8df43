/**
 * Numbers of the system calls that the sandbox knows, by architecture, from the kernel's unistd headers. Each line:
 * name, x86_64, aarch64; a dash: it has none.
 */
export type Machine = 'x64' | 'arm64';

/** Whatever their arguments are, these reach nothing that Landlock does not guard: see seccomp.ts. */
const ALWAYS = `
  read 0 63, write 1 64, pread64 17 67, pwrite64 18 68, readv 19 65, writev 20 66, preadv 295 69,
  pwritev 296 70, preadv2 327 286, pwritev2 328 287, lseek 8 62, close 3 57, close_range 436 436, dup 32 23,
  dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, sendfile 40 71, copy_file_range 326 285, fsync 74 82,
  fdatasync 75 83, sync_file_range 277 84, ftruncate 77 46, fallocate 285 47, fadvise64 221 223,
  readahead 187 213, flock 73 32, getdents 78 -, getdents64 217 61, stat 4 -, fstat 5 80, lstat 6 -,
  newfstatat 262 79, statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -, faccessat 269 48,
  faccessat2 439 439, readlink 89 -, readlinkat 267 78, getcwd 79 17, chdir 80 49, fchdir 81 50, umask 95 166,
  mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38,
  renameat2 316 276, creat 85 -, mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, msync 26 227,
  mincore 27 232, madvise 28 233, brk 12 214, mlock 149 228, mlock2 325 284, munlock 150 229, mlockall 151 230,
  munlockall 152 231, memfd_create 319 279, pkey_mprotect 329 288, pkey_alloc 330 289, pkey_free 331 290,
  mbind 237 235, get_mempolicy 239 236, set_mempolicy 238 237, map_shadow_stack 453 453, mseal 462 462,
  futex 202 98, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455, futex_requeue 456 456,
  set_robust_list 273 99, rseq 334 293, membarrier 324 283, set_tid_address 218 96, fork 57 -, vfork 58 -,
  execve 59 221, execveat 322 281, exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95, arch_prctl 158 -,
  restart_syscall 219 128, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139,
  rt_sigpending 127 136, rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132, getpid 39 172,
  getppid 110 173, gettid 186 178, getpgid 121 155, getpgrp 111 -, getsid 124 156, getuid 102 174,
  geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158,
  capget 125 90, getpriority 140 141, getrlimit 97 163, setrlimit 160 164, getrusage 98 165, times 100 153,
  sysinfo 99 179, uname 63 160, getrandom 318 278, getcpu 309 168, sched_yield 24 124,
  sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120, sched_getattr 315 275,
  sched_get_priority_max 146 125, sched_get_priority_min 147 126, sched_rr_get_interval 148 127, time 201 -,
  gettimeofday 96 169, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101,
  getitimer 36 102, setitimer 38 103, alarm 37 -, pause 34 -, timer_create 222 107, timer_settime 223 110,
  timer_gettime 224 108, timer_getoverrun 225 109, timer_delete 226 111, timerfd_create 283 85,
  timerfd_settime 286 86, timerfd_gettime 287 87, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72,
  epoll_create 213 -, epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22,
  epoll_pwait2 441 441, eventfd 284 -, eventfd2 290 19, signalfd 282 -, signalfd4 289 74, recvfrom 45 207,
  recvmsg 47 212, recvmmsg 299 243, sendto 44 206, sendmsg 46 211, sendmmsg 307 269, shutdown 48 210,
  getsockname 51 204, getpeername 52 205, getsockopt 55 209, setsockopt 54 208
`;

/** Some arguments only. */
const SOMETIMES = `
  open 2 -, openat 257 56, fcntl 72 25, ioctl 16 29, prctl 157 167, personality 135 92, clone 56 220,
  socketpair 53 199, prlimit64 302 261, setpriority 141 140, sched_setaffinity 203 122,
  sched_setscheduler 144 119, sched_setparam 142 118, sched_setattr 314 274, kill 62 129, tgkill 234 131,
  tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, truncate 76 45, socket 41 198,
  connect 42 203, bind 49 200, listen 50 201
`;

/** Programs take the older way where these are unknown: their arguments lie where a filter cannot look. */
const UNKNOWN = `
  clone3 435 435, openat2 437 437, io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427
`;

/** Newer calls are unknown to this list, as they are to older kernels. */
export const LAST_KNOWN = 462;

function numbers(table: string, machine: Machine): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, x64, arm64] of table.matchAll(/\b(\w+) (\d+|-) (\d+|-)/g)) {
    const number = machine === 'x64' ? x64! : arm64!;
    if (number !== '-') found.set(name!, Number(number));
  }
  return found;
}

export const systemCalls = (machine: Machine) => ({
  always: [...numbers(ALWAYS, machine).values()],
  sometimes: numbers(SOMETIMES, machine),
  unknown: numbers(UNKNOWN, machine),
});
