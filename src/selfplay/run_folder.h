/* The files of a run's folder; run.h says what they are. For the modules that train (training.h). */
#ifndef SELFPLAY_RUN_FOLDER_H
#define SELFPLAY_RUN_FOLDER_H

#include "selfplay/run.h"

/* Makes the folder of a new run, or checks that the existing one is the run that was asked for; fills *info.
 * Returns a lock that keeps other processes from training it (close() releases it), or -1 with a message. */
int run_folder_open(const RunRequest *request, RunInfo *info, Error *err);
/* The highest iteration that there is a learner-NNNNN.ckpt of, -1 without any. */
bool run_newest_checkpoint(const RunInfo *run, int *newest, Error *err);
/* CRC-32 of the configuration without run.*, which names the data that it makes. */
uint32_t run_config_crc(const RunConfig *config);
/* Appends one object as a line, flushed to disk. */
bool run_log_append(const char *path, const json_t *line, Error *err);
/* Keeps the first `lines` lines and puts last[length) behind them (none where length is 0); leaves a file
 * alone that is so already. An error where there are not so many. */
bool run_log_restore(const char *path, int lines, const char *last, size_t length, Error *err);
/* All whole lines of the file as an array; an empty one where there is no such file. */
json_t *run_log_read(const char *path, Error *err);
/* FOLDER/RELATIVE */
void run_path(const RunInfo *run, const char *relative, char path[FILE_PATH_MAX]);
/* Positions of one shard of an iteration's self-play. */
void run_replay_path(const RunInfo *run, int iteration, int shard, char path[FILE_PATH_MAX]);
/* The teacher's games are cut into shards of this many, so that a kill loses little. */
enum { IMITATION_SHARD = 50 };
int run_imitation_shards(const RunConfig *config);
void run_imitation_path(const RunInfo *run, int shard, char path[FILE_PATH_MAX]);

#endif
