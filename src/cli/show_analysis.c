#include "cli/show_analysis.h"

#include "base/fields.h"

#include <math.h>
#include <string.h>

static void bar(FILE *stream, double share, int width, bool unicode) {
  int filled = (int)(share * width + 0.5);
  for (int i = 0; i < width; i++) fputs(i < filled ? (unicode ? "█" : "#") : (unicode ? "░" : "."), stream);
}

static void put_pv(FILE *stream, const Game *game, const PlayerAnalysis *analysis, int width) {
  char name[GAME_MOVE_TEXT];
  int used = fprintf(stream, "principal variation:");
  for (int i = 0; i < analysis->pv_length; i++) {
    game->print_move(analysis->pv[i], name);
    if (used + 1 + (int)strlen(name) > width) used = fprintf(stream, "\n  ") - 1;
    used += fprintf(stream, " %s", name);
  }
  fputc('\n', stream);
}

static const char *const proofs[] = {" proven loss", " proven draw", " proven win"};

void show_analysis(FILE *stream, const Game *game, const PlayerAnalysis *analysis, bool unicode, int width) {
  enum { BAR = 20, NUMBERS = 36, PRIOR = 14, SUMMARY = 84 };
  const float *wdl = analysis->wdl, *alone = analysis->network_wdl;
  bool prior = width >= NUMBERS + PRIOR + 6;
  int room = width - NUMBERS - (prior ? PRIOR : 0),
      length = room > BAR ? BAR
               : room > 0 ? room
                          : 0,
      total = 0;
  char name[GAME_MOVE_TEXT];
  fprintf(stream, "win %5.1f%%  draw %5.1f%%  loss %5.1f%%%s", 100 * wdl[0], 100 * wdl[1], 100 * wdl[2],
          width >= SUMMARY ? "  " : "\n");
  fprintf(stream, "value %+.3f  (%d visits", wdl[0] - wdl[2], analysis->visits);
  if (analysis->has_network) fprintf(stream, "; network alone %+.3f", alone[0] - alone[2]);
  fprintf(stream, ")\n");
  if (analysis->proven) fprintf(stream, "the result is certain:%s\n", proofs[analysis->proven_value + 1]);
  for (int i = 0; i < analysis->child_count; i++) total += analysis->children[i].visits;
  for (int i = 0; i < analysis->child_count; i++) {
    const SearchChild *child = &analysis->children[i];
    game->print_move(child->move, name);
    fprintf(stream, "%c%4s ", child->move == analysis->move ? '>' : ' ', name);
    bar(stream, total ? (double)child->visits / total : child->prior, length, unicode);
    fprintf(stream, " %7d visits", child->visits);
    if (prior) fprintf(stream, "  prior %5.1f%%", 100 * child->prior);
    if (child->lower == child->upper)
      fprintf(stream, " %s\n", proofs[child->lower + 1]);
    else if (isnan(child->value))
      fprintf(stream, "  value      -\n");
    else
      fprintf(stream, "  value %+.3f\n", child->value);
  }
  put_pv(stream, game, analysis, width);
}

static json_t *wdl_json(const float wdl[3]) {
  return json_pack("{s:f, s:f, s:f}", "win", wdl[0], "draw", wdl[1], "loss", wdl[2]);
}

json_t *show_analysis_json(const Game *game, const PlayerAnalysis *analysis) {
  char name[GAME_MOVE_TEXT];
  json_t *children = json_array(), *pv = json_array();
  for (int i = 0; i < analysis->child_count; i++) {
    const SearchChild *child = &analysis->children[i];
    game->print_move(child->move, name);
    json_array_append_new(children,
                          json_pack("{s:s, s:f, s:i, s:o, s:[i, i]}", "move", name, "prior", child->prior,
                                    "visits", child->visits, "value", field_real(child->value), "bounds",
                                    child->lower, child->upper));
  }
  for (int i = 0; i < analysis->pv_length; i++) {
    game->print_move(analysis->pv[i], name);
    json_array_append_new(pv, json_string(name));
  }
  game->print_move(analysis->move, name);
  const float *alone = analysis->network_wdl;
  json_t *network = analysis->has_network
                        ? json_pack("{s:f, s:o}", "value", alone[0] - alone[2], "wdl", wdl_json(alone))
                        : json_null();
  json_t *proven = analysis->proven ? json_integer(analysis->proven_value) : json_null();
  return json_pack("{s:f, s:o, s:o, s:o, s:i, s:s, s:o, s:o}", "value", analysis->wdl[0] - analysis->wdl[2],
                   "wdl", wdl_json(analysis->wdl), "proven", proven, "network", network, "visits",
                   analysis->visits, "best", name, "pv", pv, "children", children);
}
