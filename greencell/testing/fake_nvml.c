/* A stand-in for libnvidia-ml.so.1 with known truth, to run under the real Python bindings.
 *
 * Each GPU draws a power that is set from outside; its true energy is the exact integral, its
 * counter shows the energy as of the last tick of its update period. Time is virtual and moved by
 * fake_advance_us, or real. Any call can be made to fail or to take its time. Not thread safe beyond
 * what tests need.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_GPUS 16
#define MAX_FAULTS 64
#define MAX_PIDS 32
#define MAX_DELAYS 16
#define MAX_STEPS 256   /* changes of power that the average remembers */
#define MAX_SAMPLES 128 /* as NVML, which remembers about as many */
#define AVERAGE_US 1000000u
#define SAMPLE_US 200000u

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };
enum { INSUFFICIENT_SIZE = 7 };
enum { FIELD_ENERGY = 83, FIELD_POWER_AVERAGE = 185, FIELD_POWER_INSTANT = 186 };
enum { FIELD_ENERGY_AGAIN = 191 };
enum { SCOPE_GPU = 0, SCOPE_MODULE = 1 };
enum { VIRTUALIZATION_VGPU = 2 };
enum { ARCH_AMPERE = 7 };
enum { VALUE_UNSIGNED_INT = 1, VALUE_UNSIGNED_LONG_LONG = 3 };

typedef struct { uint64_t since_us, power_mw; } PowerStep;

typedef struct {
  unsigned pid;
  unsigned long long timeStamp;
  unsigned smUtil, memUtil, encUtil, decUtil;
} UtilizationSample;

typedef struct {
  char name[96], uuid[96], instance[96]; /* instance: UUID of its MIG instance */
  int counts_energy, mig;
  uint64_t power_mw, update_us;
  uint64_t energy_nj, shown_nj, base_nj; /* mW times us is nJ */
  uint64_t module_mw; /* of the superchip that holds it; 0: it has none */
  int frozen, architecture, capability_major, capability_minor;
  unsigned long long virtualization;
  PowerStep steps[MAX_STEPS]; /* since the beginning, while there is room */
  unsigned step_count;
  unsigned pids[MAX_PIDS], sm[MAX_PIDS], pid_count;
  unsigned busy_percent, memory_percent;
  UtilizationSample samples[MAX_SAMPLES]; /* a ring */
  unsigned long sample_count;
} Gpu;

typedef struct { char function[64]; int gpu, code, times; } Fault;
typedef struct { char function[64]; unsigned us; } Delay;

typedef struct {
  uint32_t fieldId, scopeId;
  int64_t timestamp, latencyUsec;
  uint32_t valueType, nvmlReturn;
  union { uint32_t uiVal; uint64_t ullVal; double dVal; } value;
} FieldValue;

typedef struct {
  char busIdLegacy[16];
  unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
  char busId[32];
} PciInfo;

typedef struct { unsigned gpu, memory; } UtilizationRates;

typedef struct {
  unsigned pid;
  unsigned long long usedGpuMemory;
  unsigned gpuInstanceId, computeInstanceId;
} ProcessInfo;

static Gpu gpus[MAX_GPUS];
static int gpu_count, open_count, real_time;
static Fault faults[MAX_FAULTS];
static int fault_count;
static Delay delays[MAX_DELAYS];
static int delay_count;
static uint64_t now_us;

static uint64_t clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* One sample for each process that used the GPU, at the end of each sample period. */
static void sample(Gpu *g, uint64_t from_us) {
  for (uint64_t t = (from_us / SAMPLE_US + 1) * SAMPLE_US; t <= now_us; t += SAMPLE_US) {
    for (unsigned i = 0; i < g->pid_count; i++) {
      if (!g->sm[i]) continue;
      UtilizationSample *s = &g->samples[g->sample_count++ % MAX_SAMPLES];
      memset(s, 0, sizeof *s);
      s->pid = g->pids[i]; s->timeStamp = t; s->smUtil = g->sm[i];
    }
  }
}

static void advance(uint64_t us) {
  now_us += us;
  for (int i = 0; i < gpu_count; i++) {
    Gpu *g = &gpus[i];
    g->energy_nj += g->power_mw * us;
    uint64_t since_tick = now_us % g->update_us;
    if (since_tick < us && !g->frozen) g->shown_nj = g->energy_nj - g->power_mw * since_tick;
    sample(g, now_us - us);
  }
}

static void set_power(Gpu *g, uint64_t power_mw) {
  g->power_mw = power_mw;
  if (g->step_count && g->steps[g->step_count - 1].since_us == now_us) g->step_count--;
  if (g->step_count == MAX_STEPS) {
    memmove(g->steps, g->steps + 1, (MAX_STEPS - 1) * sizeof *g->steps);
    g->step_count--;
  }
  g->steps[g->step_count++] = (PowerStep){now_us, power_mw};
}

