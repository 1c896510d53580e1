/* The reference network in double precision, for tests that measure the error of single precision. */
#ifndef TESTS_DOUBLE_REFERENCE_H
#define TESTS_DOUBLE_REFERENCE_H

#include "net/net.h"

/* As net_backward_slice() with both loss weights and every position's weight 1; gradient [param_count] is
 * replaced. */
void double_reference_gradient(const Net *net, const float *planes, const float *target_policy,
                               const uint8_t *legal, const float *target_wdl, int batch, double *gradient);

#endif
