#include "arena/gtp.h"
#include "arena/player.h"
#include "arena/positions.h"
#include "base/file.h"
#include "base/memory.h"
#include "net/net.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(player, .timeout = HANG_SECONDS);
TestSuite(gtp, .timeout = HANG_SECONDS);

static const Game *c4(void) {
  return game_find("connect4");
}

static void expect_message(const char *spelling, const char *part) {
  Error err;
  Player *player = player_new(spelling, c4(), 1, &err);
  cr_assert_null(player, "%s", spelling);
  cr_assert(strstr(err.message, part), "%s: %s", spelling, err.message);
  char quoted[300];
  snprintf(quoted, sizeof quoted, "player '%s'", spelling);
  cr_assert(strstr(err.message, quoted), "%s", err.message);
}

Test(player, spelling_errors_say_what_is_wrong) {
  expect_message("magic", "no run or .net file is called 'magic', and no kind of player");
  expect_message("", "no kind of player");
  expect_message("mcts", "as in mcts:1000");
  expect_message("mcts:", "whole number");
  expect_message("mcts:0", "whole number from 1");
  expect_message("mcts:10x", "whole number");
  expect_message("alphabeta:41", "from 1 to 40");
  expect_message("random:3", "takes nothing");
  expect_message("net:", "nothing stands behind the colon");
  expect_message("net:/nonexistent/x.net", "/nonexistent/x.net");
  expect_message("net:x,visits=-1", "visits= needs a whole number from 0");
  expect_message("net:x,visit=3", "unknown option 'visit=3'");
  expect_message("net:x,search=alpha", "puct or gumbel");
  expect_message("net:x,scale=-1", "scale= needs a number from 0");
  expect_message("net:x,scale=2,search=puct", "scale= is of search=gumbel");
  expect_message("net:x,temperature=hot", "temperature= needs a number");
  expect_message("net:x,precision=double", "precision= needs float32, int8 or fastest");
  expect_message("net:x,solve=maybe", "solve= needs on or off");
  expect_message("net:x,probe=-2", "probe= needs a whole number from 0");
  expect_message("net:x,images=3",
                 "images= needs a whole number from 1 to 2, the symmetries of Connect Four");
  expect_message("net:x,images=0", "images= needs a whole number from 1");
  expect_message("net:x,level=11", "level= needs a whole number from 1 to 10");
  expect_message("run:/nonexistent/run", "/nonexistent/run");
  expect_message("run:x@last", "number of an iteration");
  expect_message("gtp:", "nothing stands behind");
  Error err;
  cr_assert_null(player_new("solver", game_find("tictactoe"), 1, &err));
  cr_assert(strstr(err.message, "no exact solver"));
  cr_assert(strstr(player_help(), "mcts:1000"));
}

/* A small random network on disk. */
static void write_net_of(int planes, char *path, uint64_t seed) {
  const Game *game = c4();
  NetShape shape = {.planes = planes,
                    .rows = game->rows,
                    .cols = game->cols,
                    .moves = game->moves,
                    .blocks = 1,
                    .channels = 8,
                    .policy_channels = 2,
                    .value_channels = 2,
                    .value_hidden = 8};
  strcpy(path, "/tmp/selfplay-player-XXXXXX.net");
  int fd = mkstemps(path, 4);
  cr_assert(fd >= 0);
  close(fd);
  Net *net = net_new(&shape);
  Rng rng = rng_make(seed, RNG_TEST, 0, 0);
  net_init(net, &rng);
  /* Opinions, so that moves differ from position to position. */
  for (size_t i = 0; i < net->param_count; i++) net->params[i] += 0.2f * (float)rng_normal(&rng);
  Error err;
  cr_assert(net_save(net, game->name, "test", path, &err), "%s", err.message);
  net_free(net);
}

static void write_net(char *path, uint64_t seed) {
  write_net_of(c4()->planes, path, seed);
}

