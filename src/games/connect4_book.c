#include "games/connect4_book.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "games/connect4_bits.h"
#include "games/connect4_solver.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[8] = {'S', 'P', 'C', '4', 'B', 'O', 'O', 'K'};
enum { VERSION = 1, UNKNOWN = 2, BATCH = 64 /* positions solved between two looks at the clock */ };
static const double SAVE_SECONDS = 60;

/* The positions of one ply, mirror images as one. */
typedef struct Ply {
  uint64_t *keys; /* ascending */
  int8_t *values; /* for the player to move */
  int count;
} Ply;

struct Connect4Book {
  Ply plies[CONNECT4_BOOK_PLIES + 1];
};

/* The position that has this key: below the marker of each column's height lie the mover's stones. */
static Connect4 from_key(uint64_t key) {
  Connect4 c = {0, 0};
  for (int col = 0; col < C4_COLS; col++) {
    uint64_t column = key >> col * C4_STRIDE & ((1 << C4_STRIDE) - 1);
    int height = 63 - __builtin_clzll(column);
    c.all |= (uint64_t)((1 << height) - 1) << col * C4_STRIDE;
  }
  c.mover = key & c.all;
  return c;
}

static int compare_keys(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void find_children(const Ply *from, Ply *to) {
  to->keys = memory_new((size_t)from->count * C4_COLS + 1, sizeof *to->keys);
  for (int i = 0; i < from->count; i++) {
    Connect4 c = from_key(from->keys[i]);
    for (uint64_t left = c4_playable(c.all); left; left &= left - 1) {
      uint64_t move = left & -left;
      if (!c4_has_four(c.mover | move))
        to->keys[to->count++] = c4_canonical(c4_key(c.mover ^ c.all, c.all | move));
    }
  }
  qsort(to->keys, (size_t)to->count, sizeof *to->keys, compare_keys);
  int distinct = 0;
  for (int i = 0; i < to->count; i++)
    if (!i || to->keys[i] != to->keys[i - 1]) to->keys[distinct++] = to->keys[i];
  to->count = distinct;
}

static Connect4Book *enumerate(void) {
  Connect4Book *book = memory_new(1, sizeof *book);
  book->plies[0].keys = memory_new(1, sizeof(uint64_t));
  book->plies[0].keys[0] = c4_key(0, 0);
  book->plies[0].count = 1;
  for (int p = 0; p <= CONNECT4_BOOK_PLIES; p++) {
    Ply *ply = &book->plies[p];
    if (p > 0) find_children(&book->plies[p - 1], ply);
    ply->values = memory_new((size_t)ply->count, sizeof *ply->values);
    memset(ply->values, UNKNOWN, (size_t)ply->count);
  }
  return book;
}

void connect4_book_free(Connect4Book *book) {
  if (!book) return;
  for (int p = 0; p <= CONNECT4_BOOK_PLIES; p++) free(book->plies[p].keys), free(book->plies[p].values);
  free(book);
}

static int look_up(const Ply *ply, uint64_t key) {
  key = c4_canonical(key);
  const uint64_t *found = bsearch(&key, ply->keys, (size_t)ply->count, sizeof key, compare_keys);
  assert(found);
  return ply->values[found - ply->keys];
}

int connect4_book_value(const Connect4Book *book, const Connect4 *position) {
  return look_up(&book->plies[bits_count(position->all)], c4_key(position->mover, position->all));
}

static void minimax(const Ply *below, Ply *ply) {
  for (int i = 0; i < ply->count; i++) {
    Connect4 c = from_key(ply->keys[i]);
    int best = -1;
    for (uint64_t left = c4_playable(c.all); left; left &= left - 1) {
      uint64_t move = left & -left;
      int value = c4_has_four(c.mover | move) ? 1 : -look_up(below, c4_key(c.mover ^ c.all, c.all | move));
      if (value > best) best = value;
    }
    ply->values[i] = (int8_t)best;
  }
}

/* The last ply's values, as far as the file knows them. */
static bool read_values(Ply *last, const char *path, Error *err) {
  Buffer payload = {0};
  size_t size = ((size_t)last->count + 3) / 4;
  bool fine = file_read_block(path, MAGIC, VERSION, NULL, &payload, err);
  if (fine && payload.size != size)
    fine = error_set(err, "%s: damaged: holds %zu bytes, not %zu", path, payload.size, size);
  for (int i = 0; fine && i < last->count; i++)
    last->values[i] = (int8_t)((payload.data[i / 4] >> i % 4 * 2 & 3) - 1);
  buffer_free(&payload);
  return fine;
}

static bool write_values(const Ply *last, const char *path, Error *err) {
  Buffer payload = {0};
  for (int i = 0; i < last->count; i += 4) {
    uint8_t byte = 0;
    for (int j = 0; j < 4 && i + j < last->count; j++)
      byte |= (uint8_t)((unsigned)(last->values[i + j] + 1) << 2 * j);
    buffer_put(&payload, &byte, 1);
  }
  bool fine = file_write_block(path, MAGIC, VERSION, BLOCK_SMALL, &payload, err);
  buffer_free(&payload);
  return fine;
}

static int count_known(const Ply *ply) {
  int known = 0;
  for (int i = 0; i < ply->count; i++) known += ply->values[i] != UNKNOWN;
  return known;
}

Connect4Book *connect4_book_read(const char *path, Error *err) {
  Connect4Book *book = enumerate();
  Ply *last = &book->plies[CONNECT4_BOOK_PLIES];
  bool fine = read_values(last, path, err);
  int known = count_known(last);
  if (fine && known < last->count)
    fine =
        error_set(err, "%s: %d of its %d positions are not solved yet; let `selfplay make-data book' go on",
                  path, last->count - known, last->count);
  if (!fine) {
    connect4_book_free(book);
    return NULL;
  }
  for (int p = CONNECT4_BOOK_PLIES - 1; p >= 0; p--) minimax(&book->plies[p + 1], &book->plies[p]);
  return book;
}

/* A win at once, or one to be prevented, decides the next move. */
static bool next_move_is_forced(Connect4 c) {
  uint64_t playable = c4_playable(c.all);
  return (playable & (c4_wins(c.mover, c.all) | c4_wins(c.mover ^ c.all, c.all))) != 0;
}

Connect4Census connect4_book_census(const Connect4Book *book) {
  const Ply *last = &book->plies[CONNECT4_BOOK_PLIES];
  Connect4Census census = {0};
  for (int i = 0; i < last->count; i++) {
    if (next_move_is_forced(from_key(last->keys[i]))) continue;
    int *counts[] = {&census.lost, &census.drawn, &census.won, &census.unknown};
    ++*counts[last->values[i] + 1];
  }
  return census;
}

/* Solves up to BATCH positions from `first` on; returns where it stopped. */
static int solve_some(Ply *last, int first, Connect4Solver *const *solvers, int threads) {
  int unsolved[BATCH], count = 0, next = first;
  for (; next < last->count && count < BATCH; next++)
    if (last->values[next] == UNKNOWN) unsolved[count++] = next;
#pragma omp parallel num_threads(threads)
  {
    Connect4Solver *solver = solvers[omp_get_thread_num()];
#pragma omp for schedule(dynamic)
    for (int i = 0; i < count; i++) {
      Connect4 c = from_key(last->keys[unsolved[i]]);
      last->values[unsolved[i]] = (int8_t)connect4_solver_value(solver, &c);
    }
  }
  return next;
}

bool connect4_book_make(const char *path, int log2_bytes, int threads, Connect4BookProgress *progress,
                        void *context, Error *err) {
  Connect4Book *book = enumerate();
  Ply *last = &book->plies[CONNECT4_BOOK_PLIES];
  Connect4Solver **solvers = memory_new((size_t)threads, sizeof(Connect4Solver *));
  bool fine = !file_exists(path) || read_values(last, path, err);
  if (!fine && !err->unread) error_suffix(err, "; remove it to begin anew");
  if (fine) {
    solvers[0] = connect4_solver_new(log2_bytes - 3);
    for (int t = 1; t < threads; t++) solvers[t] = connect4_solver_share(solvers[0]);
  }
  double saved = clock_wall();
  for (int i = 0; fine && i < last->count;) {
    i = solve_some(last, i, solvers, threads);
    if (progress) progress(context, count_known(last), last->count);
    if (i == last->count || clock_wall() > saved + SAVE_SECONDS) {
      fine = write_values(last, path, err);
      saved = clock_wall();
    }
  }
  for (int t = threads - 1; t >= 0; t--) connect4_solver_free(solvers[t]);
  free(solvers);
  connect4_book_free(book);
  return fine;
}
