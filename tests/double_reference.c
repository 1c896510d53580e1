#define NET_REAL_DOUBLE
#include "double_reference.h"

#include "base/memory.h"
#include "net/core.h"

#include <stdlib.h>
#include <string.h>

void double_reference_gradient(const Net *net, const float *planes, const float *target_policy,
                               const uint8_t *legal, const float *target_wdl, int batch, double *gradient) {
  const NetSlice slice = {.planes = planes,
                          .target_policy = target_policy,
                          .legal = legal,
                          .target_wdl = target_wdl,
                          .batch = batch,
                          .policy_weight = 1,
                          .value_weight = 1};
  NetWorkspace *workspace = core_workspace_new(&net->shape, batch, CORE_TRAINING);
  double *params = memory_new(net->param_count, sizeof *params);
  NetLoss loss = {0};
  for (size_t i = 0; i < net->param_count; i++) params[i] = (double)net->params[i];
  memset(gradient, 0, net->param_count * sizeof *gradient);
  core_backward(workspace, params, &slice, gradient, &loss);
  core_workspace_free(workspace);
  free(params);
}