/* With the feature planes and without; other counts are those of versions that encoded otherwise. */
Test(player, networks_of_either_input_play) {
  int all = c4()->planes + c4()->feature_planes;
  for (int planes = 1; planes <= all + 1; planes++) {
    char path[64], spec[80];
    Error err = {.message = ""};
    write_net_of(planes, path, 1);
    snprintf(spec, sizeof spec, "net:%s", path);
    Player *player = player_new(spec, c4(), 1, &err);
    cr_assert_eq(player != NULL, planes == c4()->planes || planes == all, "%d planes: %s", planes,
                 err.message);
    if (player) {
      uint64_t start[GAME_STATE_MAX / sizeof(uint64_t)];
      c4()->init(start);
      const PlayerQuery query = {.state = start, .rng = rng_make(1, RNG_TEST, 0, 0)};
      int move;
      cr_assert(player->choose(player, &query, 1, &move, &err) && game_is_legal(c4(), start, move));
      player_free(player);
    } else {
      cr_assert(strstr(err.message, "its inputs or moves are not those of Connect Four"), "%s", err.message);
    }
    unlink(path);
  }
}

enum { POSITIONS = 150 };

typedef struct Sample {
  uint64_t states[POSITIONS][GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[POSITIONS][42];
  PlayerQuery queries[POSITIONS];
} Sample;

static Sample *random_sample(void) {
  const Game *game = c4();
  Sample *sample = memory_new(1, sizeof *sample);
  for (int i = 0; i < POSITIONS; i++) {
    Rng rng = rng_make(9, RNG_TEST, 1, (uint32_t)i);
    int plies = (int)rng_below(&rng, 20), made = 0;
    game->init(sample->states[i]);
    while (made < plies) {
      uint64_t next[GAME_STATE_MAX / sizeof(uint64_t)];
      int legal[GAME_MOVES_MAX], n = game->legal(sample->states[i], legal);
      int move = legal[rng_below(&rng, (uint32_t)n)];
      float value;
      memcpy(next, sample->states[i], game->state_size);
      game->play(next, move);
      if (game->over(next, &value)) break;
      memcpy(sample->states[i], next, game->state_size);
      sample->moves[i][made++] = move;
    }
    sample->queries[i] = (PlayerQuery){.state = sample->states[i],
                                       .moves = sample->moves[i],
                                       .move_count = made,
                                       .rng = rng_make(10, RNG_TEST, 0, (uint32_t)i)};
  }
  return sample;
}

static void expect_company_does_not_matter(const char *spelling) {
  Sample *sample = random_sample();
  Error err;
  int together[POSITIONS], threaded[POSITIONS], alone[POSITIONS];
  Player *one = player_new(spelling, c4(), 1, &err), *two = player_new(spelling, c4(), 2, &err);
  cr_assert(one && two, "%s", err.message);
  cr_assert(one->choose(one, sample->queries, POSITIONS, together, &err), "%s", err.message);
  cr_assert(two->choose(two, sample->queries, POSITIONS, threaded, &err));
  for (int i = POSITIONS - 1; i >= 0; i--)
    cr_assert(one->choose(one, &sample->queries[i], 1, &alone[i], &err));
  for (int i = 0; i < POSITIONS; i++) {
    cr_assert(game_is_legal(c4(), sample->states[i], together[i]));
    cr_assert_eq(together[i], alone[i], "%s: position %d", spelling, i);
    cr_assert_eq(together[i], threaded[i], "%s: position %d", spelling, i);
  }
  player_free(one);
  player_free(two);
  free(sample);
}

Test(player, answers_depend_on_the_position_and_not_on_its_company) {
  char path[64], spelling[160];
  write_net(path, 1);
  static const char *const options[] = {",visits=0",
                                        ",visits=0,temperature=1",
                                        ",visits=20",
                                        ",visits=20,temperature=1",
                                        ",visits=16,search=puct",
                                        ",visits=16,precision=int8"};
  for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
    snprintf(spelling, sizeof spelling, "net:%s%s", path, options[k]);
    expect_company_does_not_matter(spelling);
  }
  expect_company_does_not_matter("random");
  expect_company_does_not_matter("mcts:40");
  expect_company_does_not_matter("alphabeta:3");
  unlink(path);
}

