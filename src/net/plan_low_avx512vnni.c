#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define KERNELS low_kernels_avx512vnni
#define KERNELS_NAME "AVX-512 VNNI"
enum { LANES = 16, PANEL_VECS = 4, TILE_CELLS = 6 };

#define vec_dot(sum, a, w) ((VecInt)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(w)))

#include "net/plan_low_kernels.inc"
#endif
