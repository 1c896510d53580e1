/* A PlayerAnalysis for people and programs: what `play` and `analyze` share. */
#ifndef CLI_SHOW_ANALYSIS_H
#define CLI_SHOW_ANALYSIS_H

#include "arena/player.h"

#include <jansson.h>
#include <stdio.h>

/* Estimate, a line a move (visits, prior, value), principal variation; lines fit into `width` columns down to
 * about 40. */
void show_analysis(FILE *stream, const Game *game, const PlayerAnalysis *analysis, bool unicode, int width);
/* The same as an object: {"value", "wdl", "network", "visits", "best", "pv", "children"}. */
json_t *show_analysis_json(const Game *game, const PlayerAnalysis *analysis);

#endif
