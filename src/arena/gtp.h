/* Client of an external engine over a pipe, speaking the Go Text Protocol, version 2 (G. Farneback, 2002): a
 * command a line; the answer begins with "=" (done) or "?" (refused) and ends with an empty line.
 *
 * The engine is started with `sh -c COMMAND` in a process group of its own, which is ended and reaped by
 * gtp_free(), whatever state it is in. Its stderr is ours. A pipe that it closes is an error message here,
 * never a SIGPIPE. */
#ifndef ARENA_GTP_H
#define ARENA_GTP_H

#include "base/error.h"

#include <stddef.h>

typedef struct Gtp Gtp;

enum { GTP_ANSWER_MAX = 4096 };

/* Starts the engine and asks for protocol_version. NULL with a message where it does not answer. */
Gtp *gtp_new(const char *command, double timeout_seconds, Error *err);
void gtp_free(Gtp *gtp); /* NULL is fine */
/* Sends one line (without line feed) and reads the answer's text into answer[GTP_ANSWER_MAX], trimmed. False
 * with a message that quotes the engine where it refuses, is silent for longer than the time-out, or is gone.
 */
bool gtp_ask(Gtp *gtp, char *answer, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
