#include "arena/compare_design.h"

#include "arena/compare_arms.h"
#include "base/clock.h"
#include "base/ini_file.h"
#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(CompareSettings, field)

static const ConfigKey keys[] = {
    {"game", CONFIG_TEXT, AT(game), 0, 0, "connect4", "The game, by its name in `selfplay games`.", NULL},
    {"seeds", CONFIG_INT, AT(seeds), 1, 1000, "3",
     "Runs of each arm; run k of every arm begins from the same weights.", NULL},
    {"first_seed", CONFIG_SEED, AT(first_seed), 0, 0, "1",
     "Seed of the first run; the others count on from it.", NULL},
    {"budget", CONFIG_TEXT, AT(budget), 0, 0, "20m",
     "Of each run, everything counted: 20m, 1h, 90s of processor time, 1e15flop, 1e6evals or 5000games.",
     NULL},
    {"checkpoints", CONFIG_INT, AT(checkpoints), 1, 100, "6",
     "Networks of each run that are measured, evenly along the budget, besides its first.", NULL},
    {"visits", CONFIG_INT, AT(visits), 0, 100000, "50",
     "Simulations a move of the networks in the rating pool; 0 = the policy alone.", NULL},
    {"rating_games", CONFIG_INT, AT(rating_games), 2, 100000, "100",
     "Least games of each player of the rating pool.", NULL},
    {"position_count", CONFIG_INT, AT(position_count), 10, 100000, "200",
     "Positions of each set on which generalisation, and test-time search, are measured.", NULL},
    {"search_visits", CONFIG_TEXT, AT(search_visits), 0, 0, "1,4,16,64,256,1024,3200",
     "Simulations a move at which test-time search is measured; none = not measured.", NULL},
    {"search_checkpoints", CONFIG_TEXT, AT(search_checkpoints), 0, 0, "0.25,0.5,1",
     "Of which networks that is measured: those nearest to these shares of the budget.", NULL},
};
const ConfigTable compare_table = {keys, sizeof keys / sizeof *keys, "selfplay compare --print-design"};

typedef struct Suffix {
  const char *text;
  CompareUnit unit;
  double factor;
} Suffix;

static const Suffix suffixes[] = {
    {"s", COMPARE_CPU_SECONDS, 1},
    {"m", COMPARE_CPU_SECONDS, 60},
    {"h", COMPARE_CPU_SECONDS, 3600},
    {"flop", COMPARE_FLOPS, 1},
    {"flops", COMPARE_FLOPS, 1},
    {"evals", COMPARE_EVALUATIONS, 1},
    {"evaluations", COMPARE_EVALUATIONS, 1},
    {"games", COMPARE_GAMES, 1},
};

const char *const compare_unit_keys[COMPARE_UNITS] = {"cpu_seconds", "flops", "evaluations", "games"};

bool compare_parse_budget(const char *text, CompareUnit *unit, double *amount, Error *err) {
  char *end;
  double number = strtod(text, &end);
  end += strspn(end, " ");
  for (size_t i = 0; end != text && i < sizeof suffixes / sizeof *suffixes; i++) {
    if (strcmp(end, suffixes[i].text) != 0) continue;
    *unit = suffixes[i].unit;
    *amount = number * suffixes[i].factor;
    if (isfinite(*amount) && *amount > 0) return true;
  }
  return error_set(err, "budget '%.40s' is not of the form 20m, 1h, 90s, 1e15flop, 1e6evals or 5000games",
                   text);
}

const char *compare_unit_name(CompareUnit unit) {
  static const char *const names[] = {"CPU time", "floating-point work", "network evaluations", "games"};
  return names[unit];
}

void compare_print_amount(CompareUnit unit, double amount, char text[48]) {
  static const char *const units[] = {"s", "FLOP", "evaluations", "games"};
  char clock[CLOCK_TEXT];
  clock_format(amount, clock);
  if (unit == COMPARE_CPU_SECONDS && amount >= 60)
    snprintf(text, 48, "%s", clock);
  else
    snprintf(text, 48, unit != COMPARE_CPU_SECONDS && amount < 1e6 ? "%.0f %s" : "%.3g %s", amount,
             units[unit]);
}

bool compare_design_new(const char *game, CompareDesign *design, Error *err) {
  *design = (CompareDesign){.arms = memory_new(COMPARE_ARMS_MAX, sizeof(CompareArm))};
  config_defaults(&compare_table, &design->settings);
  design->game = game_find(game);
  if (!design->game) return error_set(err, "there is no game '%.40s'; `selfplay games` lists them", game);
  snprintf(design->settings.game, sizeof design->settings.game, "%s", design->game->name);
  return run_config_shipped(design->game, &design->common, err);
}

static bool valid_name(const char *name) {
  for (const char *at = name; *at; at++)
    if (!isalnum((unsigned char)*at) && !strchr("-._", *at)) return false;
  return *name && *name != '.' && strlen(name) < sizeof((CompareArm *)0)->name;
}

