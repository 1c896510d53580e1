#include "cli/libraries.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* OpenBLAS picks its kernels by CPU model when it is loaded. Versions older than a CPU (0.3.21, Debian 12,
 * and Zen 4 or Sapphire Rapids, say) fall back to kernels for Haswell or Zen, which use half of the vector
 * width (117 instead of 205 GFLOP/s a core in single-precision matrix products), or for the Pentium 4
 * ("Prescott"), which use a quarter (19 GFLOP/s on a Xeon with AVX-512). */
const char *libraries_better_core(const char *core, bool avx2, bool avx512) {
  /* What it falls back to; a name that is not here may be newer than this list. */
  static const char *const fallbacks[] = {"Haswell", "Zen",       "Sandybridge",
                                          "Nehalem", "Barcelona", "Prescott"};
  enum { FALLBACKS = sizeof fallbacks / sizeof *fallbacks, WITH_AVX2 = 2 };
  int k = 0;
  while (k < FALLBACKS && strcmp(core, fallbacks[k]) != 0) k++;
  if (k == FALLBACKS) return NULL;
  return avx512 ? "SkylakeX" : avx2 && k >= WITH_AVX2 ? "Haswell" : NULL;
}

#if defined(__x86_64__)
/* The features that OpenBLAS's SkylakeX kernels are compiled for. */
static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}

static const char *better_core(void) {
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return libraries_better_core(openblas_get_corename(), avx2, has_avx512());
}
#else
static const char *better_core(void) {
  return NULL;
}
#endif

/* True where the variable was not there, and is now. */
static bool add(const char *name, const char *value) {
  return value && !getenv(name) && setenv(name, value, 1) == 0;
}

/* A thread of libgomp that waits for the others runs in circles for a millisecond before it sleeps. Where
 * another program wants a core too, it takes the time that those it waits for lack: beside one, training was
 * 2.3 times slower than with 1,000 turns (docs/performance.md), and alone as fast. */
static bool limit_spinning(void) {
  return !getenv("OMP_WAIT_POLICY") && add("GOMP_SPINCOUNT", "1000");
}

void libraries_set_up(char **argv) {
  bool core = add("OPENBLAS_CORETYPE", better_core()), spinning = limit_spinning();
  if (core || spinning) execv("/proc/self/exe", argv);
  /* What was added is the guard against restarting for ever, and where the restart failed it does no harm. */

  /* One built with threads of its own would cut each product by the number of cores, which makes results
   * depend on them and takes the cores from the callers, who are as many threads as there are cores. */
  if (openblas_get_parallel() == OPENBLAS_THREAD) openblas_set_num_threads(1);
}
