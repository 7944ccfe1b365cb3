/* A stand-in for libnvidia-ml.so.1 with known truth, to run under the real Python bindings.
 *
 * Each GPU draws a power that is set from outside; its true energy is the exact integral, its
 * counter shows the energy as of the last tick of its update period. Time is virtual and moved by
 * fake_advance_us, or real. Any call can be made to fail. Not thread safe beyond what tests need.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_GPUS 16
#define MAX_FAULTS 64
#define MAX_PIDS 32

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };
enum { INSUFFICIENT_SIZE = 7 };
enum { FIELD_ENERGY = 83, FIELD_POWER_AVERAGE = 185, FIELD_POWER_INSTANT = 186 };
enum { FIELD_ENERGY_AGAIN = 191 };
enum { VALUE_UNSIGNED_INT = 1, VALUE_UNSIGNED_LONG_LONG = 3 };

typedef struct {
  char name[96], uuid[96], instance[96]; /* instance: UUID of its MIG instance */
  int counts_energy, mig;
  uint64_t power_mw, update_us;
  uint64_t energy_nj, shown_nj, base_nj; /* mW times us is nJ */
  unsigned pids[MAX_PIDS], pid_count;
} Gpu;

typedef struct { char function[64]; int gpu, code, times; } Fault;

typedef struct {
  uint32_t fieldId, scopeId;
  int64_t timestamp, latencyUsec;
  uint32_t valueType, nvmlReturn;
  union { uint32_t uiVal; uint64_t ullVal; double dVal; } value;
} FieldValue;

typedef struct {
  unsigned pid;
  unsigned long long usedGpuMemory;
  unsigned gpuInstanceId, computeInstanceId;
} ProcessInfo;

static Gpu gpus[MAX_GPUS];
static int gpu_count, open_count, real_time;
static Fault faults[MAX_FAULTS];
static int fault_count;
static uint64_t now_us;

static uint64_t clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void advance(uint64_t us) {
  now_us += us;
  for (int i = 0; i < gpu_count; i++) {
    Gpu *g = &gpus[i];
    g->energy_nj += g->power_mw * us;
    uint64_t since_tick = now_us % g->update_us;
    if (since_tick < us) g->shown_nj = g->energy_nj - g->power_mw * since_tick;
  }
}

static void catch_up(void) {
  if (!real_time) return;
  uint64_t t = clock_us();
  if (t > now_us) advance(t - now_us);
}

/* A MIG instance's handle points to the second byte of its GPU. */
static size_t offset(const void *handle) {
  return (size_t)((const char *)handle - (const char *)gpus);
}
static int is_instance(const void *handle) { return offset(handle) % sizeof(Gpu) == 1; }
static int gpu_of(const void *handle) { return (int)(offset(handle) / sizeof(Gpu)); }

static int fault(const char *function, int gpu) {
  for (int i = 0; i < fault_count; i++) {
    Fault *f = &faults[i];
    if (f->times == 0 || strcmp(f->function, function) || (f->gpu >= 0 && f->gpu != gpu)) continue;
    if (f->times > 0) f->times--;
    return f->code;
  }
  return OK;
}

static int check(const char *function, void *handle) {
  int code = fault(function, handle ? gpu_of(handle) : -1);
  if (code) return code;
  if (open_count == 0) return UNINITIALIZED;
  catch_up();
  return OK;
}

#define GUARD(handle) do { int rc = check(__func__, handle); if (rc) return rc; } while (0)

/* --- control ----------------------------------------------------------------------------- */

int fake_add_gpu(const char *name, const char *uuid, int counts_energy, uint64_t update_us) {
  if (gpu_count == MAX_GPUS) return -1;
  Gpu *g = &gpus[gpu_count];
  memset(g, 0, sizeof *g);
  snprintf(g->name, sizeof g->name, "%s", name);
  snprintf(g->uuid, sizeof g->uuid, "%s", uuid);
  g->counts_energy = counts_energy;
  g->update_us = update_us ? update_us : 1;
  return gpu_count++;
}

void fake_set_power_mw(int gpu, uint64_t power_mw) { catch_up(); gpus[gpu].power_mw = power_mw; }
void fake_advance_us(uint64_t us) { advance(us); }
void fake_set_mig(int gpu, int on, const char *instance) {
  gpus[gpu].mig = on;
  snprintf(gpus[gpu].instance, sizeof gpus[gpu].instance, "%s", instance);
}
int fake_open_count(void) { return open_count; }
void fake_heal(void) { fault_count = 0; }
double fake_true_joules(int gpu) { catch_up(); return (double)gpus[gpu].energy_nj / 1e9; }

void fake_reset(void) {
  memset(gpus, 0, sizeof gpus);
  gpu_count = open_count = real_time = fault_count = 0;
  now_us = 0;
}

void fake_use_real_time(void) { now_us = clock_us(); real_time = 1; }

/* times < 0: until healed; gpu < 0: any */
void fake_fail(const char *function, int gpu, int code, int times) {
  if (fault_count == MAX_FAULTS) return;
  Fault *f = &faults[fault_count++];
  snprintf(f->function, sizeof f->function, "%s", function);
  f->gpu = gpu; f->code = code; f->times = times;
}

