#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(Error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  err->unread = false;
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
