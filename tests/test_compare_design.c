/* Designs of experiments: words, files, mistakes. */
#include "arena/compare_design.h"
#include "base/file.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(compare_design, budgets_have_a_unit) {
  CompareUnit unit;
  double amount;
  Error err;
  cr_assert(compare_parse_budget("20m", &unit, &amount, &err) && unit == COMPARE_CPU_SECONDS &&
            amount == 1200);
  cr_assert(compare_parse_budget("1.5h", &unit, &amount, &err) && amount == 5400);
  cr_assert(compare_parse_budget("1e15flop", &unit, &amount, &err) && unit == COMPARE_FLOPS &&
            amount == 1e15);
  cr_assert(compare_parse_budget("2e6 evals", &unit, &amount, &err) && unit == COMPARE_EVALUATIONS);
  cr_assert(compare_parse_budget("5000games", &unit, &amount, &err) && unit == COMPARE_GAMES &&
            amount == 5000);
  static const char *const wrong[] = {"", "20", "m", "-3m", "0s", "20 minutes", "1e999h", "nanm"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    cr_assert_not(compare_parse_budget(wrong[i], &unit, &amount, &err), "'%s'", wrong[i]);
}

static void write_design(const char *folder, const char *text, char path[FILE_PATH_MAX]) {
  Error err;
  snprintf(path, FILE_PATH_MAX, "%s/design", folder);
  cr_assert(file_write(path, text, strlen(text), &err), "%s", err.message);
}

Test(compare_design, design_file_reads_back_to_the_same) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  CompareDesign design = {0}, again = {0};
  Buffer first = {0}, second = {0};
  Error err;
  folder_make(folder);
  write_design(folder,
               "game = tictactoe\nseeds = 2\nbudget = 90s # short\n[common]\nsearch.visits = 5\n"
               "[from-scratch]\nbase = from-scratch\n[tiny]\nbase = dose-20\nimitation.epochs = 3\n"
               "[kept-0.25]\nlearner.reuse = 2\n",
               path);
  cr_assert(compare_design_read(path, &design, &err) && compare_design_finish(&design, &err), "%s",
            err.message);
  cr_assert_eq(design.arm_count, 3);
  cr_assert_eq(design.budget, 90);
  cr_assert_eq(design.arms[1].config.imitation_games, 20);
  cr_assert_eq(design.arms[1].config.imitation_epochs, 3);
  cr_assert_eq(design.arms[2].config.imitation_keep, 0.25);
  for (int a = 0; a < 3; a++) cr_assert_eq(design.arms[a].config.visits, 5);
  compare_design_print(&design, &first);
  buffer_put(&first, "", 1);
  write_design(folder, (const char *)first.data, path);
  cr_assert(compare_design_read(path, &again, &err) && compare_design_finish(&again, &err), "%s",
            err.message);
  compare_design_print(&again, &second);
  buffer_put(&second, "", 1);
  cr_assert_str_eq((const char *)first.data, (const char *)second.data);
  buffer_free(&first), buffer_free(&second);
  compare_design_free(&design), compare_design_free(&again);
  folder_remove(folder);
}

typedef struct Mistake {
  const char *text, *expected;
} Mistake;

/* Another network is an arm like others, known for what it is; work is counted in the first arm's passes. */
Test(compare_design, an_arm_may_have_another_network) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  folder_make(folder);
  CompareDesign design = {0};
  Error err;
  write_design(folder,
               "budget = 1000evals\n[a]\nbase = from-scratch\n[b]\nbase = from-scratch\nnet.blocks = 3\n",
               path);
  cr_assert(compare_design_read(path, &design, &err) && compare_design_finish(&design, &err), "%s",
            err.message);
  cr_assert_null(compare_other_network(design.arms, design.arms));
  cr_assert_str_eq(compare_other_network(design.arms, design.arms + 1), "net.blocks");
  NetShape first = run_config_shape(&design.arms[0].config, design.game);
  cr_assert_eq(compare_evaluation_flops(&design), 2 * net_multiply_adds(&first));
  compare_design_free(&design);
  folder_remove(folder);
}

Test(compare_design, mistakes_in_designs_are_named) {
  static const Mistake mistakes[] = {
      {"seedz = 3\n", ":1: design: unknown key 'seedz'; the nearest is 'seeds'"},
      {"[a]\nlearner.reuse = 2\n", "[a] needs base"},
      {"[a]\nbase = from-scrath\n", "no built-in arm is called 'from-scrath'"},
      {"[a]\nbase = from-scratch\nlearner.batsh = 2\n", ":3: a: unknown key 'learner.batsh'"},
      {"[a b]\nbase = from-scratch\n", "a name is made of"},
      {"[a]\nbase = from-scratch\n", "needs at least two"},
      {"budget = 3 weeks\n[from-scratch]\nbase = from-scratch\n[dose-10]\nbase = dose-10\n",
       "budget '3 weeks'"},
      {"search_checkpoints = 0.5,0.25\n[from-scratch]\nbase = from-scratch\n[dose-10]\nbase = dose-10\n",
       "search_checkpoints '0.5,0.25'"},
      {"search_checkpoints = 0.5,1.5\n[from-scratch]\nbase = from-scratch\n[dose-10]\nbase = dose-10\n",
       "search_checkpoints '0.5,1.5'"},
      {"budget = 40games\n[from-scratch]\nbase = from-scratch\n[dose-40]\nbase = dose-40\n",
       "arm 'dose-40': its 40 games of the teacher"},
      {"[a]\nbase = dose-none\n", "imitation.games needs a whole number"},
      {"[from-scratch]\n[a]\n\n[dose-10]\n", ":4: [a] needs base"},
      {"[from-scratch]\n[a]\n", "[a] needs base"},
      {"[common]\nrun.minutes = 5\n", ":2: [common]: run.minutes has no effect on a comparison"},
      {"[from-scratch]\nrun.iterations = 5\n", ":2: from-scratch: run.iterations has no effect"},
  };
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  folder_make(folder);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    CompareDesign design = {0};
    Error err;
    write_design(folder, mistakes[i].text, path);
    cr_assert_not(compare_design_read(path, &design, &err) && compare_design_finish(&design, &err), "%s",
                  mistakes[i].text);
    cr_assert(strstr(err.message, mistakes[i].expected), "%s", err.message);
    compare_design_free(&design);
  }
  folder_remove(folder);
}

/* What the figures in docs/ were measured by: a renamed key would leave it unread. */
Test(compare_design, designs_of_the_documents_are_read) {
  static const char *const files[] = {"docs/ablations.ini", "docs/ablations-balanced.ini",
                                      "docs/ablations-input.ini", "docs/study-connect4.ini"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[FILE_PATH_MAX];
    CompareDesign design = {0};
    Error err;
    cr_assert(file_find_shipped(files[i], path, &err), "%s", err.message);
    cr_assert(compare_design_read(path, &design, &err) && compare_design_finish(&design, &err), "%s",
              err.message);
    cr_expect_geq(design.arm_count, 3, "%s", files[i]);
    compare_design_free(&design);
  }
}
