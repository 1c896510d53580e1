/* The bootstrap stage: expert games are made or read, the network is fitted to them with early stopping on a
 * held-out tenth of the games, and then they leave (imitation.keep and imitation.anneal say how fast). */
#ifndef SELFPLAY_IMITATION_H
#define SELFPLAY_IMITATION_H

#include "selfplay/learner.h"
#include "selfplay/run_folder.h"

/* The expert games of a run, played in parallel by shards and kept in imitation/, or read from the run's
 * source; made again exactly where a file is missing or damaged. *seconds receives what making them took now.
 * NULL with a message, or with an empty message where *stop was set. */
Replay *imitation_games(const RunInfo *run, int threads, const RunEvents *events,
                        const volatile sig_atomic_t *stop, double *seconds, Error *err);
/* Fits the learner; the best epoch's weights become its start. Writes imitation.jsonl afresh. False with an
 * empty message where *stop was set. */
bool imitation_fit(const RunInfo *run, Learner *learner, const Replay *games, const RunEvents *events,
                   const volatile sig_atomic_t *stop, Error *err);

#endif
