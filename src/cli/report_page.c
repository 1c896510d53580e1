/* The report as a page. */
#include "arena/score.h"
#include "base/memory.h"
#include "cli/arena_options.h"
#include "cli/page.h"
#include "cli/report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *arm_text(const ReportRun *run) {
  return run->info.arm == ARM_FROM_SCRATCH ? "from scratch" : "imitation first";
}

static const ReportPoint *last_elo(const ReportRun *run, const char *options) {
  for (int c = 0; c < run->elo_count; c++)
    if (!options || strcmp(run->elo[c].options, options) == 0)
      return &run->elo[c].points[run->elo[c].count - 1];
  return NULL;
}

/* Options under which a network of every run has been rated, of several those whose networks are the newest
 * by the oldest of them; NULL where there are none. */
static const char *common_options(const Report *report) {
  const char *best = NULL;
  int newest = -1;
  for (int c = 0; c < report->runs[0].elo_count; c++) {
    const char *options = report->runs[0].elo[c].options;
    int oldest = INT_MAX;
    for (int r = 0; r < report->count; r++) {
      const ReportPoint *point = last_elo(&report->runs[r], options);
      if (!point || point->iteration < oldest) oldest = point ? point->iteration : -1;
    }
    if (oldest > newest) newest = oldest, best = options;
  }
  return best;
}

/* How the strongest run stands against the next, by Elo. */
static void answer_by_elo(const Report *report, const char *options, Buffer *out) {
  int order[REPORT_RUNS] = {0};
  for (int r = 0; r < report->count; r++) {
    int place = r;
    for (; place > 0 && last_elo(&report->runs[order[place - 1]], options)->value <
                            last_elo(&report->runs[r], options)->value;
         place--)
      order[place] = order[place - 1];
    order[place] = r;
  }
  const ReportRun *best = &report->runs[order[0]], *next = &report->runs[order[1]];
  const ReportPoint *first = last_elo(best, options), *second = last_elo(next, options);
  double difference = first->value - second->value;
  double error = ratings_difference_error(report->ratings.ratings, first->player, second->player);
  double half = SCORE_Z95 * error;
  buffer_printf(out,
                "At iterations %d and %d, %s (%s) is rated %.0f Elo above %s (%s), 95%% interval %+.0f to "
                "%+.0f: %s (probability that it is "
                "ahead: %.2f; one run an arm says nothing of other seeds).",
                first->iteration, second->iteration, best->label, arm_text(best), difference, next->label,
                arm_text(next), difference - half, difference + half,
                difference - half > 0 ? "it is the stronger player"
                                      : "these games do not decide which is stronger",
                score_normal_cdf(difference / error));
}

static void answer_by_accuracy(const Report *report, Buffer *out) {
  const ReportRun *best = &report->runs[0];
  bool apart = report->count > 1;
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    if (run->accuracy[run->accuracy_count - 1].value > best->accuracy[best->accuracy_count - 1].value)
      best = run;
  }
  const ReportPoint *top = &best->accuracy[best->accuracy_count - 1];
  buffer_printf(out,
                "By the exact solver the network of %s (%s) alone keeps the result in %.1f%% of positions "
                "[%.1f, %.1f] after %d iterations",
                best->label, arm_text(best), 100 * top->value, 100 * top->low, 100 * top->high,
                top->iteration);
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    const ReportPoint *point = &run->accuracy[run->accuracy_count - 1];
    if (run == best) continue;
    buffer_printf(out, ", that of %s in %.1f%% [%.1f, %.1f]", run->label, 100 * point->value,
                  100 * point->low, 100 * point->high);
    apart = apart && point->high < top->low;
  }
  if (report->count > 1)
    buffer_printf(out, apart ? "; the intervals are apart"
                             : "; the intervals overlap, so this does not decide it");
  buffer_printf(out, ".");
}

/* Where nothing measures the runs against each other: what each says of its own games. */
static void answer_by_loss(const Report *report, Buffer *out) {
  if (report->count > 1)
    buffer_printf(out, "Not decided: each run's losses are on positions of its own, and no pool rates them "
                       "(`selfplay elo` does). ");
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    const json_t *last = report_last(run);
    if (r) buffer_printf(out, " ");
    if (last)
      buffer_printf(out,
                    "After %.0f iterations the policy loss of %s on new positions is %.3f (best constant: "
                    "%.3f), and its value loss %.3f (%.3f).",
                    report_number(last, "iteration"), run->label, report_number(last, "loss_policy"),
                    report_number(last, "loss_policy_baseline"), report_number(last, "loss_value"),
                    report_number(last, "loss_value_baseline"));
    else
      buffer_printf(out, "Nothing yet: %s has not finished an iteration.", run->label);
  }
}

