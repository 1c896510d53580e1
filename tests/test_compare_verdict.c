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

Test(compare_verdict, another_network_is_named) {
  json_t *result = result_of(0, 0), *verdict, *limits;
  json_t *arms = json_pack("[{s:s, s:n}, {s:s, s:s, s:{s:i}}]", "name", "scratch", "other_network", "name",
                           "wide", "other_network", "net.channels", "search", "bounds", 3);
  json_object_set_new(result, "arms", arms);
  compare_verdict(result, &verdict, &limits);
  cr_assert(says(limits, "wide differs from scratch in net.channels: its network is another"));
  cr_assert_not(says(limits, "scratch differs from"));
  cr_assert(says(limits, "wide: 3 of its ratings at other numbers of visits rest on one-sided results"));
  json_decref(result), json_decref(verdict), json_decref(limits);
}

static json_t *gain(double elo) {
  return json_pack("{s:f, s:f, s:f}", "elo", elo, "low", elo - 30, "high", elo + 30);
}

/* Two ratings of +-30 differ beyond doubt by more than 30 times the root of two; the mean over seeds by what
 * Student's t says: 12.7 times half the difference of two. */
Test(compare_verdict, gains_seen_from_inside_alone_are_named) {
  static const struct {
    double inside[2];
    const char *words;
    bool alarm;
  } cases[] = {
      {{124, 126}, "mean over seeds, that is +25 [+12, +38], so gains are overstated from inside", false},
      {{100, 150}, "that is +25 [-293, +343], so the inside is not shown to flatter", true},
      {{74, 76}, "that is -25 [-38, -12], so gains are understated from inside", false}};
  for (int i = 0; i < 3; i++) {
    json_t *result = result_of(0, 0), *verdict, *limits, *runs = json_array();
    for (int r = 0; r < 2; r++)
      json_array_append_new(runs, json_pack("{s:s, s:o, s:o, s:[]}", "run", "x", "gain_inside",
                                            gain(cases[i].inside[r]), "gain_fixed", gain(100), "points"));
    json_array_append_new(json_object_get(result, "arms"),
                          json_pack("{s:s, s:o}", "name", "scratch", "runs", runs));
    compare_verdict(result, &verdict, &limits);
    cr_assert(says(verdict, cases[i].words), "%s", cases[i].words);
    cr_assert_eq(says(limits, "its gain is overstated from inside"), cases[i].alarm);
    json_decref(result), json_decref(verdict), json_decref(limits);
  }
}

/* The head start is told on both sides, stretch by stretch. */
Test(compare_verdict, stretches_that_exclude_zero_are_told_on_both_sides) {
  json_t *result = result_of(0, 0), *verdict, *limits;
  json_t *comparison = json_array_get(json_object_get(result, "comparisons"), 0);
  json_object_set_new(comparison, "budget", json_pack("[i, i, i, i, i, i]", 0, 10, 20, 30, 40, 50));
  json_object_set_new(comparison, "elo",
                      json_pack("{s:[i,i,i,i,i,i], s:[i,i,i,i,i,i], s:[i,i,i,i,i,i]}", "mean", 0, -50, -60, 0,
                                70, 80, "low", -9, -70, -80, -9, 10, -5, "high", 9, -20, -30, 9, 90, 150));
  compare_verdict(result, &verdict, &limits);
  cr_assert(says(verdict,
                 "taught is behind scratch with an interval that excludes zero from 10 games to 20 games."));
  cr_assert(says(verdict, "taught is ahead of scratch with an interval that excludes zero at 40 games."));
  cr_assert(says(verdict, "The largest lead of taught over scratch is +80 [-5, +150] Elo, at 50 games."));
  json_decref(result), json_decref(verdict), json_decref(limits);
}

