/* Run-time dispatch for hot loops: the compiler makes one copy of the function per level and the loader
 * picks. The rest of the program is compiled for the family's baseline, so a binary runs on any x86-64. */
#ifndef BASE_SIMD_H
#define BASE_SIMD_H

#include <stdbool.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                \
    !defined(NET_REAL_DOUBLE)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIMD_CLONES
#endif
#endif
#ifndef SIMD_CLONES
#define SIMD_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
#else
/* Sanitizers instrument the resolvers that run before their runtime is ready. The layers in double precision
 * are for tests, and clang 14 exports the resolvers of both copies under one name. */
#define SIMD_CLONES
#endif

/* Not every compiler in use knows the name of AVX-VNNI in __builtin_cpu_supports(). */
bool simd_has_avx_vnni(void);
/* The vector features of this CPU that matter here, as in "avx2 fma avx512f avx512vnni". Static storage. */
const char *simd_features(void);

#endif