void report_answer(const Report *report, Buffer *out) {
  const char *options = common_options(report);
  if (report->count > 1 && options)
    answer_by_elo(report, options, out);
  else if (report->runs[0].accuracy_count)
    answer_by_accuracy(report, out);
  else
    answer_by_loss(report, out);
  buffer_put(out, "", 1);
}

static bool both_arms(const Report *report) {
  bool scratch = false, imitation = false;
  for (int r = 0; r < report->count; r++) {
    scratch = scratch || report->runs[r].info.arm == ARM_FROM_SCRATCH;
    imitation = imitation || report->runs[r].info.arm == ARM_BOOTSTRAP_IMITATION;
  }
  return scratch && imitation;
}

static void put_lead(const Report *report, Page *page) {
  Buffer answer = {0};
  report_answer(report, &answer);
  page_lead(page,
            both_arms(report)    ? "Does it help to begin with imitation of expert games, and then discard "
                                   "them, all else being equal?"
            : report->count == 1 ? "What has this run learnt?"
                                 : "Which of these runs has learnt more?",
            (const char *)answer.data);
  buffer_free(&answer);
}

static void begin_table(const Report *report, Page *page, const char *caption, const char *first) {
  const char *columns[REPORT_RUNS + 1] = {first};
  for (int r = 0; r < report->count; r++) columns[r + 1] = report->runs[r].label;
  page_table(page, caption, columns, report->count + 1);
}

/* A row of the key figures, from the last log line. */
typedef struct KeyFigure {
  const char *name, *key, *baseline, *format;
  double scale;
} KeyFigure;

static const KeyFigure key_figures[] = {
    {"iterations", "iteration", NULL, "%.0f", 1},
    {"games", "games_total", NULL, "%.0f", 1},
    {"positions", "positions_total", NULL, "%.0f", 1},
    {"wall time, minutes", "seconds_total", NULL, "%.1f", 1.0 / 60},
    {"processor time, minutes", "cpu_seconds_total", NULL, "%.1f", 1.0 / 60},
    {"of it the teacher's games, minutes of wall time", "teacher_seconds", NULL, "%.1f", 1.0 / 60},
    {"policy loss (best constant), nats", "loss_policy", "loss_policy_baseline", "%.3f", 1},
    {"value loss (best constant), nats", "loss_value", "loss_value_baseline", "%.3f", 1},
    {"calibration error of the value", "value_calibration_error", NULL, "%.3f", 1},
    {"length of a game, plies", "game_length", NULL, "%.1f", 1},
    {"entropy of the search's policy, nats", "target_entropy", NULL, "%.3f", 1},
    {"samples for each new position", "sample_reuse", NULL, "%.1f", 1},
    {"evaluations per second of self-play", "evaluations_per_second", NULL, "%.0f", 1},
    {"peak memory, MiB", "peak_memory", NULL, "%.0f", 1.0 / 1048576},
};

