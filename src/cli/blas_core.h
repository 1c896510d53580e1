/* Makes OpenBLAS use this CPU's wide vectors where an older OpenBLAS does not know the CPU, and one thread a
 * product where it was built with threads of its own. */
#ifndef CLI_BLAS_CORE_H
#define CLI_BLAS_CORE_H

#include <stdbool.h>

/* Whom to name in OPENBLAS_CORETYPE on a CPU with these features where OpenBLAS has chosen `core` by itself;
 * NULL where its choice is as good. */
const char *blas_core_better(const char *core, bool avx2, bool avx512);
/* May restart the program (same arguments, one more environment variable); call it first in main(). */
void blas_core_choose(char **argv);

#endif
