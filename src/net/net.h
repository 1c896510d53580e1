/* Net: a policy-value network, its parameters, and the readable single-precision path over OpenBLAS.
 *
 * A residual tower (He et al. 2016) as in AlphaGo Zero (Silver et al. 2017), with a win/draw/loss value head:
 *
 *   planes [batch][planes][rows][cols]
 *     -> stem: conv 3x3, batch norm, ReLU                                 [channels]
 *     -> blocks x: conv 3x3, BN, ReLU, conv 3x3, BN, + input, ReLU        [channels]
 *     -> policy head: conv 1x1, BN, ReLU [policy_channels], linear        logits [batch][moves]
 *     -> value head:  conv 1x1, BN, ReLU [value_channels], linear, ReLU
 *                     [value_hidden], linear                              WDL logits [batch][3]
 *
 * All parameters are one flat float array; each tensor is a named view of it. Batch norm's running mean and
 * variance are in a second flat array, since no gradient reaches them. Inside the tower activations are laid
 * out [channels][batch * rows * cols], so that a convolution is one matrix product with M = channels, K = 9 x
 * channels, N = batch x rows x cols.
 *
 * A Net is plain data: no global state, no threads, no printing. Functions that only read it may run in
 * parallel, each with its own NetWorkspace. */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/error.h"
#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

typedef struct NetShape {
  int planes, rows, cols, moves; /* from the game */
  int blocks, channels;
  int policy_channels, value_channels, value_hidden;
} NetShape;

/* One named tensor: `size` floats from `offset` in the flat array; dims: [out][in][kernel][kernel],
 * [out][in] or [out], as net/layout.h lays them out. */
typedef struct NetTensor {
  char name[32];
  size_t offset, size;
  int dims[4], rank;
  int decayed; /* weight decay applies: matrices and kernels, but no biases nor batch norm */
} NetTensor;

typedef struct Net {
  NetShape shape;
  size_t param_count, stat_count;
  float *params; /* [param_count] */
  float *stats;  /* [stat_count], running mean and variance of each batch norm */
  float *ranges; /* [2 blocks], how large the inputs of the blocks' convolutions grow: plan_calibrate();
                    zeros before */
  NetTensor *tensors;
  int tensor_count;
} Net;

typedef struct NetWorkspace NetWorkspace;

/* Checks sizes (all positive, channels at most 512, blocks at most 64, parameters at most 2^26, whose
 * checkpoint a file holds). */
bool net_shape_valid(const NetShape *shape, Error *err);
/* All-zero parameters, identity statistics. */
Net *net_new(const NetShape *shape);
void net_free(Net *net);
Net *net_copy(const Net *net);
/* He-normal weights; the last BN scale of each block and both heads' last layers start small, so that the
 * first policy is nearly uniform and the first value nearly neutral. */
void net_init(Net *net, Rng *rng);
/* A larger network of the same function, which learning goes on from: `shape` has at least the blocks and
 * channels of net's, and all else alike. T. Chen, I. Goodfellow, J. Shlens, "Net2Net" (ICLR 2016), but
 * widened by new channels that nothing listens to yet (zero weights) instead of copied ones, and deepened by
 * blocks that add nothing yet (zero batch norm scale); whatever those zeros do not silence is drawn as by
 * net_init(). */
Net *net_grow(const Net *net, const NetShape *shape, Rng *rng);
/* By name, as "stem.conv.weight" or "block3.conv2.bn.scale"; NULL where there is none. */
const NetTensor *net_tensor(const Net *net, const char *name);
/* Multiply-adds of one position's forward pass by plain direct convolution, heads included. */
double net_multiply_adds(const NetShape *shape);

/* A workspace holds every activation of a forward pass over at most max_batch positions, and the gradients'
 * scratch where `training`. It belongs to one thread at a time. */
NetWorkspace *net_workspace_new(const NetShape *shape, int max_batch, bool training);
void net_workspace_free(NetWorkspace *workspace);