static void key_cell(Page *page, const json_t *line, const KeyFigure *figure) {
  double value = report_number(line, figure->key) * figure->scale;
  char text[64], baseline[64];
  if (!isfinite(value)) {
    page_cell(page, "–");
    return;
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(text, sizeof text, figure->format, value);
  if (figure->baseline)
    snprintf(baseline, sizeof baseline, figure->format,
             report_number(line, figure->baseline) * figure->scale);
#pragma GCC diagnostic pop
  if (figure->baseline)
    page_cell(page, "%s (%s)", text, baseline);
  else
    page_cell(page, "%s", text);
}

static void put_key_row(const Report *report, Page *page, const KeyFigure *figure) {
  page_row(page, figure->name);
  for (int r = 0; r < report->count; r++) key_cell(page, report_last(&report->runs[r]), figure);
}

static void put_strength(const Report *report, Page *page) {
  bool elo = false;
  for (int r = 0; r < report->count; r++) elo = elo || report->runs[r].elo_count;
  if (elo) {
    page_row(page, common_options(report) ? "Elo of the newest network that is rated alike [95%]"
                                          : "Elo of the newest rated network, not rated alike [95%]");
    for (int r = 0; r < report->count; r++) {
      const ReportRun *run = &report->runs[r];
      const ReportPoint *point = last_elo(run, common_options(report));
      if (!point) point = last_elo(run, NULL);
      if (point)
        page_cell(page, "%+.0f [%+.0f, %+.0f] at %d", point->value, point->low, point->high,
                  point->iteration);
      else
        page_cell(page, "–");
    }
  }
  if (!report->runs[0].accuracy_count) return;
  page_row(page, "value kept by the network alone [95%]");
  for (int r = 0; r < report->count; r++) {
    const ReportPoint *point = &report->runs[r].accuracy[report->runs[r].accuracy_count - 1];
    page_cell(page, "%.1f%% [%.1f, %.1f]", 100 * point->value, 100 * point->low, 100 * point->high);
  }
}

static void put_key_figures(const Report *report, Page *page) {
  page_section(page, "figures", "Key figures");
  begin_table(report, page, "At the end of each run", "figure");
  page_row(page, "arm");
  for (int r = 0; r < report->count; r++) page_cell(page, "%s", arm_text(&report->runs[r]));
  put_strength(report, page);
  const KeyFigure compute = {report_axis_label(report, REPORT_COMPUTE), "flops_total", NULL, "%.4g",
                             1 / report_unit(report)};
  put_key_row(report, page, &compute);
  for (size_t k = 0; k < sizeof key_figures / sizeof *key_figures; k++)
    put_key_row(report, page, &key_figures[k]);
  page_table_end(page);
  page_text(page, "Losses and calibration are measured on an iteration's new positions before the network "
                  "learns from them. Compute is "
                  "what the network costs: 2 x multiply-adds for an evaluation and three times that for a "
                  "training sample, imitation's "
                  "own included; what a teacher computes counts in the times.");
}

/* How to fill the plots that have no data: one line each. */
static void put_missing(const Report *report, Page *page) {
  Buffer players = {0};
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    if (run->elo_count && run->elo[0].count > 1) continue;
    for (int i = 0, last = -1; i <= 4; i++) {
      int iteration = run->info.iterations * i / 4;
      char name[FILE_PATH_MAX + 32];
      snprintf(name, sizeof name, "run:%s@%d", run->info.folder, iteration);
      if (iteration != last) cli_put_word(&players, name);
      last = iteration;
    }
  }
  if (players.size) {
    buffer_printf(&players, " --db");
    cli_put_word(&players, report->db);
    page_text(
        page,
        "For the Elo over training too few networks are rated: `selfplay elo%.*s` plays what is needed; "
        "then make this report again.",
        (int)players.size, (const char *)players.data);
  }
  buffer_free(&players);
  if (!report->runs[0].accuracy_count)
    page_text(page, "No accuracy is plotted: %s has no built-in set of solved positions.",
              report->game->title);
}

/* Ratings that are bounds rather than measurements (ratings.h). */
static bool by_prior(const Report *report) {
  for (int r = 0; r < report->count; r++)
    for (int c = 0; c < report->runs[r].elo_count; c++)
      for (int i = 0; i < report->runs[r].elo[c].count; i++)
        if (report->ratings.ratings->ratings[report->runs[r].elo[c].points[i].player].separated) return true;
  return false;
}

static void put_plots(const Report *report, Page *page) {
  page_section(page, "plots", "Plots");
  put_missing(report, page);
  if (by_prior(report))
    page_text(page,
              "The games recorded do not bound the ratings of some networks: all lost or all won against "
              "the reference's group, say. These rest on a prior of half a game a pairing, and are "
              "bounds rather than measurements. More games, or opponents nearer in strength, mend that.");
  page_axes(page, (const char *const[]){"iterations", "compute", "time"}, REPORT_AXES, 1 + REPORT_COMPUTE);
  ReportFigure *figure = memory_new(1, sizeof *figure);
  for (int k = 0; k < REPORT_FIGURES; k++) {
    Error err;
    report_figure(report, k, figure);
    if (figure->count && !page_figure(page, figure->caption, figure->plots, figure->count, &err))
      cli_fail_by(&err);
    report_figure_free(figure);
  }
  free(figure);
}

static bool differs(const Report *report, const ConfigKey *key) {
  char first[CONFIG_TEXT_MAX], other[CONFIG_TEXT_MAX];
  config_value(key, &report->runs[0].info.config, first);
  for (int r = 1; r < report->count; r++) {
    config_value(key, &report->runs[r].info.config, other);
    if (strcmp(first, other) != 0) return true;
  }
  return false;
}

