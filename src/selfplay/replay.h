/* Replay: positions to learn from, in blocks as shards made them, and the window the learner draws from.
 *
 * A block is what one shard of self-play (or of a teacher) yields. Its file is a base/file.h block of magic
 * "SPREPLAY"; what a file holds is bit for bit what was held in memory, so a resumed run sees the same
 * numbers. */
#ifndef SELFPLAY_REPLAY_H
#define SELFPLAY_REPLAY_H

#include "base/file.h"
#include "base/rng.h"
#include "games/game.h"

enum {
  EXAMPLE_HAS_POLICY = 1, /* unset for a teacher's random moves, which are not imitated */
  EXAMPLE_PROVEN = 2,     /* search_wdl is the proven result, and the whole value target */
  EXAMPLE_DEVIATES = 4    /* a random move follows instead of the player's own */
};

/* What is known of one position besides its state and policy; values are for the player to move. */
typedef struct ExampleFacts {
  uint16_t search_wdl[3]; /* the search's root value, in 1/65535 */
  int8_t outcome;         /* of the game: 1, 0, -1 */
  uint8_t flags;
  uint16_t ply;
  uint16_t surprise; /* KL(policy || the network's prior), in 1/4096 nats; 0 where nothing was searched */
  uint32_t game;     /* number of the game within its iteration, so that whole games can be held out */
} ExampleFacts;
_Static_assert(sizeof(ExampleFacts) == 16, "the file's layout");

/* What a shard played and what that cost. */
typedef struct ShardStats {
  int64_t games, positions, plies; /* plies include the random ones */
  int64_t first_wins, draws, second_wins;
  int64_t simulations, evaluations; /* evaluations reached the network; simulations did not all need one */
  int64_t cache_lookups, cache_hits;
  int64_t proven;                        /* positions whose game value the search proved */
  double policy_entropy, target_entropy; /* summed over positions, nats */
} ShardStats;

typedef struct ReplayBlock {
  const Game *game;
  int count, capacity;
  uint8_t *states;     /* [count][state_size] */
  uint16_t *policies;  /* [count][moves], in 1/65535 */
  ExampleFacts *facts; /* [count] */
  ShardStats stats;
} ReplayBlock;

/* Where a block came from; kept in its file and checked when it is read back. */
typedef struct ReplayOrigin {
  uint64_t seed;
  uint32_t iteration, shard;
  uint32_t network; /* net_hash() of the weights that played; 0 for a teacher */
  uint32_t config;  /* run_config_crc(): of all settings but run.* */
} ReplayOrigin;

ReplayBlock *replay_block_new(const Game *game);
void replay_block_free(ReplayBlock *block);
/* Appends a position; policy[moves] sums to 1 or to 0 (then nothing is to be imitated); `proven` says that
 * search_wdl is certain. Copies everything. */
void replay_block_add(ReplayBlock *block, const void *state, const float *policy, const float search_wdl[3],
                      bool proven, int ply, uint32_t game_number);
/* Says of the position added last by how many nats its policy departs from the prior; at most 15 are kept. */
void replay_block_surprise(ReplayBlock *block, double nats);
/* Says of the position added last that a random move follows, before the next that is added. */
void replay_block_deviates(ReplayBlock *block);
/* Sets the outcome of positions [first, count) from the result for the first player (1, 0, -1). */
void replay_block_outcome(ReplayBlock *block, int first, int first_player_result);
/* Appends positions [from, from + count) of another block. */
void replay_block_append(ReplayBlock *block, const ReplayBlock *other, int from, int count);

bool replay_block_save(const ReplayBlock *block, const ReplayOrigin *origin, const char *path, Error *err);
/* NULL with a message where the file is damaged, of another game, or not of this origin (NULL: of any). */
ReplayBlock *replay_block_load(const Game *game, const ReplayOrigin *origin, const char *path, Error *err);

typedef struct Replay Replay;

Replay *replay_new(const Game *game);
void replay_free(Replay *replay);
/* Takes ownership of the block. */
void replay_add(Replay *replay, ReplayBlock *block);
/* Drops the oldest blocks while what remains holds at least `window` positions. */
void replay_trim(Replay *replay, int window);
int replay_count(const Replay *replay);
/* Mean of ExampleFacts.surprise, in its unit; 0 where there are no positions. */
double replay_mean_surprise(const Replay *replay);
/* The position at `index` in [0, count): its block, and its place in that block. */
const ReplayBlock *replay_at(const Replay *replay, int index, int *place);

/* How the value target is made: wdl = mix x search + (1 - mix) x return, or the proven result where there is
 * one (D. Willemsen, H. Baier, M. Kaisers, "Value targets in off-policy AlphaZero", 2020). With lambda 1 the
 * return is the game's outcome; else TD(lambda)'s (R. Sutton and A. Barto, "Reinforcement learning", 2018,
 * Eq. 12.2 and 12.3): of what is left for a recorded position that follows, its search takes (1 - lambda), a
 * proven one all, and the outcome what remains at the end, or where a random move parts the game from what
 * went before. */
typedef struct ValueTarget {
  float mix, lambda;
} ValueTarget;

/* A position under symmetry `s` as input of a network that takes so many planes (game_encode()):
 * out[planes][rows][cols]. */
void replay_planes(const ReplayBlock *block, int place, int s, int planes, float *out);
/* What a network is to learn there: policy[moves], legal[moves], wdl[3] as `value` says. */
void replay_example(const ReplayBlock *block, int place, int s, ValueTarget value, float *policy,
                    uint8_t *legal, float wdl[3]);

/* Plies from this position to the last one of its game that the block holds, that one included: neither
 * forced moves at the end nor what comes after a proof that ends the game are recorded. */
int replay_plies_left(const ReplayBlock *block, int place);

/* The policy of the opponent's next turn, under symmetry `s`: reply[moves], zeros where the block does not
 * hold it or a random move, the player's or a teacher's, leads to it. */
void replay_reply(const ReplayBlock *block, int place, int s, float *reply);

/* Distinct positions (by game key) among those of the blocks. */
int replay_unique(ReplayBlock *const *blocks, int count);
/* Games whose recorded positions, in their order, are those of another one before it. */
int replay_repeated_games(ReplayBlock *const *blocks, int count);

#endif
