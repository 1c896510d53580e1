#include "games/exact.h"

#include "base/file.h"
#include "base/memory.h"
#include "games/connect4_book.h"
#include "games/connect4_solver.h"
#include "games/othello_solver.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert((int)EXACT_NO_SCORE == (int)CONNECT4_NO_SCORE && (int)EXACT_NO_SCORE == (int)OTHELLO_NO_SCORE,
               "one mark for all");

/* A game's solver; a new one is one line of the table below. */
typedef struct ExactKind {
  const Game *game;
  int empties;               /* squares that may be empty where it is asked; 0: any number */
  int test_plies[2];         /* of test positions */
  int log2_entry;            /* of bytes */
  bool (*ready)(Error *err); /* NULL: needs no file */
  void *(*make)(const Game *game, int log2_entries);
  void (*release)(void *solver);
  int (*score)(void *solver, const void *state);
  int (*value)(void *solver, const void *state);
  void (*moves)(void *solver, const void *state, int *scores);
  void (*move_values)(void *solver, const void *state, int *values);
  void (*moves_to_play)(void *solver, const void *state, int *scores); /* NULL: moves() will do */
  int (*plies_left)(const void *state, int score);                     /* NULL: scores do not tell */
  const char *score_text;
} ExactKind;

struct Exact {
  const ExactKind *kind;
  void *solver;
};

/* The solver, and the book where that is shipped; it is read when a position first asks for it. */
typedef struct C4Exact {
  Connect4Solver *solver;
  Connect4Book *book;
  bool looked;
} C4Exact;

static void *c4_make(const Game *game, int log2_entries) {
  (void)game;
  C4Exact *exact = memory_new(1, sizeof *exact);
  exact->solver = connect4_solver_new(log2_entries);
  return exact;
}

static void c4_release(void *solver) {
  C4Exact *exact = solver;
  connect4_solver_free(exact->solver);
  connect4_book_free(exact->book);
  free(exact);
}

/* *book is NULL where none is shipped, too. False with a message where one is that cannot be used. */
static bool c4_read_book(Connect4Book **book, Error *err) {
  char path[FILE_PATH_MAX];
  *book = NULL;
  if (!file_find_shipped("openings/connect4.book", path, err)) return true;
  *book = connect4_book_read(path, err);
  return *book || error_suffix(err, "; restore it, or remove it to go on slowly without");
}

/* NULL where it knows nothing of positions of so many plies. */
static const Connect4Book *c4_book(C4Exact *exact, int ply) {
  Error unusable; /* without it all is the same, but slow; exact_ready() has told whoever asked */
  if (ply > CONNECT4_BOOK_PLIES) return NULL;
  if (!exact->looked) c4_read_book(&exact->book, &unusable);
  exact->looked = true;
  return exact->book;
}

static bool c4_ready(Error *err) {
  Connect4Book *book;
  if (!c4_read_book(&book, err)) return false;
  connect4_book_free(book);
  return true;
}

static int c4_score(void *solver, const void *state) {
  return connect4_solver_score(((C4Exact *)solver)->solver, state);
}

static int c4_value(void *solver, const void *state) {
  C4Exact *exact = solver;
  const Connect4Book *book = c4_book(exact, game_connect4.ply(state));
  return book ? connect4_book_value(book, state) : connect4_solver_value(exact->solver, state);
}

static void c4_moves(void *solver, const void *state, int *scores) {
  connect4_solver_moves(((C4Exact *)solver)->solver, state, scores);
}

static void c4_move_values(void *solver, const void *state, int *values) {
  C4Exact *exact = solver;
  const Connect4Book *book = c4_book(exact, game_connect4.ply(state) + 1);
  if (!book) {
    connect4_solver_move_values(exact->solver, state, values);
    return;
  }
  int moves[C4_COLS], count = game_connect4.legal(state, moves);
  for (int col = 0; col < C4_COLS; col++) values[col] = EXACT_NO_SCORE;
  for (int i = 0; i < count; i++) {
    Connect4 after = *(const Connect4 *)state;
    float end;
    game_connect4.play(&after, moves[i]);
    values[moves[i]] = game_connect4.over(&after, &end) ? -(int)end : -connect4_book_value(book, &after);
  }
}