void fake_driver_reload(void) {
  for (int i = 0; i < gpu_count; i++) gpus[i].base_nj = gpus[i].shown_nj;
}

void fake_set_processes(int gpu, const unsigned *pids, unsigned count) {
  gpus[gpu].pid_count = count > MAX_PIDS ? MAX_PIDS : count;
  memcpy(gpus[gpu].pids, pids, gpus[gpu].pid_count * sizeof *pids);
}

__attribute__((constructor)) static void from_environment(void) {
  const char *count = getenv("FAKENVML_GPUS"), *watts = getenv("FAKENVML_POWER_W");
  char uuid[96];
  if (!count) return;
  for (int i = 0; i < atoi(count); i++) {
    snprintf(uuid, sizeof uuid, "GPU-%08x-0000-0000-0000-000000000000", i + 1);
    int gpu = fake_add_gpu("Simulated GPU", uuid, 1, 20000);
    gpus[gpu].power_mw = (uint64_t)((watts ? atof(watts) : 70.0) * 1000.0);
  }
  fake_use_real_time();
}

/* --- NVML ---------------------------------------------------------------------------------- */

int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  open_count++;
  int rc = check(__func__, NULL);
  if (rc) open_count--;
  return rc;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { GUARD(NULL); open_count--; return OK; }

const char *nvmlErrorString(int code) {
  switch (code) {
    case UNINITIALIZED: return "Uninitialized";
    case NOT_SUPPORTED: return "Not Supported";
    case 15: return "GPU is lost";
    default: return "Simulated failure";
  }
}

int nvmlDeviceGetCount_v2(unsigned *count) { GUARD(NULL); *count = (unsigned)gpu_count; return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
  if ((int)index >= gpu_count) return INVALID_ARGUMENT;
  GUARD(&gpus[index]);
  *handle = &gpus[index];
  return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
  GUARD(NULL);
  for (int i = 0; i < gpu_count; i++) {
    if (!strcmp(gpus[i].uuid, uuid)) { *handle = &gpus[i]; return OK; }
    if (gpus[i].mig && gpus[i].instance[0] && !strcmp(gpus[i].instance, uuid)) {
      *handle = (char *)&gpus[i] + 1;
      return OK;
    }
  }
  return NOT_FOUND;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *instance, void **handle) {
  GUARD(instance);
  if (!is_instance(instance)) return INVALID_ARGUMENT;
  *handle = &gpus[gpu_of(instance)];
  return OK;
}

int nvmlDeviceGetIndex(void *handle, unsigned *index) {
  GUARD(handle);
  *index = (unsigned)gpu_of(handle);
  return OK;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  GUARD(NULL);
  snprintf(version, length, "%s", "0.0 simulated");
  return OK;
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned length) {
  GUARD(handle);
  snprintf(uuid, length, "%s", ((Gpu *)handle)->uuid);
  return OK;
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length) {
  GUARD(handle);
  snprintf(name, length, "%s", ((Gpu *)handle)->name);
  return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *energy_mj) {
  GUARD(handle);
  Gpu *g = handle;
  if (!g->counts_energy) return NOT_SUPPORTED;
  *energy_mj = (g->shown_nj - g->base_nj) / 1000000u;
  return OK;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *power_mw) {
  GUARD(handle);
  *power_mw = (unsigned)((Gpu *)handle)->power_mw;
  return OK;
}

int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *limit_mw) {
  GUARD(handle);
  *limit_mw = 700000;
  return OK;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
  GUARD(handle);
  *current = *pending = (unsigned)((Gpu *)handle)->mig;
  return OK;
}

int nvmlDeviceGetFieldValues(void *handle, int count, FieldValue *values) {
  GUARD(handle);
  Gpu *g = handle;
  for (int i = 0; i < count; i++) {
    FieldValue *v = &values[i];
    char name[32]; /* one field of the call can fail: fake_fail("field 186", ...) */
    snprintf(name, sizeof name, "field %u", v->fieldId);
    v->nvmlReturn = (uint32_t)fault(name, gpu_of(handle));
    if (v->nvmlReturn) continue;
    switch (v->fieldId) {
      case FIELD_POWER_AVERAGE:
      case FIELD_POWER_INSTANT:
        v->valueType = VALUE_UNSIGNED_INT;
        v->value.uiVal = (uint32_t)g->power_mw;
        break;
      case FIELD_ENERGY:
      case FIELD_ENERGY_AGAIN:
        v->valueType = VALUE_UNSIGNED_LONG_LONG;
        v->value.ullVal = (g->shown_nj - g->base_nj) / 1000000u;
        if (!g->counts_energy) v->nvmlReturn = NOT_SUPPORTED;
        break;
      default: v->nvmlReturn = NOT_SUPPORTED;
    }
  }
  return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, ProcessInfo *infos) {
  GUARD(handle);
  Gpu *g = handle;
  unsigned room = *count;
  *count = g->pid_count;
  if (room < g->pid_count) return INSUFFICIENT_SIZE;
  for (unsigned i = 0; i < g->pid_count; i++) {
    memset(&infos[i], 0, sizeof infos[i]);
    infos[i].pid = g->pids[i];
  }
  return OK;
}
