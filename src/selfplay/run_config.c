#include "selfplay/run_config.h"

#include "games/exact.h"
#include "net/plan.h"
#include "selfplay/tying.h"

#include <stdio.h>
#include <string.h>

static const char *const search_kinds[] = {"puct", "gumbel", "none", NULL};
static const char *const head_kinds[] = {"both", "policy", "value", NULL};
static const char *const teacher_kinds[] = {"alphabeta", "mcts", "solver", NULL};
static const char *const optimizer_kinds[] = {"adam", "sgd", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const char *const convolution_kinds[] = {"winograd", "reference", NULL};

#define AT(field) offsetof(RunConfig, field)
#define INT(name, field, min, max, fallback, help)                                                           \
  { name, CONFIG_INT, AT(field), min, max, fallback, help, NULL }
#define REAL(name, field, min, max, fallback, help)                                                          \
  { name, CONFIG_REAL, AT(field), min, max, fallback, help, NULL }
#define CHOICE(name, field, words, fallback, help)                                                           \
  { name, CONFIG_CHOICE, AT(field), 0, 0, fallback, help, words }

static const ConfigKey keys[] = {
    {"game", CONFIG_TEXT, AT(game), 0, 0, "connect4", "The game, by its name in `selfplay games`.", NULL},

    INT("net.blocks", blocks, 1, 64, "5", "Residual blocks of the tower."),
    INT("net.channels", channels, 4, 512, "64", "Channels of the tower; multiples of 16 are fastest."),
    INT("net.policy_channels", policy_channels, 1, 256, "16",
        "Channels of the policy head's 1x1 convolution."),
    INT("net.value_channels", value_channels, 1, 256, "16", "Channels of the value head's 1x1 convolution."),
    INT("net.value_hidden", value_hidden, 1, 1024, "64", "Hidden units of the value head."),
    INT("net.grow_after", grow_after, 0, 1000000, "0",
        "Iterations that a smaller network plays, after which it grows to the size above without forgetting "
        "anything (Chen et al. 2016); 0 = full size from the start."),
    INT("net.start_blocks", start_blocks, 1, 64, "5", "Residual blocks until then, where that is fewer."),
    INT("net.start_channels", start_channels, 4, 512, "32", "Channels until then, where that is fewer."),
    CHOICE(
        "net.feature_planes", feature_planes, switches, "off",
        "The game's feature planes are input too (Connect Four: the squares of open lines by the stones they "
        "hold, and the rows that fall to the mover)."),
    INT("net.symmetries", symmetries, 1, TIES_ORDER_MAX, "1",
        "The first so many of the board's symmetries are built into the network, by tying its weights (Cohen "
        "and Welling 2016): an image is then answered by the answer's image; 1 = none."),

    CHOICE("search.kind", search.kind, search_kinds, "gumbel",
           "Root policy: PUCT with Dirichlet noise (AlphaZero), or Gumbel sequential halving (Danihelka et "
           "al. 2022), or none: REINFORCE (Williams 1992) on games drawn from the network's own policy."),
    INT("search.visits", visits, 1, 100000, "24", "Simulations for each move of self-play."),
    REAL("search.c_init", search.c_init, 0, 100, "1.25", "PUCT exploration constant."),
    REAL("search.c_base", search.c_base, 1, 1e9, "19652", "Visits at which PUCT exploration starts to grow."),
    REAL(
        "search.forced_playouts", search.forced_playouts, 0, 100, "0",
        "PUCT with root noise: a root move once visited gets at least sqrt(this x prior x visits), which the "
        "policy target leaves out again (Wu 2019); 0 = none."),
    REAL("search.fpu_reduction", search.fpu_reduction, 0, 2, "0.2",
         "First-play urgency (PUCT): how far below its parent's value an unvisited child starts, times the "
         "square root of the prior mass already visited."),
    REAL("search.dirichlet_alpha", search.dirichlet_alpha, 0, 100, "0",
         "Concentration of the root noise (PUCT); 0 = 10 / number of legal moves."),
    REAL("search.dirichlet_share", search.dirichlet_share, 0, 1, "0.25",
         "Share of noise in the root priors (PUCT); 0 switches it off."),
    INT("search.gumbel_considered", search.gumbel_considered, 1, 512, "16",
        "Moves that sequential halving starts from at the root (Gumbel); fewer where fewer are legal."),
    REAL("search.gumbel_visit", search.gumbel_visit, 0, 1000, "50", "c_visit of sigma(q) (Gumbel)."),
    REAL("search.gumbel_scale", search.gumbel_scale, 0, 100, "1",
         "c_scale of sigma(q), for q in [0, 1] (Gumbel)."),
    REAL("search.gumbel_noise", search.gumbel_noise, 0, 10, "1",
         "Factor on the Gumbel noise at the root; 0 = none."),
    CHOICE("search.solve", search.solve, switches, "on",
           "Carry proven wins, losses and draws up the tree (MCTS-solver; Winands et al. 2008, Cazenave and "
           "Saffidine 2010); they are exact value targets."),
    INT("search.probe", search.probe_nodes, 0, 1000000, "500",
        "With search.solve: most moves played by the rules alone, before a leaf is evaluated, to look for a "
        "proof of its value (Baier and Winands 2015); fewer early in a game; 0 = none."),

    REAL("selfplay.full_share", full_share, 0.01, 1, "1",
         "Share of the moves searched in full; the others take selfplay.quick_visits without root noise and, "
         "unless "
         "they prove something, are not learnt from (playout caps, Wu 2019)."),
    INT("selfplay.quick_visits", quick_visits, 1, 100000, "8", "Simulations of those other moves."),
    INT("selfplay.games", games, 1, 1000000, "256", "Games in an iteration."),
    INT("selfplay.shards", shards, 1, 4096, "8",
        "Shards an iteration is cut into, the unit of parallel work and of resuming: no more threads "
        "than this play at once, and selfplay.games is a multiple of it."),
    INT("selfplay.lanes", lanes, 1, 1024, "64",
        "Most games that a shard plays in lock-step, hence its largest batch; it has selfplay.games / "
        "selfplay.shards of them."),
    INT("selfplay.random_plies", random_plies, 0, 200, "12",
        "A game begins with 0 to this many uniformly random moves, which are not learnt from."),
    INT("selfplay.late_after", late_after, 0, 1000000, "0",
        "Iterations after which games begin with 0 to selfplay.late_random_plies random moves instead; 0 = "
        "never."),
    INT("selfplay.late_random_plies", late_random_plies, 0, 200, "0",
        "Most random moves of those later beginnings: fewer teach more of the openings."),
    INT("selfplay.balanced_of", balanced_of, 1, BALANCED_OF_MAX, "1",
        "Random beginnings drawn for each game, of which one is played, the likelier the nearer to even the "
        "network "
        "holds it; 1 = the first one drawn."),
    REAL("selfplay.random_share", random_share, 0, 1, "0",
         "Share of the later moves that are uniformly random too; what comes before one learns the search's "
         "value, not the game's outcome."),
    CHOICE("selfplay.end_proven", end_proven, switches, "on",
           "End a game as soon as the search has proven its result."),
    REAL("selfplay.temperature", temperature, 0, 10, "1",
         "Temperature at which moves are drawn at first; 0 plays the search's best."),
    REAL("selfplay.temperature_end", temperature_end, 0, 10, "0", "Temperature afterwards."),
    INT("selfplay.temperature_plies", temperature_plies, 0, 10000, "8",
        "Searched moves of a game that use the first temperature."),
    INT("selfplay.cache_log2", cache_log2, 0, 26, "15",
        "Log2 of the positions in each shard's evaluation cache; 0 = no cache."),
    CHOICE("selfplay.precision", precision, plan_precision_names, "fastest",
           "Arithmetic of the network that plays: single precision, 8-bit integers in its blocks, or the "
           "faster of the two on this CPU (integers with AVX-512 VNNI or AVX-VNNI)."),

    INT("replay.window_min", window_min, 1, 100000000, "20000", "Smallest replay window, in positions."),
    INT("replay.window_max", window_max, 1, 100000000, "300000", "Largest replay window, in positions."),
    REAL("replay.window_growth", window_growth, 0, 1, "0.6",
         "Between the two, the window is this share of all positions played so far (growing windows: Wu "
         "2019)."),

    INT("learner.batch", batch, 1, 65536, "64", "Positions in a minibatch."),
    INT("learner.slice", slice, 1, 4096, "32",
        "Positions whose batch-norm statistics are taken together; minibatches are cut into such slices."),
    CHOICE(
        "learner.convolution", convolution, convolution_kinds, "winograd",
        "How the learner convolves: Winograd's tiles, or the slower plain products they are tested against."),
    REAL("learner.reuse", reuse, 0, 100, "3",
         "Samples drawn for each new position; high values over-fit the value head."),
    REAL("learner.surprise", surprise, 0, 0.9, "0",
         "Share of the samples drawn by how far the search's policy departs from the network's "
         "(policy-surprise "
         "weighting, Wu 2020)."),
    REAL("learner.rate", rate, 0, 10, "0.008", "Learning rate after warm-up."),
    REAL("learner.rate_final", rate_final, 0, 10, "0.0015",
         "Learning rate at the end of its decay; 0 = it does not fall."),
    INT("learner.warmup_steps", warmup_steps, 0, 1000000, "100", "Steps of linear warm-up."),
    INT("learner.rate_decay_iterations", rate_decay_iterations, 1, 1000000, "100",
        "Iterations over which the rate falls geometrically to its final value."),
    REAL(
        "learner.rate_tail", rate_tail, 0, 2, "0",
        "Thereafter the final rate falls on as (decay iterations / iteration) to this power, for runs of any "
        "length; 0 keeps it."),
    REAL("learner.value_weight", value_weight, 0, 100, "1",
         "Weight of the value loss beside the policy loss."),
    REAL("learner.plies_weight", plies_weight, 0, 100, "0",
         "Weight of an auxiliary loss: the plies to the last recorded position of the game, told from the "
         "value head's "
         "hidden layer (Wu 2019)."),
    REAL("learner.reply_weight", reply_weight, 0, 100, "0",
         "Weight of an auxiliary loss: the policy of the opponent's next turn, told from the policy head's "
         "board "
         "(Wu 2019)."),
    REAL("learner.value_mix", value_mix, 0, 1, "0.5",
         "Share of the search's value in the value target; the rest is the game's outcome (Willemsen, Baier "
         "and Kaisers 2020)."),
    REAL("learner.value_lambda", value_lambda, 0, 1, "1",
         "Less than 1: the outcome's place is taken by TD(lambda)'s return, which the searches of the game's "
         "later positions make (Sutton 1988)."),
    CHOICE("learner.optimizer", optimizer.kind, optimizer_kinds, "adam",
           "Adam with decoupled decay, or SGD."),
    REAL("learner.momentum", optimizer.momentum, 0, 0.9999, "0.9", "SGD's momentum; Adam's beta1."),
    REAL("learner.beta2", optimizer.beta2, 0, 0.999999, "0.99", "Adam's beta2."),
    REAL("learner.epsilon", optimizer.epsilon, 1e-12, 1, "1e-8", "Adam's epsilon."),
    REAL("learner.weight_decay", optimizer.weight_decay, 0, 1, "0.01",
         "Decoupled weight decay, per step and times the learning rate."),
    REAL("learner.clip_norm", optimizer.clip_norm, 0, 1e6, "4",
         "Gradients are scaled down to this norm; 0 = never."),
    REAL("learner.average", optimizer.average, 0, 0.99999, "0.9999",
         "Decay per step of the weights' moving average that plays, which reaches back over a twentieth of "
         "the steps taken at most; 0 = the last weights play."),

    INT("imitation.games", imitation_games, 10, 10000000, "2000", "Expert games the teacher plays."),
    CHOICE("imitation.teacher", imitation_teacher, teacher_kinds, "alphabeta",
           "Who plays the expert games: alpha-beta, plain MCTS, or the exact solver where the game has one."),
    INT("imitation.depth", imitation_depth, 1, 20, "6", "Plies of the alpha-beta teacher."),
    INT("imitation.playouts", imitation_playouts, 1, 10000000, "1000",
        "Playouts a move of the MCTS teacher."),
    REAL("imitation.random", imitation_random, 0, 1, "0.1",
         "Share of the teacher's moves replaced by random ones; those moves are not imitated."),
    REAL(
        "imitation.keep", imitation_keep, 0, 1, "0",
        "Share of each minibatch drawn from expert games once self-play has begun; 0 discards them at once."),
    INT("imitation.anneal", imitation_anneal, 0, 1000000, "0",
        "Iterations over which that share falls linearly to zero; 0 = it stays."),
    INT("imitation.epochs", imitation_epochs, 1, 1000, "20", "Most passes over the expert games."),
    INT("imitation.patience", imitation_patience, 1, 1000, "2",
        "Passes without a better held-out loss after which fitting stops."),
    CHOICE("imitation.heads", imitation_heads, head_kinds, "both",
           "Which heads (with the tower below them) are fitted to the expert games."),

    INT("run.iterations", iterations, 0, 1000000, "0", "Iterations to train for; 0 = no limit."),
    REAL("run.minutes", minutes, 0, 1e6, "30",
         "Wall-clock minutes to train for, the bootstrap stage and all resumes included; 0 = no limit."),
};

const ConfigTable run_config_table = {keys, sizeof keys / sizeof *keys, "selfplay --print-config"};

bool run_config_shipped(const Game *game, RunConfig *config, Error *err) {
  config_defaults(&run_config_table, config);
  snprintf(config->game, sizeof config->game, "%s", game->name);
  char relative[128], path[FILE_PATH_MAX];
  Error missing;
  snprintf(relative, sizeof relative, "configs/%s.conf", game->name);
  if (!file_find_shipped(relative, path, &missing)) return true; /* a new game starts from the defaults */
  return config_read(&run_config_table, config, path, err);
}

/* Of the network as it begins, and once it has grown. */
static bool symmetries_valid(const RunConfig *config, Error *err) {
  const Game *game = game_find(config->game);
  NetShape first = run_config_shape_after(config, game, 0), last = run_config_shape(config, game);
  Error reason;
  return (tying_valid(game, config->symmetries, &first, &reason) &&
          tying_valid(game, config->symmetries, &last, &reason)) ||
         error_set(err, "net.symmetries (%d): %s", config->symmetries, reason.message);
}

bool run_config_valid(const RunConfig *config, Error *err) {
  if (!game_find(config->game))
    return error_set(err, "game: there is no game '%s'; `selfplay games` lists them", config->game);
  if (config->feature_planes && !game_find(config->game)->feature_planes)
    return error_set(err, "net.feature_planes = on: %s has none; leave it off", config->game);
  if (config->batch % config->slice != 0)
    return error_set(err, "learner.batch (%d) must be a multiple of learner.slice (%d)", config->batch,
                     config->slice);
  if (config->games % config->shards != 0)
    return error_set(err, "selfplay.games (%d) must be a multiple of selfplay.shards (%d)", config->games,
                     config->shards);
  if (config->window_max < config->window_min)
    return error_set(err, "replay.window_max (%d) is below replay.window_min (%d)", config->window_max,
                     config->window_min);
  if (config->imitation_teacher == TEACHER_SOLVER && !exact_exists(game_find(config->game), true))
    return error_set(err,
                     "imitation.teacher = solver: no solver plays whole games of %s; use alphabeta or mcts",
                     config->game);
  if (config->imitation_teacher == TEACHER_SOLVER && !exact_ready(game_find(config->game), err)) return false;
  if (config->search.kind == SEARCH_NONE && config->imitation_keep > 0)
    return error_set(
        err, "imitation.keep needs a search: with search.kind = none the learner takes policy gradients "
             "of its own games alone; set one of the two");
  if (config->search.kind == SEARCH_NONE && config->full_share < 1)
    return error_set(err,
                     "selfplay.full_share (%g) needs a search, which search.kind = none does without; set "
                     "one of the two",
                     config->full_share);
  if (config->full_share < 1 && config->quick_visits >= config->visits)
    return error_set(err, "selfplay.quick_visits (%d) must be below search.visits (%d)", config->quick_visits,
                     config->visits);
  if (config->full_share < 1 && config->plies_weight > 0)
    return error_set(err,
                     "learner.plies_weight needs every move recorded, and selfplay.full_share = %g leaves "
                     "some out; set one of the two",
                     config->full_share);
  if (config->plies_weight > 0 && config->value_weight <= 0)
    return error_set(err,
                     "learner.plies_weight (%g) needs the value head, which learner.value_weight = 0 leaves "
                     "out; set one of the two",
                     config->plies_weight);
  if (config->balanced_of > 1 && config->random_plies <= 0 &&
      (config->late_after <= 0 || config->late_random_plies <= 0))
    return error_set(
        err, "selfplay.balanced_of (%d) chooses among random beginnings, and selfplay.random_plies is 0",
        config->balanced_of);
  if (config->surprise > 0 && config->search.kind == SEARCH_NONE)
    return error_set(err, "learner.surprise (%g) needs a search, which search.kind = none does without",
                     config->surprise);
  if (config->random_share > 0 && config->search.kind == SEARCH_NONE)
    return error_set(
        err,
        "selfplay.random_share (%g) needs a search, whose value stands in for the game's outcome; "
        "search.kind = none does without",
        config->random_share);
  if (config->search.kind == SEARCH_NONE && (config->temperature != 1 || config->temperature_end != 1))
    return error_set(err,
                     "search.kind = none takes policy gradients, which are right for moves drawn from the "
                     "policy itself alone; set selfplay.temperature and selfplay.temperature_end to 1");
  if (config->search.forced_playouts > 0 && config->search.dirichlet_share <= 0)
    return error_set(err, "search.forced_playouts (%g) needs root noise: search.dirichlet_share is 0",
                     config->search.forced_playouts);
  if (config->search.forced_playouts > 0 && config->search.kind != SEARCH_PUCT)
    return error_set(err, "search.forced_playouts (%g) belongs to search.kind = puct; set one of the two",
                     config->search.forced_playouts);
  NetShape shape = run_config_shape(config, game_find(config->game));
  return net_shape_valid(&shape, err) && symmetries_valid(config, err);
}

NetShape run_config_shape(const RunConfig *config, const Game *game) {
  return (NetShape){.planes = game->planes + (config->feature_planes ? game->feature_planes : 0),
                    .rows = game->rows,
                    .cols = game->cols,
                    .moves = game->moves,
                    .blocks = config->blocks,
                    .channels = config->channels,
                    .policy_channels = config->policy_channels,
                    .value_channels = config->value_channels,
                    .value_hidden = config->value_hidden};
}

NetShape run_config_shape_after(const RunConfig *config, const Game *game, int iteration) {
  NetShape shape = run_config_shape(config, game);
  if (iteration >= config->grow_after) return shape;
  if (config->start_blocks < shape.blocks) shape.blocks = config->start_blocks;
  if (config->start_channels < shape.channels) shape.channels = config->start_channels;
  return shape;
}

ValueTarget run_config_value_target(const RunConfig *config) {
  return (ValueTarget){(float)config->value_mix, (float)config->value_lambda};
}

int run_config_random_plies(const RunConfig *config, int iteration) {
  bool late = config->late_after > 0 && iteration > config->late_after;
  return late ? config->late_random_plies : config->random_plies;
}
