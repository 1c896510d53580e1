/* The layers: each a pair of plain functions, x_forward and x_backward.
 *
 * N stands for positions * rows * cols; tower activations are [channels][N]. A gradient dx has the shape of
 * x. Gradients of parameters are ADDED to what the arrays hold; gradients of activations replace it, unless
 * said. */
#ifndef NET_LAYERS_H
#define NET_LAYERS_H

#include "net/net.h"
#include "net/real.h"

/* Scratch of the 3x3 convolutions of one board: the unfolded columns of `chunk` positions at a time, so that
 * they are multiplied while still in a near cache, and need not be kept for the whole batch. */
typedef struct ConvScratch {
  int rows, cols, chunk;
  RealMask *mask;           /* [9][chunk * rows * cols], all ones where the neighbour is on the board */
  real *columns;            /* [9 * channels][chunk * rows * cols] */
  real *flipped, *dflipped; /* [channels][9 * channels], for the backward pass; NULL without it */
} ConvScratch;

/* For convolutions of at most `channels` inputs and outputs. */
ConvScratch *conv_scratch_new(int rows, int cols, int channels, int max_positions, bool training);
void conv_scratch_free(ConvScratch *scratch);

/* y[out][N] = weight[out][in][3][3] * x[in][N], zero beyond the board's edge. */
void conv3_forward(ConvScratch *scratch, const real *x, const real *weight, int in, int out, int positions,
                   real *y);
/* dx may be NULL where nobody needs it. */
void conv3_backward(ConvScratch *scratch, const real *x, const real *weight, const real *dy, int in, int out,
                    int positions, real *dx, real *dweight);
/* y[out][N] = weight[out][in] x[in][N] */
void conv1_forward(const real *x, const real *weight, int in, int out, int n, real *y);
/* With `add`, dx is added to. */
void conv1_backward(const real *x, const real *weight, const real *dy, int in, int out, int n, bool add,
                    real *dx, real *dweight);

/* Mean and biased variance of each channel of x[channels][N]. */
void batchnorm_statistics(const real *x, int channels, int n, real *mean, real *variance);
/* y = scale (x - mean) / sqrt(variance + epsilon) + bias, S. Ioffe and C. Szegedy 2015, algorithm 1. y may be
 * x. */
void batchnorm_forward(const real *x, const real *scale, const real *bias, const real *mean,
                       const real *variance, int channels, int n, real *y);
/* Through the statistics too, which must be those of x. dx may be dy. */
void batchnorm_backward(const real *x, const real *scale, const real *mean, const real *variance,
                        const real *dy, int channels, int n, real *dx, real *dscale, real *dbias);
#define BATCHNORM_EPSILON 1e-5

/* y = max(0, x + residual); residual may be NULL, y may be x. */
void relu_forward(const real *x, const real *residual, size_t count, real *y);
/* Turns dy into the gradient of both x and residual, in place. */
void relu_backward(const real *y, size_t count, real *dy);

/* y[batch][out] = x[batch][in] weight[out][in]^T + bias[out] */
void linear_forward(const real *x, const real *weight, const real *bias, int batch, int in, int out, real *y);
void linear_backward(const real *x, const real *weight, const real *dy, int batch, int in, int out, real *dx,
                     real *dweight, real *dbias);

/* Cross-entropy of target[batch][moves] and the softmax of logits over the legal moves; adds to loss
 * (unweighted). dlogits, the gradient of scale * sum over positions of weight * cross-entropy, may be NULL;
 * so may weight. */
void policy_loss(const real *logits, const float *target, const uint8_t *legal, const float *weight,
                 real scale, int batch, int moves, real *dlogits, NetLoss *loss);
/* The same for target[batch][3] and logits[batch][3]. */
void value_loss(const real *logits, const float *target, const float *weight, real scale, int batch,
                real *dlogits, NetLoss *loss);
/* Squared error of the plies left, an output of hidden[batch][inputs]; dplies[batch] and the gradient of
 * the output's own parameters as above. */
void plies_loss(const real *hidden, const NetOutput *plies, const float *weight, int batch, int inputs,
                real *dplies, NetLoss *loss);
/* Cross-entropy of the opponent's reply, `moves` outputs of board[batch][inputs]; dreply[batch][moves]
 * likewise. */
void reply_loss(const real *board, const NetOutput *reply, const float *weight, int batch, int inputs,
                int moves, real *dreply, NetLoss *loss);
/* Adds what d[batch][outputs] means for what is read, to dx[batch][inputs]. */
void output_backward(const NetOutput *output, const real *d, int batch, int inputs, int outputs, real *dx);
/* wdl[batch][3] = softmax of logits[batch][3] */
void value_softmax(const real *logits, int batch, float *wdl);

#endif
