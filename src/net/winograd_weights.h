/* Winograd's transforms of the weights of a whole 3x3 convolution and of their gradient, for training, where
 * they change with every step. Single precision, where a plan's weights (winograd_kernel()) have double. */
#ifndef NET_WINOGRAD_WEIGHTS_H
#define NET_WINOGRAD_WEIGHTS_H

#include "net/winograd.h"

#include <stdbool.h>

/* weight[out][in][3][3] -> panels[product][k][n] in panels of `panel` columns (net/plan_kernels.h), which is
 * G weight G^T for k = input, n = output; `flipped`, for the gradient of the input, k = output, n = input and
 * each kernel turned by half a turn. Both k and n are padded to PLAN_PAD; the padding is left as it is. */
void winograd_pack(const WinogradTiling *tiling, int panel, int in, int out, const float *weight,
                   bool flipped, float *panels);
/* The adjoint of the flipped form: products[product][out][in] (padded, but plain rows) is the gradient of
 * those products; G^T products G, turned back, is ADDED to gradient[out][in][3][3]. */
void winograd_unpack_gradient(const WinogradTiling *tiling, int in, int out, const float *products,
                              float *gradient);

#endif
