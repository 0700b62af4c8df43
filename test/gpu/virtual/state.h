/*
 * The virtual GPUs: their state lies in one file that every process maps, so that the fake NVML in the daemon, workers that allocate and tests that
 * change things all see the same devices. Whoever touches it holds the file's lock.
 *
 * An allocation belongs to a process. When that process has ended (or gave it back) the bytes stay taken for the device's release delay, as on a real
 * driver; every access reaps what is due first.
 */
#ifndef VIRTUAL_GPU_STATE_H
#define VIRTUAL_GPU_STATE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define VGPU_MAGIC 0x75706776u
#define VGPU_DEVICES 16
#define VGPU_ALLOCATIONS 1024

/* Fields that a driver may refuse to tell, as bits of a device's `missing`. */
enum {
  VGPU_NO_TEMPERATURE = 1, VGPU_NO_UTILIZATION = 2, VGPU_NO_POWER = 4, VGPU_NO_POWER_LIMIT = 8, VGPU_NO_FAN = 16, VGPU_NO_CLOCK = 32, VGPU_NO_CAPABILITY = 64,
  VGPU_NO_PCI = 128, VGPU_NO_THROTTLE = 256, VGPU_NO_NAME = 512, VGPU_NO_MEMORY_V2 = 1024, VGPU_NO_MEMORY = 2048,
  /* The list of processes is refused; or it is there, without figures (WSL2, WDDM). */
  VGPU_NO_PROCESSES = 4096, VGPU_NO_PROCESS_MEMORY = 8192,
};

typedef struct {
  uint32_t pid;          /* 0: a free entry */
  uint32_t graphics;     /* listed with the graphics processes, not the compute ones */
  uint32_t staged;       /* stays when its process ends: an outsider made up by a test */
  uint32_t padding;
  uint64_t id, bytes;
  uint64_t free_at_ms;   /* 0: held; else when the device shows it free */
} vgpu_allocation;

typedef struct {
  char name[96], uuid[96], bus[32];
  uint64_t total, reserved;
  uint64_t release_delay_ms;
  uint64_t fragmentation_permille; /* of free memory that no single allocation can have */
  uint64_t temperature, power_mw, power_limit_mw, fan, clock_mhz, utilization, memory_utilization, capability_major, capability_minor, throttle;
  uint64_t missing, lost, delay_us, hang;
  uint64_t mig;                    /* divided into parts */
  int64_t part_of;                 /* a part of that device; -1: a whole one */
  uint64_t shared_permille;        /* of its work that the device does for one process after the other, the rest side by side; above 1000 changing over takes time too */
  uint64_t computes_until_us;      /* when what was given to it so far will be done */
  uint64_t out_of_memory, peak_used, peak_workers; /* allocations refused; the most ever taken by all, and by all but staged outsiders */
  vgpu_allocation allocations[VGPU_ALLOCATIONS];
} vgpu_device;

typedef struct {
  uint32_t magic, size;
  char driver[80];
  uint64_t cuda, init_result, device_count, next_id;
  uint64_t init_calls, calls;
  vgpu_device devices[VGPU_DEVICES];
} vgpu_state;

static uint64_t vgpu_now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
static uint64_t vgpu_now_ms(void) { return vgpu_now_us() / 1000; }

static int vgpu_fd = -1;
static vgpu_state *vgpu_map = NULL;
static char vgpu_path[4096];

/* The state named by EARSHOT_VGPU, mapped until the name changes; NULL when there is none. */
static vgpu_state *vgpu_open(void) {
  const char *path = getenv("EARSHOT_VGPU");
  if (vgpu_map && path && strcmp(path, vgpu_path) == 0) return vgpu_map;
  /* A thread may still look at an old mapping: it stays. */
  vgpu_map = NULL;
  if (vgpu_fd >= 0) close(vgpu_fd);
  vgpu_fd = path && strlen(path) < sizeof vgpu_path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (vgpu_fd < 0) return NULL;
  vgpu_state *state = mmap(NULL, sizeof(vgpu_state), PROT_READ | PROT_WRITE, MAP_SHARED, vgpu_fd, 0);
  if (state == MAP_FAILED) return NULL;
  if (state->magic != VGPU_MAGIC || state->size != sizeof(vgpu_state)) { munmap(state, sizeof(vgpu_state)); return NULL; }
  strcpy(vgpu_path, path);
  return vgpu_map = state;
}

/* Ended, or a zombie that nobody has waited for: the driver has already taken its memory back. */
static int vgpu_ended(uint32_t pid) {
  if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) return 1;
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%u/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = 0;
  const char *bracket = strrchr(text, ')');
  return bracket && (bracket[2] == 'Z' || bracket[2] == 'X');
}

static void vgpu_reap(vgpu_device *device) {
  uint64_t now = vgpu_now_ms();
  uint32_t last = 0;
  int last_ended = 0;
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) {
    vgpu_allocation *a = &device->allocations[i];
    if (!a->pid) continue;
    if (!a->free_at_ms && !a->staged) {
      if (a->pid != last) { last = a->pid; last_ended = vgpu_ended(last); }
      if (last_ended) a->free_at_ms = now + device->release_delay_ms + !device->release_delay_ms;
    }
    if (a->free_at_ms && a->free_at_ms <= now) memset(a, 0, sizeof *a);
  }
}

static vgpu_state *vgpu_lock(void) {
  vgpu_state *state = vgpu_open();
  if (!state) return NULL;
  while (flock(vgpu_fd, LOCK_EX) != 0 && errno == EINTR) { }
  for (uint64_t i = 0; i < state->device_count; i++) vgpu_reap(&state->devices[i]);
  return state;
}

static void vgpu_unlock(void) { flock(vgpu_fd, LOCK_UN); }

static uint64_t vgpu_used(const vgpu_device *device) {
  uint64_t used = 0;
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) used += device->allocations[i].bytes;
  return used;
}

/* Without the outsiders that tests made up. */
static inline uint64_t vgpu_used_by_workers(const vgpu_device *device) {
  uint64_t used = 0;
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) if (!device->allocations[i].staged) used += device->allocations[i].bytes;
  return used;
}

static uint64_t vgpu_free_bytes(const vgpu_device *device) {
  uint64_t taken = vgpu_used(device) + device->reserved;
  return taken < device->total ? device->total - taken : 0;
}

#endif
