#include "cli/compare_text.h"

#include "base/clock.h"
#include "base/fields.h"

#include <math.h>
#include <string.h>

enum { TABLE_SECONDS = 60 };

CompareTable compare_table_new(void) {
  return (CompareTable){.bar = cli_progress_new(30)};
}

void compare_table_end(CompareTable *table) {
  cli_progress_clear(&table->bar);
}

void compare_table_notice(void *context, const char *message) {
  CompareTable *table = context;
  cli_progress_clear(&table->bar);
  cli_note("%s", message);
}

static void print_table(const CompareProgress *progress) {
  const Experiment *experiment = progress->experiment;
  char spent[48], budget[48], left[CLOCK_TEXT] = "unknown";
  compare_print_amount(experiment->design.unit, experiment->design.budget, budget);
  if (progress->seconds_left >= 0) clock_format(progress->seconds_left, left);
  fprintf(stderr, "%-32s %9s  of %-14s %9s %9s\n", "run", "spent", budget, "iteration", "games");
  for (int i = 0; i < experiment->run_count; i++) {
    const CompareRun *run = &experiment->runs[i];
    double amount = run->networks ? run->costs[run->networks - 1].amount[experiment->design.unit] : 0;
    double games = run->networks ? run->costs[run->networks - 1].amount[COMPARE_GAMES] : 0;
    compare_print_amount(experiment->design.unit, amount, spent);
    fprintf(stderr, "%-32s %9s  %3.0f%% %-12s %9d %9.0f\n", run->name, spent,
            100 * experiment_share(experiment, i), run->finished ? "done" : "",
            run->networks > 0 ? run->networks - 1 : 0, games);
  }
  fprintf(stderr, "time left for training: %s\n", left);
}

void compare_table_progress(void *context, const CompareProgress *progress) {
  static const char *const stages[] = {"expert games", "imitation", "self-play", "learning"};
  CompareTable *table = context;
  const Experiment *experiment = progress->experiment;
  const CompareRun *run = &experiment->runs[progress->run];
  double share = 0;
  for (int i = 0; i < experiment->run_count; i++)
    share += experiment->runs[i].finished ? 1 : fmin(1, experiment_share(experiment, i));
  if (progress->stage) {
    char note[128], left[CLOCK_TEXT] = "?";
    if (progress->seconds_left >= 0) clock_format(progress->seconds_left, left);
    snprintf(note, sizeof note, "%s: %s, iteration %d; %s left", run->name, stages[progress->stage->stage],
             run->networks, left);
    cli_progress_show(&table->bar, "training", share, experiment->run_count, note);
    return;
  }
  bool finished = true;
  for (int i = 0; i < experiment->run_count; i++) finished = finished && experiment->runs[i].finished;
  if (table->printed > 0 && clock_wall() - table->printed < TABLE_SECONDS && !finished) return;
  cli_progress_clear(&table->bar);
  print_table(progress);
  table->printed = clock_wall();
}

/* --- answers --- */

static void band_text(const json_t *band, const char *format, double scale, char out[64]) {
  char mean[20], low[20], high[20];
  snprintf(mean, sizeof mean, format, scale * field_number(band, "mean"));
  snprintf(low, sizeof low, format, scale * field_number(band, "low"));
  snprintf(high, sizeof high, format, scale * field_number(band, "high"));
  if (!isfinite(field_number(band, "mean")))
    snprintf(out, 64, "-");
  else if (!isfinite(field_number(band, "low")))
    snprintf(out, 64, "%s", mean);
  else
    snprintf(out, 64, "%s [%s, %s]", mean, low, high);
}

static const char *arm_name(const json_t *arm) {
  return json_string_value(json_object_get(arm, "name"));
}

typedef struct Column {
  const char *group, *key, *title, *format;
  double scale;
} Column;

static void print_columns(const json_t *arms, const char *title, const Column *columns, int count) {
  const json_t *arm;
  size_t i;
  printf("\n%s\n%-26s", title, "arm");
  for (int c = 0; c < count; c++) printf(" %22s", columns[c].title);
  printf("\n");
  json_array_foreach(arms, i, arm) {
    printf("%-26s", arm_name(arm));
    for (int c = 0; c < count; c++) {
      char text[64];
      band_text(json_object_get(json_object_get(arm, columns[c].group), columns[c].key), columns[c].format,
                columns[c].scale, text);
      printf(" %22s", text);
    }
    printf("\n");
  }
}

/* Elo along the budget, at every fourth point of the grid. */
static void print_curves(const Experiment *experiment, const json_t *arms) {
  const json_t *arm;
  size_t i;
  printf("\nElo along the budget (%s), mean and 95%% band over seeds\n%-26s",
         compare_unit_name(experiment->design.unit), "arm");
  const json_t *grid = json_object_get(json_object_get(json_object_get(json_array_get(arms, 0), "curves"),
                                                       compare_unit_keys[experiment->design.unit]),
                                       "budget");
  for (size_t k = 4; k < COMPARE_GRID; k += 4) {
    char text[48];
    compare_print_amount(experiment->design.unit, json_number_value(json_array_get(grid, k)), text);
    printf(" %20s", text);
  }
  printf("\n");
  json_array_foreach(arms, i, arm) {
    const json_t *elo = json_object_get(
        json_object_get(json_object_get(arm, "curves"), compare_unit_keys[experiment->design.unit]), "elo");
    printf("%-26s", arm_name(arm));
    for (size_t k = 4; k < COMPARE_GRID; k += 4) {
      char text[64];
      json_t *band = json_pack("{s:O, s:O, s:O}", "mean", json_array_get(json_object_get(elo, "mean"), k),
                               "low", json_array_get(json_object_get(elo, "low"), k), "high",
                               json_array_get(json_object_get(elo, "high"), k));
      band_text(band, "%+.0f", 1, text);
      json_decref(band);
      printf(" %20s", text);
    }
    printf("\n");
  }
}

