/* The version that this build calls itself. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* What git said when it was built, as "3f2a91c"; "unknown" outside a checkout. Static storage. */
const char *version_text(void);

#endif
