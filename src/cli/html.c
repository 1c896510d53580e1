#include "cli/html.h"

#include <string.h>

void html_put_text(Buffer *out, const char *text) {
  for (const char *at = text; *at; at++) switch (*at) {
    case '&':
      buffer_printf(out, "&amp;");
      break;
    case '<':
      buffer_printf(out, "&lt;");
      break;
    case '>':
      buffer_printf(out, "&gt;");
      break;
    case '"':
      buffer_printf(out, "&quot;");
      break;
    default:
      buffer_put(out, at, 1);
    }
}
