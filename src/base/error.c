#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(Error *err, const char *format, va_list args) {
  vsnprintf(err->message, sizeof err->message, format, args);
  err->unread = err->usage = false;
}

bool error_set(Error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(err, format, args);
  va_end(args);
  return false;
}

bool error_usage(Error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(err, format, args);
  va_end(args);
  err->usage = true;
  return false;
}

bool error_prefix(Error *err, const char *format, ...) {
  char prefix[sizeof err->message];
  va_list args;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  char whole[2 * sizeof err->message + 2];
  snprintf(whole, sizeof whole, "%s: %s", prefix, err->message);
  snprintf(err->message, sizeof err->message, "%.*s", (int)sizeof err->message - 1, whole);
  return false;
}

bool error_suffix(Error *err, const char *text) {
  size_t used = strlen(err->message);
  snprintf(err->message + used, sizeof err->message - used, "%s", text);
  return false;
}
