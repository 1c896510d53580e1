#include "browser.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char *browser_find(void) {
  static const char *const names[] = {"chromium", "chromium-browser", "google-chrome",
                                      "google-chrome-stable"};
  static char path[FILE_PATH_MAX];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char command[64];
    snprintf(command, sizeof command, "command -v %s", names[i]);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    bool found = fgets(path, sizeof path, pipe) != NULL;
    found = pclose(pipe) == 0 && found;
    path[strcspn(path, "\n")] = 0;
    if (found) return path;
  }
  return NULL;
}

void browser_open(const char *browser, const char *folder, const char *page, Buffer *dom, Buffer *log) {
  char text[2 * FILE_PATH_MAX];
  snprintf(text, sizeof text,
           "timeout 120 %s --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
           "--disable-background-networking --disable-component-update --disable-sync "
           "--host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir=%s/profile --enable-logging=stderr "
           "--dump-dom file://%s/%s >%s/dom 2>%s/log",
           browser, folder, folder, page, folder, folder);
  int status = system(text);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with %d", browser, status);
  Error err;
  snprintf(text, sizeof text, "%s/dom", folder);
  cr_assert(file_read(text, dom, &err), "%s", err.message);
  snprintf(text, sizeof text, "%s/log", folder);
  cr_assert(file_read(text, log, &err), "%s", err.message);
  buffer_put(dom, "", 1);
  buffer_put(log, "", 1);
}

void browser_check_log(const char *browser, const char *folder) {
  static const char control[] =
      "<!doctype html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">"
      "<img src=\"http://control.invalid/x.png\"><p>control";
  char path[FILE_PATH_MAX];
  Buffer dom = {0}, log = {0};
  Error err;
  snprintf(path, sizeof path, "%s/control.html", folder);
  cr_assert(file_write(path, control, strlen(control), &err), "%s", err.message);
  browser_open(browser, folder, "control.html", &dom, &log);
  cr_assert(strstr((char *)log.data, "CONSOLE") && strstr((char *)log.data, "control.invalid"), "%s",
            (char *)log.data);
  buffer_free(&dom), buffer_free(&log);
}