/* How easily the opponent wins after a move that loses: the replies that do, more than all where one does at
 * once. */
static int c4_winning_replies(void *solver, const Connect4 *after) {
  int values[C4_COLS], replies = 0;
  c4_move_values(solver, after, values);
  for (int col = 0; col < C4_COLS; col++) {
    Connect4 end = *after;
    float value;
    if (values[col] != 1) continue;
    game_connect4.play(&end, col);
    replies += game_connect4.over(&end, &value) ? C4_COLS + 1 : 1;
  }
  return replies;
}

/* The book knows signs at once. Where they all say that the game is lost, the better move is the one after
 * which fewer replies win; in the book's last ply, which knows no replies, the scores tell. */
static void c4_moves_to_play(void *solver, const void *state, int *scores) {
  int ply = game_connect4.ply(state), best = -1;
  bool knows_moves = c4_book(solver, ply + 1), knows_replies = c4_book(solver, ply + 2);
  if (knows_moves) {
    c4_move_values(solver, state, scores);
    for (int col = 0; col < C4_COLS; col++) best = scores[col] > best ? scores[col] : best;
  }
  if (!knows_moves || (best < 0 && !knows_replies)) c4_moves(solver, state, scores);
  if (best >= 0 || !knows_replies) return;
  for (int col = 0; col < C4_COLS; col++) {
    Connect4 after = *(const Connect4 *)state;
    float value;
    if (scores[col] == EXACT_NO_SCORE) continue;
    game_connect4.play(&after, col);
    assert(!game_connect4.over(&after, &value));
    scores[col] = -1 - c4_winning_replies(solver, &after);
  }
}

/* A score is 22 less the winner's stones (connect4_solver.h). */
static int c4_plies_left(const void *state, int score) {
  int ply = game_connect4.ply(state), own = ply / 2, other = ply - own;
  if (score == 0) return C4_ROWS * C4_COLS - ply;
  return score > 0 ? 2 * (22 - score - own) - 1 : 2 * (22 + score - other);
}

static void *othello_make(const Game *game, int log2_entries) {
  return othello_solver_new(game, log2_entries);
}

static void othello_release(void *solver) {
  othello_solver_free(solver);
}

static int othello_score(void *solver, const void *state) {
  return othello_solver_score(solver, state);
}

static int othello_value(void *solver, const void *state) {
  return othello_solver_value(solver, state);
}

static void othello_moves_scores(void *solver, const void *state, int *scores) {
  othello_solver_moves(solver, state, scores);
}

static void othello_move_values(void *solver, const void *state, int *values) {
  othello_solver_move_values(solver, state, values);
}

static const char connect4_text[] = "22 less the winner's stones, negative where lost, 0 a draw";
static const char othello_text[] =
    "the final difference in discs, squares that stay empty being the winner's";

#define OTHELLO_KIND(of_game, first, last)                                                                   \
  {                                                                                                          \
    .game = &(of_game), .empties = OTHELLO_SOLVER_EMPTIES, .test_plies = {first, last}, .log2_entry = 5,     \
    .make = othello_make, .release = othello_release, .score = othello_score, .value = othello_value,        \
    .moves = othello_moves_scores, .move_values = othello_move_values, .score_text = othello_text            \
  }

