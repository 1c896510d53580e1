/* What stdout and stderr are connected to, and the progress bar. */
#include "base/clock.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool cli_is_terminal(FILE *stream) {
  return isatty(fileno(stream));
}

bool cli_colour_allowed(FILE *stream) {
  const char *term = getenv("TERM"), *refused = getenv("NO_COLOR");
  return cli_is_terminal(stream) && !(refused && *refused) && !(term && strcmp(term, "dumb") == 0);
}

bool cli_true_colour(void) {
  const char *kind = getenv("COLORTERM");
  return kind && (strcmp(kind, "truecolor") == 0 || strcmp(kind, "24bit") == 0);
}

int cli_width(FILE *stream) {
  struct winsize size;
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

CliProgress cli_progress_new(double plain_seconds) {
  return (CliProgress){.plain_seconds = plain_seconds, .terminal = cli_is_terminal(stderr)};
}

void cli_progress_show(CliProgress *progress, const char *label, double done, double total,
                       const char *note) {
  double now = clock_wall(), share = total > 0 ? done / total : 1;
  double interval = progress->terminal ? 0.1 : progress->plain_seconds;
  if (!progress->terminal && progress->plain_seconds <= 0) return;
  if (now - progress->drawn < interval && progress->drawn > 0) return;
  if (!progress->terminal && progress->drawn == 0) { /* the first plain line comes after one interval */
    progress->drawn = now;
    return;
  }
  progress->drawn = now;
  if (!progress->terminal) {
    fprintf(stderr, "%s: %.0f of %.0f %s\n", label, done, total, note);
    return;
  }
  /* AROUND: brackets, blanks, per cent, three columns free; a line that wraps would not be cleared. */
  enum { AROUND = 12, BAR_MIN = 5, BAR_MAX = 40 };
  int space = cli_width(stderr) - (int)strlen(label) - AROUND;
  int shown = (int)strlen(note) < space - BAR_MIN ? (int)strlen(note) : space - BAR_MIN;
  if (shown < 0) shown = 0;
  int room = space - shown < BAR_MAX ? space - shown : BAR_MAX, filled;
  if (room < BAR_MIN) room = BAR_MIN;
  filled = (int)(share * room);
  fprintf(stderr, "\r\033[K%s [", label);
  for (int i = 0; i < room; i++) fputc(i < filled ? '#' : '.', stderr);
  fprintf(stderr, "] %3.0f%% %.*s", 100 * share, shown, note);
  fflush(stderr);
  progress->visible = true;
}

void cli_progress_clear(CliProgress *progress) {
  if (progress->visible) fprintf(stderr, "\r\033[K");
  progress->visible = false;
}