static int put_settings(const Report *report, Page *page, const char *caption, bool all) {
  int shown = 0;
  for (size_t k = 0; k < run_config_table.count; k++) {
    const ConfigKey *key = &run_config_table.keys[k];
    if (!all && !differs(report, key)) continue;
    if (!shown++) begin_table(report, page, caption, "setting");
    page_row(page, key->name);
    for (int r = 0; r < report->count; r++) {
      char text[CONFIG_TEXT_MAX];
      config_value(key, &report->runs[r].info.config, text);
      page_cell(page, "%s", text);
    }
  }
  if (shown) page_table_end(page);
  return shown;
}

/* A run may have gone on with another version, or on another CPU. */
static void put_log_texts(Page *page, const ReportRun *run, const char *key, const char *first) {
  char texts[512];
  run_log_texts(run->log, key, first, texts, sizeof texts);
  page_cell(page, "%s", texts);
}

static void put_origins(const Report *report, Page *page) {
  begin_table(report, page, "Where the runs come from", "");
  page_row(page, "folder");
  for (int r = 0; r < report->count; r++) page_cell(page, "%s", report->runs[r].info.folder);
  page_row(page, "seed");
  for (int r = 0; r < report->count; r++)
    page_cell(page, "%llu", (unsigned long long)report->runs[r].info.seed);
  page_row(page, "version");
  for (int r = 0; r < report->count; r++)
    put_log_texts(page, &report->runs[r], "version", report->runs[r].info.version);
  page_row(page, "CPU features");
  for (int r = 0; r < report->count; r++)
    put_log_texts(page, &report->runs[r], "features", report->runs[r].info.features);
  page_row(page, "expert games");
  for (int r = 0; r < report->count; r++) {
    const RunInfo *run = &report->runs[r].info;
    page_cell(page, "%s",
              run->arm == ARM_FROM_SCRATCH ? "none"
              : run->source[0]             ? run->source
                                           : "the teacher's");
  }
  page_row(page, "newest network (CRC-32)");
  for (int r = 0; r < report->count; r++) {
    double hash = report_number(report_last(&report->runs[r]), "network_hash");
    if (isfinite(hash))
      page_cell(page, "%08x", (unsigned)hash);
    else
      page_cell(page, "–");
  }
  page_table_end(page);
}

static void put_run_commands(const Report *report, Page *page) {
  page_heading(page, "These runs again");
  for (int r = 0; r < report->count; r++) {
    const RunInfo *run = &report->runs[r].info;
    char path[FILE_PATH_MAX + 16], arm[FILE_PATH_MAX + 32];
    Buffer command = {0};
    if (run->iterations == 0) continue; /* only its first network: there is nothing to train again */
    snprintf(arm, sizeof arm, "--%s%s%s",
             run->arm == ARM_FROM_SCRATCH ? "from-scratch" : "bootstrap-imitation", run->source[0] ? "=" : "",
             run->source);
    snprintf(path, sizeof path, "%s/run.conf", run->folder);
    buffer_printf(&command, "selfplay");
    cli_put_word(&command, arm);
    buffer_printf(&command, " --game %s --config", run->game->name);
    cli_put_word(&command, path);
    buffer_printf(&command, " --seed %llu --iterations %d --run NEW", (unsigned long long)run->seed,
                  run->iterations);
    buffer_put(&command, "", 1);
    page_command(page, (const char *)command.data);
    buffer_free(&command);
  }
  page_text(page,
            "By the same version, on a machine with the same CPU features, they give the same networks, "
            "byte for byte, at any number of threads; where several are named above, only if all of them "
            "train the same.");
}

void report_write_page(const Report *report, const char *command, const char *path) {
  char title[256];
  Error err;
  if (report->count == 1)
    snprintf(title, sizeof title, "%s: %s", report->game->title, report->runs[0].label);
  else
    snprintf(title, sizeof title, "%s: %d runs side by side", report->game->title, report->count);
  Page *page = page_new(title);
  put_lead(report, page);
  put_key_figures(report, page);
  put_plots(report, page);
  page_section(page, "settings", "Settings");
  if (report->count > 1 && !put_settings(report, page, "Settings that differ", false))
    page_text(page, "No setting differs between the runs but arm and seed.");
  page_fold(page, "All settings");
  put_settings(report, page, "All settings", true);
  page_fold_end(page);
  page_section(page, "origin", "Versions, seeds and commands");
  put_origins(report, page);
  put_run_commands(report, page);
  if (!page_write(page, command, path, &err)) cli_fail_by(&err);
  page_free(page);
}
