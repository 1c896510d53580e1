#include "arena/elo.h"
#include "arena/match.h"
#include "arena/record.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(match, .timeout = HANG_SECONDS);
TestSuite(elo, .timeout = HANG_SECONDS);

static Player *make(const char *spelling, const char *game, int threads) {
  Error err;
  Player *player = player_new(spelling, game_find(game), threads, &err);
  cr_assert(player, "%s", err.message);
  return player;
}

static Openings *make_openings(const char *game, int count) {
  Error err;
  Openings *openings = openings_new(game_find(game), NULL, count, 1, &err);
  cr_assert(openings, "%s", err.message);
  return openings;
}

static MatchResult play(Player *a, Player *b, const Openings *openings, uint64_t seed, const Sprt *sprt) {
  const MatchOptions options = {.seed = seed, .sprt = sprt};
  MatchResult result;
  Error err;
  cr_assert(match_play(a, b, openings, &options, &result, &err), "%s", err.message);
  return result;
}

static void stop_at_the_second_batch(void *context, const MatchProgress *progress) {
  if (progress->score->wins + progress->score->losses > 0) *(volatile sig_atomic_t *)context = 1;
}

/* What is kept is whole batches, whose games no one has chosen by how soon they ended. */
Test(match, stopped_it_keeps_the_batches_that_are_over) {
  Openings *openings = make_openings("connect4", 300);
  Player *a = make("random", "connect4", 1), *b = make("random", "connect4", 1);
  volatile sig_atomic_t stop = 0;
  const MatchOptions options = {
      .seed = 1, .progress = stop_at_the_second_batch, .context = (void *)&stop, .stop = &stop};
  MatchResult result;
  Error err;
  cr_assert_not(match_play(a, b, openings, &options, &result, &err));
  cr_assert_str_empty(err.message);
  cr_assert(result.count > 0 && result.count < 600, "%d", result.count);
  cr_assert_eq(result.score.wins + result.score.draws + result.score.losses, result.count);
  match_result_free(&result);
  openings_free(openings), player_free(a), player_free(b);
}

/* Who really won: the line played again from the start. */
static int points_of_first(const Game *game, const MatchGame *played) {
  _Alignas(64) char state[GAME_STATE_MAX];
  float value;
  game->init(state);
  for (int i = 0; i < played->move_count; i++) {
    cr_assert(game_is_legal(game, state, played->moves[i]));
    game->play(state, played->moves[i]);
  }
  cr_assert(game->over(state, &value));
  if (value == 0) return SCORE_DRAW;
  bool first_to_move = game->to_move(state) == 0;
  return (value > 0) == first_to_move ? SCORE_WIN : SCORE_LOSS;
}

Test(match, pairs_are_one_opening_with_both_colours_and_results_are_true) {
  Openings *openings = make_openings("connect4", 30);
  Player *a = make("alphabeta:2", "connect4", 2), *b = make("random", "connect4", 1);
  MatchResult result = play(a, b, openings, 3, NULL);
  cr_assert_eq(result.count, 60);
  cr_assert_eq(result.distinct, 60);
  Score again = {0};
  for (int g = 0; g < result.count; g++) {
    const MatchGame *game = &result.games[g];
    cr_assert_eq(game->opening, g / 2);
    cr_assert_eq(game->swapped, g % 2);
    const Opening *opening = &openings->items[g / 2];
    cr_assert_eq(memcmp(game->moves, opening->moves, (size_t)opening->plies * sizeof(int)), 0);
    int first = points_of_first(a->game, game);
    cr_assert_eq(game->points, game->swapped ? SCORE_WIN - first : first);
    if (g % 2) score_add(&again, result.games[g - 1].points, game->points);
  }
  cr_assert_eq(memcmp(&again, &result.score, sizeof again), 0);
  cr_assert(result.score.wins > 50, "%d", result.score.wins);
  match_result_free(&result);
  openings_free(openings);
  player_free(a);
  player_free(b);
}