static CompareArm *new_arm(CompareDesign *design, const char *name, Error *err) {
  if (!valid_name(name))
    return error_set(err, "arm '%.60s': a name is made of at most 47 letters, digits, - . and _", name), NULL;
  for (int i = 0; i < design->arm_count; i++)
    if (strcmp(design->arms[i].name, name) == 0)
      return error_set(err, "arm '%s' is there twice; give each arm a name of its own", name), NULL;
  if (design->arm_count == COMPARE_ARMS_MAX)
    return error_set(err, "more than %d arms; make two experiments of it", COMPARE_ARMS_MAX), NULL;
  CompareArm *arm = &design->arms[design->arm_count++];
  *arm = (CompareArm){0};
  snprintf(arm->name, sizeof arm->name, "%s", name);
  return arm;
}

bool compare_design_add(CompareDesign *design, const char *arms, Error *err) {
  char copy[CONFIG_TEXT_MAX * 4], *rest = copy, *word;
  if (strlen(arms) >= sizeof copy) return error_set(err, "the list of arms is too long; use a design file");
  snprintf(copy, sizeof copy, "%s", arms);
  while ((word = strsep(&rest, ","))) {
    word += strspn(word, " ");
    word[strcspn(word, " ")] = 0;
    CompareArm *arm = new_arm(design, word, err);
    if (!arm || !compare_arm_build(word, &design->common, arm, err)) return false;
  }
  return true;
}

/* --- the file --- */

typedef struct DesignFile {
  CompareDesign *design;
  CompareArm *arm; /* of the section that is read; NULL in [common] and above it */
  bool based;      /* whether it has begun from something */
} DesignFile;

/* A section without `base` begins from its own name. */
static bool base_arm(DesignFile *file, const char *base, Error *err) {
  file->based = true;
  if (compare_arm_build(base, &file->design->common, file->arm, err)) return true;
  return base == file->arm->name && error_prefix(err, "[%s] needs base = ARM as its first line", base);
}

static bool end_section(DesignFile *file, Error *err) {
  return !file->arm || file->based || base_arm(file, file->arm->name, err);
}

static bool begin_section(DesignFile *file, const char *section, Error *err) {
  if (!end_section(file, err)) return false;
  file->arm = NULL;
  file->based = false;
  if (strcmp(section, "common") == 0) {
    return file->design->arm_count == 0 ||
           error_set(err, "[common] must stand before the arms, which begin from it");
  }
  file->arm = new_arm(file->design, section, err);
  return file->arm != NULL;
}

static bool game_line(DesignFile *file, const char *game, Error *err) {
  CompareSettings before = file->design->settings;
  compare_design_free(file->design);
  if (!compare_design_new(game, file->design, err)) return false;
  snprintf(before.game, sizeof before.game, "%s", file->design->game->name);
  file->design->settings = before;
  return true;
}

static bool on_line(void *user, const char *section, const char *key, const char *value, Error *err) {
  DesignFile *file = user;
  CompareDesign *design = file->design;
  char line[CONFIG_TEXT_MAX * 2];
  if (!key) return begin_section(file, section, err);
  if (!section[0] && strcmp(key, "game") == 0) return game_line(file, value, err);
  snprintf(line, sizeof line, "%s=%s", key, value);
  if (!section[0]) return config_set(&compare_table, &design->settings, line, "design", err);
  if (!file->arm) return compare_set_key(&design->common, line, "[common]", err);
  bool is_base = strcmp(key, "base") == 0;
  if (is_base && file->based) return error_set(err, "[%s] base must be the arm's first line", section);
  if (!file->based && !base_arm(file, is_base ? value : file->arm->name, err)) return false;
  return is_base || compare_set_key(&file->arm->config, line, section, err);
}

bool compare_set_key(RunConfig *config, const char *assignment, const char *origin, Error *err) {
  if (strncmp(assignment, "run.", 4) == 0)
    return error_usage(err,
                       "%s: %.*s has no effect on a comparison, whose budget says how long; leave it out",
                       origin, (int)strcspn(assignment, "= "), assignment);
  return config_set(&run_config_table, config, assignment, origin, err);
}

bool compare_design_read(const char *path, CompareDesign *design, Error *err) {
  DesignFile file = {.design = design};
  if (!design->arms && !compare_design_new("connect4", design, err)) return false;
  if (!ini_file_read(path, on_line, &file, err)) return false;
  return end_section(&file, err) || error_prefix(err, "%s", path);
}

/* --- the whole --- */

