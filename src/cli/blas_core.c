/* OpenBLAS picks its kernels by CPU model when it is loaded. Versions older than a CPU (0.3.21, Debian 12,
 * and Zen 4 or Sapphire Rapids, say) fall back to kernels for Haswell or Zen, which use half of the vector
 * width (117 instead of 205 GFLOP/s a core in single-precision matrix products), or for the Pentium 4
 * ("Prescott"), which use a quarter (19 GFLOP/s on a Xeon with AVX-512). Its one remedy is the environment
 * variable OPENBLAS_CORETYPE, which is read before main() runs; hence the restart. Whoever sets the variable
 * has the last word. */
#include "cli/blas_core.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *blas_core_better(const char *core, bool avx2, bool avx512) {
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

static void choose_core(char **argv) {
  if (getenv("OPENBLAS_CORETYPE")) return; /* also the guard against restarting for ever */
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const char *better = blas_core_better(openblas_get_corename(), avx2, has_avx512());
  if (!better || setenv("OPENBLAS_CORETYPE", better, 1) != 0) return;
  execv("/proc/self/exe", argv);
  unsetenv("OPENBLAS_CORETYPE"); /* the restart failed: go on with the slower kernels */
}
#else
static void choose_core(char **argv) {
  (void)argv;
}
#endif

void blas_core_choose(char **argv) {
  choose_core(argv);
  /* One built with threads of its own would cut each product by the number of cores, which makes results
   * depend on them and takes the cores from the callers, who are as many threads as there are cores. */
  if (openblas_get_parallel() == OPENBLAS_THREAD) openblas_set_num_threads(1);
}
