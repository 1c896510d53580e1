/* Where each layer's tensors lie in the flat parameter and statistics arrays; a function of the shape alone.
 */
#ifndef NET_LAYOUT_H
#define NET_LAYOUT_H

#include "net/net.h"

enum { NET_MAX_BLOCKS = 64, NET_MAX_CHANNELS = 512, NET_MAX_CONVS = 3 + 2 * NET_MAX_BLOCKS };

/* A convolution and the batch norm behind it. */
typedef struct LayoutConv {
  int in, out, kernel;   /* kernel 3 or 1 */
  size_t weight;         /* [out][in][kernel][kernel] */
  size_t scale, bias;    /* [out] */
  size_t mean, variance; /* [out], in the statistics */
} LayoutConv;

typedef struct LayoutLinear {
  int in, out;
  size_t weight; /* [out][in] */
  size_t bias;   /* [out] */
} LayoutLinear;

typedef struct NetLayout {
  int conv_count;
  LayoutConv convs[NET_MAX_CONVS]; /* stem, then two for each block, then policy head, value head */
  LayoutLinear policy;             /* in = policy_channels * rows * cols, as [channel][row][col] */
  LayoutLinear hidden, value;      /* hidden.in as policy.in */
  size_t param_count, stat_count;
} NetLayout;

/* The shape must be valid. */
void layout_make(const NetShape *shape, NetLayout *layout);
static inline const LayoutConv *layout_policy_conv(const NetLayout *layout) {
  return &layout->convs[layout->conv_count - 2];
}
static inline const LayoutConv *layout_value_conv(const NetLayout *layout) {
  return &layout->convs[layout->conv_count - 1];
}
/* The named view: an array of *count tensors in ascending order of offset, without gaps; released with
 * free(). */
NetTensor *layout_tensors(const NetShape *shape, int *count);

#endif