/* The mean power of the last second, or since the first step if that is less. */
static uint64_t average_mw(const Gpu *g) {
  uint64_t begin_us = now_us > AVERAGE_US ? now_us - AVERAGE_US : 0, end_us = now_us, nj = 0;
  for (unsigned i = g->step_count; i-- > 0 && end_us > begin_us;) {
    uint64_t since_us = g->steps[i].since_us > begin_us ? g->steps[i].since_us : begin_us;
    nj += g->steps[i].power_mw * (end_us - since_us);
    end_us = since_us;
  }
  return end_us < now_us ? nj / (now_us - end_us) : g->power_mw;
}

/* Ampere and newer average what nvmlDeviceGetPowerUsage shows, except GA100, which is 8.0. */
static int averages(const Gpu *g) {
  int ga100 = g->capability_major == 8 && g->capability_minor == 0;
  return g->architecture >= ARCH_AMPERE && !ga100;
}

static int is_virtual(const Gpu *g) { return g->virtualization == VIRTUALIZATION_VGPU; }

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

static void delay(const char *function) {
  for (int i = 0; i < delay_count; i++)
    if (!strcmp(delays[i].function, function)) usleep(delays[i].us);
}

static int check(const char *function, void *handle) {
  delay(function);
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
  set_power(g, 0);
  return gpu_count++;
}

void fake_set_power_mw(int gpu, uint64_t power_mw) { catch_up(); set_power(&gpus[gpu], power_mw); }
void fake_set_module_power_mw(int gpu, uint64_t power_mw) { gpus[gpu].module_mw = power_mw; }
void fake_set_virtualization(int gpu, int mode) { gpus[gpu].virtualization = (unsigned)mode; }
void fake_set_utilization(int gpu, unsigned busy_percent, unsigned memory_percent) {
  gpus[gpu].busy_percent = busy_percent;
  gpus[gpu].memory_percent = memory_percent;
}
void fake_freeze(int gpu, int frozen) { catch_up(); gpus[gpu].frozen = frozen; }
void fake_set_architecture(int gpu, int architecture, int major, int minor) {
  gpus[gpu].architecture = architecture;
  gpus[gpu].capability_major = major;
  gpus[gpu].capability_minor = minor;
}
void fake_advance_us(uint64_t us) { advance(us); }
void fake_set_mig(int gpu, int on, const char *instance) {
  gpus[gpu].mig = on;
  snprintf(gpus[gpu].instance, sizeof gpus[gpu].instance, "%s", instance);
}
int fake_open_count(void) { return open_count; }
void fake_heal(void) { fault_count = delay_count = 0; }
double fake_true_joules(int gpu) { catch_up(); return (double)gpus[gpu].energy_nj / 1e9; }

void fake_reset(void) {
  memset(gpus, 0, sizeof gpus);
  gpu_count = open_count = real_time = fault_count = delay_count = 0;
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

void fake_set_delay_us(const char *function, unsigned us) {
  if (delay_count == MAX_DELAYS) return;
  Delay *d = &delays[delay_count++];
  snprintf(d->function, sizeof d->function, "%s", function);
  d->us = us;
}

void fake_driver_reload(void) {
  for (int i = 0; i < gpu_count; i++) gpus[i].base_nj = gpus[i].shown_nj;
}

void fake_set_processes(int gpu, const unsigned *pids, const unsigned *sm, unsigned count) {
  Gpu *g = &gpus[gpu];
  catch_up();
  g->pid_count = count > MAX_PIDS ? MAX_PIDS : count;
  memcpy(g->pids, pids, g->pid_count * sizeof *pids);
  memcpy(g->sm, sm, g->pid_count * sizeof *sm);
}

__attribute__((constructor)) static void from_environment(void) {
  const char *count = getenv("FAKENVML_GPUS"), *watts = getenv("FAKENVML_POWER_W");
  const char *update = getenv("FAKENVML_UPDATE_MS");
  char uuid[96];
  if (!count) return;
  for (int i = 0; i < atoi(count); i++) {
    snprintf(uuid, sizeof uuid, "GPU-%08x-0000-0000-0000-000000000000", i + 1);
    int gpu = fake_add_gpu("Simulated GPU", uuid, 1, update ? (uint64_t)(atof(update) * 1000.0) : 20000);
    set_power(&gpus[gpu], (uint64_t)((watts ? atof(watts) : 70.0) * 1000.0));
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

int nvmlDeviceGetPciInfo_v3(void *handle, PciInfo *pci) {
  GUARD(handle);
  memset(pci, 0, sizeof *pci);
  pci->bus = (unsigned)gpu_of(handle) + 1;
  snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "0000:%02X:00.0", pci->bus);
  snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
  return OK;
}

int nvmlDeviceGetArchitecture(void *handle, unsigned *architecture) {
  GUARD(handle);
  *architecture = (unsigned)((Gpu *)handle)->architecture;
  return OK;
}

/* What other tools ask for when they begin. */
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long total_free_used[3]) {
  GUARD(handle);
  total_free_used[0] = total_free_used[1] = 80ull << 30;
  total_free_used[2] = 0;
  return OK;
}

int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
  GUARD(handle);
  *major = ((Gpu *)handle)->capability_major;
  *minor = ((Gpu *)handle)->capability_minor;
  return OK;
}

