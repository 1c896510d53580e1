/* What the numbers of a result cannot say. */
#include "arena/compare_sentences.h"

#include "arena/compare_design.h"
#include "arena/compare_result.h"
#include "base/fields.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SEEDS_TO_TRUST = 5 };

static void limit_seeds(const json_t *experiment, json_t *limits) {
  int seeds = (int)field_number(experiment, "seeds");
  if (seeds < 2)
    compare_say(limits,
                "One seed: nothing can be said about other seeds, so there are no intervals over runs.");
  else if (seeds < SEEDS_TO_TRUST)
    compare_say(
        limits,
        "%d seeds: the intervals are Student's with %d degree%s of freedom and wide for that reason; a "
        "difference "
        "that they do not show may still be there.",
        seeds, seeds - 1, seeds == 2 ? "" : "s");
  if (seeds > 1)
    compare_say(
        limits,
        "The bands hold at each budget by itself; over a whole curve of %d budgets some exclude the truth by "
        "chance, so that a short stretch without zero proves nothing.",
        COMPARE_GRID);
  if (!json_is_true(json_object_get(experiment, "finished")))
    compare_say(
        limits,
        "Training is not finished; all runs are compared at what the one furthest behind has reached.");
}

/* Half the width of the last rating's interval in each run of an arm, squared and summed. */
static double rating_squares(const json_t *arm, int *runs) {
  const json_t *run;
  double sum = 0;
  size_t i;
  json_array_foreach(json_object_get(arm, "runs"), i, run) {
    const json_t *points = json_object_get(run, "points");
    const json_t *last = json_array_get(points, json_array_size(points) - 1);
    double half = (field_number(last, "elo_high") - field_number(last, "elo_low")) / 2;
    if (isfinite(half)) sum += half * half, ++*runs;
  }
  return sum;
}

/* Seeds that happen to agree make an interval shorter than the ratings it is made of can be sure of. */
static void limit_ratings(const json_t *arms, const json_t *comparison, json_t *limits) {
  const json_t *final = json_object_get(comparison, "final_elo");
  double half = (field_number(final, "high") - field_number(final, "low")) / 2;
  int own = 0, base = 0;
  double squares = rating_squares(compare_arm_named(arms, field_text(comparison, "arm")), &own) +
                   rating_squares(compare_arm_named(arms, field_text(comparison, "over")), &base);
  double error = sqrt(squares) / (own > 0 ? own : 1);
  if (own > 1 && own == base && half < error)
    compare_say(
        limits,
        "The interval of %s over %s is +-%.0f Elo because its seeds happen to agree; the ratings behind it "
        "are "
        "certain to about +-%.0f only (were they independent): read it as that wide.",
        field_text(comparison, "arm"), field_text(comparison, "over"), half, error);
}

static void limit_many(const json_t *comparisons, json_t *limits) {
  if (json_array_size(comparisons) > 1)
    compare_say(
        limits,
        "%zu comparisons at 95%% each: that one of them excludes zero by chance is more likely than one in "
        "twenty; so 'stronger' and 'weaker' are said of final strength at the level that allows for it, and "
        "of all "
        "else each interval speaks for itself.",
        json_array_size(comparisons));
}

/* The differences that the data leave open, in one sentence. */
static void limit_open(const json_t *comparisons, json_t *limits) {
  const json_t *comparison;
  const char *over = "";
  size_t i;
  Buffer arms = {0};
  json_array_foreach(comparisons, i, comparison) {
    const json_t *final = json_object_get(comparison, "final_elo");
    if (compare_side_of(final) || !isfinite(field_number(final, "low"))) continue;
    buffer_printf(&arms, "%s%s", arms.size ? ", " : "", field_text(comparison, "arm"));
    over = field_text(comparison, "over");
  }
  if (arms.size)
    json_array_append_new(
        limits,
        json_sprintf("Whether %s is stronger or weaker at the end than %.*s cannot be said: the interval of "
                     "their difference holds zero.",
                     over, (int)arms.size, (const char *)arms.data));
  buffer_free(&arms);
}

static void limit_network(const json_t *arms, const json_t *arm, json_t *limits) {
  const char *key = json_string_value(json_object_get(arm, "other_network"));
  if (key)
    compare_say(
        limits,
        "%s differs from %s in %s: its network is another, so runs of one seed have less in common, and the "
        "way of learning is not all that differs.",
        field_text(arm, "name"), field_text(json_array_get(arms, 0), "name"), key);
}

