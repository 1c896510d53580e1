/* The design of an experiment: which ways of learning (arms) are compared, over which seeds, within which
 * budget.
 *
 * Made of words on a command line, or read from a file by libinih (docs/compare.md):
 *
 *   game = connect4
 *   seeds = 3
 *   budget = 20m
 *
 *   [common]                      # configuration keys of all arms
 *   selfplay.games = 256
 *
 *   [small-dose]                  # an arm: its name, the built-in arm it begins from, its own keys
 *   base = bootstrap-imitation
 *   imitation.games = 100
 *
 * The first arm is the one that the others are compared with. */
#ifndef ARENA_COMPARE_DESIGN_H
#define ARENA_COMPARE_DESIGN_H

#include "selfplay/run.h"

/* What a budget is counted in. All of them count everything: the teacher's games, imitation's steps,
 * self-play and learning. */
typedef enum CompareUnit {
  COMPARE_CPU_SECONDS,
  COMPARE_FLOPS, /* a forward pass is 2 multiply-adds x 1, a training sample x 3; teacher: docs/compare.md */
  COMPARE_EVALUATIONS, /* the same, in forward passes of the network */
  COMPARE_GAMES,       /* the teacher's and self-play's */
  COMPARE_UNITS
} CompareUnit;

/* Their names in result.json: "cpu_seconds", ... */
extern const char *const compare_unit_keys[COMPARE_UNITS];

typedef struct CompareArm {
  char name[48];
  char base[48]; /* the built-in arm it begins from */
  RunArm kind;
  bool selfplay; /* false: imitation alone, no reinforcement learning afterwards */
  RunConfig config;
} CompareArm;

enum { COMPARE_ARMS_MAX = 32, COMPARE_VISITS_MAX = 16, COMPARE_SEARCHED_MAX = 8 };
/* Of the budget: a run that has spent more is not of that budget. Iterations end nearer; a teacher's games
 * may not. */
#define COMPARE_OVERSHOOT 1.05

/* The keys of the design file outside of sections; config_print() of compare_table writes them. */
typedef struct CompareSettings {
  char game[CONFIG_TEXT_MAX];
  int seeds;
  uint64_t first_seed;
  char budget[CONFIG_TEXT_MAX];
  int checkpoints;                          /* of a run that are measured, besides its first network */
  int visits;                               /* simulations a move of network players in the rating pool */
  int rating_games;                         /* least games of each player of the pool */
  int position_count;                       /* of each set of positions for generalisation */
  char search_visits[CONFIG_TEXT_MAX];      /* "1,4,16": budgets for test-time search; "" = none */
  char search_checkpoints[CONFIG_TEXT_MAX]; /* "0.5,1": of which networks, by their shares of the budget */
} CompareSettings;

extern const ConfigTable compare_table;

typedef struct CompareDesign {
  CompareSettings settings;
  const Game *game;
  CompareUnit unit;
  double budget; /* in the unit, of each run */
  RunConfig common;
  CompareArm *arms; /* [COMPARE_ARMS_MAX] */
  int arm_count;
  int search_visits[COMPARE_VISITS_MAX], search_visit_count;
  double search_checkpoints[COMPARE_SEARCHED_MAX]; /* ascending shares of the budget, at least one */
  int search_checkpoint_count;
} CompareDesign;

/* "20m", "1.5h", "90s" of processor time; "1e15flop", "1e6evals", "5000games". */
bool compare_parse_budget(const char *text, CompareUnit *unit, double *amount, Error *err);
/* "CPU time", "floating-point work", ... for axes and sentences. */
const char *compare_unit_name(CompareUnit unit);
/* "3m 20s", "2.5e+14 FLOP", "12000 games" into text[48]. */
void compare_print_amount(CompareUnit unit, double amount, char text[48]);

/* The settings' defaults and the shipped configuration of the game, without arms. */
bool compare_design_new(const char *game, CompareDesign *design, Error *err);
/* Adds the built-in arms of a list "from-scratch,dose-100". */
bool compare_design_add(CompareDesign *design, const char *arms, Error *err);
/* Reads a design file; errors name FILE:LINE. */
bool compare_design_read(const char *path, CompareDesign *design, Error *err);
/* config_set() for an arm or all of them; refuses run.*, since the budget says how long. */
bool compare_set_key(RunConfig *config, const char *assignment, const char *origin, Error *err);
/* Resolves what the texts say and checks the whole: at least two arms, valid configurations. Call it after
 * the last change. */
bool compare_design_finish(CompareDesign *design, Error *err);
/* The first net.* key in which two arms differ; NULL where there is none, and so their runs of one seed begin
 * from the same weights. */
const char *compare_other_network(const CompareArm *a, const CompareArm *b);
/* Floating-point operations in one pass of the first arm's network once it has grown: the unit `evals`. */
double compare_evaluation_flops(const CompareDesign *design);
/* Appends the whole design as a file that compare_design_read() reads back to the same. */
void compare_design_print(const CompareDesign *design, Buffer *out);
void compare_design_free(CompareDesign *design);
/* Appends one line a built-in arm, for --help. */
void compare_arms_help(Buffer *out);

#endif