int nvmlDeviceGetVirtualizationMode(void *handle, unsigned long long *mode) {
  GUARD(handle);
  *mode = ((Gpu *)handle)->virtualization;
  return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *energy_mj) {
  GUARD(handle);
  Gpu *g = handle;
  if (!g->counts_energy || is_virtual(g)) return NOT_SUPPORTED;
  *energy_mj = (g->shown_nj - g->base_nj) / 1000000u;
  return OK;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *power_mw) {
  GUARD(handle);
  Gpu *g = handle;
  if (is_virtual(g)) return NOT_SUPPORTED;
  *power_mw = (unsigned)(averages(g) ? average_mw(g) : g->power_mw);
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

/* One field of the call can fail, in one scope or all: "field 186/0", "field 186". */
static int field_fault(const FieldValue *v, int gpu) {
  char name[32];
  snprintf(name, sizeof name, "field %u", v->fieldId);
  int code = fault(name, gpu);
  if (code) return code;
  snprintf(name, sizeof name, "field %u/%u", v->fieldId, v->scopeId);
  return fault(name, gpu);
}

static int in_scope(const Gpu *g, const FieldValue *v) {
  return v->scopeId == SCOPE_GPU || (v->scopeId == SCOPE_MODULE && g->module_mw);
}

static uint64_t field_power_mw(const Gpu *g, const FieldValue *v) {
  if (v->scopeId == SCOPE_MODULE) return g->module_mw;
  return v->fieldId == FIELD_POWER_AVERAGE ? average_mw(g) : g->power_mw;
}

int nvmlDeviceGetFieldValues(void *handle, int count, FieldValue *values) {
  GUARD(handle);
  Gpu *g = handle;
  for (int i = 0; i < count; i++) {
    FieldValue *v = &values[i];
    v->nvmlReturn = (uint32_t)field_fault(v, gpu_of(handle));
    if (v->nvmlReturn) continue;
    switch (v->fieldId) {
      case FIELD_POWER_AVERAGE:
      case FIELD_POWER_INSTANT:
        v->valueType = VALUE_UNSIGNED_INT;
        v->value.uiVal = (uint32_t)field_power_mw(g, v);
        if (is_virtual(g) || !in_scope(g, v)) v->nvmlReturn = NOT_SUPPORTED;
        break;
      case FIELD_ENERGY:
      case FIELD_ENERGY_AGAIN:
        v->valueType = VALUE_UNSIGNED_LONG_LONG;
        v->value.ullVal = (g->shown_nj - g->base_nj) / 1000000u;
        if (!g->counts_energy || is_virtual(g)) v->nvmlReturn = NOT_SUPPORTED;
        break;
      default: v->nvmlReturn = NOT_SUPPORTED;
    }
  }
  return OK;
}

int nvmlDeviceGetUtilizationRates(void *handle, UtilizationRates *rates) {
  GUARD(handle);
  Gpu *g = handle;
  if (g->mig) return NOT_SUPPORTED;
  *rates = (UtilizationRates){g->busy_percent, g->memory_percent};
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

int nvmlDeviceGetProcessUtilization(void *handle, UtilizationSample *samples, unsigned *count,
                                    unsigned long long last_us) {
  GUARD(handle);
  Gpu *g = handle;
  if (g->mig) return NOT_SUPPORTED;
  unsigned room = samples ? *count : 0, found = 0;
  unsigned long oldest = g->sample_count > MAX_SAMPLES ? g->sample_count - MAX_SAMPLES : 0;
  for (unsigned long i = oldest; i < g->sample_count; i++) {
    const UtilizationSample *s = &g->samples[i % MAX_SAMPLES];
    if (s->timeStamp <= last_us) continue;
    if (found < room) samples[found] = *s;
    found++;
  }
  *count = found;
  if (!found) return NOT_FOUND;
  return found > room ? INSUFFICIENT_SIZE : OK;
}
