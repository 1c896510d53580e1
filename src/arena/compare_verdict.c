/* Sentences from the numbers of a result; none says more than its interval. */
#include "arena/compare_result.h"
#include "arena/compare_sentences.h"
#include "arena/compare_stats.h"

#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void compare_say(json_t *list, const char *format, ...) {
  char line[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  json_array_append_new(list, json_string(line));
}

static void print_budget(const json_t *experiment, double amount, char out[48]) {
  for (int u = 0; u < COMPARE_UNITS; u++)
    if (strcmp(field_text(experiment, "unit"), compare_unit_keys[u]) == 0)
      compare_print_amount((CompareUnit)u, amount, out);
}

/* "+35 Elo [-10, +80]"; without the interval where there is none. */
static void print_band(const json_t *band, const char *format, double scale, char out[96]) {
  char number[3][24];
  static const char *const keys[] = {"mean", "low", "high"};
  for (int i = 0; i < 3; i++)
    snprintf(number[i], sizeof number[i], format, scale * field_number(band, keys[i]));
  if (isfinite(field_number(band, "low")))
    snprintf(out, 96, "%s [%s, %s]", number[0], number[1], number[2]);
  else
    snprintf(out, 96, "%s", isfinite(field_number(band, "mean")) ? number[0] : "unknown");
}

int compare_side_of(const json_t *band) {
  return field_number(band, "low") > 0 ? 1 : field_number(band, "high") < 0 ? -1 : 0;
}

int compare_side_among(const json_t *band, size_t comparisons) {
  double mean = field_number(band, "mean"), degrees = field_number(band, "seeds") - 1;
  if (!compare_side_of(band) || !(degrees > 0)) return 0;
  double wider = stats_student_quantile(1 - 0.025 / (double)comparisons, degrees) /
                 stats_student_quantile(0.975, degrees);
  return fabs(mean) > wider * (field_number(band, "high") - field_number(band, "low")) / 2
             ? compare_side_of(band)
             : 0;
}

double compare_reached(const json_t *experiment, const json_t *arms) {
  const json_t *curves = json_object_get(json_array_get(arms, 0), "curves");
  const json_t *grid = json_object_get(json_object_get(curves, field_text(experiment, "unit")), "budget");
  size_t count = json_array_size(grid);
  return count ? json_number_value(json_array_get(grid, count - 1)) : field_number(experiment, "budget");
}

/* "At the end of the budget (20 min)", or how far an experiment that goes on has come. */
static void print_when(const json_t *experiment, const json_t *arms, char out[160]) {
  char whole[48], part[48];
  print_budget(experiment, field_number(experiment, "budget"), whole);
  print_budget(experiment, compare_reached(experiment, arms), part);
  if (json_is_true(json_object_get(experiment, "finished")))
    snprintf(out, 160, "At the end of the budget (%s)", whole);
  else
    snprintf(out, 160, "So far, at %s of the budget of %s,", part, whole);
}

static void say_final(const json_t *experiment, const json_t *arms, const json_t *comparison,
                      size_t comparisons, json_t *verdict) {
  const json_t *final = json_object_get(comparison, "final_elo");
  char when[160], band[96], chance[64] = "";
  const char *arm = field_text(comparison, "arm"), *base = field_text(comparison, "over");
  double probability = field_number(comparison, "probability_ahead");
  print_when(experiment, arms, when);
  print_band(final, "%+.0f", 1, band);
  if (isfinite(probability))
    snprintf(chance, sizeof chance, "; probability that it is ahead: %.0f%%", 100 * probability);
  if (compare_side_among(final, comparisons))
    compare_say(verdict, "%s %s is %s than %s: %s Elo%s.", when, arm,
                compare_side_of(final) > 0 ? "stronger" : "weaker", base, band, chance);
  else if (compare_side_of(final))
    compare_say(
        verdict,
        "%s %s is %s %s by an interval that excludes zero, though not at the level that %zu comparisons "
        "ask for: %s Elo%s.",
        when, arm, compare_side_of(final) > 0 ? "ahead of" : "behind", base, comparisons, band, chance);
  else
    compare_say(verdict, "%s no difference between %s and %s is shown: %s Elo%s.", when, arm, base, band,
                chance);
}

