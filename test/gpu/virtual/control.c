/* What tests and virtual workers do to the virtual GPUs: make them, set their fields, allocate and give back. See state.h. */
#include "state.h"

/* Makes the state file with devices of `total` bytes each. 0, or -1. */
int vgpu_create(const char *path, int devices, uint64_t total) {
  if (devices < 0 || devices > VGPU_DEVICES) return -1;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(vgpu_state)) != 0) return -1;
  vgpu_state *state = mmap(NULL, sizeof(vgpu_state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (state == MAP_FAILED) return -1;
  snprintf(state->driver, sizeof state->driver, "580.65.06");
  state->cuda = 13000;
  state->device_count = (uint64_t)devices;
  for (int i = 0; i < VGPU_DEVICES; i++) {
    vgpu_device *device = &state->devices[i];
    snprintf(device->name, sizeof device->name, "Virtual GPU %d", i);
    snprintf(device->uuid, sizeof device->uuid, "GPU-00000000-0000-0000-0000-00000000000%x", i);
    snprintf(device->bus, sizeof device->bus, "00000000:%02X:00.0", i + 1);
    device->total = total;
    device->temperature = 40;
    device->power_mw = 60000;
    device->power_limit_mw = 350000;
    device->fan = 30;
    device->clock_mhz = 1500;
    device->capability_major = 8;
    device->capability_minor = 6;
    device->part_of = -1;
  }
  state->size = sizeof(vgpu_state);
  state->magic = VGPU_MAGIC;
  munmap(state, sizeof(vgpu_state));
  return 0;
}

static const struct { const char *name; size_t at; } FIELDS[] = {
#define FIELD(name) { #name, offsetof(vgpu_device, name) }
  FIELD(total), FIELD(reserved), FIELD(release_delay_ms), FIELD(fragmentation_permille), FIELD(temperature), FIELD(power_mw), FIELD(power_limit_mw), FIELD(fan),
  FIELD(clock_mhz), FIELD(utilization), FIELD(memory_utilization), FIELD(capability_major), FIELD(capability_minor), FIELD(throttle), FIELD(missing), FIELD(lost),
  FIELD(delay_us), FIELD(hang), FIELD(mig), FIELD(part_of), FIELD(shared_permille), FIELD(out_of_memory), FIELD(peak_used), FIELD(peak_workers),
};

/* Sets a device's field by name; without the lock, so that a test can end a hang. 0, or -1 for an unknown name. */
int vgpu_set(int device, const char *field, int64_t value) {
  vgpu_state *state = vgpu_open();
  if (!state || device < 0 || device >= VGPU_DEVICES) return -1;
  for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
    if (strcmp(FIELDS[i].name, field) != 0) continue;
    __atomic_store_n((int64_t *)((char *)&state->devices[device] + FIELDS[i].at), value, __ATOMIC_SEQ_CST);
    return 0;
  }
  return -1;
}

int64_t vgpu_get(int device, const char *field) {
  vgpu_state *state = vgpu_open();
  if (!state || device < 0 || device >= VGPU_DEVICES) return -1;
  for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
    if (strcmp(FIELDS[i].name, field) == 0) return *(int64_t *)((char *)&state->devices[device] + FIELDS[i].at);
  return -1;
}

int vgpu_identify(int device, const char *name, const char *uuid) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  snprintf(state->devices[device].name, sizeof state->devices[device].name, "%s", name);
  snprintf(state->devices[device].uuid, sizeof state->devices[device].uuid, "%s", uuid);
  vgpu_unlock();
  return 0;
}

/* What nvmlInit answers from now on, and how many devices there are. */
int vgpu_driver(int init_result, int devices) {
  vgpu_state *state = vgpu_open();
  if (!state) return -1;
  state->init_result = (uint64_t)init_result;
  state->device_count = (uint64_t)devices;
  return 0;
}

int vgpu_index(const char *uuid) {
  vgpu_state *state = vgpu_open();
  for (int i = 0; state && i < (int)state->device_count; i++) if (strcmp(state->devices[i].uuid, uuid) == 0) return i;
  return -1;
}

/* Takes bytes for a process. The allocation's number; 0 when the device has no such block free; -1 when it is lost or unknown. */
int64_t vgpu_allocate(int index, uint32_t pid, uint64_t bytes, uint32_t graphics, uint32_t staged) {
  vgpu_state *state = vgpu_lock();
  if (!state || index < 0 || index >= (int)state->device_count) { if (state) vgpu_unlock(); return -1; }
  vgpu_device *device = &state->devices[index];
  int64_t result = device->lost ? -1 : 0;
  uint64_t available = vgpu_free_bytes(device);
  uint64_t largest = available - available / 1000 * device->fragmentation_permille;
  if (result == 0 && bytes <= largest) {
    for (int i = 0; i < VGPU_ALLOCATIONS; i++) {
      vgpu_allocation *a = &device->allocations[i];
      if (a->pid) continue;
      *a = (vgpu_allocation){ pid, graphics, staged, 0, ++state->next_id, bytes, 0 };
      result = (int64_t)a->id;
      break;
    }
    uint64_t used = vgpu_used(device);
    if (used > device->peak_used) device->peak_used = used;
    used = vgpu_used_by_workers(device);
    if (used > device->peak_workers) device->peak_workers = used;
  }
  if (result == 0) device->out_of_memory++;
  vgpu_unlock();
  return result;
}

/* Gives one allocation back after the given delay. */
int vgpu_give_back(int index, int64_t id, uint64_t delay_ms) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  vgpu_device *device = &state->devices[index];
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) {
    vgpu_allocation *a = &device->allocations[i];
    if (!a->pid || a->id != (uint64_t)id) continue;
    if (delay_ms) a->free_at_ms = vgpu_now_ms() + delay_ms; else memset(a, 0, sizeof *a);
  }
  vgpu_unlock();
  return 0;
}

/* Bytes that a process holds on a device; of all processes for pid 0. */
int64_t vgpu_held(int index, uint32_t pid) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  int64_t held = 0;
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) if (!pid || state->devices[index].allocations[i].pid == pid) held += (int64_t)state->devices[index].allocations[i].bytes;
  vgpu_unlock();
  return held;
}

/* Bytes that workers hold, as a device shows them. */
int64_t vgpu_workers(int index) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  int64_t used = (int64_t)vgpu_used_by_workers(&state->devices[index]);
  vgpu_unlock();
  return used;
}

/*
 * Gives the device work of so many µs alone. The µs until it is done: it begins when the shared part of what others gave before is done.
 * Nobody who dies meanwhile holds others up for longer than that.
 */
int64_t vgpu_compute(int index, uint64_t us) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  vgpu_device *device = &state->devices[index];
  uint64_t now = vgpu_now_us(), shared = us * device->shared_permille / 1000;
  uint64_t begin = device->computes_until_us > now ? device->computes_until_us : now;
  device->computes_until_us = begin + shared;
  uint64_t until = begin + (shared > us ? shared : us);
  vgpu_unlock();
  return (int64_t)(until - now);
}

/* A device that fell off the bus and came back remembers nothing. */
int vgpu_clear(int index) {
  vgpu_state *state = vgpu_lock();
  if (!state) return -1;
  memset(state->devices[index].allocations, 0, sizeof state->devices[index].allocations);
  vgpu_unlock();
  return 0;
}

int64_t vgpu_calls(void) { vgpu_state *state = vgpu_open(); return state ? (int64_t)state->calls : -1; }
