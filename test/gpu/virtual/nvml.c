/*
 * A libnvidia-ml.so.1 over the virtual GPUs: the calls and struct layouts of NVIDIA's, as far as the daemon's binding uses them, with their ways of
 * failing. See state.h.
 */
#include "state.h"

enum {
  SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15,
  ARGUMENT_VERSION_MISMATCH = 25,
};
typedef struct { int index; } *nvmlDevice_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } nvmlMemory_v2_t;
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned pid; unsigned long long usedGpuMemory; unsigned gpuInstanceId, computeInstanceId; } nvmlProcessInfo_t;
typedef struct { char busIdLegacy[16]; unsigned domain, bus, device, pciDeviceId, pciSubSystemId; char busId[32]; } nvmlPciInfo_t;

static int initialized = 0;
/* Counted at init, as the real library does: a device that comes later is seen by the next init only. */
static int present[VGPU_DEVICES];
static struct { int index; } handles[VGPU_DEVICES];

/* Holds the call up as long as the test wants; the lock is not held meanwhile. */
static void dawdle(int index) {
  vgpu_state *state = vgpu_open();
  if (!state) return;
  __atomic_add_fetch(&state->calls, 1, __ATOMIC_RELAXED);
  const volatile vgpu_device *device = &state->devices[index];
  if (device->delay_us) usleep((useconds_t)device->delay_us);
  while (device->hang) usleep(5000);
}

/* Locks the state and gives the device behind a handle, or NULL and the reason. */
static vgpu_device *enter(nvmlDevice_t handle, uint64_t missing, int *result) {
  if (!initialized) { *result = UNINITIALIZED; return NULL; }
  if (!handle || handle->index < 0 || handle->index >= VGPU_DEVICES) { *result = INVALID_ARGUMENT; return NULL; }
  dawdle(handle->index);
  vgpu_state *state = vgpu_lock();
  if (!state) { *result = DRIVER_NOT_LOADED; return NULL; }
  vgpu_device *device = &state->devices[handle->index];
  vgpu_device *board = device->part_of >= 0 ? &state->devices[device->part_of] : device;
  if (board->lost || !present[handle->index]) { vgpu_unlock(); *result = GPU_IS_LOST; return NULL; }
  if (device->missing & missing) { vgpu_unlock(); *result = NOT_SUPPORTED; return NULL; }
  *result = SUCCESS;
  return device;
}

static int copy_text(const char *text, char *buffer, unsigned length) {
  if (strlen(text) + 1 > length) return INSUFFICIENT_SIZE;
  strcpy(buffer, text);
  return SUCCESS;
}

int nvmlInit_v2(void) {
  vgpu_state *state = vgpu_lock();
  if (!state) return DRIVER_NOT_LOADED;
  state->init_calls++;
  int result = (int)state->init_result;
  if (result == SUCCESS) {
    initialized++;
    for (int i = 0; i < VGPU_DEVICES; i++) { present[i] = (uint64_t)i < state->device_count && !state->devices[i].lost; handles[i].index = i; }
  }
  vgpu_unlock();
  if (state->devices[0].hang) dawdle(0);
  return result;
}

/* As pynvml starts it. */
int nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }

int nvmlShutdown(void) {
  if (!initialized) return UNINITIALIZED;
  initialized--;
  return SUCCESS;
}

const char *nvmlErrorString(int result) { return result == SUCCESS ? "Success" : result == GPU_IS_LOST ? "GPU is lost" : result == NOT_SUPPORTED ? "Not Supported" : "Unknown Error"; }

int nvmlSystemGetDriverVersion(char *buffer, unsigned length) { return initialized ? copy_text(vgpu_open()->driver, buffer, length) : UNINITIALIZED; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = (int)vgpu_open()->cuda; return SUCCESS; }

/* Whole devices that were there at init, in order. */
static int nth_whole(unsigned wanted, unsigned *count) {
  vgpu_state *state = vgpu_open();
  unsigned seen = 0;
  int found = -1;
  for (int i = 0; i < VGPU_DEVICES; i++) {
    if (!present[i] || state->devices[i].part_of >= 0) continue;
    if (seen++ == wanted) found = i;
  }
  if (count) *count = seen;
  return found;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
  if (!initialized) return UNINITIALIZED;
  nth_whole(0, count);
  return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  if (!initialized) return UNINITIALIZED;
  int found = nth_whole(index, NULL);
  if (found < 0) return INVALID_ARGUMENT;
  if (vgpu_open()->devices[found].lost) return GPU_IS_LOST;
  *device = (nvmlDevice_t)&handles[found];
  return SUCCESS;
}

/* One call that reads one value of a device: `body` runs under the lock. */
#define READ(signature, handle, missing, body) \
  int signature { \
    int result; \
    vgpu_device *device = enter(handle, missing, &result); \
    if (!device) return result; \
    body; \
    vgpu_unlock(); \
    return result; \
  }

