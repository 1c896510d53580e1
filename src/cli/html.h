/* Text in HTML. */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include "base/file.h"

/* Appends text that came from outside (names of runs, files, settings), so that it is shown and never read as
 * markup, in an element or in a quoted attribute. */
void html_put_text(Buffer *out, const char *text);

#endif
