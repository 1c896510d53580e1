#include "selfplay/replay.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SURPRISE_UNIT = 4096, MOST_SURPRISE = 15 };

ReplayBlock *replay_block_new(const Game *game) {
  ReplayBlock *block = memory_new(1, sizeof *block);
  block->game = game;
  return block;
}

void replay_block_free(ReplayBlock *block) {
  if (!block) return;
  free(block->states);
  free(block->policies);
  free(block->facts);
  free(block);
}

static void block_reserve(ReplayBlock *block, int extra) {
  int needed = block->count + extra;
  if (needed <= block->capacity) return;
  size_t capacity = block->capacity ? (size_t)block->capacity : 64;
  while (capacity < (size_t)needed) capacity *= 2;
  size_t old = (size_t)block->count;
  block->states = memory_grow(block->states, old, capacity, block->game->state_size);
  block->policies =
      memory_grow(block->policies, old, capacity, (size_t)block->game->moves * sizeof *block->policies);
  block->facts = memory_grow(block->facts, old, capacity, sizeof *block->facts);
  block->capacity = (int)capacity;
}

static uint16_t to_fixed(float share) {
  return (uint16_t)lrintf(fminf(fmaxf(share, 0), 1) * 65535);
}

void replay_block_add(ReplayBlock *block, const void *state, const float *policy, const float search_wdl[3],
                      bool proven, int ply, uint32_t game_number) {
  block_reserve(block, 1);
  size_t moves = (size_t)block->game->moves, place = (size_t)block->count++;
  memcpy(block->states + place * block->game->state_size, state, block->game->state_size);
  float sum = 0;
  for (size_t m = 0; m < moves; m++) {
    block->policies[place * moves + m] = to_fixed(policy[m]);
    sum += policy[m];
  }
  ExampleFacts *facts = &block->facts[place];
  int flags = (sum > 0 ? EXAMPLE_HAS_POLICY : 0) | (proven ? EXAMPLE_PROVEN : 0);
  *facts = (ExampleFacts){.flags = (uint8_t)flags, .ply = (uint16_t)ply, .game = game_number};
  for (int i = 0; i < 3; i++) facts->search_wdl[i] = to_fixed(search_wdl[i]);
}

void replay_block_surprise(ReplayBlock *block, double nats) {
  assert(block->count > 0);
  block->facts[block->count - 1].surprise =
      (uint16_t)lrint(fmin(fmax(nats, 0), MOST_SURPRISE) * SURPRISE_UNIT);
}

void replay_block_deviates(ReplayBlock *block) {
  assert(block->count > 0);
  block->facts[block->count - 1].flags |= EXAMPLE_DEVIATES;
}

void replay_block_outcome(ReplayBlock *block, int first, int first_player_result) {
  for (int i = first; i < block->count; i++) {
    const uint8_t *state = block->states + (size_t)i * block->game->state_size;
    int sign = block->game->to_move(state) == 0 ? 1 : -1;
    block->facts[i].outcome = (int8_t)(sign * first_player_result);
  }
}

void replay_block_append(ReplayBlock *block, const ReplayBlock *other, int from, int count) {
  assert(block->game == other->game && from >= 0 && from + count <= other->count);
  block_reserve(block, count);
  size_t size = block->game->state_size, moves = (size_t)block->game->moves, at = (size_t)block->count;
  size_t start = (size_t)from, n = (size_t)count;
  if (!n) return;
  memcpy(block->states + at * size, other->states + start * size, n * size);
  memcpy(block->policies + at * moves, other->policies + start * moves, n * moves * sizeof *block->policies);
  memcpy(block->facts + at, other->facts + start, n * sizeof *block->facts);
  block->count += count;
}

static const char MAGIC[8] = {'S', 'P', 'R', 'E', 'P', 'L', 'A', 'Y'};
enum { VERSION = 2 };

typedef struct FileHeader {
  char game[32];
  ReplayOrigin origin;
  ShardStats stats;
  uint32_t state_size, moves, count, reserved;
} FileHeader;

