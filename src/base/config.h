/* Configuration: `key = value` lines with `#` comments, checked against a table of keys.
 *
 * A table describes the fields of one plain C struct. Every value has a range; an unknown key, a value that
 * does not parse or is out of range is an error that names the file, the line and the nearest key. The same
 * table writes the resolved configuration back, with each key's help and range as its comment. Reading is
 * done by libinih. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/error.h"
#include "base/file.h"

#include <stddef.h>
#include <stdint.h>

typedef enum ConfigType {
  CONFIG_INT,    /* int */
  CONFIG_SEED,   /* uint64_t, of which JSON's integers hold 63 bits: at most INT64_MAX */
  CONFIG_REAL,   /* double */
  CONFIG_CHOICE, /* int, an index into `choices` */
  CONFIG_TEXT,   /* char[CONFIG_TEXT_MAX] */
} ConfigType;

enum { CONFIG_TEXT_MAX = 256 };

typedef struct ConfigKey {
  const char *name; /* as in "search.visits" */
  ConfigType type;
  size_t offset;              /* of the field in the struct */
  double min, max;            /* inclusive, for INT and REAL */
  const char *fallback;       /* the default, as text */
  const char *help;           /* one sentence with the unit and the reason */
  const char *const *choices; /* NULL-terminated, for CHOICE */
} ConfigKey;

typedef struct ConfigTable {
  const ConfigKey *keys;
  size_t count;
  const char *listing; /* the command that prints them all */
} ConfigTable;

/* Sets every field to its default. */
void config_defaults(const ConfigTable *table, void *target);
/* Applies a file over what `target` holds. */
bool config_read(const ConfigTable *table, void *target, const char *path, Error *err);
/* Applies one "key=value" (as from --set); `origin` names the source in messages. */
bool config_set(const ConfigTable *table, void *target, const char *assignment, const char *origin,
                Error *err);
/* Appends every key with its value; with `comments`, also its help, range and default. */
void config_print(const ConfigTable *table, const void *target, bool comments, Buffer *out);
/* The value of one key as text (at most CONFIG_TEXT_MAX bytes). */
void config_value(const ConfigKey *key, const void *target, char *text);
/* NULL where there is no such key. */
const ConfigKey *config_find(const ConfigTable *table, const char *name);

#endif