/* What is shown of a final difference: by its own interval, and among all comparisons. */
typedef struct Shown {
  const char *words;
  int alone, among;
} Shown;

/* The arms of whose final difference this is shown, with the difference; empty where there are none. */
static void print_shown(const json_t *comparisons, const Shown *shown, Buffer *out) {
  const json_t *comparison;
  size_t i;
  json_array_foreach(comparisons, i, comparison) {
    const json_t *final = json_object_get(comparison, "final_elo");
    char band[96];
    if (compare_side_of(final) != shown->alone ||
        compare_side_among(final, json_array_size(comparisons)) != shown->among)
      continue;
    print_band(final, "%+.0f", 1, band);
    buffer_printf(out, "%s%s (%s Elo)", out->size ? ", " : "", field_text(comparison, "arm"), band);
  }
}

/* All arms in one sentence, where there are several. */
static void say_answer(const json_t *experiment, const json_t *arms, const json_t *comparisons,
                       json_t *verdict) {
  static const Shown kinds[] = {{"stronger", 1, 1},
                                {"weaker", -1, -1},
                                {"ahead, though not at the level that so many comparisons ask for", 1, 0},
                                {"behind, though not at the level that so many comparisons ask for", -1, 0},
                                {"no difference shown", 0, 0}};
  char when[160];
  Buffer line = {0};
  if (json_array_size(comparisons) < 2) return;
  print_when(experiment, arms, when);
  buffer_printf(&line, "%s against %s", when, field_text(json_array_get(comparisons, 0), "over"));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    Buffer named = {0};
    print_shown(comparisons, &kinds[i], &named);
    if (named.size)
      buffer_printf(&line, "; %s: %.*s", kinds[i].words, (int)named.size, (const char *)named.data);
    buffer_free(&named);
  }
  json_array_append_new(verdict, json_sprintf("%.*s.", (int)line.size, (const char *)line.data));
  buffer_free(&line);
}

/* The stretches of the budget in which the bound (low, or high where `sign` is -1) is beyond zero. */
static void print_stretches(const json_t *experiment, const json_t *grid, const json_t *bound, int sign,
                            Buffer *out) {
  int count = (int)json_array_size(grid);
  for (int k = 0, from = -1; k <= count; k++) {
    const json_t *value = k < count ? json_array_get(bound, (size_t)k) : NULL;
    bool beyond = json_is_number(value) && sign * json_number_value(value) > 0;
    if (beyond && from < 0) from = k;
    if (beyond || from < 0) continue;
    char first[48], last[48];
    print_budget(experiment, json_number_value(json_array_get(grid, (size_t)from)), first);
    print_budget(experiment, json_number_value(json_array_get(grid, (size_t)(k - 1))), last);
    if (from == k - 1)
      buffer_printf(out, "%s at %s", out->size ? "," : "", first);
    else
      buffer_printf(out, "%s from %s to %s", out->size ? "," : "", first, last);
    from = -1;
  }
}

static int largest_of(const json_t *list) {
  int best = -1;
  for (int k = 0; k < (int)json_array_size(list); k++) {
    const json_t *value = json_array_get(list, (size_t)k);
    if (json_is_number(value) &&
        (best < 0 || json_number_value(value) > json_number_value(json_array_get(list, (size_t)best))))
      best = k;
  }
  return best;
}

