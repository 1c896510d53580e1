#include "cli/board.h"

#include "cli/cli.h"

#include <langinfo.h>
#include <string.h>

/* What a square shows besides 0 nothing, 1 and 2 the players' pieces: that the player to move may play there.
 */
enum { PLAYABLE = 3 };

BoardStyle board_style(FILE *stream, bool ascii) {
  bool fancy = !ascii && cli_is_terminal(stream);
  return (BoardStyle){.unicode = fancy && strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                      .colour = fancy && cli_colour_allowed(stream),
                      .true_colour = fancy && cli_true_colour()};
}

bool board_square_of(const Game *game, const void *state, int move, int *row, int *col) {
  if (move < 0) return false;
  if (game_moves_are_columns(game)) {
    *col = move;
    for (*row = game->rows - 1; *row >= 0; --*row)
      if (game->piece(state, *row, *col)) return true;
    return false;
  }
  *row = move / game->cols;
  *col = move % game->cols;
  return *row < game->rows;
}

/* Terminal colours of the pieces that games name. */
typedef struct Paint {
  const char *name, *true_colour, *basic;
} Paint;

static const Paint paints[] = {
    {"yellow", "\033[38;2;245;200;40m", "\033[93m"},
    {"red", "\033[38;2;225;70;60m", "\033[91m"},
    {"black", "\033[38;2;10;10;10m", "\033[30m"},
    {"white", "\033[38;2;250;250;250m", "\033[97m"},
};
enum { PAINTS = sizeof paints / sizeof *paints };

/* Black and white pieces are told apart on a green board in any terminal. */
static bool on_green(const Game *game) {
  return strcmp(game->player[0], "black") == 0 || strcmp(game->player[1], "black") == 0;
}

static const char *colour_of(const BoardStyle *style, const Game *game, int piece) {
  const Paint *paint = &paints[piece == 1 ? 0 : 1]; /* of pieces that are no colour's */
  for (int i = 0; i < PAINTS; i++)
    if (strcmp(paints[i].name, game->player[piece - 1]) == 0) paint = &paints[i];
  return style->true_colour ? paint->true_colour : paint->basic;
}

static void draw_coloured(FILE *stream, const BoardStyle *style, const Game *game, int piece, bool marked) {
  static const char *const plain[] = {" · ", " ● ", " ● ", " + "};
  static const char *const bracketed[] = {"[·]", "[●]", "[●]", "[+]"};
  const char *ground = marked ? "\033[7m" : "", *cell = plain[piece];
  if (on_green(game)) { /* reversed, a disc would change its colour */
    ground = style->true_colour ? "\033[48;2;40;120;75m" : "\033[42m";
    if (marked) cell = bracketed[piece];
  }
  fprintf(stream, "%s%s%s\033[0m", ground,
          piece == 1 || piece == 2 ? colour_of(style, game, piece) : "\033[90m", cell);
}

static void draw_cell(FILE *stream, const BoardStyle *style, const Game *game, int piece, bool marked) {
  static const char *const discs[] = {"·", "●", "○", "+"};
  static const char letters[] = ".XO+";
  if (!style->unicode)
    fprintf(stream, marked ? "(%c)" : " %c ", letters[piece]);
  else if (style->colour)
    draw_coloured(stream, style, game, piece, marked);
  else
    fprintf(stream, marked ? "(%s)" : " %s ", discs[piece]);
}

void board_piece(FILE *stream, const BoardStyle *style, const Game *game, int piece) {
  draw_cell(stream, style, game, piece, false);
}

static void draw_edge(FILE *stream, const BoardStyle *style, const Game *game, bool top) {
  fprintf(stream, "   ");
  fputs(!style->unicode ? "+" : top ? "╭" : "╰", stream);
  for (int col = 0; col < game->cols; col++) fputs(style->unicode ? "───" : "---", stream);
  fputs(!style->unicode ? "+\n" : top ? "╮\n" : "╯\n", stream);
}

/* Squares where the player to move may play, where that is not simply all that are empty. */
static void find_playable(const Game *game, const void *state, bool playable[GAME_MOVES_MAX]) {
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves);
  memset(playable, 0, GAME_MOVES_MAX * sizeof *playable);
  if (game_moves_are_columns(game) || count >= game_empty_squares(game, state)) return;
  for (int i = 0; i < count; i++) playable[moves[i]] = true;
}

void board_draw(FILE *stream, const BoardStyle *style, const Game *game, const void *state, int last_move,
                int cursor_row, int cursor_col) {
  int last_row = -1, last_col = -1;
  bool placed = board_square_of(game, state, last_move, &last_row, &last_col);
  bool playable[GAME_MOVES_MAX];
  find_playable(game, state, playable);
  const char *side = style->unicode ? "│" : "|";
  if (cursor_col >= 0) fprintf(stream, "    %*s%s\n", 3 * cursor_col + 1, "", style->unicode ? "▼" : "v");
  draw_edge(stream, style, game, true);
  for (int row = game->rows - 1; row >= 0; row--) {
    if (game_moves_are_columns(game)) {
      fprintf(stream, "   %s", side);
    } else {
      char name[GAME_MOVE_TEXT];
      game_row_name(game, row, name);
      fprintf(stream, "%c%s %s", row == cursor_row && cursor_col >= 0 ? '>' : ' ', name, side);
    }
    for (int col = 0; col < game->cols; col++) {
      int piece = game->piece(state, row, col);
      if (!piece && playable[row * game->cols + col]) piece = PLAYABLE;
      draw_cell(stream, style, game, piece, placed && row == last_row && col == last_col);
    }
    fprintf(stream, "%s\n", side);
  }
  draw_edge(stream, style, game, false);
  fprintf(stream, "    ");
  for (int col = 0; col < game->cols; col++) {
    char name[GAME_MOVE_TEXT];
    game_column_name(game, col, name);
    fprintf(stream, " %s ", name);
  }
  fputc('\n', stream);
}
