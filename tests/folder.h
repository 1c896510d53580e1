/* Empty folders of a test's own. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

enum { FOLDER_MAX = 64 };

/* Makes one and writes its path into path[FOLDER_MAX]. */
void folder_make(char *path);
/* Removes it and all that is in it. */
void folder_remove(const char *path);

#endif
