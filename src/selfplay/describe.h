/* What a training writes down for people and for reports; docs/files.md lists the keys. */
#ifndef SELFPLAY_DESCRIBE_H
#define SELFPLAY_DESCRIBE_H

#include "selfplay/training.h"

/* What became of an iteration. */
typedef struct IterationResult {
  int number, unique, repeated_games; /* distinct positions; games that equal an earlier one */
  double flops;
  double selfplay_seconds, learn_seconds;
  ShardStats stats, played; /* of all shards; of those that this session played in selfplay_seconds */
  FitStats fit;
  HeldOutStats held; /* on new positions, before the learner had seen them */
  Calibration calibration;
} IterationResult;

/* The iteration's line of log.jsonl, without the totals' advance since training_account_time(). The caller's
 * to json_decref(). */
json_t *describe_iteration(const Training *training, const IterationResult *result);
/* Writes bootstrap.json: what the bootstrap stage cost over all sessions, for whoever compares runs by their
 * whole budget. A teacher does no floating-point work that could be counted, so its processor time is taken
 * at the rate at which the fitting that followed it (`fit_cpu` seconds) worked. Steps that a kill undid count
 * as wall-clock time alone. `ended_early`: by RunEvents.enough. */
bool describe_bootstrap(const Training *training, int games, double fit_cpu, bool ended_early, Error *err);

#endif
