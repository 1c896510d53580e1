#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define KERNELS plan_kernels_avx2
#define TRAIN_KERNELS train_kernels_avx2
#define KERNELS_NAME "AVX2"
typedef __m256 Vec;
enum { LANES = 8, PANEL_VECS = 2, TILE_ROWS = 6 };

#define vec_set _mm256_set1_ps
#define vec_fma _mm256_fmadd_ps
#define vec_relu(a) _mm256_max_ps(a, _mm256_setzero_ps())
#define vec_where_positive(a, b) _mm256_and_ps(_mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GT_OQ), b)

#include "net/plan_kernels.inc"

#include "net/train_kernels.inc"
#endif
