/* The bootstrap stage: expert games are made or read, the network is fitted to them with early stopping on a
 * held-out tenth of the games, and then they leave (imitation.keep and imitation.anneal say how fast). */
#ifndef SELFPLAY_IMITATION_H
#define SELFPLAY_IMITATION_H

#include "selfplay/training.h"

/* The whole stage: fits the learner, whose start the best epoch's weights become; keeps the games in
 * training->expert; writes imitation.jsonl afresh and bootstrap.json. Where run.minutes are spent before its
 * end it stops there, says so, and *whole is false: the learner then holds the best weights so far, and the
 * same stage can be done again to the same bytes with more time. False with a message, or with an empty
 * message where *stop was set. */
bool imitation_run(Training *training, bool *whole, Error *err);
/* training->expert once more for a run that goes on, from imitation/. The teacher's games are made again
 * exactly where a file is missing or damaged, those of the run's source read again. */
bool imitation_load(Training *training, Error *err);

#endif
