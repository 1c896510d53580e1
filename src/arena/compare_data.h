/* All that was measured in an experiment, as arrays of numbers: what the statistics are made from. */
#ifndef ARENA_COMPARE_DATA_H
#define ARENA_COMPARE_DATA_H

#include "arena/compare_measure.h"
#include "arena/compare_stats.h"

/* What is known of a point of the pool; NaN where it was not or cannot be measured. The names are the keys of
 * compare_measure_point(). */
typedef enum CompareField {
  FIELD_ELO,
  FIELD_VALUE_KEPT,
  FIELD_BEST_SCORE,
  FIELD_SEARCH_VALUE_KEPT,
  FIELD_LOG_LOSS,
  FIELD_SOLVER_KL,
  FIELD_SOLVER_TOP1,
  FIELD_TEACHER_KL,
  FIELD_TEACHER_TOP1,
  FIELD_START_KL,
  FIELD_START_DISTANCE,
  FIELD_POLICY_ENTROPY,
  FIELD_OPENING_ENTROPY,
  FIELD_UNIQUE_SHARE, /* of the positions of the iteration that ended in this network */
  COMPARE_FIELDS
} CompareField;

const char *compare_field_name(CompareField field);

typedef struct CompareData {
  const Experiment *experiment;
  ComparePool pool;
  double *field[COMPARE_FIELDS]; /* [point_count] */
  double *elo_low, *elo_high;    /* [point_count] */
  bool *elo_bound;               /* [point_count]: rests on a prior, a bound rather than a measurement */
  int *last;                     /* [run_count] the run's last point, -1 where it has none */
  CompareGain *inside, *fixed;   /* [run_count], from the run's first network to its last */
  double *search_elo, *search_value_kept; /* [searcher_count] */
  bool *search_bound;                     /* [searcher_count], as elo_bound */
  double *set_share;   /* [run_count][run_count + 2]: value kept by the row's last network on the column's own
                          late   positions; then on random positions, then on the teacher's */
  Error sets_unknown;  /* why generalisation is not measured; empty where it is */
  int games;           /* of the rating pool */
  double fixed_elo[8]; /* of the pool's fixed opponents */
} CompareData;

/* Plays and measures what is missing, and collects. Release with compare_data_free(), also after a failure.
 * `watch` may not be NULL. */
bool compare_data_collect(const Experiment *experiment, int threads, const CompareWatch *watch,
                          CompareData *out, Error *err);
void compare_data_free(CompareData *data);

/* The budget up to which runs are compared: the largest that all that play themselves have reached. A run
 * that is finished has reached the whole budget of the design's unit, since it ended with the iteration
 * nearest to it. */
double compare_data_end(const CompareData *data, CompareUnit unit);
/* The curve of a field along a run against a unit of budget: *curve points into x and y, each [point_count]
 * at least. Points without a value are left out. In the design's unit
 * the last network of a finished run stands no later than the budget, though its last iteration, or its
 * bootstrap stage, may have ended somewhat beyond. */
void compare_data_curve(const CompareData *data, int run, CompareField field, CompareUnit unit, double *x,
                        double *y, StatsCurve *curve);
/* values[seeds]: of an arm's runs, in order of seeds, at one budget; NaN where there is none. */
void compare_data_at(const CompareData *data, int arm, CompareField field, CompareUnit unit, double budget,
                     double *values);

#endif
