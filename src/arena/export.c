#include "arena/export.h"

#include "arena/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LINE_MAX_MOVES = 4096 };
/* BayesElo reads that many bytes of a name: of longer ones that begin alike it would make one player. */
enum { PGN_NAME_MAX = 63 };

typedef struct Writing {
  const Game *game;
  ExportFormat format;
  Buffer text;
  int count;
} Writing;

ExportFormat export_format_of(const char *path) {
  size_t length = strlen(path);
  return length > 4 && strcmp(path + length - 4, ".sgf") == 0 ? EXPORT_SGF : EXPORT_PGN;
}

static void put_escaped(Buffer *out, const char *text, const char *special) {
  for (; *text; text++) buffer_printf(out, "%s%c", strchr(special, *text) ? "\\" : "", *text);
}

/* The name, with the network's hash: another network by the same name is another player. Backslashes stand
 * before what `special` lists. Of what would take more than `most` bytes the end is left, which tells more,
 * with a checksum of name and hash in the place of the hash. */
static void put_player(Buffer *out, const StorePlayer *player, const char *special, size_t most) {
  static const char cut[] = "...";
  const char *name = player->name;
  uint32_t hash = player->hash;
  size_t length = strlen(name), room = most - strlen("#01234567");
  if (length > (hash ? room : most)) {
    hash = (uint32_t)crc32(hash, (const Bytef *)name, (uInt)length);
    name += length - (room - strlen(cut));
    while ((*name & 0xc0) == 0x80) name++; /* not from within a character of UTF-8 */
    buffer_printf(out, "%s", cut);
  }
  put_escaped(out, name, special);
  if (hash) buffer_printf(out, "#%08x", hash);
}

static void put_pgn(Writing *writing, const StoreRecord *record, const int *moves, int count) {
  static const char *const results[] = {"0-1", "1/2-1/2", "1-0"};
  Buffer *out = &writing->text;
  buffer_printf(out,
                "[Event \"%s\"]\n[Site \"selfplay\"]\n[Date \"%.4s.%.2s.%.2s\"]\n[Round \"%lld\"]\n[White \"",
                writing->game->title, record->played_at, record->played_at + 5, record->played_at + 8,
                (long long)record->pair);
  put_player(out, &record->first, "\"\\", PGN_NAME_MAX);
  buffer_printf(out, "\"]\n[Black \"");
  put_player(out, &record->second, "\"\\", PGN_NAME_MAX);
  buffer_printf(out, "\"]\n[Result \"%s\"]\n[Opening \"%s\"]\n\n{", results[record->points], record->opening);
  /* In a comment: readers of PGN take move text for chess. */
  for (int i = 0; i < count; i++) {
    char name[GAME_MOVE_TEXT];
    writing->game->print_move(moves[i], name);
    buffer_printf(out, "%s%s", i ? i % 20 == 0 ? "\n" : " " : "", name);
  }
  buffer_printf(out, "} %s\n\n", results[record->points]);
}

/* The square that was empty before the move and is not after it; false for a pass. */
static bool placed(const Game *game, const void *before, const void *after, int *row, int *col) {
  for (*row = 0; *row < game->rows; ++*row)
    for (*col = 0; *col < game->cols; ++*col)
      if (!game->piece(before, *row, *col) && game->piece(after, *row, *col)) return true;
  return false;
}

static void put_sgf(Writing *writing, const StoreRecord *record, const int *moves, int count) {
  static const char *const results[] = {"W+", "0", "B+"};
  const Game *game = writing->game;
  Buffer *out = &writing->text;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)], before[GAME_STATE_MAX / sizeof(uint64_t)];
  buffer_printf(out, "(;FF[4]CA[UTF-8]AP[selfplay]");
  if (strncmp(game->name, "othello", 7) == 0) buffer_printf(out, "GM[2]");
  if (game->rows == game->cols)
    buffer_printf(out, "SZ[%d]", game->rows);
  else
    buffer_printf(out, "SZ[%d:%d]", game->cols, game->rows);
  buffer_printf(out, "GN[%s]DT[%.10s]RO[%lld]RE[%s]PB[", game->title, record->played_at,
                (long long)record->pair, results[record->points]);
  put_player(out, &record->first, "]\\:", SIZE_MAX);
  buffer_printf(out, "]PW[");
  put_player(out, &record->second, "]\\:", SIZE_MAX);
  buffer_printf(out, "]\n");
  game->init(state);
  for (int i = 0; i < count; i++) {
    char name[GAME_MOVE_TEXT];
    int row, col;
    memcpy(before, state, game->state_size);
    game->print_move(moves[i], name);
    game->play(state, moves[i]);
    buffer_printf(out, ";%c[", game->to_move(before) == 0 ? 'B' : 'W');
    if (placed(game, before, state, &row, &col))
      buffer_printf(out, "%c%c", 'a' + col, 'a' + game->rows - 1 - row);
    buffer_printf(out, "]MV[%s]%s", name, i % 10 == 9 ? "\n" : "");
  }
  buffer_printf(out, ")\n");
}

static bool visit(void *context, const StoreRecord *record, Error *err) {
  Writing *writing = context;
  int moves[LINE_MAX_MOVES], count;
  if (!game_read_line(writing->game, record->moves, moves, LINE_MAX_MOVES, &count, err))
    return error_prefix(err, "a recorded game of %s is none by this build's rules (%.60s)",
                        writing->game->title, record->moves);
  if (writing->format == EXPORT_SGF)
    put_sgf(writing, record, moves, count);
  else
    put_pgn(writing, record, moves, count);
  writing->count++;
  return true;
}

bool export_games(Store *store, const Game *game, ExportFormat format, const char *path, int *count,
                  Error *err) {
  Writing writing = {.game = game, .format = format};
  bool fine = store_each(store, game->name, visit, &writing, err);
  if (fine && !writing.count)
    fine = error_set(err, "no game of %s is recorded, so there is nothing to write", game->title);
  fine = fine && file_write(path, writing.text.data, writing.text.size, err);
  buffer_free(&writing.text);
  if (count) *count = writing.count;
  return fine;
}
