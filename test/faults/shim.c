/*
 * Loaded into a daemon and its children with LD_PRELOAD, to play tricks that a test cannot play from outside:
 *   EARSHOT_DISK=folder with EARSHOT_DISK_LOG=file   what is written under the folder, what is synced, and what is told to clients, in order (powercut.ts)
 *   EARSHOT_DISK_SYNC_MS=n                           every sync takes so much longer: a slow disk
 *   EARSHOT_CLOCK=file                               a file with one 64-bit number: the time of day is so many ms ahead
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, LINK, TOLD, CLOSE };
enum { CREATED = 1, TRUNCATED = 2, FOLDER = 4 };
enum { MOST_FDS = 65536 };
enum { NONE = 0, FILE_OF_OURS = 1, CLIENT = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int journal = -1;
static long sync_ms;
static volatile int64_t *ahead;
static unsigned char kind[MOST_FDS];
static int64_t syncs;

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

struct record { uint32_t length; uint32_t op; int32_t pid; int32_t fd; int64_t number; };

static void put(uint32_t op, int fd, int64_t number, const struct iovec *parts, int count) {
  if (journal < 0) return;
  struct record record = { sizeof record, op, getpid(), fd, number };
  struct iovec all[64];
  all[0] = (struct iovec){ &record, sizeof record };
  int n = 1;
  for (int i = 0; i < count && n < 64; i++, n++) { all[n] = parts[i]; record.length += parts[i].iov_len; }
  syscall(SYS_writev, journal, all, n);
}
static void put_text(uint32_t op, int fd, int64_t number, const char *text) {
  struct iovec part = { (void *)text, strlen(text) };
  put(op, fd, number, &part, 1);
}

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("EARSHOT_DISK"), *path = getenv("EARSHOT_DISK_LOG"), *slow = getenv("EARSHOT_DISK_SYNC_MS"), *clock = getenv("EARSHOT_CLOCK");
  sync_ms = slow ? atol(slow) : 0;
  if (folder && path && realpath(folder, root)) {
    root_length = strlen(root);
    journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  if (clock) {
    int fd = syscall(SYS_openat, AT_FDCWD, clock, O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) ahead = page;
    if (fd >= 0) syscall(SYS_close, fd);
  }
}

/* The whole name of what lies under the folder; 0: it does not. */
static int ours(int at, const char *path, char *whole) {
  if (journal < 0 || !path) return 0;
  char folder[PATH_MAX] = "", copy[PATH_MAX];
  if (path[0] != '/') {
    if (at == AT_FDCWD) { if (!getcwd(folder, sizeof folder)) return 0; }
    else { char link[64]; snprintf(link, sizeof link, "/proc/self/fd/%d", at); ssize_t n = readlink(link, folder, sizeof folder - 1); if (n < 0) return 0; folder[n] = 0; }
  }
  if (snprintf(copy, sizeof copy, "%s%s%s", folder, *folder ? "/" : "", path) >= (int)sizeof copy) return 0;
  if (strncmp(copy, root, root_length) || (copy[root_length] != '/' && copy[root_length])) return 0;
  strcpy(whole, copy);
  return 1;
}
static int is(int fd, int what) { return fd >= 0 && fd < MOST_FDS && kind[fd] == what; }

