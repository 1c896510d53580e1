#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define KERNELS plan_kernels_avx2
#define KERNELS_NAME "AVX2"
typedef __m256 Vec;
enum { LANES = 8, PANEL_VECS = 2, TILE_ROWS = 6 };

#define vec_set _mm256_set1_ps
#define vec_fma _mm256_fmadd_ps
#define vec_relu(a) _mm256_max_ps(a, _mm256_setzero_ps())

#include "net/plan_kernels.inc"
#endif
