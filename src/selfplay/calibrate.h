/* What an 8-bit plan needs to know of a network before it plays (plan_calibrate()), from positions like those
 * it will meet. */
#ifndef SELFPLAY_CALIBRATE_H
#define SELFPLAY_CALIBRATE_H

#include "net/net.h"
#include "selfplay/replay.h"

/* Sets net->ranges by the newest positions of replay, and by positions of random games where there are none
 * (`replay` may be NULL). */
void calibrate(Net *net, const Game *game, const Replay *replay);

#endif
