#include "cli/board.h"

#include "cli/cli.h"

#include <langinfo.h>
#include <string.h>

BoardStyle board_style(FILE *stream, bool ascii) {
  bool fancy = !ascii && cli_is_terminal(stream);
  return (BoardStyle){.unicode = fancy && strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                      .colour = fancy && cli_colour_allowed(stream),
                      .true_colour = fancy && cli_true_colour()};
}

/* Games whose moves are columns: a piece falls onto what is there. */
static bool moves_are_columns(const Game *game) {
  return game->moves == game->cols;
}

bool board_square_of(const Game *game, const void *state, int move, int *row, int *col) {
  if (move < 0) return false;
  if (moves_are_columns(game)) {
    *col = move;
    for (*row = game->rows - 1; *row >= 0; --*row)
      if (game->piece(state, *row, *col)) return true;
    return false;
  }
  *row = move / game->cols;
  *col = move % game->cols;
  return *row < game->rows;
}

static const char *colour_of(const BoardStyle *style, int piece) {
  if (style->true_colour) return piece == 1 ? "\033[38;2;245;200;40m" : "\033[38;2;225;70;60m";
  return piece == 1 ? "\033[93m" : "\033[91m";
}

static void draw_cell(FILE *stream, const BoardStyle *style, int piece, bool marked) {
  static const char *const discs[] = {"·", "●", "●"};
  static const char letters[] = ".XO";
  if (!style->unicode) {
    fprintf(stream, marked ? "(%c)" : " %c ", letters[piece]);
    return;
  }
  if (style->colour)
    fprintf(stream, "%s%s %s \033[0m", marked ? "\033[7m" : "", piece ? colour_of(style, piece) : "\033[90m",
            discs[piece]);
  else
    fprintf(stream, marked ? "(%s)" : " %s ", piece == 2 ? "○" : discs[piece]);
}

static void column_name(const Game *game, int col, char *text) {
  if (moves_are_columns(game))
    game->print_move(col, text);
  else
    text[0] = (char)('a' + col), text[1] = 0;
}

static void draw_edge(FILE *stream, const BoardStyle *style, const Game *game, bool top) {
  fprintf(stream, "   ");
  fputs(!style->unicode ? "+" : top ? "╭" : "╰", stream);
  for (int col = 0; col < game->cols; col++) fputs(style->unicode ? "───" : "---", stream);
  fputs(!style->unicode ? "+\n" : top ? "╮\n" : "╯\n", stream);
}

void board_draw(FILE *stream, const BoardStyle *style, const Game *game, const void *state, int last_move,
                int cursor_row, int cursor_col) {
  int last_row = -1, last_col = -1;
  bool placed = board_square_of(game, state, last_move, &last_row, &last_col);
  const char *side = style->unicode ? "│" : "|";
  if (cursor_col >= 0) fprintf(stream, "    %*s%s\n", 3 * cursor_col + 1, "", style->unicode ? "▼" : "v");
  draw_edge(stream, style, game, true);
  for (int row = game->rows - 1; row >= 0; row--) {
    if (moves_are_columns(game))
      fprintf(stream, "   %s", side);
    else
      fprintf(stream, "%c%d %s", row == cursor_row && cursor_col >= 0 ? '>' : ' ', row + 1, side);
    for (int col = 0; col < game->cols; col++)
      draw_cell(stream, style, game->piece(state, row, col), placed && row == last_row && col == last_col);
    fprintf(stream, "%s\n", side);
  }
  draw_edge(stream, style, game, false);
  fprintf(stream, "    ");
  for (int col = 0; col < game->cols; col++) {
    char name[GAME_MOVE_TEXT];
    column_name(game, col, name);
    fprintf(stream, " %s ", name);
  }
  fputc('\n', stream);
}