bool replay_block_save(const ReplayBlock *block, const ReplayOrigin *origin, const char *path, Error *err) {
  size_t n = (size_t)block->count, moves = (size_t)block->game->moves;
  FileHeader header = {.origin = *origin,
                       .stats = block->stats,
                       .state_size = (uint32_t)block->game->state_size,
                       .moves = (uint32_t)moves,
                       .count = (uint32_t)n};
  strncpy(header.game, block->game->name, sizeof header.game - 1);
  Buffer payload = {0};
  buffer_put(&payload, &header, sizeof header);
  buffer_put(&payload, block->states, n * block->game->state_size);
  buffer_put(&payload, block->policies, n * moves * sizeof *block->policies);
  buffer_put(&payload, block->facts, n * sizeof *block->facts);
  bool done = file_write_block(path, MAGIC, VERSION, BLOCK_SMALL, &payload, err);
  buffer_free(&payload);
  return done;
}

static bool check_header(const FileHeader *header, const Game *game, const ReplayOrigin *origin, size_t left,
                         const char *path, Error *err) {
  if (strncmp(header->game, game->name, sizeof header->game) != 0)
    return error_set(err, "%s: positions of another game (%.31s, not %s)", path, header->game, game->name);
  uint64_t each = game->state_size + (uint64_t)game->moves * sizeof(uint16_t) + sizeof(ExampleFacts);
  if (header->state_size != game->state_size || header->moves != (uint32_t)game->moves ||
      header->count * each != left)
    return error_set(err, "%s: damaged: its sizes do not add up", path);
  const ReplayOrigin *found = &header->origin;
  if (!origin) return true;
  if (found->seed != origin->seed || found->iteration != origin->iteration || found->shard != origin->shard ||
      found->network != origin->network || found->config != origin->config)
    return error_set(err, "%s: belongs to another run or another iteration", path);
  return true;
}

static bool outcomes_valid(const ReplayBlock *block) {
  for (int i = 0; i < block->count; i++)
    if (block->facts[i].outcome < -1 || block->facts[i].outcome > 1) return false;
  return true;
}

ReplayBlock *replay_block_load(const Game *game, const ReplayOrigin *origin, const char *path, Error *err) {
  Buffer payload = {0};
  FileHeader header;
  ReplayBlock *block = NULL;
  if (!file_read_block(path, MAGIC, VERSION, NULL, &payload, err)) goto done;
  if (!buffer_get(&payload, &header, sizeof header)) {
    error_set(err, "%s: damaged: too short", path);
    goto done;
  }
  if (!check_header(&header, game, origin, payload.size - payload.position, path, err)) goto done;
  block = replay_block_new(game);
  block_reserve(block, (int)header.count);
  block->count = (int)header.count;
  block->stats = header.stats;
  size_t n = header.count, moves = (size_t)game->moves;
  buffer_get(&payload, block->states, n * game->state_size);
  buffer_get(&payload, block->policies, n * moves * sizeof *block->policies);
  buffer_get(&payload, block->facts, n * sizeof *block->facts);
  if (!outcomes_valid(block)) {
    error_set(err, "%s: damaged: an outcome that is none", path);
    replay_block_free(block);
    block = NULL;
  }
done:
  buffer_free(&payload);
  return block;
}

struct Replay {
  const Game *game;
  ReplayBlock **blocks;
  int *starts; /* index of each block's first position */
  int block_count, block_capacity, count;
  uint64_t surprise; /* summed over all positions */
};

Replay *replay_new(const Game *game) {
  Replay *replay = memory_new(1, sizeof *replay);
  replay->game = game;
  return replay;
}

void replay_free(Replay *replay) {
  if (!replay) return;
  for (int i = 0; i < replay->block_count; i++) replay_block_free(replay->blocks[i]);
  free(replay->blocks);
  free(replay->starts);
  free(replay);
}

