/* The bench as a whole, in a hurry: every part is there, and its figures are possible. */
#include "hang.h"
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(bench, .init = program_enter, .fini = program_leave, .timeout = HANG_SECONDS);

static double number(const json_t *row, const char *key) {
  const json_t *value = json_object_get(row, key);
  cr_assert(json_is_number(value), "%s is missing", key);
  return json_number_value(value);
}

/* Every row of the array has a rate above zero under `key`; returns how many there are. */
static size_t rates(const json_t *rows, const char *key) {
  const json_t *row;
  size_t i;
  json_array_foreach(rows, i, row) cr_assert(isfinite(number(row, key)) && number(row, key) > 0, "%s", key);
  return json_array_size(rows);
}

Test(bench, measures_every_part) {
  json_t *bench = program_json("bench --quick --json --threads 2");
  const json_t *row, *network = json_object_get(bench, "network"), *tree = json_object_get(bench, "tree");
  size_t i;
  /* Three boards, five batches: the reference on two threads, two precisions on one and on two. */
  cr_assert_eq(rates(network, "positions_per_second"), 3 * 5 * (1 + 2 * 2));
  /* The roofline is the rate's arithmetic over the limit of the same board, 64 channels and threads. */
  json_array_foreach(network, i, row) {
    const json_t *limit;
    size_t k;
    bool found = false;
    double cells = number(row, "rows") * number(row, "cols");
    json_array_foreach(json_object_get(bench, "limits"), k, limit) {
      if (number(limit, "cells") != cells || number(limit, "threads") != number(row, "threads")) continue;
      double flops =
          number(row, "roofline") * 1e9 * number(limit, "gflops") / number(row, "positions_per_second");
      double tower = 2 * 2 * number(row, "blocks") * 64 * 9 * 64 * cells;
      found |= flops > tower && flops < 1.1 * tower;
    }
    cr_assert(found, "row %zu", i);
  }
  cr_assert_geq(rates(json_object_get(bench, "limits"), "gflops"), 6);
  cr_assert_geq(rates(json_object_get(bench, "kernels"), "positions_per_second"), 2);
  /* Two games, PUCT, Gumbel and the shared tree, and that with a network; one thread and two. */
  cr_assert_eq(rates(tree, "simulations_per_second"), 2 * (2 * 3 + 1));
  cr_assert_geq(rates(json_object_get(bench, "selfplay"), "evaluations_per_second"), 2);
  json_array_foreach(json_object_get(bench, "selfplay"), i, row) {
    cr_assert_gt(number(row, "games_per_second"), 0);
    cr_assert_gt(number(row, "share_of_network"), 0);
  }
  cr_assert_gt(number(json_object_get(bench, "training"), "samples_per_second"), 0);
  const json_t *growth = json_object_get(bench, "growth");
  cr_assert_eq(rates(json_object_get(growth, "board"), "positions_per_second"), 4);
  cr_assert_eq(rates(json_object_get(growth, "channels"), "positions_per_second"), 4);
  cr_assert_eq(rates(json_object_get(growth, "threads"), "positions_per_second"), 2);
  cr_assert_eq(rates(json_object_get(growth, "simulations"), "simulations_per_second"), 4);
  cr_assert_leq(number(json_object_get(bench, "tree_bytes"), "node"), 48);
  cr_assert_leq(number(json_object_get(bench, "tree_bytes"), "edge"), 16);
  json_decref(bench);
}
