#include "base/simd.h"

#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

static char features[128];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void add(const char *name, int present) {
  if (!present) return;
  if (features[0]) strcat(features, " ");
  strcat(features, name);
}

#ifdef __x86_64__
bool simd_has_avx_vnni(void) {
  unsigned a, b, c, d;
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}
#else
bool simd_has_avx_vnni(void) {
  return false;
}
#endif

static void detect(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  add("sse4.2", __builtin_cpu_supports("sse4.2"));
  add("avx2", __builtin_cpu_supports("avx2"));
  add("fma", __builtin_cpu_supports("fma"));
  add("avx512f", __builtin_cpu_supports("avx512f"));
  add("avx512bw", __builtin_cpu_supports("avx512bw"));
  add("avx512vnni", __builtin_cpu_supports("avx512vnni"));
  add("avxvnni", simd_has_avx_vnni());
#endif
  if (!features[0]) strcpy(features, "baseline");
}

const char *simd_features(void) {
  pthread_once(&once, detect);
  return features;
}
