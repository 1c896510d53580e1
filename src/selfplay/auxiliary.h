/* The learner's auxiliary outputs (NetAuxiliary): their weights, the optimizers of these, and what each slice
 * of a minibatch says of them. An output whose weight in the configuration is zero does not exist. */
#ifndef SELFPLAY_AUXILIARY_H
#define SELFPLAY_AUXILIARY_H

#include "net/net.h"
#include "selfplay/example_rows.h"
#include "selfplay/run_config.h"

typedef struct Auxiliary Auxiliary;

/* The configuration must outlive it. */
Auxiliary *auxiliary_new(const Game *game, const RunConfig *config, int slices);
void auxiliary_free(Auxiliary *auxiliary); /* NULL is fine */
/* Forgets the optimizers' moments. The weights stay: so do the features they read when a network grows. */
void auxiliary_restart(Auxiliary *auxiliary);
/* What training a slice on these rows takes; its gradients are zeroed. Valid while both live. */
NetAuxiliary auxiliary_slice(const Auxiliary *auxiliary, int slice, const ExampleRows *rows);
/* One step with the gradients of all slices, summed in their order. */
void auxiliary_step(Auxiliary *auxiliary, double rate);
/* For checkpoints. */
void auxiliary_save(const Auxiliary *auxiliary, Buffer *out);
bool auxiliary_load(Auxiliary *auxiliary, Buffer *in, Error *err);

#endif
