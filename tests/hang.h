/* Seconds after which a test counts as hung and fails: far beyond what the slowest one takes on a busy
 * machine. */
#ifndef TESTS_HANG_H
#define TESTS_HANG_H

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { HANG_SECONDS = 1800 };
#else
enum { HANG_SECONDS = 300 };
#endif

#endif