static void limit_search(const json_t *arm, json_t *limits) {
  int bounds = (int)json_integer_value(json_object_get(json_object_get(arm, "search"), "bounds"));
  if (bounds)
    compare_say(
        limits,
        "%s: %d of its ratings at other numbers of visits rest on one-sided results and are bounds; its "
        "slopes are "
        "fitted to them all the same.",
        field_text(arm, "name"), bounds);
}

static void limit_run(const json_t *experiment, const json_t *arms, const json_t *arm, const json_t *run,
                      json_t *limits) {
  const json_t *inside = json_object_get(run, "gain_inside"), *fixed = json_object_get(run, "gain_fixed");
  const json_t *points = json_object_get(run, "points"), *point;
  size_t i;
  int bounds = 0;
  json_array_foreach(points, i, point) bounds += json_is_true(json_object_get(point, "elo_is_bound"));
  if (bounds)
    compare_say(limits,
                "%s: %d of its ratings rest on one-sided results and are bounds rather than measurements.",
                field_text(run, "run"), bounds);
  double half, gap = compare_gain_gap(run, &half);
  if (gap > half)
    compare_say(
        limits,
        "%s has gained %.0f Elo by its own games but %.0f against fixed opponents: its gain is overstated "
        "from "
        "inside.",
        field_text(run, "run"), field_number(inside, "elo"), field_number(fixed, "elo"));
  point = json_array_get(points, 1);
  double spent = field_number(json_object_get(point, "cost"), field_text(experiment, "unit")),
         budget = field_number(experiment, "budget");
  bool finished = json_is_true(json_object_get(run, "finished"));
  if (!json_is_true(json_object_get(arm, "imitation")) ||
      spent <= (finished ? COMPARE_OVERSHOOT * budget : compare_reached(experiment, arms)))
    return;
  if (json_is_true(json_object_get(arm, "selfplay")))
    compare_say(
        limits,
        "%s: its bootstrap stage alone took more than the budget that all runs have reached, so its final "
        "figures are those of its initial weights.",
        field_text(run, "run"));
  else if (finished)
    compare_say(limits, "%s: imitation took %.2f times the budget, and it is compared all the same.",
                field_text(run, "run"), spent / budget);
}

/* Runs that were trained, in part at least, by another version than measured them. */
static void limit_versions(const json_t *experiment, const json_t *arms, json_t *limits) {
  const char *measured = field_text(experiment, "version"), *version = "";
  const json_t *arm, *run;
  size_t a, r;
  int others = 0;
  json_array_foreach(arms, a, arm) json_array_foreach(json_object_get(arm, "runs"), r, run) {
    const char *trained = field_text(run, "version");
    if (trained[0] && strcmp(trained, measured) != 0) version = trained, others++;
  }
  if (others)
    compare_say(
        limits,
        "Version %s has measured this; %d of the runs were not trained by it alone (%s, say): the command "
        "makes it again only where all train the same networks.",
        measured, others, version);
}

/* Agreement and the teacher's positions are measured by one teacher. */
static void limit_teachers(const json_t *experiment, json_t *limits) {
  const char *others = json_string_value(json_object_get(experiment, "other_teachers"));
  if (others)
    compare_say(
        limits,
        "Agreement with the teacher, and accuracy on the teacher's positions, are with the teacher of "
        "%s for every arm; that of %s is another.",
        field_text(experiment, "teacher_of"), others);
}

/* Without what the runs have learnt from, nobody knows what would be new to them. */
static void limit_sets(const json_t *experiment, json_t *limits) {
  const char *why = json_string_value(json_object_get(experiment, "generalisation_unknown"));
  if (why)
    compare_say(
        limits,
        "Generalisation is not measured, since what the runs have learnt from cannot be left out: %s.", why);
}

void compare_limits(const json_t *result, json_t *limits) {
  const json_t *experiment = json_object_get(result, "experiment"), *arms = json_object_get(result, "arms"),
               *comparisons = json_object_get(result, "comparisons"), *arm, *comparison, *run;
  size_t i, k;
  limit_seeds(experiment, limits);
  json_array_foreach(comparisons, i, comparison) limit_ratings(arms, comparison, limits);
  limit_open(comparisons, limits);
  limit_teachers(experiment, limits);
  limit_sets(experiment, limits);
  limit_versions(experiment, arms, limits);
  limit_many(comparisons, limits);
  json_array_foreach(arms, i, arm) {
    limit_network(arms, arm, limits);
    limit_search(arm, limits);
    json_array_foreach(json_object_get(arm, "runs"), k, run) limit_run(experiment, arms, arm, run, limits);
  }
  compare_say(
      limits,
      "All of this holds for %s, this network, this teacher and budgets up to this one; nothing is said "
      "about "
      "others.",
      field_text(experiment, "title"));
}
