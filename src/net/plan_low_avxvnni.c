#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,avxvnni")))
#define KERNELS low_kernels_avxvnni
#define KERNELS_NAME "AVX-VNNI"
enum { LANES = 8, PANEL_VECS = 2, TILE_CELLS = 6 };

#define vec_dot(sum, a, w) ((VecInt)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(a), (__m256i)(w)))

#include "net/plan_low_kernels.inc"
#endif