static uint64_t block_surprise(const ReplayBlock *block) {
  uint64_t sum = 0;
  for (int i = 0; i < block->count; i++) sum += block->facts[i].surprise;
  return sum;
}

void replay_add(Replay *replay, ReplayBlock *block) {
  assert(block->game == replay->game);
  if (replay->block_count == replay->block_capacity) {
    size_t old = (size_t)replay->block_capacity, capacity = old ? 2 * old : 16;
    replay->blocks = memory_grow(replay->blocks, old, capacity, sizeof *replay->blocks);
    replay->starts = memory_grow(replay->starts, old, capacity, sizeof *replay->starts);
    replay->block_capacity = (int)capacity;
  }
  replay->starts[replay->block_count] = replay->count;
  replay->blocks[replay->block_count++] = block;
  replay->count += block->count;
  replay->surprise += block_surprise(block);
}

void replay_trim(Replay *replay, int window) {
  int dropped = 0, positions = 0;
  while (dropped < replay->block_count - 1 &&
         replay->count - positions - replay->blocks[dropped]->count >= window)
    positions += replay->blocks[dropped++]->count;
  if (!dropped) return;
  for (int i = 0; i < dropped; i++) {
    replay->surprise -= block_surprise(replay->blocks[i]);
    replay_block_free(replay->blocks[i]);
  }
  replay->block_count -= dropped;
  replay->count -= positions;
  for (int i = 0; i < replay->block_count; i++) {
    replay->blocks[i] = replay->blocks[i + dropped];
    replay->starts[i] = replay->starts[i + dropped] - positions;
  }
}

int replay_count(const Replay *replay) {
  return replay->count;
}

double replay_mean_surprise(const Replay *replay) {
  return replay->count ? (double)replay->surprise / replay->count : 0;
}

const ReplayBlock *replay_at(const Replay *replay, int index, int *place) {
  assert(index >= 0 && index < replay->count);
  int low = 0, high = replay->block_count - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (replay->starts[middle] <= index)
      low = middle;
    else
      high = middle - 1;
  }
  *place = index - replay->starts[low];
  return replay->blocks[low];
}

/* The policy of a position as shares, turned; zeros where there is none. */
static void turned_policy(const ReplayBlock *block, int place, int s, float *policy) {
  const Game *game = block->game;
  const uint16_t *fixed = block->policies + (size_t)place * (size_t)game->moves;
  float plain[GAME_MOVES_MAX], sum = 0;
  for (int m = 0; m < game->moves; m++) sum += fixed[m];
  for (int m = 0; m < game->moves; m++) plain[m] = sum > 0 ? fixed[m] / sum : 0;
  game_symmetry_policy(game, s, plain, policy);
}

static const uint8_t *state_at(const ReplayBlock *block, int place) {
  return block->states + (size_t)place * block->game->state_size;
}

/* Adds share x search to wdl, seen from the same player or the other; false where nothing was searched. */
static bool add_search(const ExampleFacts *facts, bool same_player, float share, float wdl[3]) {
  float total = 0;
  for (int i = 0; i < 3; i++) total += facts->search_wdl[i];
  if (total <= 0) return false;
  for (int i = 0; i < 3; i++) wdl[i] += share * facts->search_wdl[same_player ? i : 2 - i] / total;
  return true;
}

static void value_target(const ReplayBlock *block, int place, ValueTarget value, float wdl[3]) {
  const ExampleFacts *facts = &block->facts[place];
  float mix = facts->flags & EXAMPLE_PROVEN ? 1 : value.mix;
  memset(wdl, 0, 3 * sizeof *wdl);
  /* Positions that no search has seen have only what follows. */
  float left = mix > 0 && add_search(facts, true, mix, wdl) ? 1 - mix : 1;
  for (int at = place + 1; value.lambda < 1 && left > 0 && at < block->count; at++) {
    const ExampleFacts *next = &block->facts[at];
    if (next->game != facts->game || next[-1].flags & EXAMPLE_DEVIATES) break;
    float share = next->flags & EXAMPLE_PROVEN ? left : left * (1 - value.lambda);
    if (add_search(next, (next->ply - facts->ply) % 2 == 0, share, wdl)) left -= share;
  }
  wdl[1 - facts->outcome] += left;
}

