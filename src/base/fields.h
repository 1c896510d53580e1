/* Fields of JSON objects, where a missing one is an answer too. */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include <jansson.h>

/* NaN where the field is missing or no number (null stands for what could not be computed). */
double field_number(const json_t *object, const char *key);
/* "" where the field is missing or no text; the object's own otherwise. */
const char *field_text(const json_t *object, const char *key);

#endif
