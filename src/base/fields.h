/* Fields of JSON objects, where a missing one is an answer too. */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include <jansson.h>

/* A JSON number; null where the value is infinite or not a number, and so could not be computed. */
json_t *field_real(double value);
/* NaN where the field is missing or no number. */
double field_number(const json_t *object, const char *key);
/* "" where the field is missing or no text; the object's own otherwise. */
const char *field_text(const json_t *object, const char *key);

#endif