static bool parse_visits(CompareDesign *design, Error *err) {
  const char *text = design->settings.search_visits;
  design->search_visit_count = 0;
  if (!text[0] || strcmp(text, "none") == 0) return true;
  for (const char *at = text; *at;) {
    char *end;
    long visits = strtol(at, &end, 10);
    int before = design->search_visit_count ? design->search_visits[design->search_visit_count - 1] : 0;
    if (end == at || (*end && *end != ',') || visits <= before || visits > 1000000 ||
        design->search_visit_count == COMPARE_VISITS_MAX)
      return error_set(err,
                       "search_visits '%.60s': needs at most %d whole numbers, ascending, as in 1,4,16,64",
                       text, COMPARE_VISITS_MAX);
    design->search_visits[design->search_visit_count++] = (int)visits;
    at = *end ? end + 1 : end;
  }
  return true;
}

static bool parse_checkpoints(CompareDesign *design, Error *err) {
  const char *text = design->settings.search_checkpoints;
  double before = 0;
  design->search_checkpoint_count = 0;
  do {
    char *end;
    double share = strtod(text, &end);
    if (end == text || (*end && *end != ',') || !(share > before && share <= 1) ||
        design->search_checkpoint_count == COMPARE_SEARCHED_MAX)
      return error_set(err,
                       "search_checkpoints '%.60s': needs at most %d shares of the budget, ascending, as in "
                       "0.25,0.5,1",
                       design->settings.search_checkpoints, COMPARE_SEARCHED_MAX);
    design->search_checkpoints[design->search_checkpoint_count++] = before = share;
    text = *end ? end + 1 : end;
  } while (*text);
  return true;
}

const char *compare_other_network(const CompareArm *a, const CompareArm *b) {
  for (size_t i = 0; i < run_config_table.count; i++) {
    const ConfigKey *key = &run_config_table.keys[i];
    char own[CONFIG_TEXT_MAX], other[CONFIG_TEXT_MAX];
    config_value(key, &a->config, own), config_value(key, &b->config, other);
    if (strncmp(key->name, "net.", 4) == 0 && strcmp(own, other) != 0) return key->name;
  }
  return NULL;
}

double compare_evaluation_flops(const CompareDesign *design) {
  NetShape shape = run_config_shape(&design->arms[0].config, design->game);
  return 2 * net_multiply_adds(&shape);
}

static bool check_arm(const CompareDesign *design, CompareArm *arm, Error *err) {
  arm->config.iterations = 0, arm->config.minutes = 0; /* the budget says how long */
  if (strcmp(arm->config.game, design->game->name) != 0)
    return error_set(
        err,
        "arm '%s' is of game %s, the experiment of %s; name the game with --game or above the first section",
        arm->name, arm->config.game, design->game->name);
  if (!run_config_valid(&arm->config, err)) return error_prefix(err, "arm '%s'", arm->name);
  if (design->unit == COMPARE_GAMES && arm->kind == ARM_BOOTSTRAP_IMITATION &&
      arm->config.imitation_games + arm->selfplay > design->budget)
    return error_set(err,
                     "arm '%s': its %d games of the teacher (imitation.games) leave nothing of a budget of "
                     "%.0f games; give fewer, or a larger budget",
                     arm->name, arm->config.imitation_games, design->budget);
  return true;
}

bool compare_design_finish(CompareDesign *design, Error *err) {
  if (!compare_parse_budget(design->settings.budget, &design->unit, &design->budget, err) ||
      !parse_visits(design, err) || !parse_checkpoints(design, err))
    return false;
  if (design->arm_count < 2)
    return error_set(err, "%d arm; a comparison needs at least two", design->arm_count);
  for (int i = 0; i < design->arm_count; i++)
    if (!check_arm(design, &design->arms[i], err)) return false;
  return true;
}

/* The keys in which the two differ. */
static void print_changes(const RunConfig *base, const RunConfig *config, Buffer *out) {
  for (size_t i = 0; i < run_config_table.count; i++) {
    const ConfigKey *key = &run_config_table.keys[i];
    char a[CONFIG_TEXT_MAX], b[CONFIG_TEXT_MAX];
    config_value(key, base, a), config_value(key, config, b);
    if (strcmp(a, b) != 0 && strncmp(key->name, "run.", 4) != 0)
      buffer_printf(out, "%s = %s\n", key->name, b);
  }
}

void compare_design_print(const CompareDesign *design, Buffer *out) {
  RunConfig shipped;
  CompareArm base;
  Error err;
  config_print(&compare_table, &design->settings, false, out);
  if (!run_config_shipped(design->game, &shipped, &err)) config_defaults(&run_config_table, &shipped);
  buffer_printf(out, "\n[common]\n");
  print_changes(&shipped, &design->common, out);
  for (int i = 0; i < design->arm_count; i++) {
    const CompareArm *arm = &design->arms[i];
    buffer_printf(out, "\n[%s]\nbase = %s\n", arm->name, arm->base);
    if (compare_arm_build(arm->base, &design->common, &base, &err))
      print_changes(&base.config, &arm->config, out);
  }
}

void compare_design_free(CompareDesign *design) {
  free(design->arms);
  *design = (CompareDesign){0};
}
