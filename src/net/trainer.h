/* NetTrainer: the fast path of net_backward_slice(), which is its reference.
 *
 * The tower's 3x3 convolutions are done by Winograd's tiles, all three of a training step (A. Lavin and S.
 * Gray 2016): with V = B^T x B, U = G w G^T, one tile's results are y = A^T (U V) A, products taken element
 * by element and summed over channels;
 *
 *   forward          y  = A^T (U V(x)) A
 *   to the input     dx = A^T (U' V(dy)) A, U' from the kernels turned by half a turn
 *   to the weights   dU' = sum over tiles of V(dy) (A x A^T), then dw' = G^T dU' G, turned back
 *
 * so that dy is transformed once for both ways back. Activations are [position][cell][channel]; a group of
 * positions at a time passes through batch norm, transforms and products while it stays in a near cache; the
 * statistics of the next batch norm are taken there too. The heads are the reference's.
 *
 * A trainer holds the transformed weights of one step and is shared by threads; each has its own
 * TrainerWorkspace. Results depend on nothing but the slice and the CPU's features. */
#ifndef NET_TRAINER_H
#define NET_TRAINER_H

#include "net/net.h"

typedef struct NetTrainer NetTrainer;
typedef struct TrainerWorkspace TrainerWorkspace;

/* The shape must be valid. */
NetTrainer *trainer_new(const NetShape *shape);
void trainer_free(NetTrainer *trainer);
/* Takes over the net's weights as they are now, on `threads` threads; due after every change of them. */
void trainer_load(NetTrainer *trainer, const Net *net, int threads);
/* For slices of at most max_batch positions. */
TrainerWorkspace *trainer_workspace_new(const NetTrainer *trainer, int max_batch);
void trainer_workspace_free(TrainerWorkspace *workspace);
/* As net_backward_slice(); `net` must be as it was loaded. */
void trainer_backward_slice(const NetTrainer *trainer, TrainerWorkspace *workspace, const Net *net,
                            const float *planes, const float *target_policy, const uint8_t *legal,
                            const float *target_wdl, const float *weight, int batch, float policy_weight,
                            float value_weight, const NetAuxiliary *auxiliary, float *gradient,
                            float *batch_stats, NetLoss *loss);
/* The kernels in use, as "Winograd F(3x4, 3x3), AVX2". Lives as long as the trainer. */
const char *trainer_kernel(const NetTrainer *trainer);

#endif
