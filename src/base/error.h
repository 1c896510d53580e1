/* Errors that reach a user: one line that names the file, line or key, and the mend.
 *
 * A function that can fail for reasons outside the program (files, configuration, input) takes an `Error *`
 * as its last argument and returns false (or NULL) after filling it. `err` may never be NULL.
 * A caller's bug is an assert instead. Only src/cli prints an Error and exits. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

typedef struct Error {
  char message[600];
  bool unread; /* the file that it names could not be read, and may yet be whole: not to be set aside */
  bool usage;  /* what was asked for makes no sense: error_usage() */
} Error;

/* Formats the message, clears the rest and returns false, so that `return error_set(err, "...")` reads well.
 */
bool error_set(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of what makes no sense whatever is on the disk: sets `usage`. */
bool error_usage(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "PREFIX: " in front of a message that a lower layer has written; returns false. */
bool error_prefix(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts more behind such a message, the mend for one; returns false. */
bool error_suffix(Error *err, const char *text);

#endif
