#include "cli/export_file.h"

#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void export_make_folder(const char *folder) {
  Error err;
  if (folder && !file_make_folder(folder, &err)) cli_fail_by(&err);
}

void export_join(char path[FILE_PATH_MAX], const char *folder, const char *name) {
  if (snprintf(path, FILE_PATH_MAX, "%s/%s", folder, name) >= FILE_PATH_MAX)
    cli_fail("%.80s...: the path is too long", folder);
}

void export_write(const char *folder, const char *name, Buffer *text) {
  char path[FILE_PATH_MAX];
  Error err;
  export_join(path, folder, name);
  if (!file_write(path, text->data, text->size, &err)) cli_fail_by(&err);
  buffer_free(text);
}

void export_events(const char *folder, const char *run, TensorBoard *events) {
  char path[FILE_PATH_MAX];
  export_join(path, folder, run);
  export_make_folder(path);
  Buffer bytes = tensorboard_finish(events);
  export_write(path, "events.out.tfevents.0000000000.selfplay", &bytes);
}

void csv_text(Buffer *out, const char *text) {
  if (!text[strcspn(text, ",\"\r\n")]) {
    buffer_printf(out, "%s", text);
    return;
  }
  buffer_printf(out, "\"");
  for (; *text; text++) buffer_printf(out, *text == '"' ? "\"\"" : "%c", *text);
  buffer_printf(out, "\"");
}

void csv_number(Buffer *out, double value) {
  buffer_printf(out, ",");
  if (isfinite(value)) buffer_printf(out, "%.9g", value);
}
