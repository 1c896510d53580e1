/* Four lanes by the compiler's vectors: SSE on x86-64, NEON on ARM. */
typedef float Vec __attribute__((vector_size(16), may_alias));
typedef int VecMask __attribute__((vector_size(16)));

#define TARGET
#define KERNELS plan_kernels_base
#define TRAIN_KERNELS train_kernels_base
#define KERNELS_NAME "baseline"
enum { LANES = 4, PANEL_VECS = 2, TILE_ROWS = 4 };

static inline Vec vec_set(float x) {
  return (Vec){x, x, x, x};
}

static inline Vec vec_fma(Vec a, Vec b, Vec c) {
  return a * b + c;
}

static inline Vec vec_relu(Vec a) {
  return (Vec)((VecMask)a & (a > vec_set(0)));
}

static inline Vec vec_where_positive(Vec a, Vec b) {
  return (Vec)((VecMask)b & (a > vec_set(0)));
}

#include "net/plan_kernels.inc"

#include "net/train_kernels.inc"
