#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define KERNELS low_kernels_avx512vnni
#define KERNELS_NAME "AVX-512 VNNI"
enum { LANES = 16, PANEL_VECS = 4, TILE_CELLS = 6 };
typedef float Vec __attribute__((vector_size(64), may_alias));
typedef int VecInt __attribute__((vector_size(64), may_alias));

#define vec_least(a, b) ((Vec)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define vec_dot(sum, a, w) ((VecInt)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(w)))

#include "net/plan_low_kernels.inc"
#else
typedef int plan_low_avx512vnni_is_for_x86_64;
#endif
