#include "arena/compare_watch.h"

#include <stddef.h>

bool compare_watch(const CompareWatch *watch, const char *what, int done, int total, Error *err) {
  if (!watch) return true;
  if (watch->doing) watch->doing(watch->context, what, done, total);
  return !*watch->stop || error_set(err, "%s", "");
}