/* Where along the budget the difference excludes zero, on either side. */
static void say_head_start(const json_t *experiment, const json_t *comparison, json_t *verdict) {
  const json_t *elo = json_object_get(comparison, "elo"), *grid = json_object_get(comparison, "budget");
  const char *arm = field_text(comparison, "arm"), *over = field_text(comparison, "over");
  int best = largest_of(json_object_get(elo, "mean"));
  if (best < 0) return;
  size_t at = (size_t)best;
  json_t *band = json_pack("{s:O, s:O, s:O}", "mean", json_array_get(json_object_get(elo, "mean"), at), "low",
                           json_array_get(json_object_get(elo, "low"), at), "high",
                           json_array_get(json_object_get(elo, "high"), at));
  char shown[96], budget[48];
  Buffer ahead = {0}, behind = {0};
  print_band(band, "%+.0f", 1, shown);
  print_budget(experiment, json_number_value(json_array_get(grid, at)), budget);
  print_stretches(experiment, grid, json_object_get(elo, "low"), 1, &ahead);
  print_stretches(experiment, grid, json_object_get(elo, "high"), -1, &behind);
  if (field_number(band, "mean") > 0)
    compare_say(verdict, "The largest lead of %s over %s is %s Elo, at %s.", arm, over, shown, budget);
  else
    compare_say(verdict, "%s leads %s at no budget.", arm, over);
  if (ahead.size)
    compare_say(verdict, "%s is ahead of %s with an interval that excludes zero%.*s.", arm, over,
                (int)ahead.size, (const char *)ahead.data);
  if (behind.size)
    compare_say(verdict, "%s is behind %s with an interval that excludes zero%.*s.", arm, over,
                (int)behind.size, (const char *)behind.data);
  if (!ahead.size && !behind.size && isfinite(field_number(band, "low")))
    compare_say(verdict, "At no budget does the interval of %s over %s exclude zero.", arm, over);
  json_decref(band);
  buffer_free(&ahead), buffer_free(&behind);
}

/* What the mean says is said plainly only where an interval says it too: of a lead that was made up, one at
 * any budget; of a lead that there still is, the one at the end. */
static void say_crossover(const json_t *experiment, const json_t *comparison, json_t *verdict) {
  const json_t *crossover = json_object_get(comparison, "crossover"), *value;
  const char *arm = field_text(comparison, "arm"), *base = field_text(comparison, "over"),
             *mean = field_text(crossover, "mean");
  char at[48], low[48], high[48] = "beyond this budget", interval[160] = "";
  bool led = false, leads = false;
  size_t k;
  json_array_foreach(json_object_get(json_object_get(comparison, "elo"), "low"), k, value) {
    leads = json_is_number(value) && json_number_value(value) > 0;
    led = led || leads;
  }
  const char *end = json_is_true(json_object_get(experiment, "finished"))
                        ? "when the budget ends"
                        : "where the runs have come to so far",
             *hedges[] = {"By the means alone, ", ""};
  print_budget(experiment, field_number(crossover, "at"), at);
  if (isfinite(field_number(crossover, "low"))) {
    print_budget(experiment, field_number(crossover, "low"), low);
    if (isfinite(field_number(crossover, "high")))
      print_budget(experiment, field_number(crossover, "high"), high);
    snprintf(interval, sizeof interval, " (95%% interval of that crossover: from %s to %s)", low, high);
  }
  if (strcmp(mean, "crossed") == 0)
    compare_say(verdict, "%s%s is no longer worse than %s from %s on%s.", hedges[led], base, arm, at,
                interval);
  else if (strcmp(mean, "never ahead") != 0 && isfinite(field_number(crossover, "share_not_within")))
    compare_say(verdict,
                "%s%s is ahead of %s %s, so %s has not drawn level within it%s; in %.0f%% of the "
                "resamples it has not.",
                hedges[leads], arm, base, end, base, interval,
                100 * field_number(crossover, "share_not_within"));
  else if (strcmp(mean, "never ahead") != 0)
    compare_say(verdict, "%s%s is ahead of %s %s.", hedges[leads], arm, base, end);
}

const json_t *compare_arm_named(const json_t *arms, const char *name) {
  const json_t *arm;
  size_t i;
  json_array_foreach(arms, i, arm) if (strcmp(field_text(arm, "name"), name) == 0) return arm;
  return NULL;
}

static void say_accuracy(const json_t *comparison, json_t *verdict) {
  const json_t *kept = json_object_get(comparison, "final_search_value_kept");
  char band[96];
  if (!isfinite(field_number(kept, "mean"))) return;
  print_band(kept, "%+.1f", 100, band);
  compare_say(
      verdict,
      "By the exact solver, the share of positions whose value %s keeps less that of %s is %s points%s.",
      field_text(comparison, "arm"), field_text(comparison, "over"), band,
      compare_side_of(kept) ? ", an interval that excludes zero" : ", which shows no difference");
}