static void print_gains(const json_t *arms) {
  const json_t *arm, *run;
  size_t i, k;
  printf("\nGain of each run from its first network to its last, by games inside the run and against fixed "
         "opponents\n");
  json_array_foreach(arms, i, arm) json_array_foreach(json_object_get(arm, "runs"), k, run) {
    char texts[2][64];
    const char *keys[2] = {"gain_inside", "gain_fixed"};
    for (int g = 0; g < 2; g++) {
      json_t *band =
          json_pack("{s:O, s:O, s:O}", "mean", json_object_get(json_object_get(run, keys[g]), "elo"), "low",
                    json_object_get(json_object_get(run, keys[g]), "low"), "high",
                    json_object_get(json_object_get(run, keys[g]), "high"));
      band_text(band, "%+.0f", 1, texts[g]);
      json_decref(band);
    }
    printf("%-32s inside %-22s fixed %s\n", json_string_value(json_object_get(run, "run")), texts[0],
           texts[1]);
  }
}

static void print_search(const json_t *arms, size_t checkpoint) {
  const json_t *arm, *visits;
  size_t i, v;
  json_array_foreach(arms, i, arm) {
    const json_t *search =
        json_array_get(json_object_get(json_object_get(arm, "search"), "checkpoints"), checkpoint);
    if (!json_array_size(json_object_get(search, "visits"))) return; /* none was asked for */
    if (!i)
      printf("\nTest-time search: Elo and value kept (%%) by visits, networks at %g%% of the budget\n",
             100 * field_number(search, "checkpoint"));
    printf("%-26s", arm_name(arm));
    int known = 0;
    json_array_foreach(json_object_get(search, "visits"), v, visits) {
      const json_t *elo = json_array_get(json_object_get(json_object_get(search, "elo"), "mean"), v),
                   *kept = json_array_get(json_object_get(json_object_get(search, "value_kept"), "mean"), v);
      if (!json_is_number(elo)) continue;
      known++;
      printf("  %lld: %+.0f", (long long)json_integer_value(visits), json_number_value(elo));
      if (json_is_number(kept)) printf(" (%.0f)", 100 * json_number_value(kept));
    }
    if (!known) printf("  no network but that of a later share");
    printf("\n");
  }
}

static void print_sentences(const char *title, const json_t *list) {
  const json_t *line;
  size_t i;
  printf("\n%s\n", title);
  json_array_foreach(list, i, line) printf("- %s\n", json_string_value(line));
}

void compare_print_text(const Experiment *experiment, const json_t *result) {
  const json_t *arms = json_object_get(result, "arms");
  char budget[48];
  compare_print_amount(experiment->design.unit, experiment->design.budget, budget);
  printf("%s: %d arms, %d seed%s, %s%s for each run; %d rated games at %d visits; mcts:1000 is 0\n",
         experiment->design.game->title, experiment->design.arm_count, experiment->design.settings.seeds,
         experiment->design.settings.seeds == 1 ? "" : "s", budget,
         experiment->design.unit == COMPARE_CPU_SECONDS ? " of CPU time" : "",
         (int)field_number(json_object_get(result, "experiment"), "games"),
         experiment->design.settings.visits);
  print_curves(experiment, arms);
  bool finished = json_is_true(json_object_get(json_object_get(result, "experiment"), "finished"));
  static const Column finals[] = {{"final", "elo", "Elo", "%+.0f", 1},
                                  {"final", "value_kept", "value kept, policy %", "%.1f", 100},
                                  {"final", "search_value_kept", "value kept, search %", "%.1f", 100},
                                  {"final", "solver_kl", "KL from solver, nats", "%.2f", 1}};
  print_columns(arms, finished ? "At the end" : "So far", finals, 4);
  static const Column remains[] = {{"final", "teacher_top1", "teacher's choice %", "%.0f", 100},
                                   {"final", "teacher_kl", "KL from teacher", "%.2f", 1},
                                   {"final", "start_kl", "KL from start", "%.2f", 1},
                                   {"final", "start_distance", "weights moved", "%.2f", 1}};
  print_columns(arms, "What remains of imitation", remains, 4);
  static const Column diversity[] = {{"final", "unique_share", "unique positions %", "%.0f", 100},
                                     {"final", "opening_entropy", "opening entropy, nats", "%.2f", 1},
                                     {"final", "policy_entropy", "policy entropy, nats", "%.2f", 1}};
  print_columns(arms, "Diversity", diversity, 3);
  static const Column sets[] = {{"generalisation", "own", "own late positions", "%.1f", 100},
                                {"generalisation", "others", "other arms'", "%.1f", 100},
                                {"generalisation", "random", "random", "%.1f", 100},
                                {"generalisation", "teacher", "teacher's", "%.1f", 100}};
  print_columns(arms,
                "Generalisation: value kept by the policy alone, %, on positions that no run has learnt from",
                sets, 4);
  for (int c = 0; c < experiment->design.search_checkpoint_count; c++) print_search(arms, (size_t)c);
  print_gains(arms);
  print_sentences("Verdict", json_object_get(result, "verdict"));
  print_sentences("What the data cannot say", json_object_get(result, "limits"));
  printf("\nAll of it: %s/result.json\n", experiment->folder);
  cli_flush();
}