/* `play` asks for an analysis, `match` for a move: a level is the same player in both. */
Test(player, a_level_plays_when_it_analyses_as_it_does_in_matches) {
  Sample *sample = random_sample();
  PlayerAnalysis *analysis = memory_new(1, sizeof *analysis);
  Error err;
  for (int level = 1; level <= 7; level++) {
    char spelling[64];
    snprintf(spelling, sizeof spelling, "net:weights/connect4.net,level=%d", level);
    Player *player = player_new(spelling, c4(), 2, &err);
    cr_assert(player, "%s", err.message);
    for (int i = 0; i < POSITIONS; i += 5) {
      int move;
      cr_assert(player->choose(player, &sample->queries[i], 1, &move, &err));
      cr_assert(player->analyze(player, &sample->queries[i], 0, analysis, &err));
      cr_assert_eq(analysis->move, move, "level %d, position %d", level, i);
    }
    player_free(player);
  }
  free(analysis), free(sample);
}

/* Few visits go where the network sees something, and not once to each move because the others are under way.
 */
Test(player, an_analysis_of_few_visits_is_not_spread_out) {
  const Game *game = c4();
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  PlayerAnalysis *analysis = memory_new(1, sizeof *analysis);
  Error err;
  game->init(state);
  Player *player = player_new("net:weights/connect4.net,visits=8", game, 2, &err);
  cr_assert(player, "%s", err.message);
  const PlayerQuery query = {.state = state, .rng = rng_make(1, RNG_TEST, 0, 0)};
  cr_assert(player->analyze(player, &query, 0, analysis, &err));
  cr_assert_geq(analysis->children[3].visits, 6, "%d of 8 in the centre, whose prior is %.2f",
                analysis->children[3].visits, analysis->children[3].prior);
  player_free(player);
  free(analysis);
}

Test(player, networks_are_named_by_file_options_and_hash) {
  char path[64], other[64], spelling[160];
  write_net(path, 1);
  write_net(other, 2);
  Error err;
  Player *plain = player_new(path, c4(), 1, &err), *second = player_new(other, c4(), 1, &err);
  cr_assert(plain && second, "%s", err.message);
  snprintf(spelling, sizeof spelling, "net:%s,visits=200", path);
  cr_assert_str_eq(plain->name, spelling);
  cr_assert(plain->network && plain->visits == 200);
  cr_assert_neq(plain->hash, second->hash);
  snprintf(spelling, sizeof spelling, "net:%s,visits=9,temperature=0.5,search=puct,visits=30", path);
  Player *detailed = player_new(spelling, c4(), 1, &err);
  cr_assert(detailed, "%s", err.message);
  cr_assert_eq(detailed->visits, 30);
  snprintf(spelling, sizeof spelling, "net:%s,visits=30,search=puct,temperature=0.5", path);
  cr_assert_str_eq(detailed->name, spelling);
  cr_assert_eq(detailed->hash, plain->hash);
  player_free(detailed);
  static const char *const options[] = {"probe=7", "scale=0.25", "images=2", "precision=int8"};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    snprintf(spelling, sizeof spelling, "net:%s,visits=30,%s", path, options[i]);
    detailed = player_new(spelling, c4(), 1, &err);
    cr_assert(detailed, "%s", err.message);
    cr_assert_str_eq(detailed->name, spelling);
    player_free(detailed);
  }
  cr_assert_null(player_new(path, game_find("tictactoe"), 1, &err));
  player_free(plain);
  player_free(second);
  unlink(path);
  unlink(other);
}

