/* NetPlan: an immutable network compiled for inference: batch norm folded into the convolutions, weights
 * packed, kernels picked for this CPU at run time. Many threads may share one plan, each with its own
 * PlanWorkspace. The reference is net_forward(); tests hold single precision to it within 1e-4. A position's
 * result does not depend on its row in the batch, the batch size or the thread. */
#ifndef NET_PLAN_H
#define NET_PLAN_H

#include "net/net.h"

typedef struct NetPlan NetPlan;
typedef struct PlanWorkspace PlanWorkspace;

/* PLAN_INT8 does the blocks' convolutions in 8-bit integers (net/plan_low.h). PLAN_FASTEST is what was
 * measured to be the faster of the two on CPUs like this one (docs/performance.md): PLAN_INT8 with AVX-512
 * VNNI or AVX-VNNI. */
typedef enum PlanPrecision { PLAN_FLOAT32, PLAN_INT8, PLAN_FASTEST } PlanPrecision;
/* As configurations and players name them; ends with NULL. */
extern const char *const plan_precision_names[];

/* PLAN_FASTEST resolved for this CPU; the others as they are. */
PlanPrecision plan_precision_here(PlanPrecision precision);

NetPlan *plan_new(const Net *net); /* in single precision */
/* In integers only where the net is calibrated (net->ranges), else in single precision. */
NetPlan *plan_new_as(const Net *net, PlanPrecision precision);
/* Sets net->ranges for PLAN_INT8: for the input of each of the blocks' convolutions twice the largest
 * activation, averaged over positions planes[count][planes][rows][cols] of the kind that will be played. */
void plan_calibrate(Net *net, const float *planes, int count);
/* With the n-th best kernels that this CPU has for that precision, 0 the best; NULL where there are not as
 * many. For measuring. */
NetPlan *plan_new_nth(const Net *net, PlanPrecision precision, int n);
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
