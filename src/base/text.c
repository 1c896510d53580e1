#include "base/text.h"

#include <string.h>

enum { LENGTH_MAX = 63 };

int text_distance(const char *a, const char *b) {
  int row[LENGTH_MAX + 1], m = (int)strnlen(a, LENGTH_MAX), n = (int)strnlen(b, LENGTH_MAX);
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 0; i < m; i++) {
    int diagonal = row[0];
    row[0] = i + 1;
    for (int j = 1; j <= n; j++) {
      int best = diagonal + (a[i] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[n];
}

int text_miss(const char *word, const char *name) {
  const char *dot = strchr(name, '.');
  int whole = text_distance(word, name), tail = dot ? text_distance(word, dot + 1) : whole;
  int least = whole < tail ? whole : tail, most = (int)strlen(word) / 3;
  return least <= (most > 1 ? most : 1) ? least : TEXT_FAR;
}