/* A random position of 20 plies in which exactly one move wins at once; returns that move. */
static int one_winning_move(int *moves, void *state) {
  for (uint32_t t = 0;; t++) {
    Rng rng = rng_make(12, RNG_TEST, 0, t);
    if (!position_random_line(c4(), &rng, 20, moves, state)) continue;
    int legal[GAME_MOVES_MAX], n = c4()->legal(state, legal), wins = 0, winner = -1;
    for (int i = 0; i < n; i++) {
      uint64_t next[GAME_STATE_MAX / sizeof(uint64_t)];
      float value;
      memcpy(next, state, c4()->state_size);
      c4()->play(next, legal[i]);
      if (c4()->over(next, &value) && value < 0) wins++, winner = legal[i];
    }
    if (wins == 1 && n > 3) return winner;
  }
}

Test(player, analysis_finds_the_win_and_shares_sum_to_one) {
  char path[64], spelling[160];
  write_net(path, 1);
  snprintf(spelling, sizeof spelling, "net:%s,visits=200", path);
  const char *const spellings[] = {spelling, "mcts:400", "solver"};
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[20], legal[GAME_MOVES_MAX], winner = one_winning_move(moves, state);
  int legal_count = c4()->legal(state, legal);
  for (int k = 0; k < 3; k++) {
    Error err;
    const PlayerQuery query = {
        .state = state, .moves = moves, .move_count = 20, .rng = rng_make(1, RNG_TEST, 2, 0)};
    Player *player = player_new(spellings[k], c4(), 2, &err);
    cr_assert(player, "%s", err.message);
    PlayerAnalysis *analysis = memory_new(1, sizeof *analysis);
    cr_assert(player->analyze(player, &query, 0, analysis, &err), "%s", err.message);
    cr_assert_eq(analysis->move, winner, "%s", spellings[k]);
    cr_assert_eq(analysis->pv[0], winner);
    cr_assert_eq(analysis->pv_length, 1);
    cr_assert_eq(analysis->child_count, legal_count);
    cr_assert_float_eq(analysis->wdl[0] + analysis->wdl[1] + analysis->wdl[2], 1, 1e-4);
    cr_assert_eq(analysis->has_network, k == 0);
    if (k == 0)
      cr_assert_float_eq(analysis->network_wdl[0] + analysis->network_wdl[1] + analysis->network_wdl[2], 1,
                         1e-4);
    float prior = 0;
    for (int i = 0; i < legal_count; i++) {
      cr_assert_eq(analysis->children[i].move, legal[i]);
      prior += analysis->children[i].prior;
      if (legal[i] == winner) cr_assert_float_eq(analysis->children[i].value, 1, 1e-5);
    }
    cr_assert_float_eq(prior, 1, 1e-4);
    free(analysis);
    player_free(player);
  }
  unlink(path);
}

/* A tiny engine: column 4 while the line is short; its other manners are asked for by the script's argument.
 */
static const char engine[] =
    "n=0\n"
    "while read command rest; do\n"
    "  case $command in\n"
    "  protocol_version) [ \"$1\" = mute ] && exec sleep 1000; printf '= 2\\n\\n' ;;\n"
    "  clear_board) n=0; printf '=\\n\\n' ;;\n"
    "  play) n=$((n + 1)); printf '=\\r\\n\\r\\n\\n\\n' ;;\n"
    "  genmove) case $1 in\n"
    "    resign) printf '= resign\\n\\n' ;;\n"
    "    refuse) printf '? out of ideas\\n\\n' ;;\n"
    "    die) exit 3 ;;\n"
    "    *) printf '= %d\\n\\n' $((n % 7 + 1)) ;;\n"
    "    esac ;;\n"
    "  quit) printf '=\\n\\n'; [ \"$1\" = stay ] && exec sleep 1000; exit ;;\n"
    "  *) printf '? unknown command\\n\\n' ;;\n"
    "  esac\n"
    "done\n"
    "[ \"$1\" = stay ] && exec sleep 1000\n";

static void write_engine(char *path) {
  strcpy(path, "/tmp/selfplay-engine-XXXXXX");
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  Error err;
  cr_assert(file_write(path, engine, sizeof engine - 1, &err), "%s", err.message);
}

static void expect_reaped(void) {
  cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child was left behind");
}

