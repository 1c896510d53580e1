/* What is inside a NetTrainer. Internal to the net layer and its tests. */
#ifndef NET_TRAINER_INTERNAL_H
#define NET_TRAINER_INTERNAL_H

#include "net/core.h"
#include "net/plan_internal.h"
#include "net/train_kernels.h"
#include "net/trainer.h"

/* One 3x3 convolution of the tower; widths are padded to PLAN_PAD. */
typedef struct TrainerConv {
  int in, out;
  float *forward;  /* U in panels, [products][in][out] */
  float *backward; /* U' in panels, [products][out][in]; NULL for the stem, whose input needs no gradient */
} TrainerConv;

struct NetTrainer {
  NetShape shape;
  NetLayout layout;
  const TrainKernels *kernels;
  WinogradTiling tiling;
  int tower; /* convolutions, 1 + 2 blocks */
  TrainerConv *convs;
  char name[64];
};

/* Batch norm behind one convolution, each [out]; zero in the padding. */
typedef struct TrainerNorm {
  float *mean, *square; /* of the slice so far; square: sum of squared deviations */
  float *inverse;       /* 1 / deviation */
  float *factor, *bias; /* scale / deviation; the layer's bias */
  float *sum, *product; /* way back: sums of dy and of dy (x - mean) */
} TrainerNorm;

struct TrainerWorkspace {
  int max_batch;
  NetWorkspace *heads;
  float *input;                     /* [N][planes] */
  float *raw[NET_MAX_CONVS];        /* [N][channels], before batch norm */
  float *out[NET_MAX_CONVS];        /* [N][channels], after batch norm, residual and ReLU */
  TrainerNorm norms[NET_MAX_CONVS]; /* of the tower */
  float *norm_arena;
  float *trunk;             /* [channels][N], as the heads want it */
  float *d_outer, *d_block; /* [N][channels]: gradient behind a block, and inside it */
  /* one group at a time */
  float *d_raw;                                /* [group * cells][channels] */
  float *in_products, *adjoint, *out_products; /* [products][group * tiles][channels] */
  float *scratch;                              /* winograd_scratch() */
  float *d_weights;                            /* [products][out][in] */
  float *slope, *offset;                       /* [channels] */
};

/* trainer_new() with the kernels and tiling chosen by the caller. */
NetTrainer *trainer_new_with(const NetShape *shape, const TrainKernels *kernels, WinogradTiling tiling);
/* Kernels for this CPU, best first; ends with NULL. */
enum { TRAIN_MOST_KERNELS = 4 };
void train_kernels_here(const TrainKernels *list[TRAIN_MOST_KERNELS]);

/* Positions that pass through a layer together. */
int trainer_group(int max_batch);

/* Convolution `index` of a group of `count` positions: y[rows][out] of x[rows][in]. */
void trainer_conv_forward(const NetTrainer *trainer, TrainerWorkspace *workspace, int index, int count,
                          const float *x, float *y);
/* dx[rows][in] of dy[rows][out], plus residual where there is one; dx may be residual. The stem has no dx.
 * workspace->d_weights receives the gradient dU' of this group, added with `add`. */
void trainer_conv_backward(const NetTrainer *trainer, TrainerWorkspace *workspace, int index, int count,
                           bool add, const float *x, const float *dy, const float *residual, float *dx);
/* planes[batch][planes][cells] -> workspace->trunk; leaves batch statistics in heads->stats. */
void trainer_tower_forward(const NetTrainer *trainer, TrainerWorkspace *workspace, const float *params,
                           const float *planes, int batch);
/* From heads->d_trunk; adds to gradient. */
void trainer_tower_backward(const NetTrainer *trainer, TrainerWorkspace *workspace, const float *params,
                            int batch, float *gradient);

#endif
