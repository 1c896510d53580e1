#include "base/config.h"

#include "base/ini_file.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const ConfigKey *config_find(const ConfigTable *table, const char *name) {
  for (size_t i = 0; i < table->count; i++)
    if (strcmp(table->keys[i].name, name) == 0) return &table->keys[i];
  return NULL;
}

static void unknown_key(const ConfigTable *table, const char *name, char message[400]) {
  const char *best = NULL;
  int least = TEXT_FAR;
  for (size_t i = 0; i < table->count; i++) {
    int miss = text_miss(name, table->keys[i].name);
    if (miss < least) least = miss, best = table->keys[i].name;
  }
  if (best)
    snprintf(message, 400, "unknown key '%.60s'; the nearest is '%s'", name, best);
  else
    snprintf(message, 400, "unknown key '%.60s'; `%s' lists all", name, table->listing);
}

static void join_choices(const ConfigKey *key, char *text, size_t size) {
  text[0] = 0;
  for (int i = 0; key->choices[i]; i++) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", i ? ", " : "", key->choices[i]);
  }
}

/* The part of the message after the key's name; false with a reason in `why`. */
static bool parse_value(const ConfigKey *key, void *target, const char *text, char *why, size_t size) {
  void *field = (char *)target + key->offset;
  char *end = NULL;
  errno = 0;
  switch (key->type) {
  case CONFIG_INT: {
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < key->min || value > key->max) {
      snprintf(why, size, "needs a whole number from %.0f to %.0f", key->min, key->max);
      return false;
    }
    *(int *)field = (int)value;
    return true;
  }
  case CONFIG_SEED: {
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || errno || text[0] == '-' || value > INT64_MAX) {
      snprintf(why, size, "needs a whole number from 0 to %lld", (long long)INT64_MAX);
      return false;
    }
    *(uint64_t *)field = value;
    return true;
  }
  case CONFIG_REAL: {
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= key->min && value <= key->max)) {
      snprintf(why, size, "needs a number from %g to %g", key->min, key->max);
      return false;
    }
    *(double *)field = value;
    return true;
  }
  case CONFIG_CHOICE:
    for (int i = 0; key->choices[i]; i++)
      if (strcmp(text, key->choices[i]) == 0) {
        *(int *)field = i;
        return true;
      }
    char joined[200];
    join_choices(key, joined, sizeof joined);
    snprintf(why, size, "needs one of: %s", joined);
    return false;
  case CONFIG_TEXT:
    if (strlen(text) < CONFIG_TEXT_MAX) {
      strcpy(field, text);
      return true;
    }
    snprintf(why, size, "is longer than %d characters", CONFIG_TEXT_MAX - 1);
    return false;
  }
  return false;
}

static bool assign(const ConfigTable *table, void *target, const char *name, const char *value,
                   char message[400]) {
  const ConfigKey *key = config_find(table, name);
  if (!key) {
    unknown_key(table, name, message);
    return false;
  }
  char why[256];
  if (parse_value(key, target, value, why, sizeof why)) return true;
  snprintf(message, 400, "%s %s, not '%.60s'", name, why, value);
  return false;
}

void config_defaults(const ConfigTable *table, void *target) {
  for (size_t i = 0; i < table->count; i++) {
    char why[256];
    if (!parse_value(&table->keys[i], target, table->keys[i].fallback, why, sizeof why)) {
      fprintf(stderr, "selfplay: internal error: default of %s %s\n", table->keys[i].name, why);
      abort();
    }
  }
}

typedef struct FileReading {
  const ConfigTable *table;
  void *target;
} FileReading;

static bool on_line(void *user, const char *section, const char *key, const char *value, Error *err) {
  FileReading *reading = user;
  char full[160], message[400];
  if (!key) return true;
  snprintf(full, sizeof full, "%s%s%s", section, section[0] ? "." : "", key);
  return assign(reading->table, reading->target, full, value, message) || error_set(err, "%s", message);
}

bool config_read(const ConfigTable *table, void *target, const char *path, Error *err) {
  FileReading reading = {table, target};
  return ini_file_read(path, on_line, &reading, err);
}

bool config_set(const ConfigTable *table, void *target, const char *assignment, const char *origin,
                Error *err) {
  const char *equals = strchr(assignment, '=');
  if (!equals || equals == assignment)
    return error_usage(err, "%s: '%.60s' is not of the form key=value", origin, assignment);
  char name[128], message[400];
  snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
  for (size_t n = strlen(name); n > 0 && name[n - 1] == ' ';) name[--n] = 0;
  const char *value = equals + 1;
  while (*value == ' ') value++;
  if (assign(table, target, name, value, message)) return true;
  return error_usage(err, "%s: %s", origin, message);
}

void config_value(const ConfigKey *key, const void *target, char *text) {
  const void *field = (const char *)target + key->offset;
  switch (key->type) {
  case CONFIG_INT:
    snprintf(text, CONFIG_TEXT_MAX, "%d", *(const int *)field);
    break;
  case CONFIG_SEED:
    snprintf(text, CONFIG_TEXT_MAX, "%llu", (unsigned long long)*(const uint64_t *)field);
    break;
  case CONFIG_REAL:
    /* The shortest text that reads back as the same number. */
    for (int digits = 6; digits <= 17; digits++) {
      snprintf(text, CONFIG_TEXT_MAX, "%.*g", digits, *(const double *)field);
      if (strtod(text, NULL) == *(const double *)field) break;
    }
    break;
  case CONFIG_CHOICE:
    strcpy(text, key->choices[*(const int *)field]);
    break;
  case CONFIG_TEXT:
    strcpy(text, field);
    break;
  }
}

static void print_comment(const ConfigKey *key, Buffer *out) {
  char joined[200] = "";
  buffer_printf(out, "\n# %s\n", key->help);
  if (key->type == CONFIG_INT || key->type == CONFIG_REAL)
    buffer_printf(out, "# from %g to %g; default %s\n", key->min, key->max, key->fallback);
  else if (key->type == CONFIG_CHOICE) {
    join_choices(key, joined, sizeof joined);
    buffer_printf(out, "# one of: %s; default %s\n", joined, key->fallback);
  }
}

void config_print(const ConfigTable *table, const void *target, bool comments, Buffer *out) {
  for (size_t i = 0; i < table->count; i++) {
    char text[CONFIG_TEXT_MAX];
    if (comments) print_comment(&table->keys[i], out);
    config_value(&table->keys[i], target, text);
    buffer_printf(out, "%s = %s\n", table->keys[i].name, text);
  }
}
