#include "base/version.h"

#ifndef SELFPLAY_VERSION
#define SELFPLAY_VERSION "unknown"
#endif

const char *version_text(void) {
  return SELFPLAY_VERSION;
}
