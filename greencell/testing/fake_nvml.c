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

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7 };
enum { FIELD_POWER_INSTANT = 186, VALUE_UNSIGNED_INT = 1 };

typedef struct {
  char name[96], uuid[96];
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
static int gpu_count, initialised, real_time;
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

static int check(const char *function, void *handle) {
  int gpu = handle ? (int)((Gpu *)handle - gpus) : -1;
  for (int i = 0; i < fault_count; i++) {
    Fault *f = &faults[i];
    if (f->times == 0 || strcmp(f->function, function) || (f->gpu >= 0 && f->gpu != gpu)) continue;
    if (f->times > 0) f->times--;
    return f->code;
  }
  if (!initialised) return UNINITIALIZED;
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
void fake_set_mig(int gpu, int on) { gpus[gpu].mig = on; }
void fake_heal(void) { fault_count = 0; }
double fake_true_joules(int gpu) { catch_up(); return (double)gpus[gpu].energy_nj / 1e9; }

void fake_reset(void) {
  memset(gpus, 0, sizeof gpus);
  gpu_count = initialised = real_time = fault_count = 0;
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
  int was = initialised, rc;
  initialised = 1;
  rc = check(__func__, NULL);
  if (rc) initialised = was;
  return rc;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { GUARD(NULL); return OK; }

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
  for (int i = 0; i < count; i++) {
    values[i].nvmlReturn = values[i].fieldId == FIELD_POWER_INSTANT ? OK : NOT_SUPPORTED;
    values[i].valueType = VALUE_UNSIGNED_INT;
    values[i].value.uiVal = (uint32_t)((Gpu *)handle)->power_mw;
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
