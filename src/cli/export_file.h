/* Files of numbers for other programs: folders, TensorBoard's events, and CSV as RFC 4180 wants it. What
 * cannot be written ends the program with a line that says why. */
#ifndef CLI_EXPORT_FILE_H
#define CLI_EXPORT_FILE_H

#include "cli/tensorboard.h"

/* Also before the work whose numbers it is for. NULL: nothing is asked for. */
void export_make_folder(const char *folder);
void export_join(char path[FILE_PATH_MAX], const char *folder, const char *name);
/* Writes the buffer as folder/name and frees it. */
void export_write(const char *folder, const char *name, Buffer *text);

/* Writes the events of one run as a file in folder/run, where TensorBoard looks for it, and frees them. */
void export_events(const char *folder, const char *run, TensorBoard *events);

/* Appends a field, quoted where it must be. */
void csv_text(Buffer *out, const char *text);
/* Appends a comma and the number; nothing behind the comma where it is not finite. */
void csv_number(Buffer *out, double value);

#endif
