#include "base/fields.h"

#include <math.h>

json_t *field_real(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

double field_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *field_text(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}