static const ExactKind kinds[] = {
    {.game = &game_connect4,
     .test_plies = {12, 35},
     .log2_entry = 3,
     .ready = c4_ready,
     .make = c4_make,
     .release = c4_release,
     .score = c4_score,
     .value = c4_value,
     .moves = c4_moves,
     .move_values = c4_move_values,
     .moves_to_play = c4_moves_to_play,
     .plies_left = c4_plies_left,
     .score_text = connect4_text},
    OTHELLO_KIND(game_othello6, 20, 28),
    OTHELLO_KIND(game_othello, 48, 56),
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const ExactKind *find(const Game *game) {
  for (int i = 0; i < KINDS; i++)
    if (kinds[i].game == game) return &kinds[i];
  return NULL;
}

bool exact_exists(const Game *game, bool whole_games) {
  const ExactKind *kind = find(game);
  return kind && !(whole_games && kind->empties);
}

bool exact_ready(const Game *game, Error *err) {
  const ExactKind *kind = find(game);
  if (!kind) return error_usage(err, "there is no exact solver of %s", game->title);
  return !kind->ready || kind->ready(err);
}

Exact *exact_new(const Game *game, int log2_bytes, Error *err) {
  const ExactKind *kind = find(game);
  if (!kind) return error_set(err, "there is no exact solver of %s", game->title), NULL;
  assert(log2_bytes > kind->log2_entry);
  Exact *exact = memory_new(1, sizeof *exact);
  *exact = (Exact){kind, kind->make(game, log2_bytes - kind->log2_entry)};
  return exact;
}

void exact_free(Exact *exact) {
  if (!exact) return;
  exact->kind->release(exact->solver);
  free(exact);
}

bool exact_reaches(const Game *game, const void *state, Error *err) {
  const ExactKind *kind = find(game);
  int empty = game_empty_squares(game, state);
  assert(kind);
  return !kind->empties || empty <= kind->empties ||
         error_set(err,
                   "the exact solver of %s needs a position of at most %d empty squares; this one has %d",
                   game->title, kind->empties, empty);
}

int exact_score(Exact *exact, const void *state) {
  return exact->kind->score(exact->solver, state);
}

int exact_value(Exact *exact, const void *state) {
  return exact->kind->value(exact->solver, state);
}

void exact_moves(Exact *exact, const void *state, int *scores) {
  exact->kind->moves(exact->solver, state, scores);
}

void exact_move_values(Exact *exact, const void *state, int *values) {
  exact->kind->move_values(exact->solver, state, values);
}

bool exact_moves_differ(Exact *exact, const void *state) {
  int values[GAME_MOVES_MAX], least = 1, most = -1;
  exact_move_values(exact, state, values);
  for (int move = 0; move < exact->kind->game->moves; move++) {
    if (values[move] == EXACT_NO_SCORE) continue;
    if (values[move] < least) least = values[move];
    if (values[move] > most) most = values[move];
  }
  return least < most;
}

void exact_moves_to_play(Exact *exact, const void *state, int *scores) {
  const ExactKind *kind = exact->kind;
  (kind->moves_to_play ? kind->moves_to_play : kind->moves)(exact->solver, state, scores);
}

int exact_best_move(const Game *game, const int *scores, Rng *rng) {
  int best = EXACT_NO_SCORE, tied = 0, chosen = -1;
  for (int move = 0; move < game->moves; move++) {
    if (scores[move] == EXACT_NO_SCORE || scores[move] < best) continue;
    tied = scores[move] > best ? 1 : tied + 1;
    best = scores[move];
    if (rng_below(rng, (uint32_t)tied) == 0) chosen = move;
  }
  return chosen;
}

int exact_log2_bytes_each(int log2_bytes, int threads) {
  for (int tables = 1; tables < threads; tables *= 2) log2_bytes--;
  return log2_bytes;
}

const char *exact_score_text(const Game *game) {
  return find(game)->score_text;
}

int exact_plies_left(const Game *game, const void *state, int score) {
  const ExactKind *kind = find(game);
  return kind && kind->plies_left ? kind->plies_left(state, score) : -1;
}

void exact_test_plies(const Game *game, int plies[2]) {
  const ExactKind *kind = find(game);
  plies[0] = kind->test_plies[0], plies[1] = kind->test_plies[1];
}
