#include "program.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tests run from a folder of their own: (void)chdir is undone by the end of Criterion's process. */
static char program[FILE_PATH_MAX], folder[] = "/tmp/selfplay-cli-XXXXXX";

void program_enter(void) {
  const char *named = getenv("SELFPLAY_BIN");
  cr_assert(realpath(named ? named : "build/selfplay", program), "SELFPLAY_BIN names no program");
  cr_assert_eq(setenv("PROGRAM", program, 1), 0);
  cr_assert(mkdtemp(folder));
  cr_assert_eq(chdir(folder), 0);
}

void program_leave(void) {
  char command[sizeof folder + 16];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  cr_assert_eq(chdir("/"), 0);
  cr_assert_eq(system(command), 0);
}

char *program_slurp(const char *path) {
  Buffer buffer = {0};
  Error err;
  cr_assert(file_read(path, &buffer, &err), "%s", err.message);
  buffer_put(&buffer, "", 1);
  return (char *)buffer.data;
}

ProgramResult program_run(const char *input, const char *arguments) {
  Buffer command = {0};
  Error err;
  cr_assert(file_write("in", input, strlen(input), &err), "%s", err.message);
  buffer_printf(&command, "'%s' %s <in >out 2>err", program, arguments);
  buffer_put(&command, "", 1);
  int status = system((const char *)command.data);
  buffer_free(&command);
  return (ProgramResult){WIFEXITED(status) ? WEXITSTATUS(status) : -1, program_slurp("out"),
                         program_slurp("err")};
}

void program_free(ProgramResult result) {
  free(result.out);
  free(result.err);
}

void program_refuses(const char *input, const char *arguments, int code, const char *words) {
  ProgramResult result = program_run(input, arguments);
  cr_assert_eq(result.code, code, "%s: exit %d: %s", arguments, result.code, result.err);
  cr_assert_str_empty(result.out, "%s", arguments);
  cr_assert_eq(strncmp(result.err, "selfplay: ", 10), 0, "%s: %s", arguments, result.err);
  cr_assert_eq(strchr(result.err, '\n'), result.err + strlen(result.err) - 1, "%s: not one line: %s",
               arguments, result.err);
  cr_assert(strstr(result.err, words), "%s: no '%s' in: %s", arguments, words, result.err);
  program_free(result);
}

json_t *program_json(const char *arguments) {
  ProgramResult result = program_run("", arguments);
  json_error_t error;
  cr_assert_eq(result.code, 0, "%s: %s", arguments, result.err);
  json_t *root = json_loads(result.out, 0, &error);
  cr_assert(root, "%s: %s in: %s", arguments, error.text, result.out);
  program_free(result);
  return root;
}

void program_train(const char *arguments) {
  Buffer line = {0};
  buffer_printf(&line, "%s" PROGRAM_TINY, arguments);
  buffer_put(&line, "", 1);
  ProgramResult result = program_run("", (const char *)line.data);
  cr_assert_eq(result.code, 0, "%s", result.err);
  buffer_free(&line);
  program_free(result);
}
