/* RunConfig: everything that decides a run, one struct and the table of keys that describes it
 * (base/config.h). */
#ifndef SELFPLAY_RUN_CONFIG_H
#define SELFPLAY_RUN_CONFIG_H

#include "base/config.h"
#include "games/game.h"
#include "mcts/search.h"
#include "net/net.h"
#include "net/optimizer.h"
#include "selfplay/replay.h"

typedef enum TeacherKind { TEACHER_ALPHABETA, TEACHER_MCTS, TEACHER_SOLVER } TeacherKind;
/* Which heads the bootstrap stage fits. */
typedef enum ImitationHeads { IMITATE_BOTH, IMITATE_POLICY, IMITATE_VALUE } ImitationHeads;

typedef enum ConvolutionKind { CONVOLUTION_WINOGRAD, CONVOLUTION_REFERENCE } ConvolutionKind;

enum { BALANCED_OF_MAX = 32 };

typedef struct RunConfig {
  char game[CONFIG_TEXT_MAX];

  /* network */
  int blocks, channels, policy_channels, value_channels, value_hidden;
  int grow_after, start_blocks, start_channels;
  int symmetries;     /* tied */
  int feature_planes; /* Game.feature_planes are input too */

  SearchConfig search;
  int visits;
  double full_share; /* of the moves, searched with `visits`; the others with quick_visits */
  int quick_visits;

  /* self-play */
  int games, shards, lanes;
  int random_plies, end_proven;
  int late_after, late_random_plies; /* run_config_random_plies() */
  int balanced_of;                   /* beginnings drawn for each game; 1: what is drawn is played */
  double random_share;               /* of the moves after random_plies */
  double temperature, temperature_end;
  int temperature_plies;
  int cache_log2;
  int precision; /* PlanPrecision */

  /* replay and learner */
  int window_min, window_max;
  double window_growth;
  int batch, slice;
  int convolution; /* ConvolutionKind */
  double reuse, surprise;
  double rate, rate_final, rate_tail;
  int warmup_steps, rate_decay_iterations;
  double value_weight, value_mix, value_lambda, plies_weight, reply_weight;
  OptimizerConfig optimizer;

  /* imitation */
  int imitation_games, imitation_teacher, imitation_depth, imitation_playouts;
  double imitation_random, imitation_keep;
  int imitation_anneal, imitation_epochs, imitation_patience, imitation_heads;

  /* how long, where the command line does not say */
  int iterations;
  double minutes;
} RunConfig;

extern const ConfigTable run_config_table;

/* Defaults, then the game's shipped file configs/GAME.conf where there is one. */
bool run_config_shipped(const Game *game, RunConfig *config, Error *err);
/* What no single key's range can say: games divisible by shards, slice dividing batch, and so on. */
bool run_config_valid(const RunConfig *config, Error *err);
/* The network's shape for this game once it has grown, and as it is when iteration `iteration` has learnt (0:
 * at the start). */
NetShape run_config_shape(const RunConfig *config, const Game *game);
NetShape run_config_shape_after(const RunConfig *config, const Game *game, int iteration);
ValueTarget run_config_value_target(const RunConfig *config);
/* Most random plies that a game of iteration `iteration` (1 is the first) begins with. */
int run_config_random_plies(const RunConfig *config, int iteration);

#endif