/* A wider gap alone may only mean that the arm's own positions are easier, and a lower accuracy on random
 * ones that it is weaker everywhere: brittle is what shows both. */
static void say_brittleness(const json_t *arms, const json_t *comparison, json_t *verdict) {
  const json_t *random = json_object_get(comparison, "random_value_kept"),
               *gap = json_object_get(comparison, "gap_random");
  const char *arm = field_text(comparison, "arm"), *over = field_text(comparison, "over");
  const json_t *own = json_object_get(compare_arm_named(arms, arm), "generalisation"),
               *base = json_object_get(compare_arm_named(arms, over), "generalisation");
  char lead[96], wider[96];
  if (!isfinite(field_number(gap, "mean"))) return;
  print_band(random, "%+.1f", 100, lead);
  print_band(gap, "%+.1f", 100, wider);
  bool more = compare_side_of(gap) > 0 && compare_side_of(random) < 0,
       less = compare_side_of(gap) < 0 && compare_side_of(random) > 0;
  compare_say(
      verdict,
      "Off its data: on its own late positions and on random ones %s keeps the value in %.1f%% and %.1f%%, "
      "%s in "
      "%.1f%% and %.1f%%; the difference on random ones is %s points, that of own less random %s: %s.",
      arm, 100 * field_number(json_object_get(own, "own"), "mean"),
      100 * field_number(json_object_get(own, "random"), "mean"), over,
      100 * field_number(json_object_get(base, "own"), "mean"),
      100 * field_number(json_object_get(base, "random"), "mean"), lead, wider,
      more   ? "it is more brittle"
      : less ? "it is less brittle"
             : "no difference in brittleness is shown");
}

/* Agreement with the teacher where imitation ended: mean over the runs. */
static double top1_at_start(const json_t *arm) {
  const json_t *run;
  double sum = 0;
  int n = 0;
  size_t i;
  json_array_foreach(json_object_get(arm, "runs"), i, run) {
    double top1 = field_number(json_array_get(json_object_get(run, "points"), 1), "teacher_top1");
    if (isfinite(top1)) sum += top1, n++;
  }
  return n ? sum / n : NAN;
}

/* Beside an arm that never saw the teacher: what that has too is no remainder. */
static void print_untaught(const json_t *arms, char out[160]) {
  const json_t *arm;
  size_t i;
  out[0] = 0;
  json_array_foreach(arms, i, arm) {
    const json_t *band = json_object_get(json_object_get(arm, "final"), "teacher_top1");
    char top1[96];
    if (json_is_true(json_object_get(arm, "imitation")) || !isfinite(field_number(band, "mean"))) continue;
    print_band(band, "%.0f", 100, top1);
    snprintf(out, 160, ", %s's in %s%%", field_text(arm, "name"), top1);
    return;
  }
}

static void say_remains(const json_t *arms, const json_t *arm, json_t *verdict) {
  const json_t *final = json_object_get(arm, "final");
  char kl[96], top1[96], distance[96], untaught[160], start[48] = "", weights[160] = "";
  if (!json_is_true(json_object_get(arm, "imitation")) ||
      !isfinite(field_number(json_object_get(final, "teacher_top1"), "mean")))
    return;
  print_band(json_object_get(final, "teacher_top1"), "%.0f", 100, top1);
  print_band(json_object_get(final, "start_kl"), "%.2f", 1, kl);
  print_band(json_object_get(final, "start_distance"), "%.2f", 1, distance);
  print_untaught(arms, untaught);
  if (isfinite(top1_at_start(arm)))
    snprintf(start, sizeof start, " (%.0f%% where imitation ended)", 100 * top1_at_start(arm));
  if (isfinite(field_number(json_object_get(final, "start_distance"), "mean")))
    snprintf(weights, sizeof weights, " and its weights by %s of their norm", distance);
  compare_say(
      verdict,
      "What remains of imitation in %s: its first choice is the teacher's in %s%% of the positions%s%s; its "
      "policy has moved by %s nats%s since.",
      field_text(arm, "name"), top1, start, untaught, kl, weights);
}

