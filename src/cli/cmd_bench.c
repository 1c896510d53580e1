/* selfplay bench: speed, as ratios to the limit (SGEMM) that the same process measures first. */
#include "base/clock.h"
#include "cli/bench.h"

static const struct argp_child children[] = {
    {&cli_game_argp, 0, 0, 0}, {&cli_threads_argp, 0, 0, 0}, {&cli_json_argp, 0, 0, 0}, {0}};

enum { OPTION_QUICK = 256 };

static const struct argp_option options[] = {
    {"quick", OPTION_QUICK, 0, 0,
     "A twentieth of the time for most figures: whether all works, roughly how fast", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Bench *bench = state->input;
  (void)arg;
  if (key == OPTION_QUICK)
    bench->pace = 0.05;
  else if (key == ARGP_KEY_INIT)
    cli_share_input(state);
  else
    return ARGP_ERR_UNKNOWN;
  return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .children = children,
    .doc =
        "Measures the network alone, the tree alone, self-play, training and how they grow, in less than two "
        "minutes, as ratios to what the machine can do.\v"
        "The limit is SGEMM at the network's own shape; roofline = positions/s x the floating-point "
        "operations "
        "of the plain direct convolution / limit. Rates are the best of several short repetitions; spread = "
        "1 "
        "- lowest / best. --game is the game of self-play and training. JSON: docs/files.md."};

int cmd_bench(int argc, char **argv) {
  Bench bench = {.common = cli_common_defaults(), .pace = 1};
  Error err;
  argp_parse(&parser, argc, argv, 0, NULL, &bench);
  if (!run_config_shipped(bench.common.game, &bench.config, &err)) cli_fail_by(&err);
  double start = clock_wall();
  bench.root = json_object();
  bench_machine(&bench);
  bench_network(&bench);
  bench_tree(&bench);
  bench_selfplay(&bench);
  bench_training(&bench);
  bench_growth(&bench);
  json_object_set_new(bench.root, "seconds", json_real(clock_wall() - start));
  bench_print(&bench, "took %.0f s\n", clock_wall() - start);
  if (bench.common.json)
    cli_print_json(bench.root);
  else
    json_decref(bench.root);
  cli_flush();
  return 0;
}
