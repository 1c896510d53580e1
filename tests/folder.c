#include "folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void folder_make(char *path) {
  strcpy(path, "/tmp/selfplay-test-XXXXXX");
  cr_assert(mkdtemp(path));
}

void folder_remove(const char *path) {
  char command[FOLDER_MAX + 16];
  snprintf(command, sizeof command, "rm -rf '%s'", path);
  cr_assert_eq(system(command), 0);
}