Test(match, the_seed_decides_and_the_threads_do_not) {
  Openings *openings = make_openings("connect4", 6);
  MatchResult results[3];
  for (int k = 0; k < 3; k++) {
    Player *a = make("mcts:30", "connect4", k == 1 ? 2 : 1), *b = make("random", "connect4", 1);
    results[k] = play(a, b, openings, k == 2 ? 8 : 7, NULL);
    player_free(a);
    player_free(b);
  }
  int different = 0;
  for (int g = 0; g < results[0].count; g++) {
    const MatchGame *x = &results[0].games[g], *y = &results[1].games[g], *z = &results[2].games[g];
    cr_assert_eq(x->move_count, y->move_count);
    cr_assert_eq(memcmp(x->moves, y->moves, (size_t)x->move_count * sizeof(int)), 0);
    different += x->move_count != z->move_count ||
                 memcmp(x->moves, z->moves, (size_t)x->move_count * sizeof(int)) != 0;
  }
  cr_assert(different > 0);
  for (int k = 0; k < 3; k++) match_result_free(&results[k]);
  openings_free(openings);
}

Test(match, plain_mcts_beats_random_by_far) {
  Openings *openings = make_openings("connect4", 20);
  Player *a = make("mcts:200", "connect4", 2), *b = make("random", "connect4", 1);
  MatchResult result = play(a, b, openings, 1, NULL);
  cr_assert(result.score.wins >= 38, "%d of 40", result.score.wins);
  match_result_free(&result);
  openings_free(openings);
  player_free(a);
  player_free(b);
}

/* With the shipped network: level 1 loses to a beginner, and each of these to the next. */
Test(match, levels_are_in_order) {
  static const char *const ladder[] = {"net:weights/connect4.net,level=1", "alphabeta:1",
                                       "net:weights/connect4.net,level=4",
                                       "net:weights/connect4.net,level=8"};
  Openings *openings = make_openings("connect4", 15);
  for (int i = 0; i < 3; i++) {
    Player *below = make(ladder[i], "connect4", 2), *above = make(ladder[i + 1], "connect4", 2);
    MatchResult result = play(below, above, openings, 9, NULL);
    cr_assert(result.score.losses > 2 * result.score.wins, "%s won %d, lost %d against %s", ladder[i],
              result.score.wins, result.score.losses, ladder[i + 1]);
    match_result_free(&result);
    player_free(below), player_free(above);
  }
  openings_free(openings);
}

Test(match, sprt_stops_early) {
  Openings *openings = make_openings("connect4", 120);
  Player *a = make("alphabeta:4", "connect4", 2), *b = make("random", "connect4", 1);
  const Sprt sprt = {.scale = SPRT_LOGISTIC, .elo0 = 0, .elo1 = 50, .alpha = 0.05, .beta = 0.05};
  MatchResult result = play(a, b, openings, 1, &sprt);
  cr_assert_eq(result.verdict, SPRT_H1);
  cr_assert(result.count < 240 && result.count % 32 == 0, "%d games", result.count);
  match_result_free(&result);
  MatchResult reverse = play(b, a, openings, 1, &sprt);
  cr_assert_eq(reverse.verdict, SPRT_H0);
  match_result_free(&reverse);
  openings_free(openings);
  player_free(a);
  player_free(b);
}

static void temporary_db(char *path) {
  strcpy(path, "/tmp/selfplay-match-XXXXXX");
  cr_assert(mkdtemp(path));
  strcat(path, "/r.sqlite");
}

/* An empty ratings file; path[64] receives its name. */
static Store *open_temporary(char *path) {
  temporary_db(path);
  Error err;
  Store *store = store_open(path, &err);
  cr_assert(store, "%s", err.message);
  return store;
}

static void remove_db(char *path) {
  char name[128];
  static const char *const tails[] = {"", "-wal", "-shm"};
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", path, tails[i]);
    unlink(name);
  }
  *strrchr(path, '/') = 0;
  rmdir(path);
}

