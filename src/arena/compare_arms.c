#include "arena/compare_arms.h"

#include <stdio.h>
#include <string.h>

enum { SETTINGS_MAX = 8 };

typedef struct BuiltIn {
  const char *name;
  RunArm kind;
  bool imitation_only;
  const char *number_key; /* set from the number behind the name, NAME-N; NULL where it takes none */
  const char *settings[SETTINGS_MAX];
  const char *help;
} BuiltIn;

static const BuiltIn built_in[] = {
    {"from-scratch", ARM_FROM_SCRATCH, false, NULL, {NULL}, "reinforcement learning alone"},
    {"bootstrap-imitation",
     ARM_BOOTSTRAP_IMITATION,
     false,
     NULL,
     {"imitation.keep=0"},
     "fitted to the teacher's games, which are then discarded at once"},
    {"kept",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.keep",
     {"imitation.anneal=0"},
     "the same, with share S of every minibatch from the teacher's games for good"},
    {"annealed",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.anneal",
     {"imitation.keep=0.5"},
     "a share of 0.5 that falls to zero over N iterations"},
    {"imitation-only",
     ARM_BOOTSTRAP_IMITATION,
     true,
     NULL,
     {"imitation.epochs=1000", "imitation.patience=10"},
     "no self-play: fitted until the held-out loss has not improved for 10 passes"},
    {"dose",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.games",
     {NULL},
     "bootstrap from N games of the teacher"},
    {"teacher-random",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.random",
     {NULL},
     "bootstrap from a teacher with share S of random moves"},
    {"teacher-depth",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.depth",
     {"imitation.teacher=alphabeta"},
     "bootstrap from alpha-beta of N plies"},
    {"teacher-mcts",
     ARM_BOOTSTRAP_IMITATION,
     false,
     "imitation.playouts",
     {"imitation.teacher=mcts"},
     "bootstrap from plain MCTS of N playouts"},
    {"teacher-solver",
     ARM_BOOTSTRAP_IMITATION,
     false,
     NULL,
     {"imitation.teacher=solver"},
     "bootstrap from perfect play, where the game has a solver"},
    {"warm-policy",
     ARM_BOOTSTRAP_IMITATION,
     false,
     NULL,
     {"imitation.heads=policy"},
     "bootstrap of the tower and the policy head alone"},
    {"warm-value",
     ARM_BOOTSTRAP_IMITATION,
     false,
     NULL,
     {"imitation.heads=value"},
     "bootstrap of the tower and the value head alone"},
    {"simulations",
     ARM_FROM_SCRATCH,
     false,
     "search.visits",
     {NULL},
     "from scratch, with N simulations a move"},
    {"policy-gradient",
     ARM_FROM_SCRATCH,
     false,
     NULL,
     {"search.kind=none", "learner.reuse=1", "learner.value_mix=0", "selfplay.temperature=1",
      "selfplay.temperature_end=1", "imitation.keep=0"},
     "from scratch without search: REINFORCE with the value head as baseline"},
    {"bootstrap-policy-gradient",
     ARM_BOOTSTRAP_IMITATION,
     false,
     NULL,
     {"search.kind=none", "learner.reuse=1", "learner.value_mix=0", "selfplay.temperature=1",
      "selfplay.temperature_end=1", "imitation.keep=0"},
     "the same after a bootstrap"},
};
enum { BUILT_IN = sizeof built_in / sizeof *built_in };

/* As it is typed: NAME, NAME-N for a whole number or NAME-S for a share. */
static void print_name(const BuiltIn *arm, char name[64]) {
  const char *key = arm->number_key;
  bool share = key && (strcmp(key, "imitation.keep") == 0 || strcmp(key, "imitation.random") == 0);
  snprintf(name, 64, "%s%s", arm->name, !key ? "" : share ? "-S" : "-N");
}

static bool unknown_arm(const char *word, Error *err) {
  char names[400] = "";
  for (int i = 0; i < BUILT_IN; i++) {
    size_t used = strlen(names);
    char name[64];
    print_name(&built_in[i], name);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name);
  }
  return error_set(err, "no built-in arm is called '%.40s'; there are: %s", word, names);
}

/* The arm of that name; *number is what stands behind it. The longest name wins. */
static const BuiltIn *find_arm(const char *word, const char **number) {
  const BuiltIn *best = NULL;
  for (int i = 0; i < BUILT_IN; i++) {
    size_t length = strlen(built_in[i].name);
    bool fits = strncmp(word, built_in[i].name, length) == 0 &&
                (built_in[i].number_key ? word[length] == '-' && word[length + 1] : !word[length]);
    if (fits && (!best || length > strlen(best->name))) best = &built_in[i], *number = word + length + 1;
  }
  return best;
}

bool compare_arm_build(const char *word, const RunConfig *common, CompareArm *arm, Error *err) {
  const char *number = "";
  const BuiltIn *found = find_arm(word, &number);
  char line[128];
  if (!found) return unknown_arm(word, err);
  arm->kind = found->kind;
  arm->selfplay = !found->imitation_only;
  arm->config = *common;
  snprintf(arm->base, sizeof arm->base, "%.47s", word);
  for (int i = 0; i < SETTINGS_MAX && found->settings[i]; i++)
    if (!config_set(&run_config_table, &arm->config, found->settings[i], found->name, err)) return false;
  if (!found->number_key) return true;
  snprintf(line, sizeof line, "%s=%.40s", found->number_key, number);
  return config_set(&run_config_table, &arm->config, line, word, err);
}

enum { HELP_INDENT = 29, HELP_WIDTH = 78 };

/* In the lines of a terminal, behind names of HELP_INDENT columns. */
static void put_wrapped(Buffer *out, const char *text) {
  while (*text) {
    int length = (int)strlen(text);
    if (length > HELP_WIDTH - HELP_INDENT) {
      length = HELP_WIDTH - HELP_INDENT;
      while (text[length] != ' ') length--;
    }
    buffer_printf(out, "%.*s\n", length, text);
    text += length;
    while (*text == ' ') text++;
    if (*text) buffer_printf(out, "%*s", HELP_INDENT, "");
  }
}

void compare_arms_help(Buffer *out) {
  for (int i = 0; i < BUILT_IN; i++) {
    char name[64];
    print_name(&built_in[i], name);
    buffer_printf(out, "  %-26s ", name);
    put_wrapped(out, built_in[i].help);
  }
}