static int opened(int (*real)(int, const char *, int, ...), int at, const char *path, int flags, mode_t mode) {
  char whole[PATH_MAX];
  if (!ours(at, path, whole)) { int fd = real(at, path, flags, mode); if (fd >= 0 && fd < MOST_FDS) kind[fd] = NONE; return fd; }
  pthread_mutex_lock(&lock);
  struct stat before, after;
  int was = stat(whole, &before) == 0, fd = real(at, path, flags, mode), error = errno;
  if (fd >= 0 && fd < MOST_FDS && fstat(fd, &after) == 0) {
    kind[fd] = FILE_OF_OURS;
    put_text(OPEN, fd, (was ? 0 : CREATED) | (flags & O_TRUNC && (flags & O_ACCMODE) != O_RDONLY ? TRUNCATED : 0) | (S_ISDIR(after.st_mode) ? FOLDER : 0), whole);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}
static mode_t mode_in(int flags, va_list list) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; }
#define MODE mode_t mode; { va_list list; va_start(list, flags); mode = mode_in(flags, list); va_end(list); }
int openat(int at, const char *path, int flags, ...) { REAL(openat); MODE return opened(real, at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { REAL(openat64); MODE return opened(real, at, path, flags, mode); }
int open(const char *path, int flags, ...) { REAL(openat); MODE return opened(real, AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { REAL(openat64); MODE return opened(real, AT_FDCWD, path, flags, mode); }

int close(int fd) {
  REAL(close);
  if (is(fd, FILE_OF_OURS) || is(fd, CLIENT)) put(CLOSE, fd, 0, NULL, 0);
  if (fd >= 0 && fd < MOST_FDS) kind[fd] = NONE;
  return real(fd);
}

static ssize_t written(int fd, const struct iovec *parts, int count, int64_t offset) {
  pthread_mutex_lock(&lock);
  struct stat now;
  if (offset < 0) offset = fcntl(fd, F_GETFL) & O_APPEND ? (fstat(fd, &now) ? 0 : now.st_size) : lseek(fd, 0, SEEK_CUR);
  ssize_t done = 0;
  int64_t at = offset;
  for (int i = 0; i < count; i++) {
    ssize_t n = syscall(SYS_pwrite64, fd, parts[i].iov_base, parts[i].iov_len, at);
    if (n < 0) { if (!done) done = -1; break; }
    struct iovec part = { parts[i].iov_base, n };
    put(WRITE, fd, at, &part, 1);
    done += n; at += n;
    if ((size_t)n < parts[i].iov_len) break;
  }
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}
static ssize_t in_sequence(int fd, const struct iovec *parts, int count) {
  ssize_t done = written(fd, parts, count, -1);
  if (done > 0 && !(fcntl(fd, F_GETFL) & O_APPEND)) lseek(fd, done, SEEK_CUR);
  return done;
}
/* In one piece with its record: no sync ends in between. */
static ssize_t told(int fd, const struct iovec *parts, int count) {
  pthread_mutex_lock(&lock);
  ssize_t done = syscall(SYS_writev, fd, parts, count);
  int error = errno;
  ssize_t left = done;
  for (int i = 0; i < count && left > 0; i++) {
    struct iovec part = { parts[i].iov_base, (size_t)left < parts[i].iov_len ? (size_t)left : parts[i].iov_len };
    put(TOLD, fd, 0, &part, 1);
    left -= part.iov_len;
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *data, size_t size) {
  struct iovec part = { (void *)data, size };
  if (is(fd, FILE_OF_OURS)) return in_sequence(fd, &part, 1);
  if (is(fd, CLIENT)) return told(fd, &part, 1);
  REAL(write);
  return real(fd, data, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (is(fd, FILE_OF_OURS)) return in_sequence(fd, parts, count);
  if (is(fd, CLIENT)) return told(fd, parts, count);
  REAL(writev);
  return real(fd, parts, count);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  REAL(pwrite);
  struct iovec part = { (void *)data, size };
  return is(fd, FILE_OF_OURS) ? written(fd, &part, 1, at) : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return pwrite(fd, data, size, at); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { REAL(pwritev); return is(fd, FILE_OF_OURS) ? written(fd, parts, count, at) : real(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }
/* Copies within the kernel would not be seen: callers then copy by hand. */
ssize_t sendfile(int out, int in, off_t *at, size_t count) { REAL(sendfile); if (is(out, FILE_OF_OURS)) { errno = EINVAL; return -1; } return real(out, in, at, count); }
ssize_t sendfile64(int out, int in, off64_t *at, size_t count) { return sendfile(out, in, at, count); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned flags) { REAL(copy_file_range); if (is(out, FILE_OF_OURS)) { errno = ENOSYS; return -1; } return real(in, from, out, to, count, flags); }

int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  if (!is(fd, FILE_OF_OURS)) return real(fd, size);
  pthread_mutex_lock(&lock);
  int result = real(fd, size);
  if (result == 0) put(TRUNCATE, fd, size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

/* Only what was written before a sync began is on the disk when it has ended. */
static int synced(int (*real)(int), int fd) {
  if (sync_ms) { struct timespec pause = { sync_ms / 1000, sync_ms % 1000 * 1000000 }; nanosleep(&pause, NULL); }
  if (!is(fd, FILE_OF_OURS)) return real(fd);
  pthread_mutex_lock(&lock);
  int64_t number = ++syncs;
  put(SYNC_BEGIN, fd, number, NULL, 0);
  pthread_mutex_unlock(&lock);
  int result = real(fd);
  if (result == 0) { pthread_mutex_lock(&lock); put(SYNC_END, fd, number, NULL, 0); pthread_mutex_unlock(&lock); }
  return result;
}
int fsync(int fd) { REAL(fsync); return synced(real, fd); }
int fdatasync(int fd) { REAL(fdatasync); return synced(real, fd); }

static void two(uint32_t op, const char *from, const char *to) {
  struct iovec parts[2] = { { (void *)from, strlen(from) + 1 }, { (void *)to, strlen(to) } };
  put(op, -1, 0, parts, 2);
}
#define NAMED(call, record) \
  pthread_mutex_lock(&lock); \
  int result = call, error = errno; \
  if (result == 0) record; \
  pthread_mutex_unlock(&lock); \
  errno = error; \
  return result
int renameat(int a, const char *from, int b, const char *to) { REAL(renameat); char f[PATH_MAX], t[PATH_MAX]; if (!ours(a, from, f) || !ours(b, to, t)) return real(a, from, b, to); NAMED(real(a, from, b, to), two(RENAME, f, t)); }
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { REAL(linkat); char f[PATH_MAX], t[PATH_MAX]; if (!ours(a, from, f) || !ours(b, to, t)) return real(a, from, b, to, flags); NAMED(real(a, from, b, to, flags), two(LINK, f, t)); }
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int unlinkat(int at, const char *path, int flags) { REAL(unlinkat); char whole[PATH_MAX]; if (!ours(at, path, whole)) return real(at, path, flags); NAMED(real(at, path, flags), put_text(UNLINK, -1, 0, whole)); }
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) { int result = unlinkat(AT_FDCWD, path, 0); return result && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : result; }
int mkdirat(int at, const char *path, mode_t mode) { REAL(mkdirat); char whole[PATH_MAX]; if (!ours(at, path, whole)) return real(at, path, mode); NAMED(real(at, path, mode), put_text(MKDIR, -1, 0, whole)); }
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int accepted(int fd) { if (journal >= 0 && fd >= 0 && fd < MOST_FDS) kind[fd] = CLIENT; return fd; }
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) { REAL(accept4); return accepted(real(fd, address, length, flags)); }
int accept(int fd, struct sockaddr *address, socklen_t *length) { REAL(accept); return accepted(real(fd, address, length)); }

int clock_gettime(clockid_t which, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(which, time);
  if (result == 0 && ahead && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) time->tv_sec += *ahead / 1000;
  return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  REAL(gettimeofday);
  int result = real(time, zone);
  if (result == 0 && ahead) time->tv_sec += *ahead / 1000;
  return result;
}
