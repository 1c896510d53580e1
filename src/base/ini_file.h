/* Files of `key = value` lines in [sections], with `#` and `;` comments. libinih takes a line apart; which
 * line it is, how long comments may be and what follows a mistake (nothing) is settled here. */
#ifndef BASE_INI_FILE_H
#define BASE_INI_FILE_H

#include "base/error.h"

/* One line of the file: the section it stands in ("" above the first), its key, and its value without the
 * comment and blanks behind it. Where a section begins, it is called with key and value NULL. False with a
 * message ends the reading. */
typedef bool IniLine(void *user, const char *section, const char *key, const char *value, Error *err);

/* Reads the file; false with a message that names the file and the line. */
bool ini_file_read(const char *path, IniLine *line, void *user, Error *err);

#endif
