/* NetPlan: an immutable network compiled for inference: batch norm folded into the convolutions, weights
 * packed, kernels picked for this CPU at run time. Many threads may share one plan, each with its own
 * PlanWorkspace. The reference is net_forward(); tests hold the two together within 1e-4. A position's result
 * does not depend on its row in the batch, the batch size or the thread. */
#ifndef NET_PLAN_H
#define NET_PLAN_H

#include "net/net.h"

typedef struct NetPlan NetPlan;
typedef struct PlanWorkspace PlanWorkspace;

NetPlan *plan_new(const Net *net);
void plan_free(NetPlan *plan);
const NetShape *plan_shape(const NetPlan *plan);
PlanWorkspace *plan_workspace_new(const NetPlan *plan, int max_batch);
void plan_workspace_free(PlanWorkspace *workspace);
/* planes[batch][planes][rows][cols] -> logits[batch][moves], wdl[batch][3] after softmax. */
void plan_forward(const NetPlan *plan, PlanWorkspace *workspace, const float *planes, int batch,
                  float *logits, float *wdl);
/* The kernels in use, as "Winograd F(3x4, 3x3), AVX-512, float32". Lives as long as the plan. */
const char *plan_kernel(const NetPlan *plan);

#endif
