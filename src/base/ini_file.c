#include "base/ini_file.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
enum { SECTION_MAX = 64, VALUE_MAX = 1024 };

typedef struct Reading {
  FILE *file;
  char *text; /* the file's line, as getline() made it */
  size_t size;
  int number; /* of that line */
  bool is_assignment;
  char section[SECTION_MAX];
  IniLine *line;
  void *user;
  Error *err;
  bool failed;
} Reading;

static bool fail(Reading *reading, const char *what) {
  reading->failed = true;
  return error_set(reading->err, "%s", what);
}

/* libinih's own sections come with their first key, and those without a key never. */
static void begin_section(Reading *reading, const char *text) {
  size_t length = strcspn(text + 1, "]");
  if (text[1 + length] != ']') {
    fail(reading, "a section without its ]");
  } else if (length >= SECTION_MAX) {
    fail(reading, "a section's name is longer than 63 characters");
  } else {
    snprintf(reading->section, SECTION_MAX, "%.*s", (int)length, text + 1);
    reading->failed = !reading->line(reading->user, reading->section, NULL, NULL, reading->err);
  }
}

/* Like fgets(), for libinih, which would cut a line that is longer than its buffer into two, take an indented
 * one for the rest of the last value, and go on after a mistake. */
static char *next_line(char *out, int size, void *stream) {
  Reading *reading = stream;
  if (reading->is_assignment && !reading->failed) fail(reading, "not a 'key = value' line");
  if (reading->failed || getline(&reading->text, &reading->size, reading->file) < 0) return NULL;
  reading->number++;
  const char *text = reading->text;
  if (reading->number == 1 && strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
    text += strlen(BYTE_ORDER_MARK);
  text += strspn(text, " \t");
  bool blank = !text[strspn(text, " \t\r\n")] || *text == '#' || *text == ';';
  if (blank) text = "\n";
  if (*text == '[') begin_section(reading, text);
  if (!reading->failed && (strlen(text) >= (size_t)size || strlen(text) >= VALUE_MAX))
    fail(reading, "the line is longer than any key's may be");
  if (reading->failed) return NULL;
  reading->is_assignment = !blank && *text != '[';
  snprintf(out, (size_t)size, "%s", text);
  return out;
}

static int on_assignment(void *user, const char *section, const char *key, const char *value) {
  Reading *reading = user;
  char stripped[VALUE_MAX];
  (void)section; /* libinih's is cut at 49 characters */
  snprintf(stripped, sizeof stripped, "%s", value);
  char *comment = strstr(stripped, " #");
  if (comment) *comment = 0;
  for (size_t n = strlen(stripped); n > 0 && isspace((unsigned char)stripped[n - 1]);) stripped[--n] = 0;
  reading->is_assignment = false;
  reading->failed = !reading->line(reading->user, reading->section, key, stripped, reading->err);
  return !reading->failed;
}

bool ini_file_read(const char *path, IniLine *line, void *user, Error *err) {
  Reading reading = {.file = fopen(path, "r"), .line = line, .user = user, .err = err};
  if (!reading.file) return error_set(err, "%s: cannot read: %s", path, strerror(errno));
  ini_parse_stream(next_line, &reading, on_assignment, &reading);
  bool broken = ferror(reading.file);
  fclose(reading.file);
  free(reading.text);
  if (broken) return error_set(err, "%s: cannot read it; is it a file?", path);
  err->usage = false; /* it stands in the file */
  return !reading.failed || error_prefix(err, "%s:%d", path, reading.number);
}
