/* A RAPL counter in real time: writes energy_uj at every tick, as the exact integral up to it.
 *
 * The power is a schedule in shared memory, written by the benchmark: at t_ns the energy so far
 * was energy_pj, and power_mw is drawn from there on (mW times ns is pJ). A tick that is written
 * late still shows the energy of its scheduled time; how late is told in the header.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef struct { uint64_t t_ns, power_mw, energy_pj; } Step;
typedef struct { uint64_t steps, ticks, late, latest_ns; Step step[]; } Schedule;

enum { LATE_NS = 200000, WIDTH = 20 };

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t energy_pj(const Schedule *s, uint64_t t_ns) {
  uint64_t i = __atomic_load_n(&s->steps, __ATOMIC_ACQUIRE);
  while (i > 1 && s->step[i - 1].t_ns > t_ns) i--;
  const Step *step = &s->step[i - 1];
  return step->energy_pj + (t_ns > step->t_ns ? (t_ns - step->t_ns) * step->power_mw : 0);
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int schedule_fd = open(argv[1], O_RDWR), energy_fd = open(argv[2], O_WRONLY);
  uint64_t bytes = strtoull(argv[3], 0, 10), period_ns = strtoull(argv[4], 0, 10);
  uint64_t start_uj = strtoull(argv[5], 0, 10);
  Schedule *s = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, schedule_fd, 0);
  if (schedule_fd < 0 || energy_fd < 0 || s == MAP_FAILED) return 1;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sched_param priority = {.sched_priority = 10};
  sched_setscheduler(0, SCHED_FIFO, &priority); /* where it may not, ticks come later */
  uint64_t first_ns = s->step[0].t_ns, tick = 0;
  while (s->steps) {
    uint64_t due_ns = first_ns + (tick + 1) * period_ns;
    struct timespec due = {(time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, 0);
    uint64_t t_ns = now_ns();
    if (t_ns < due_ns) continue;
    tick = (t_ns - first_ns) / period_ns;
    char text[WIDTH + 2];
    uint64_t uj = start_uj + energy_pj(s, first_ns + tick * period_ns) / 1000000u;
    snprintf(text, sizeof text, "%*llu\n", WIDTH, (unsigned long long)uj);
    if (pwrite(energy_fd, text, WIDTH + 1, 0) < 0) return 1;
    uint64_t late_ns = t_ns - due_ns;
    s->ticks++;
    s->late += late_ns > LATE_NS;
    if (late_ns > s->latest_ns) s->latest_ns = late_ns;
  }
  return 0;
}
