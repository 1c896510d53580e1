/* Networks that a run of tic-tac-toe has left. */
#ifndef TESTS_NETWORKS_H
#define TESTS_NETWORKS_H

#include <stdint.h>

/* net_hash() of networks/ITERATION.net in the run's folder; the test fails where that cannot be loaded. */
uint32_t network_hash(const char *folder, int iteration);

#endif
