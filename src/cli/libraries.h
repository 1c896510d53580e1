/* What OpenBLAS and the OpenMP library read from the environment before main() runs, and choose badly by
 * themselves. */
#ifndef CLI_LIBRARIES_H
#define CLI_LIBRARIES_H

#include <stdbool.h>

/* Makes OpenBLAS use this CPU's wide vectors where an older OpenBLAS does not know the CPU, and one thread a
 * product where it was built with threads of its own; and lets threads that wait for each other sleep. May
 * restart the program (same arguments, more environment variables); call it first in main(). Whoever sets
 * OPENBLAS_CORETYPE, or OMP_WAIT_POLICY or GOMP_SPINCOUNT, has the last word. */
void libraries_set_up(char **argv);

/* Whom to name in OPENBLAS_CORETYPE on a CPU with these features where OpenBLAS has chosen `core` by itself;
 * NULL where its choice is as good. */
const char *libraries_better_core(const char *core, bool avx2, bool avx512);

#endif