/* Inference with the running statistics: planes[batch][planes][rows][cols] -> logits[batch][moves],
 * wdl[batch][3] (after softmax). This is the reference that faster paths are tested against. */
void net_forward(const Net *net, NetWorkspace *workspace, const float *planes, int batch, float *logits,
                 float *wdl);

/* An output that only training has: linear in a head's features, with weights that are no part of the Net,
 * since play does not need them. Its loss is added. */
typedef struct NetOutput {
  const float *params; /* [outputs][inputs] weights, then [outputs] biases; NULL: no such output */
  const float *target; /* [batch][outputs] */
  float weight;        /* of this loss */
  float *gradient;     /* of params, and laid out as they are; added to */
} NetOutput;

/* Auxiliary targets (D. Wu, "Accelerating Self-Play Learning in Go", KataGo, 2019, 3.4 and 4). */
typedef struct NetAuxiliary {
  /* One output of the value head's hidden layer: the plies left until a game's last recorded position, as a
   * share of the longest game, by squared error (as Leela Chess Zero's moves-left head, 2020). */
  NetOutput plies;
  /* `moves` outputs of the policy head's board [policy_channels][rows][cols]: the policy of the opponent's
   * next turn, by cross-entropy over all moves; zeros where it is not known. */
  NetOutput reply;
} NetAuxiliary;

/* What the loss is made of, summed (not averaged) over the slice's positions. */
typedef struct NetLoss {
  double policy;       /* cross-entropy of the policy, nats */
  double value;        /* cross-entropy of WDL, nats */
  double plies_square; /* squared error of the plies left, as shares of the longest game */
  double reply;        /* cross-entropy of the opponent's reply, nats */
  int replies;         /* positions whose reply is known */
  int count;
} NetLoss;

/* One slice of a minibatch: forward with this slice's own batch statistics ("ghost" batch norm, E. Hoffer et
 * al. 2017), loss, backward. Slices are independent, so that a fixed set of slices summed in a fixed order
 * gives the same bits at any thread count. planes [batch][planes][rows][cols]; target_policy [batch][moves],
 * sums to 1 (or to 0: no policy loss for that position; a one-hot target times an advantage, of either sign,
 * gives the policy gradient of REINFORCE); legal [batch][moves], 1 where legal: logits of illegal moves are
 * masked out of the softmax; target_wdl [batch][3]; weight [batch] scales each position's loss, NULL for
 * all 1; auxiliary may be NULL. gradient [param_count]: the sum over positions is ADDED to it
 * (scale by 1 / minibatch is the caller's). batch_stats [stat_count]: receives this slice's batch mean and
 * variance (biased), for the running average. */
void net_backward_slice(const Net *net, NetWorkspace *workspace, const float *planes,
                        const float *target_policy, const uint8_t *legal, const float *target_wdl,
                        const float *weight, int batch, float policy_weight, float value_weight,
                        const NetAuxiliary *auxiliary, float *gradient, float *batch_stats, NetLoss *loss);

/* Files: base/file.h blocks of magic "SPNETWRK" holding the game's name, shape, note, parameters,
 * statistics and ranges (files of older versions end before these, and load with zeros). The note is free
 * text (command, seed, iteration), at most 1023 bytes. */
bool net_save(const Net *net, const char *game, const char *note, const char *path, Error *err);
/* NULL with a message where the file is missing, damaged, or not of this game (`game` NULL accepts any).
 * game_name [64] and note [1024] receive what the file says; either may be NULL. */
Net *net_load(const char *path, const char *game, char *game_name, char *note, Error *err);
/* Whether all its numbers are; a training that has diverged makes others. */
bool net_is_finite(const Net *net);
/* CRC-32 of shape, parameters and statistics: names a network in logs and ratings. */
uint32_t net_hash(const Net *net);

#endif
