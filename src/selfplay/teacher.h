/* Expert games: made by a built-in teacher, or read from game records. */
#ifndef SELFPLAY_TEACHER_H
#define SELFPLAY_TEACHER_H

#include "selfplay/replay.h"
#include "selfplay/run_config.h"

/* Asked before every move; true ends the playing. */
typedef bool TeacherStop(const void *context);

/* Plays games [first, first + games) of the teacher that the configuration names, each from its own random
 * stream. The played move is the policy target (none where it was random); forced moves are left out.
 * Deterministic. NULL where `stop` (which may be NULL) ended it. */
ReplayBlock *teacher_play(const Game *game, const RunConfig *config, uint64_t seed, int first, int games,
                          TeacherStop *stop, const void *context);

/* Told of every line that could not be used, as "FILE:LINE: why". */
typedef void TeacherNotice(void *context, const char *message);

/* Reads game records, one finished game a line (plain or gzip; blank lines and # comments are passed over).
 * Lines with an illegal move or an unfinished game are reported and left out. NULL with a message where the
 * file cannot be read or holds no usable game. *games receives how many games were used. */
ReplayBlock *teacher_read(const Game *game, const char *path, TeacherNotice *notice, void *context,
                          int *games, Error *err);

#endif
