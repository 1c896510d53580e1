#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define KERNELS low_kernels_avx2
#define KERNELS_NAME "AVX2"
enum { LANES = 8, PANEL_VECS = 2, TILE_CELLS = 3 };
typedef int VecInt __attribute__((vector_size(32), may_alias));

/* The instruction for u8 x s8 saturates its sums of two products at 16 bits, which one product cannot reach:
 * even and odd bytes go apart. */
TARGET static inline __attribute__((always_inline)) VecInt vec_dot(VecInt sum, VecInt a, VecInt w) {
  __m256i even = _mm256_maddubs_epi16(_mm256_and_si256((__m256i)a, _mm256_set1_epi16(255)), (__m256i)w);
  __m256i odd = _mm256_maddubs_epi16(_mm256_andnot_si256(_mm256_set1_epi16(255), (__m256i)a), (__m256i)w);
  __m256i one = _mm256_set1_epi16(1);
  return sum + (VecInt)_mm256_add_epi32(_mm256_madd_epi16(even, one), _mm256_madd_epi16(odd, one));
}

#include "net/plan_low_kernels.inc"
#endif