static void say_search(const json_t *arm, json_t *verdict) {
  const json_t *search = json_object_get(arm, "search"), *slope = json_object_get(search, "elo_per_doubling"),
               *trade = json_object_get(search, "search_doublings_per_training_doubling");
  char elo[96], training[96];
  if (!isfinite(field_number(slope, "mean"))) return;
  print_band(slope, "%+.0f", 1, elo);
  print_band(trade, "%.2f", 1, training);
  const char *unbounded = isfinite(field_number(trade, "low")) ? "" : " (nothing bounds this)";
  if (isfinite(field_number(trade, "mean")))
    compare_say(
        verdict,
        "%s: doubling the visits is worth %s Elo; doubling the training is worth %s doublings of visits%s.",
        field_text(arm, "name"), elo, training, unbounded);
  else
    compare_say(verdict, "%s: doubling the visits is worth %s Elo.", field_text(arm, "name"), elo);
}

double compare_gain_gap(const json_t *run, double *half) {
  const json_t *inside = json_object_get(run, "gain_inside"), *fixed = json_object_get(run, "gain_fixed");
  *half = hypot(field_number(inside, "high") - field_number(inside, "low"),
                field_number(fixed, "high") - field_number(fixed, "low")) /
          2;
  return isfinite(*half) ? field_number(inside, "elo") - field_number(fixed, "elo") : NAN;
}

/* The engine's own optimism: the mean over a seed's runs, for the seeds are what is independent. */
static void say_optimism(const json_t *arms, int seeds, json_t *verdict) {
  const json_t *arm, *run;
  double *gaps = memory_new((size_t)seeds, sizeof *gaps), inside = 0, half;
  size_t a, r;
  int n = 0;
  for (int s = 0; s < seeds; s++) {
    int runs = 0;
    json_array_foreach(arms, a, arm) json_array_foreach(json_object_get(arm, "runs"), r, run) {
      double gap = compare_gain_gap(run, &half);
      if ((int)r != s || !isfinite(gap)) continue;
      gaps[s] += gap, runs++;
      inside += field_number(json_object_get(run, "gain_inside"), "elo");
    }
    gaps[s] = runs ? gaps[s] / runs : NAN;
    n += runs;
  }
  StatsBand band = stats_band(gaps, seeds);
  free(gaps);
  if (!n) return;
  char interval[64] = "";
  if (isfinite(band.low)) snprintf(interval, sizeof interval, " [%+.0f, %+.0f]", band.low, band.high);
  compare_say(verdict,
              "From first network to last the mean run (of %d) gained %.0f Elo by games inside it; less what "
              "it gained against fixed opponents, mean over seeds, that is %+.0f%s, %s.",
              n, inside / n, band.mean, interval,
              band.low > 0    ? "so gains are overstated from inside"
              : band.high < 0 ? "so gains are understated from inside"
                              : "so the inside is not shown to flatter");
}

void compare_verdict(const json_t *result, json_t **verdict, json_t **limits) {
  const json_t *experiment = json_object_get(result, "experiment"), *arms = json_object_get(result, "arms"),
               *comparisons = json_object_get(result, "comparisons"), *arm, *comparison;
  size_t i;
  *verdict = json_array(), *limits = json_array();
  say_answer(experiment, arms, comparisons, *verdict);
  json_array_foreach(comparisons, i, comparison) {
    say_final(experiment, arms, comparison, json_array_size(comparisons), *verdict);
    say_head_start(experiment, comparison, *verdict);
    say_crossover(experiment, comparison, *verdict);
    say_accuracy(comparison, *verdict);
    say_brittleness(arms, comparison, *verdict);
  }
  json_array_foreach(arms, i, arm) {
    say_remains(arms, arm, *verdict);
    say_search(arm, *verdict);
  }
  say_optimism(arms, (int)field_number(experiment, "seeds"), *verdict);
  compare_limits(result, *limits);
}
