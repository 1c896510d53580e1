#include "cli/compare_export.h"

#include "base/fields.h"
#include "cli/export_file.h"
#include "cli/tensorboard.h"

#include <math.h>
#include <string.h>

static double number_of(const json_t *value) {
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A measure of a point: null where unknown, so what is left when texts, truths and objects are taken out. */
static bool is_measure(const char *key, const json_t *value) {
  return strcmp(key, "network") != 0 && (json_is_number(value) || json_is_null(value));
}

static void put_point(Buffer *out, const json_t *arm, const json_t *run, const json_t *point) {
  const char *key;
  json_t *value;
  csv_text(out, field_text(run, "run"));
  buffer_printf(out, ",");
  csv_text(out, field_text(arm, "name"));
  buffer_printf(out, ",%lld,%lld,%s,%d", (long long)json_integer_value(json_object_get(run, "seed")),
                (long long)json_integer_value(json_object_get(point, "network")), field_text(point, "hash"),
                json_is_true(json_object_get(point, "elo_is_bound")));
  json_object_foreach(json_object_get(point, "cost"), key, value) {
    csv_number(out, number_of(value));
  }
  json_object_foreach((json_t *)point, key, value) {
    if (is_measure(key, value)) csv_number(out, number_of(value));
  }
  buffer_printf(out, "\n");
}

static void put_point_head(Buffer *out, const json_t *point) {
  const char *key;
  json_t *value;
  buffer_printf(out, "run,arm,seed,network,hash,elo_is_bound");
  json_object_foreach(json_object_get(point, "cost"), key, value) {
    buffer_printf(out, ",%s", key);
  }
  json_object_foreach((json_t *)point, key, value) {
    if (is_measure(key, value)) buffer_printf(out, ",%s", key);
  }
  buffer_printf(out, "\n");
}

static void put_band(Buffer *out, const json_t *lists, size_t k) {
  static const char *const parts[] = {"mean", "low", "high"};
  for (int i = 0; i < 3; i++) csv_number(out, number_of(json_array_get(json_object_get(lists, parts[i]), k)));
}

static void put_curves(Buffer *out, const json_t *arm) {
  const char *unit, *measure;
  json_t *curves, *lists;
  json_object_foreach(json_object_get(arm, "curves"), unit, curves) {
    const json_t *budget = json_object_get(curves, "budget");
    json_object_foreach(curves, measure, lists) {
      for (size_t k = 0; lists != budget && k < json_array_size(budget); k++) {
        csv_text(out, field_text(arm, "name"));
        buffer_printf(out, ",%s", unit);
        csv_number(out, number_of(json_array_get(budget, k)));
        buffer_printf(out, ",%s", measure);
        put_band(out, lists, k);
        buffer_printf(out, "\n");
      }
    }
  }
}

static void put_search(Buffer *out, const json_t *arm) {
  size_t c, v;
  const json_t *curve, *visits;
  json_array_foreach(json_object_get(json_object_get(arm, "search"), "checkpoints"), c, curve)
      json_array_foreach(json_object_get(curve, "visits"), v, visits) {
    csv_text(out, field_text(arm, "name"));
    csv_number(out, field_number(curve, "checkpoint"));
    csv_number(out, number_of(visits));
    put_band(out, json_object_get(curve, "elo"), v);
    put_band(out, json_object_get(curve, "value_kept"), v);
    buffer_printf(out, "\n");
  }
}

void compare_write_csv(const json_t *result, const char *folder) {
  Buffer points = {0}, curves = {0}, search = {0};
  const json_t *arm, *run, *point;
  size_t a, r, p;
  buffer_printf(&curves, "arm,unit,budget,measure,mean,low,high\n");
  buffer_printf(&search,
                "arm,checkpoint,visits,elo,elo_low,elo_high,value_kept,value_kept_low,value_kept_high\n");
  json_array_foreach(json_object_get(result, "arms"), a, arm) {
    json_array_foreach(json_object_get(arm, "runs"), r, run)
        json_array_foreach(json_object_get(run, "points"), p, point) {
      if (!points.size) put_point_head(&points, point);
      put_point(&points, arm, run, point);
    }
    put_curves(&curves, arm);
    put_search(&search, arm);
  }
  export_make_folder(folder);
  export_write(folder, "points.csv", &points);
  export_write(folder, "curves.csv", &curves);
  export_write(folder, "search.csv", &search);
}

static void write_events(const json_t *run, const char *folder) {
  TensorBoard events = tensorboard_new();
  const json_t *point;
  size_t p;
  json_array_foreach(json_object_get(run, "points"), p, point) {
    const char *key;
    json_t *value;
    double seconds = field_number(json_object_get(point, "cost"), "cpu_seconds");
    json_object_foreach((json_t *)point, key, value) {
      char tag[80];
      if (!is_measure(key, value)) continue;
      snprintf(tag, sizeof tag, "compare/%s", key);
      tensorboard_scalar(&events, tag, json_integer_value(json_object_get(point, "network")), seconds,
                         number_of(value));
    }
  }
  export_events(folder, field_text(run, "run"), &events);
}

void compare_write_tensorboard(const json_t *result, const char *folder) {
  const json_t *arm, *run;
  size_t a, r;
  export_make_folder(folder);
  json_array_foreach(json_object_get(result, "arms"), a, arm)
      json_array_foreach(json_object_get(arm, "runs"), r, run) write_events(run, folder);
}
