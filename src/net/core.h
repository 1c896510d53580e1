/* Forward and backward over raw parameter arrays, in either precision (net/real.h): what net.h's functions
 * call, and what the tests run in double precision. Internal to the net layer and its tests. */
#ifndef NET_CORE_H
#define NET_CORE_H

#include "net/layers.h"
#include "net/layout.h"
#include "net/net.h"
#include "net/real.h"

/* N = batch * rows * cols of the pass at hand; F = policy_channels or value_channels, times rows * cols. */
struct NetWorkspace {
  NetShape shape;
  NetLayout layout;
  int max_batch;
  ConvScratch *scratch;
  real *arena;                         /* all that follows lies in it */
  real *input;                         /* [planes][N] */
  real *raw[NET_MAX_CONVS];            /* [out][N], each convolution's output before its batch norm */
  real *out[NET_MAX_CONVS];            /* [out][N], after batch norm, residual and ReLU */
  real *policy_flat;                   /* [batch][F], the heads' boards position by position */
  real *value_flat;                    /* [batch][F] */
  real *hidden;                        /* [batch][value_hidden], after ReLU */
  real *logits;                        /* [batch][moves] */
  real *value;                         /* [batch][3], logits of WDL */
  real *stats;                         /* [stat_count], this batch's; NULL from here on unless training */
  real *d_trunk;                       /* [widest][N], widest = the largest number of channels anywhere */
  real *d_branch, *d_spare;            /* [widest][N] */
  real *d_flat;                        /* [batch][largest F] */
  real *d_hidden, *d_logits, *d_value; /* as hidden, logits, value */
  real *d_plies, *d_reply;             /* [batch] and [batch][moves], where the last loss had such */
  const NetAuxiliary *auxiliary;       /* of the last loss, or NULL */
};

/* A slice as net_backward_slice() takes it. */
typedef struct NetSlice {
  const float *planes, *target_policy;
  const uint8_t *legal;
  const float *target_wdl, *weight;
  int batch;
  float policy_weight, value_weight;
  const NetAuxiliary *auxiliary; /* NULL: none */
} NetSlice;

/* What a workspace has room for: a forward pass; the way back too; or that of the heads alone, where the
 * tower is another's (net/trainer.h): then input, raw and out of the tower, d_spare and scratch are NULL. */
typedef enum CoreUse { CORE_INFERENCE = 0, CORE_TRAINING = 1, CORE_HEADS } CoreUse;

NetWorkspace *core_workspace_new(const NetShape *shape, int max_batch, CoreUse use);
void core_workspace_free(NetWorkspace *workspace);

/* Leaves logits and WDL logits in the workspace. With running == NULL batch norm uses the batch's own
 * statistics and leaves them in workspace->stats. */
void core_forward(NetWorkspace *workspace, const real *params, const real *running, const float *planes,
                  int batch);
/* The part behind the tower, whose output is trunk[channels][N]. */
void core_heads_forward(NetWorkspace *workspace, const real *params, const real *running, const real *trunk,
                        int batch);
/* Its way back, from what core_loss() left: leaves the trunk's gradient in d_trunk. */
void core_heads_backward(NetWorkspace *workspace, const real *params, const real *trunk, int batch,
                         real *gradient);
/* Adds the loss of the last core_forward(); fills d_logits, d_value and those of slice->auxiliary, and
 * adds to the latter's gradients. */
void core_loss(NetWorkspace *workspace, const NetSlice *slice, NetLoss *loss);
/* Forward with the batch's statistics, loss, backward; adds to gradient[param_count]. */
void core_backward(NetWorkspace *workspace, const real *params, const NetSlice *slice, real *gradient,
                   NetLoss *loss);

#endif
