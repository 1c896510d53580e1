/* Four lanes by the compiler's vectors, for any machine. The plain twin of all of them is integer_sum() in
 * tests/test_plan_low.c. */
#define TARGET
#define KERNELS low_kernels_base
#define KERNELS_NAME "baseline"
enum { LANES = 4, PANEL_VECS = 2, TILE_CELLS = 3 };
typedef int VecInt __attribute__((vector_size(16), may_alias));

static inline VecInt vec_dot(VecInt sum, VecInt a, VecInt w) {
  for (int byte = 0; byte < 4; byte++)
    sum += (a >> (8 * byte) & 255) * (VecInt)((w << (24 - 8 * byte)) >> 24);
  return sum;
}

#include "net/plan_low_kernels.inc"
