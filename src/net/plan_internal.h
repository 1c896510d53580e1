/* What is inside a NetPlan. Internal to the net layer and its tests. */
#ifndef NET_PLAN_INTERNAL_H
#define NET_PLAN_INTERNAL_H

#include "net/plan.h"
#include "net/plan_kernels.h"
#include "net/plan_low.h"

/* How 3x3 convolutions are done. The unfolded product is the plain way, and the faster on boards of one row.
 */
typedef enum PlanMethod { PLAN_UNFOLDED, PLAN_WINOGRAD } PlanMethod;

/* `count` matrices [k][n] in the kernels' panels, and a bias [n]. Padding is zero. */
typedef struct PlanMatrix {
  int count, k, n;
  float *panels, *bias;
} PlanMatrix;

struct NetPlan {
  NetShape shape;
  const PlanKernels *kernels;
  PlanMethod method;
  WinogradTiling tiling;
  int tower_count;       /* 1 + 2 blocks; the stem alone with low precision */
  PlanMatrix *tower;     /* [tower_count]: [products][in][out], or one [9 in][out] */
  const LowKernels *low; /* NULL in single precision, and so are the next three */
  LowTiles low_tiles;
  LowConv *low_convs; /* [2 blocks] */
  float *per_step;    /* [2 blocks], of their inputs */
  PlanMatrix policy_conv, value_conv;
  PlanMatrix policy, hidden, value; /* inputs of the first two as [cell][channel] */
  char name[64];
};

/* Kernels for this CPU, best first; ends with NULL. */
enum { PLAN_MOST_KERNELS = 4 };
void plan_kernels_here(const PlanKernels *list[PLAN_MOST_KERNELS]);
/* planes[count][planes][cells] -> input[count][cells][planes, padded], whose padding is left as it is. */
void plan_gather_input(const NetShape *shape, const float *planes, int count, float *input);
/* The faster method on this board. */
PlanMethod plan_method_for(const NetShape *shape);
/* plan_new() with all choices made by the caller; `low` NULL is single precision. */
NetPlan *plan_new_with(const Net *net, const PlanKernels *kernels, PlanMethod method, const LowKernels *low);

static inline LowBoard plan_board(const NetShape *shape) {
  return (LowBoard){shape->rows, shape->cols};
}

#endif
