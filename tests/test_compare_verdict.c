#include "arena/compare_result.h"

#include <criterion/criterion.h>
#include <string.h>

/* A result of two arms that differ in nothing but what is given, as {mean, low, high}. */
static json_t *result_of(double random_lead, double gap) {
  json_t *random = json_pack("{s:f, s:f, s:f}", "mean", random_lead, "low", random_lead - 0.01, "high",
                             random_lead + 0.01);
  json_t *wider = json_pack("{s:f, s:f, s:f}", "mean", gap, "low", gap - 0.01, "high", gap + 0.01);
  json_t *elo = json_pack("{s:f, s:f, s:f}", "mean", 20.0, "low", -10.0, "high", 50.0);
  return json_pack("{s:{s:s, s:f, s:i, s:s, s:b}, s:[{s:s, s:s, s:o, s:f, s:o, s:o}], s:[]}", "experiment",
                   "unit", "games", "budget", 72.0, "seeds", 3, "title", "a game", "finished", 1,
                   "comparisons", "arm", "taught", "over", "scratch", "final_elo", elo, "probability_ahead",
                   0.9, "random_value_kept", random, "gap_random", wider, "arms");
}

static bool says(const json_t *list, const char *words) {
  const json_t *line;
  size_t i;
  json_array_foreach(list, i, line) if (strstr(json_string_value(line), words)) return true;
  return false;
}

static bool verdict_says(double random_lead, double gap, const char *words) {
  json_t *result = result_of(random_lead, gap), *verdict, *limits;
  cr_assert(result);
  compare_verdict(result, &verdict, &limits);
  bool found = says(verdict, words);
  json_decref(result), json_decref(verdict), json_decref(limits);
  return found;
}

/* An arm whose own positions are easy falls further to random ones without being worse there. */
Test(compare_verdict, brittle_is_what_falls_further_and_ends_lower) {
  cr_assert(verdict_says(-0.05, 0.05, ": it is more brittle."));
  cr_assert(verdict_says(0.05, -0.05, ": it is less brittle."));
  cr_assert(verdict_says(0.0, 0.05, ": no difference in brittleness is shown."));
  cr_assert(verdict_says(0.05, 0.05, ": no difference in brittleness is shown."));
  cr_assert(verdict_says(-0.05, 0.0, ": no difference in brittleness is shown."));
}

Test(compare_verdict, an_interval_that_holds_zero_is_no_difference) {
  json_t *result = result_of(0, 0), *verdict, *limits;
  compare_verdict(result, &verdict, &limits);
  cr_assert(says(verdict, "no difference between taught and scratch is shown: +20 [-10, +50] Elo"));
  cr_assert(says(limits, "Whether scratch is stronger or weaker at the end than taught cannot be said"));
  json_decref(result), json_decref(verdict), json_decref(limits);
}