READ(nvmlDeviceGetName(nvmlDevice_t handle, char *buffer, unsigned length), handle, VGPU_NO_NAME, result = copy_text(device->name, buffer, length))
READ(nvmlDeviceGetUUID(nvmlDevice_t handle, char *buffer, unsigned length), handle, 0, result = copy_text(device->uuid, buffer, length))
READ(nvmlDeviceGetTemperature(nvmlDevice_t handle, int sensor, unsigned *celsius), handle, VGPU_NO_TEMPERATURE,
  if (sensor != 0 || device->part_of >= 0) result = INVALID_ARGUMENT; else *celsius = (unsigned)device->temperature)
READ(nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, nvmlUtilization_t *rates), handle, VGPU_NO_UTILIZATION,
  if (device->part_of >= 0 || device->mig) result = NOT_SUPPORTED; else { rates->gpu = (unsigned)device->utilization; rates->memory = (unsigned)device->memory_utilization; })
READ(nvmlDeviceGetPowerUsage(nvmlDevice_t handle, unsigned *milliwatts), handle, VGPU_NO_POWER, *milliwatts = (unsigned)device->power_mw)
READ(nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t handle, unsigned *milliwatts), handle, VGPU_NO_POWER_LIMIT, *milliwatts = (unsigned)device->power_limit_mw)
READ(nvmlDeviceGetFanSpeed(nvmlDevice_t handle, unsigned *percent), handle, VGPU_NO_FAN, *percent = (unsigned)device->fan)
READ(nvmlDeviceGetClockInfo(nvmlDevice_t handle, int type, unsigned *mhz), handle, VGPU_NO_CLOCK, if (type != 1) result = NOT_SUPPORTED; else *mhz = (unsigned)device->clock_mhz)
READ(nvmlDeviceGetCudaComputeCapability(nvmlDevice_t handle, int *major, int *minor), handle, VGPU_NO_CAPABILITY,
  *major = (int)device->capability_major; *minor = (int)device->capability_minor)
READ(nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t handle, unsigned long long *mask), handle, VGPU_NO_THROTTLE, *mask = device->throttle)
READ(nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t *pci), handle, VGPU_NO_PCI,
  memset(pci, 0, sizeof *pci); snprintf(pci->busId, sizeof pci->busId, "%s", device->bus); snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%.15s", device->bus))
READ(nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, nvmlMemory_t *memory), handle, VGPU_NO_MEMORY,
  memory->total = device->total; memory->free = vgpu_free_bytes(device); memory->used = memory->total - memory->free)
READ(nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, nvmlMemory_v2_t *memory), handle, VGPU_NO_MEMORY | VGPU_NO_MEMORY_V2,
  if (memory->version != (unsigned)(sizeof *memory | (2u << 24))) result = ARGUMENT_VERSION_MISMATCH;
  else { memory->total = device->total; memory->reserved = device->reserved; memory->free = vgpu_free_bytes(device); memory->used = vgpu_used(device); })
READ(nvmlDeviceGetMigMode(nvmlDevice_t handle, unsigned *current, unsigned *pending), handle, 0,
  if (device->part_of >= 0) result = NOT_SUPPORTED; else *current = *pending = (unsigned)device->mig)
READ(nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t handle, unsigned *count), handle, 0, *count = device->mig ? 7 : 0)

int nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t handle, unsigned index, nvmlDevice_t *part) {
  int result;
  vgpu_device *device = enter(handle, 0, &result);
  if (!device) return result;
  vgpu_state *state = vgpu_open();
  unsigned seen = 0;
  result = NOT_FOUND;
  for (int i = 0; i < VGPU_DEVICES; i++) {
    if (!present[i] || state->devices[i].part_of != (int64_t)(device - state->devices) || seen++ != index) continue;
    *part = (nvmlDevice_t)&handles[i];
    result = SUCCESS;
  }
  vgpu_unlock();
  return result;
}

/* Processes with the sum of what each holds; the caller's room is checked first, as the real call does. */
static int list_processes(nvmlDevice_t handle, unsigned *count, nvmlProcessInfo_t *infos, unsigned graphics) {
  int result;
  vgpu_device *device = enter(handle, VGPU_NO_PROCESSES, &result);
  if (!device) return result;
  nvmlProcessInfo_t found[VGPU_ALLOCATIONS];
  unsigned have = 0;
  for (int i = 0; i < VGPU_ALLOCATIONS; i++) {
    const vgpu_allocation *a = &device->allocations[i];
    if (!a->pid || a->graphics != graphics) continue;
    unsigned at = 0;
    while (at < have && found[at].pid != a->pid) at++;
    if (at == have) found[have++] = (nvmlProcessInfo_t){ a->pid, 0, 0xFFFFFFFFu, 0xFFFFFFFFu };
    found[at].usedGpuMemory += a->bytes;
  }
  if (device->missing & VGPU_NO_PROCESS_MEMORY) for (unsigned i = 0; i < have; i++) found[i].usedGpuMemory = ~0ull;
  if (*count < have || (have && !infos)) result = INSUFFICIENT_SIZE;
  else if (have) memcpy(infos, found, have * sizeof found[0]);
  *count = have;
  vgpu_unlock();
  return result;
}

int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned *count, nvmlProcessInfo_t *infos) { return list_processes(handle, count, infos, 0); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t handle, unsigned *count, nvmlProcessInfo_t *infos) { return list_processes(handle, count, infos, 1); }
