/* Ties: a network that obeys the symmetries of its board, by tying its weights.
 *
 * T. Cohen and M. Welling, "Group Equivariant Convolutional Networks" (ICML 2016): the channels of each layer
 * come in sets of `order`, one channel for each symmetry, and a symmetry of the input moves each channel's
 * board as it moves the input's, and the channels of a set as it moves the symmetries. The answer to a
 * position's image is then the image of the answer. Here that is no other network and no other code but a
 * constraint on the weights: those that some symmetry takes into one another are equal, and remain so where
 * they begin equal and their gradients are averaged. One step on a position thus is one on all its images. */
#ifndef NET_TIES_H
#define NET_TIES_H

#include "net/net.h"

enum { TIES_ORDER_MAX = 8 };

/* The first `order` symmetries of a board, the identity first. Owned by the caller. */
typedef struct BoardSymmetries {
  int order;
  const int *squares; /* [order][rows * cols]: the square that each is taken to */
  const int *moves;   /* [order][moves]: likewise */
} BoardSymmetries;

typedef struct NetTies NetTies;

/* Checks that the symmetries are closed under composition, that they move a square's neighbours alike
 * everywhere (so that kernels have images), and that their number divides that of the channels of every
 * layer, heads and hidden units included. */
bool ties_valid(const NetShape *shape, const BoardSymmetries *symmetries, Error *err);
/* Of a valid pair. With one symmetry all of the following do nothing. */
NetTies *ties_new(const NetShape *shape, const BoardSymmetries *symmetries);
void ties_free(NetTies *ties); /* NULL is fine */

/* Makes tied weights and statistics equal: to the first of each set, which keeps the spread of random ones.
 */
void ties_share(const NetTies *ties, Net *net);
/* Replaces tied entries by their mean: of gradient[param_count] and of stats[stat_count]. The bits do not
 * depend on the threads. */
void ties_average(const NetTies *ties, float *gradient, float *stats, int threads);

#endif
