/* The built program ($SELFPLAY_BIN, or build/selfplay) run in a folder of the test's own. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <jansson.h>

typedef struct ProgramResult {
  int code; /* -1 where a signal ended it */
  char *out, *err;
} ProgramResult;

/* A suite's .init and .fini: go to an empty folder, and remove it. The program's path is then in $PROGRAM. */
void program_enter(void);
void program_leave(void);
/* Runs the program with these arguments (as the shell reads them) and `input` on stdin. */
ProgramResult program_run(const char *input, const char *arguments);
void program_free(ProgramResult result);
/* It ends with `code`, writes nothing to stdout, and says `words` in one line on stderr. */
void program_refuses(const char *input, const char *arguments, int code, const char *words);
/* Its stdout as JSON; the caller's to json_decref(). */
json_t *program_json(const char *arguments);
/* Options of a training too small to take long. */
#define PROGRAM_TINY                                                                                         \
  " --set selfplay.games=32 --set selfplay.shards=2 --set selfplay.lanes=16 --set net.blocks=1"              \
  " --set net.channels=8 --set search.visits=8 --set learner.batch=64 --set learner.slice=32"

/* Trains with them; it must end well. */
void program_train(const char *arguments);
/* A whole file as text, for free(). */
char *program_slurp(const char *path);

#endif
