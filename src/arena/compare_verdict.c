/* Sentences from the numbers of a result; none says more than its interval. */
#include "arena/compare_result.h"

#include "base/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS_TO_TRUST = 5 };

static double real(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  return value ? value : "";
}

__attribute__((format(printf, 2, 3))) static void say(json_t *list, const char *format, ...) {
  char line[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  json_array_append_new(list, json_string(line));
}

static void print_budget(const json_t *experiment, double amount, char out[48]) {
  static const char *const keys[] = {"cpu_seconds", "flops", "evaluations", "games"};
  for (int u = 0; u < COMPARE_UNITS; u++)
    if (strcmp(text(experiment, "unit"), keys[u]) == 0) compare_print_amount((CompareUnit)u, amount, out);
}

/* "+35 Elo [-10, +80]"; without the interval where there is none. */
static void print_band(const json_t *band, const char *format, double scale, char out[96]) {
  char number[3][24];
  static const char *const keys[] = {"mean", "low", "high"};
  for (int i = 0; i < 3; i++) snprintf(number[i], sizeof number[i], format, scale * real(band, keys[i]));
  if (isfinite(real(band, "low")))
    snprintf(out, 96, "%s [%s, %s]", number[0], number[1], number[2]);
  else
    snprintf(out, 96, "%s", isfinite(real(band, "mean")) ? number[0] : "unknown");
}

/* 1 where the whole interval is above zero, -1 below, 0 where it holds zero or there is none. */
static int side_of(const json_t *band) {
  return real(band, "low") > 0 ? 1 : real(band, "high") < 0 ? -1 : 0;
}

static void say_final(const json_t *experiment, const json_t *comparison, json_t *verdict) {
  const json_t *final = json_object_get(comparison, "final_elo");
  char budget[48], band[96], chance[64] = "";
  const char *arm = text(comparison, "arm"), *base = text(comparison, "over");
  double probability = real(comparison, "probability_ahead");
  print_budget(experiment, real(experiment, "budget"), budget);
  print_band(final, "%+.0f", 1, band);
  if (isfinite(probability))
    snprintf(chance, sizeof chance, "; probability that it is ahead: %.0f%%", 100 * probability);
  if (side_of(final))
    say(verdict, "At the end of the budget (%s) %s is %s than %s: %s Elo%s.", budget, arm,
        side_of(final) > 0 ? "stronger" : "weaker", base, band, chance);
  else
    say(verdict, "At the end of the budget (%s) no difference between %s and %s is shown: %s Elo%s.", budget,
        arm, base, band, chance);
}

/* Where along the budget the difference is beyond doubt. */
static void say_head_start(const json_t *experiment, const json_t *comparison, json_t *verdict) {
  const json_t *elo = json_object_get(comparison, "elo"), *grid = json_object_get(comparison, "budget");
  const json_t *low = json_object_get(elo, "low"), *high = json_object_get(elo, "high"),
               *mean = json_object_get(elo, "mean");
  int best = -1, from = -1, to = -1;
  for (int k = 0; k < (int)json_array_size(grid); k++) {
    size_t at = (size_t)k;
    if (best < 0 ||
        json_number_value(json_array_get(mean, at)) > json_number_value(json_array_get(mean, (size_t)best)))
      best = k;
    if (json_is_number(json_array_get(low, at)) && json_number_value(json_array_get(low, at)) > 0)
      from = from < 0 ? k : from, to = k;
  }
  if (best < 0 || !json_is_number(json_array_get(mean, (size_t)best))) return;
  char at[48], first[48], last[48];
  double lead = json_number_value(json_array_get(mean, (size_t)best));
  print_budget(experiment, json_number_value(json_array_get(grid, (size_t)best)), at);
  if (lead <= 0) {
    say(verdict, "%s has no head start over %s at any budget.", text(comparison, "arm"),
        text(comparison, "over"));
    return;
  }
  json_t *band = json_pack("{s:O, s:O, s:O}", "mean", json_array_get(mean, (size_t)best), "low",
                           json_array_get(low, (size_t)best), "high", json_array_get(high, (size_t)best));
  char shown[96];
  print_band(band, "%+.0f", 1, shown);
  json_decref(band);
  if (from < 0) {
    say(verdict,
        "The largest lead of %s over %s is %s Elo, at %s; at no budget does the interval exclude zero.",
        text(comparison, "arm"), text(comparison, "over"), shown, at);
    return;
  }
  print_budget(experiment, json_number_value(json_array_get(grid, (size_t)from)), first);
  print_budget(experiment, json_number_value(json_array_get(grid, (size_t)to)), last);
  say(verdict,
      "The largest lead of %s over %s is %s Elo, at %s; the interval excludes zero between %s and %s.",
      text(comparison, "arm"), text(comparison, "over"), shown, at, first, last);
}

static void say_crossover(const json_t *experiment, const json_t *comparison, json_t *verdict) {
  const json_t *crossover = json_object_get(comparison, "crossover");
  const char *arm = text(comparison, "arm"), *base = text(comparison, "over"),
             *mean = text(crossover, "mean");
  const char *hedge = side_of(json_object_get(comparison, "final_elo")) ? "" : "By the means alone, ";
  char at[48], low[48], high[48] = "beyond this budget", interval[160] = "";
  print_budget(experiment, real(crossover, "at"), at);
  if (isfinite(real(crossover, "low"))) {
    print_budget(experiment, real(crossover, "low"), low);
    if (isfinite(real(crossover, "high"))) print_budget(experiment, real(crossover, "high"), high);
    snprintf(interval, sizeof interval, " (95%% interval from %s to %s)", low, high);
  }
  if (strcmp(mean, "crossed") == 0)
    say(verdict, "%s is no longer worse than %s from %s on%s.", base, arm, at, interval);
  else if (strcmp(mean, "never ahead") != 0 && isfinite(real(crossover, "share_not_within")))
    say(verdict,
        "%s%s does not catch up with %s within this budget%s; in %.0f%% of the resamples it does not.", hedge,
        base, arm, interval, 100 * real(crossover, "share_not_within"));
  else if (strcmp(mean, "never ahead") != 0)
    say(verdict, "%s%s does not catch up with %s within this budget.", hedge, base, arm);
}

static void say_accuracy(const json_t *comparison, json_t *verdict) {
  const json_t *kept = json_object_get(comparison, "final_search_value_kept");
  char band[96];
  if (!isfinite(real(kept, "mean"))) return;
  print_band(kept, "%+.1f", 100, band);
  say(verdict, "By the exact solver, %s keeps the value of %s percentage points more positions than %s%s.",
      text(comparison, "arm"), band, text(comparison, "over"),
      side_of(kept) ? "" : ", which shows no difference");
}

/* A wider gap alone may only mean that the arm's own positions are easier, and a lower accuracy on random
 * ones that it is weaker everywhere: brittle is what shows both. */
static void say_brittleness(const json_t *comparison, json_t *verdict) {
  const json_t *random = json_object_get(comparison, "random_value_kept"),
               *gap = json_object_get(comparison, "gap_random");
  char lead[96], wider[96];
  if (!isfinite(real(gap, "mean"))) return;
  print_band(random, "%+.1f", 100, lead);
  print_band(gap, "%+.1f", 100, wider);
  bool more = side_of(gap) > 0 && side_of(random) < 0, less = side_of(gap) < 0 && side_of(random) > 0;
  say(verdict,
      "Off its data: on random positions %s keeps the value of %s points more positions than %s, and from "
      "its "
      "own late positions to random ones its accuracy falls by %s points more: %s.",
      text(comparison, "arm"), lead, text(comparison, "over"), wider,
      more   ? "it is more brittle"
      : less ? "it is less brittle"
             : "no difference in brittleness is shown");
}

static void say_remains(const json_t *arm, json_t *verdict) {
  const json_t *final = json_object_get(arm, "final");
  char kl[96], top1[96], distance[96];
  if (!json_is_true(json_object_get(arm, "imitation")) ||
      !isfinite(real(json_object_get(final, "teacher_top1"), "mean")))
    return;
  print_band(json_object_get(final, "teacher_top1"), "%.0f", 100, top1);
  print_band(json_object_get(final, "start_kl"), "%.2f", 1, kl);
  print_band(json_object_get(final, "start_distance"), "%.2f", 1, distance);
  say(verdict,
      "What remains of imitation in %s: its first choice is the teacher's in %s%% of the positions; its "
      "policy "
      "has moved by %s nats and its weights by %s of their norm since imitation ended.",
      text(arm, "name"), top1, kl, distance);
}

static void say_search(const json_t *arm, json_t *verdict) {
  const json_t *search = json_object_get(arm, "search"), *slope = json_object_get(search, "elo_per_doubling"),
               *trade = json_object_get(search, "search_doublings_per_training_doubling");
  char elo[96], training[96];
  if (!isfinite(real(slope, "mean"))) return;
  print_band(slope, "%+.0f", 1, elo);
  print_band(trade, "%.2f", 1, training);
  if (isfinite(real(trade, "mean")))
    say(verdict,
        "%s: doubling the visits is worth %s Elo; doubling the training is worth %s doublings of visits.",
        text(arm, "name"), elo, training);
  else
    say(verdict, "%s: doubling the visits is worth %s Elo.", text(arm, "name"), elo);
}

/* --- what cannot be said --- */

static void limit_seeds(const json_t *experiment, json_t *limits) {
  int seeds = (int)real(experiment, "seeds");
  if (seeds < 2)
    say(limits, "One seed: nothing can be said about other seeds, so there are no intervals over runs.");
  else if (seeds < SEEDS_TO_TRUST)
    say(limits,
        "%d seeds: the intervals are Student's with %d degree%s of freedom and wide for that reason; a "
        "difference "
        "that they do not show may still be there.",
        seeds, seeds - 1, seeds == 2 ? "" : "s");
  if (seeds > 1)
    say(limits,
        "The bands hold at each budget by itself; over a whole curve of %d budgets some exclude the truth by "
        "chance, so that a short stretch without zero proves nothing.",
        COMPARE_GRID);
  if (!json_is_true(json_object_get(experiment, "finished")))
    say(limits, "Training is not finished; curves are continued level from where they end.");
}

/* The differences that the data leave open, in one sentence. */
static void limit_open(const json_t *comparisons, json_t *limits) {
  const json_t *comparison;
  const char *over = "";
  size_t i;
  Buffer arms = {0};
  json_array_foreach(comparisons, i, comparison) {
    if (side_of(json_object_get(comparison, "final_elo"))) continue;
    buffer_printf(&arms, "%s%s", arms.size ? ", " : "", text(comparison, "arm"));
    over = text(comparison, "over");
  }
  if (arms.size)
    json_array_append_new(
        limits,
        json_sprintf("Whether %s is stronger or weaker at the end than %.*s cannot be said: the interval of "
                     "their difference holds zero.",
                     over, (int)arms.size, (const char *)arms.data));
  buffer_free(&arms);
}

/* The budget that all runs have reached. */
static double reached(const json_t *experiment, const json_t *arm) {
  const json_t *grid =
      json_object_get(json_object_get(json_object_get(arm, "curves"), text(experiment, "unit")), "budget");
  size_t count = json_array_size(grid);
  return count ? json_number_value(json_array_get(grid, count - 1)) : NAN;
}

static void limit_run(const json_t *experiment, const json_t *arm, const json_t *run, json_t *limits) {
  const json_t *inside = json_object_get(run, "gain_inside"), *fixed = json_object_get(run, "gain_fixed");
  const json_t *points = json_object_get(run, "points"), *point;
  size_t i;
  int bounds = 0;
  json_array_foreach(points, i, point) bounds += json_is_true(json_object_get(point, "elo_is_bound"));
  if (bounds)
    say(limits, "%s: %d of its ratings rest on one-sided results and are bounds rather than measurements.",
        text(run, "run"), bounds);
  if (real(inside, "low") > real(fixed, "high"))
    say(limits,
        "%s has gained %.0f Elo by its own games but %.0f against fixed opponents: its gain is overstated "
        "from "
        "inside.",
        text(run, "run"), real(inside, "elo"), real(fixed, "elo"));
  point = json_array_get(points, 1);
  if (json_is_true(json_object_get(arm, "imitation")) &&
      real(json_object_get(point, "cost"), text(experiment, "unit")) > reached(experiment, arm))
    say(limits,
        "%s: its bootstrap stage alone took more than the budget that all runs have reached, so its final "
        "figures are "
        "those of its initial weights.",
        text(run, "run"));
}

void compare_verdict(const json_t *result, json_t **verdict, json_t **limits) {
  const json_t *experiment = json_object_get(result, "experiment"), *arm, *comparison, *run;
  size_t i, k;
  *verdict = json_array(), *limits = json_array();
  limit_seeds(experiment, *limits);
  json_array_foreach(json_object_get(result, "comparisons"), i, comparison) {
    say_final(experiment, comparison, *verdict);
    say_head_start(experiment, comparison, *verdict);
    say_crossover(experiment, comparison, *verdict);
    say_accuracy(comparison, *verdict);
    say_brittleness(comparison, *verdict);
  }
  limit_open(json_object_get(result, "comparisons"), *limits);
  json_array_foreach(json_object_get(result, "arms"), i, arm) {
    say_remains(arm, *verdict);
    say_search(arm, *verdict);
    json_array_foreach(json_object_get(arm, "runs"), k, run) limit_run(experiment, arm, run, *limits);
  }
  say(*limits,
      "All of this holds for %s, this network, this teacher and budgets up to this one; nothing is said "
      "about "
      "others.",
      text(experiment, "title"));
}
