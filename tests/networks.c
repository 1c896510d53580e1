#include "networks.h"

#include "base/file.h"
#include "net/net.h"

#include <criterion/criterion.h>
#include <stdio.h>

uint32_t network_hash(const char *folder, int iteration) {
  char path[FILE_PATH_MAX];
  Error err;
  snprintf(path, sizeof path, "%s/networks/%05d.net", folder, iteration);
  Net *net = net_load(path, NULL, NULL, NULL, &err);
  cr_assert(net, "%s", err.message);
  uint32_t hash = net_hash(net);
  net_free(net);
  return hash;
}