void replay_planes(const ReplayBlock *block, int place, int s, int planes, float *out) {
  const Game *game = block->game;
  float scratch[64 * 64];
  assert((size_t)(planes * game->rows * game->cols) <= sizeof scratch / sizeof *scratch);
  game_encode(game, planes, state_at(block, place), s ? scratch : out);
  if (s) game_symmetry_planes(game, s, planes, scratch, out);
}

void replay_example(const ReplayBlock *block, int place, int s, ValueTarget value, float *policy,
                    uint8_t *legal, float wdl[3]) {
  const Game *game = block->game;
  const uint8_t *state = state_at(block, place);
  int moves[GAME_MOVES_MAX];
  turned_policy(block, place, s, policy);

  memset(legal, 0, (size_t)game->moves);
  int count = game->legal(state, moves);
  for (int i = 0; i < count; i++) legal[game->symmetry_move(s, moves[i])] = 1;
  value_target(block, place, value, wdl);
}

int replay_plies_left(const ReplayBlock *block, int place) {
  const ExampleFacts *facts = block->facts;
  int last = place;
  while (last + 1 < block->count && facts[last + 1].game == facts[place].game) last++;
  return facts[last].ply - facts[place].ply + 1;
}

void replay_reply(const ReplayBlock *block, int place, int s, float *reply) {
  const Game *game = block->game;
  const ExampleFacts *facts = &block->facts[place], *next = facts + 1;
  bool known = place + 1 < block->count && next->game == facts->game && next->ply == facts->ply + 1 &&
               (facts->flags & EXAMPLE_HAS_POLICY) && !(facts->flags & EXAMPLE_DEVIATES) &&
               game->to_move(state_at(block, place)) != game->to_move(state_at(block, place + 1));
  if (known)
    turned_policy(block, place + 1, s, reply);
  else
    memset(reply, 0, (size_t)game->moves * sizeof *reply);
}

static int compare_keys(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static int count_distinct(uint64_t *keys, size_t count) {
  int distinct = count > 0;
  qsort(keys, count, sizeof *keys, compare_keys);
  for (size_t i = 1; i < count; i++) distinct += keys[i] != keys[i - 1];
  return distinct;
}

static size_t total_positions(ReplayBlock *const *blocks, int count) {
  size_t total = 0;
  for (int b = 0; b < count; b++) total += (size_t)blocks[b]->count;
  return total;
}

static uint64_t position_key(const ReplayBlock *block, int i) {
  return block->game->key(block->states + (size_t)i * block->game->state_size);
}

int replay_unique(ReplayBlock *const *blocks, int count) {
  uint64_t *keys = memory_new(total_positions(blocks, count), sizeof *keys);
  size_t n = 0;
  for (int b = 0; b < count; b++)
    for (int i = 0; i < blocks[b]->count; i++) keys[n++] = position_key(blocks[b], i);
  int unique = count_distinct(keys, n);
  free(keys);
  return unique;
}

int replay_repeated_games(ReplayBlock *const *blocks, int count) {
  const uint64_t prime = 0x100000001b3; /* FNV-1a's, over whole keys */
  uint64_t *games = memory_new(total_positions(blocks, count), sizeof *games);
  size_t n = 0;
  for (int b = 0; b < count; b++)
    for (int i = 0; i < blocks[b]->count; i++) {
      if (i == 0 || blocks[b]->facts[i].game != blocks[b]->facts[i - 1].game) games[n++] = prime;
      games[n - 1] = (games[n - 1] ^ position_key(blocks[b], i)) * prime;
    }
  int repeated = (int)n - count_distinct(games, n);
  free(games);
  return repeated;
}
