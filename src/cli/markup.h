/* Text inside HTML and SVG. */
#ifndef CLI_MARKUP_H
#define CLI_MARKUP_H

#include "base/file.h"

/* Appends the text with & < > " ' escaped and control characters as spaces: safe between tags and in quoted
 * attributes. */
void markup_text(Buffer *out, const char *text);
/* The same, but `text between backquotes` becomes <code>. */
void markup_prose(Buffer *out, const char *text);

#endif
