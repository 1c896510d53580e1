#include "cli/markup.h"

#include <string.h>

static void put_character(Buffer *out, char c) {
  const char *name = c == '&'    ? "&amp;"
                     : c == '<'  ? "&lt;"
                     : c == '>'  ? "&gt;"
                     : c == '"'  ? "&quot;"
                     : c == '\'' ? "&#39;"
                                 : NULL;
  if (name)
    buffer_put(out, name, strlen(name));
  else if ((unsigned char)c < ' ' || c == 127)
    buffer_put(out, " ", 1);
  else
    buffer_put(out, &c, 1);
}

void markup_text(Buffer *out, const char *text) {
  for (; *text; text++) put_character(out, *text);
}

void markup_prose(Buffer *out, const char *text) {
  bool code = false;
  for (; *text; text++) {
    if (*text != '`') {
      put_character(out, *text);
      continue;
    }
    code = !code;
    buffer_printf(out, code ? "<code>" : "</code>");
  }
  if (code) buffer_printf(out, "</code>");
}
