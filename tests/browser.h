/* Pages opened in headless Chromium, where there is one. */
#ifndef TESTS_BROWSER_H
#define TESTS_BROWSER_H

#include "base/file.h"

#define BROWSER_MISSING                                                                                      \
  "no chromium here (Debian: apt-get install chromium), so the page was not opened in a browser"

/* Its path; NULL where there is none. */
const char *browser_find(void);
/* The document as the browser has it after loading folder/page, and what it logged; both NUL-terminated. No
 * host name resolves. */
void browser_open(const char *browser, const char *folder, const char *page, Buffer *dom, Buffer *log);
/* Asserts that a page which asks for something outside is seen doing so in the log. */
void browser_check_log(const char *browser, const char *folder);

#endif
