#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define KERNELS plan_kernels_avx512
#define TRAIN_KERNELS train_kernels_avx512
#define KERNELS_NAME "AVX-512"
typedef __m512 Vec;
enum { LANES = 16, PANEL_VECS = 4, TILE_ROWS = 6 };

#define vec_set _mm512_set1_ps
#define vec_fma _mm512_fmadd_ps
#define vec_relu(a) _mm512_max_ps(a, _mm512_setzero_ps())
#define vec_where_positive(a, b)                                                                             \
  _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_GT_OQ), b)

#include "net/plan_kernels.inc"

#include "net/train_kernels.inc"
#endif
