/* Seconds after which a test counts as hung and fails: far beyond what the slowest one takes on a busy
 * machine under AddressSanitizer. */
#ifndef TESTS_HANG_H
#define TESTS_HANG_H

enum { HANG_SECONDS = 300 };

#endif