/* A lead that an interval showed once, and shows no longer when the budget ends. */
Test(compare_verdict, a_lead_at_the_end_is_claimed_only_where_its_interval_shows_it) {
  static const struct {
    double last_low;
    const char *words;
  } cases[] = {{-5, "By the means alone, taught is ahead of scratch when the budget ends"},
               {5, "taught is ahead of scratch when the budget ends"}};
  for (int i = 0; i < 2; i++) {
    json_t *result = result_of(0, 0), *verdict, *limits;
    json_t *comparison = json_array_get(json_object_get(result, "comparisons"), 0);
    json_object_set_new(comparison, "budget", json_pack("[i, i, i]", 0, 10, 20));
    json_object_set_new(comparison, "elo",
                        json_pack("{s:[i,i,i], s:[i,i,f], s:[i,i,i]}", "mean", 0, 50, 60, "low", -9, 10,
                                  cases[i].last_low, "high", 9, 90, 150));
    json_object_set_new(comparison, "crossover",
                        json_pack("{s:s, s:n}", "mean", "not within this budget", "at"));
    compare_verdict(result, &verdict, &limits);
    cr_assert(says(verdict, cases[i].words));
    cr_assert_eq(says(verdict, "By the means alone"), i == 0);
    json_decref(result), json_decref(verdict), json_decref(limits);
  }
}

/* What a finished run's teacher alone overspent, and a teacher that agreement is not measured with. */
Test(compare_verdict, a_bootstrap_beyond_the_budget_and_another_teacher_are_named) {
  json_t *result = result_of(0, 0), *verdict, *limits;
  json_t *run = json_pack("{s:s, s:b, s:[{}, {s:{s:f}}]}", "run", "taught-1", "finished", 1, "points", "cost",
                          "games", 80.0);
  json_array_append_new(
      json_object_get(result, "arms"),
      json_pack("{s:s, s:b, s:b, s:[o]}", "name", "taught", "imitation", 1, "selfplay", 1, "runs", run));
  json_t *experiment = json_object_get(result, "experiment");
  json_object_set_new(experiment, "teacher_of", json_string("taught"));
  json_object_set_new(experiment, "other_teachers", json_string("teacher-solver"));
  compare_verdict(result, &verdict, &limits);
  cr_assert(says(limits, "taught-1: its bootstrap stage alone took more than the budget"));
  cr_assert(says(limits, "are with the teacher of taught for every arm; that of teacher-solver is another."));
  json_decref(result), json_decref(verdict), json_decref(limits);
}

/* 12.7 at 95% and 25.5 at 97.5% are Student's quantiles of one degree of freedom: of two comparisons, one of
 * a lead within the second is not called stronger, alone it is. */
Test(compare_verdict, several_comparisons_ask_for_more) {
  static const struct {
    double half;
    const char *words[2]; /* of one comparison, of two */
  } cases[] = {
      {12.7,
       {"taught is stronger than scratch: +20",
        "is ahead of scratch by an interval that excludes zero, though"}},
      {9.9, {"taught is stronger than scratch: +20", "taught is stronger than scratch: +20"}},
      {25, {"no difference between taught and scratch", "no difference between taught and scratch"}}};
  for (int i = 0; i < 3; i++)
    for (int two = 0; two < 2; two++) {
      json_t *result = result_of(0, 0), *verdict, *limits;
      json_t *comparisons = json_object_get(result, "comparisons"),
             *comparison = json_array_get(comparisons, 0);
      json_object_set_new(comparison, "final_elo",
                          json_pack("{s:f, s:f, s:f, s:i}", "mean", 20.0, "low", 20 - cases[i].half, "high",
                                    20 + cases[i].half, "seeds", 2));
      if (two) json_array_append_new(comparisons, json_deep_copy(comparison));
      compare_verdict(result, &verdict, &limits);
      cr_assert(says(verdict, cases[i].words[two]), "%g, %d", cases[i].half, two + 1);
      json_decref(result), json_decref(verdict), json_decref(limits);
    }
}