Test(match, recording_twice_adds_nothing_and_self_matches_are_refused) {
  char path[64];
  Error err;
  Store *store = open_temporary(path);
  Openings *openings = make_openings("connect4", 10);
  Player *a = make("alphabeta:1", "connect4", 1), *b = make("random", "connect4", 1);
  MatchResult result = play(a, b, openings, 1, NULL);
  int added;
  cr_assert(record_match(store, a, b, openings, &result, &added, &err), "%s", err.message);
  cr_assert_eq(added, 20);
  cr_assert(record_match(store, a, b, openings, &result, &added, &err));
  cr_assert_eq(added, 0);
  StoreResults stored;
  cr_assert(store_results(store, "connect4", &stored, &err));
  int ia = store_results_find(&stored, a->name, 0), points = 0;
  for (int g = 0; g < stored.count; g++)
    points += stored.games[g].first == ia ? stored.games[g].points : SCORE_WIN - stored.games[g].points;
  cr_assert_eq(points, 2 * result.score.wins + result.score.draws);
  store_results_free(&stored);
  Openings *fresh = record_fresh_openings(store, b, a, openings, 10, &err);
  cr_assert(fresh && fresh->count == 0);
  openings_free(fresh);
  cr_assert_not(record_match(store, a, a, openings, &result, &added, &err));
  cr_assert(strstr(err.message, "itself"));
  match_result_free(&result);
  openings_free(openings);
  player_free(a);
  player_free(b);
  store_close(store);
  remove_db(path);
}

Test(elo, plays_what_is_missing_and_ranks_in_order) {
  char path[64];
  Error err;
  Store *store = open_temporary(path);
  Player *players[3] = {make(elo_reference(game_find("tictactoe")), "tictactoe", 2),
                        make("random", "tictactoe", 1), make("mcts:10", "tictactoe", 1)};
  const EloOptions options = {.games = 24, .seed = 1};
  EloPlayed played;
  cr_assert(elo_play(store, players, 3, &options, &played, &err), "%s", err.message);
  cr_assert(played.games >= 36 && !played.exhausted, "%d", played.games);
  int before = played.games;
  cr_assert(elo_play(store, players, 3, &options, &played, &err));
  cr_assert_eq(played.games, 0, "%d after %d", played.games, before);
  EloTable table;
  cr_assert(elo_rate(store, players[0]->game, 20, 1, &table, &err), "%s", err.message);
  cr_assert_eq(table.results.player_count, 3);
  cr_assert_eq(table.results.count, before);
  for (int i = 0; i < 3; i++) {
    const Rating *rating = &table.ratings->ratings[i];
    cr_assert(rating->wins + rating->draws + rating->losses >= 24);
    cr_assert(rating->connected);
  }
  int random = store_results_find(&table.results, "random", 0), reference = table.ratings->reference;
  cr_assert_eq(table.order[2], random);
  cr_assert_eq(table.ratings->ratings[reference].elo, 0);
  cr_assert(table.ratings->ratings[random].high < 0);
  elo_table_free(&table);
  /* Nothing recorded of another game. */
  cr_assert_not(elo_rate(store, game_find("connect4"), 0, 1, &table, &err));
  cr_assert(strstr(err.message, "no game"), "%s", err.message);
  for (int k = 0; k < 3; k++) player_free(players[k]);
  store_close(store);
  remove_db(path);
}

/* Who shall have no more games is nobody's opponent either. */
Test(elo, the_sated_play_their_pairings_alone) {
  char path[64];
  Error err;
  Store *store = open_temporary(path);
  Player *players[3] = {make(elo_reference(game_find("tictactoe")), "tictactoe", 2),
                        make("mcts:10", "tictactoe", 1), make("mcts:12", "tictactoe", 1)};
  const EloPairing pairings[] = {{0, 1, 4}, {2, 0, 2}};
  const bool sated[3] = {false, false, true};
  const EloOptions options = {
      .games = 20, .seed = 1, .pairings = pairings, .pairing_count = 2, .sated = sated};
  EloPlayed played;
  cr_assert(elo_play(store, players, 3, &options, &played, &err), "%s", err.message);
  EloTable table;
  cr_assert(elo_rate(store, players[0]->game, 0, 1, &table, &err), "%s", err.message);
  int games[3] = {0};
  for (int k = 0; k < 3; k++) {
    const Rating *rating = &table.ratings->ratings[store_results_find(&table.results, players[k]->name, 0)];
    games[k] = rating->wins + rating->draws + rating->losses;
  }
  cr_assert_eq(games[2], 4, "%d", games[2]);
  cr_assert(games[0] >= 20 && games[1] >= 20, "%d, %d", games[0], games[1]);
  elo_table_free(&table);
  for (int k = 0; k < 3; k++) player_free(players[k]);
  store_close(store);
  remove_db(path);
}