Test(gtp, an_engine_over_a_pipe_plays_and_is_reaped) {
  char path[64], spelling[160];
  write_engine(path);
  Error err;
  static const char *const manners[] = {"fine", "stay"};
  for (int k = 0; k < 2; k++) {
    snprintf(spelling, sizeof spelling, "gtp:sh %s %s", path, manners[k]);
    Player *player = player_new(spelling, c4(), 1, &err);
    cr_assert(player, "%s", err.message);
    cr_assert_str_eq(player->name, spelling);
    Sample *sample = random_sample();
    int moves[20];
    cr_assert(player->choose(player, sample->queries, 20, moves, &err), "%s", err.message);
    for (int i = 0; i < 20; i++) cr_assert_eq(moves[i], sample->queries[i].move_count % 7);
    free(sample);
    player_free(player);
    expect_reaped();
  }
  unlink(path);
}

static void expect_engine_error(const char *path, const char *manner, const char *part) {
  char spelling[160];
  snprintf(spelling, sizeof spelling, "gtp:sh %s %s", path, manner);
  Error err;
  Player *player = player_new(spelling, c4(), 1, &err);
  cr_assert(player, "%s", err.message);
  Sample *sample = random_sample();
  int move;
  cr_assert_not(player->choose(player, sample->queries, 1, &move, &err));
  cr_assert(strstr(err.message, part), "%s", err.message);
  free(sample);
  player_free(player);
  expect_reaped();
}

Test(gtp, engines_that_fail_are_quoted) {
  char path[64];
  write_engine(path);
  expect_engine_error(path, "resign", "the engine resigns");
  expect_engine_error(path, "refuse", "out of ideas");
  expect_engine_error(path, "die", "the engine has ended");
  Error err;
  cr_assert_null(player_new("gtp:echo hello", c4(), 1, &err));
  cr_assert(strstr(err.message, "hello"), "%s", err.message);
  cr_assert_null(player_new("gtp:exit 7", c4(), 1, &err));
  cr_assert(strstr(err.message, "has ended"), "%s", err.message);
  expect_reaped();
  unlink(path);
}

Test(gtp, silence_is_an_error_in_time) {
  char path[64], command[128];
  write_engine(path);
  snprintf(command, sizeof command, "sh %s mute", path);
  Error err;
  cr_assert_null(gtp_new(command, 0.3, &err));
  cr_assert(strstr(err.message, "no answer within 0.3 seconds"), "%s", err.message);
  expect_reaped();
  unlink(path);
}

/* A part of a pipeline that never reads again, as a thinking engine: it writes its process id into a file. */
Test(gtp, engines_end_with_the_program_that_is_killed) {
  char path[] = "/tmp/selfplay-test-XXXXXX", command[200];
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  snprintf(command, sizeof command,
           "(read line; printf '= 2\\n\\n'; sh -c 'echo $$ > %s; exec sleep 1000') | cat", path);
  pid_t program = fork();
  if (program == 0) {
    Error err;
    if (!gtp_new(command, 10, &err)) _exit(1);
    pause();
    _exit(1);
  }
  Buffer text = {0};
  Error err;
  for (int tick = 0; tick < 500 && !text.size; tick++) {
    usleep(10000);
    cr_assert(file_read(path, &text, &err), "%s", err.message);
  }
  cr_assert(text.size, "the engine has not begun");
  buffer_put(&text, "", 1);
  pid_t thinker = (pid_t)strtol((char *)text.data, NULL, 10);
  cr_assert_eq(kill(thinker, 0), 0);
  cr_assert_eq(kill(program, SIGKILL), 0);
  cr_assert_eq(waitpid(program, NULL, 0), program);
  bool lives = true;
  for (int tick = 0; tick < 300 && lives; tick++) {
    usleep(10000);
    lives = kill(thinker, 0) == 0;
  }
  cr_expect_not(lives, "process %d is left behind", (int)thinker);
  if (lives) kill(thinker, SIGKILL);
  buffer_free(&text);
  unlink(path);
}
