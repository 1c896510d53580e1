/* The number type of the layers. They are compiled twice: in single precision for use, and with
 * -DNET_REAL_DOUBLE for tests, where finite differences need the digits. The double build's functions carry
 * the suffix _f64, so that both live in one program. */
#ifndef NET_REAL_H
#define NET_REAL_H

#include <cblas.h>
#include <stdint.h>

#ifdef NET_REAL_DOUBLE
typedef double real;
typedef int64_t RealMask; /* as wide as a real, so that masking vectorises */
#define REAL_GEMM cblas_dgemm
#define conv_scratch_new conv_scratch_new_f64
#define conv_scratch_free conv_scratch_free_f64
#define conv3_forward conv3_forward_f64
#define conv3_backward conv3_backward_f64
#define conv1_forward conv1_forward_f64
#define conv1_backward conv1_backward_f64
#define batchnorm_statistics batchnorm_statistics_f64
#define batchnorm_forward batchnorm_forward_f64
#define batchnorm_backward batchnorm_backward_f64
#define relu_forward relu_forward_f64
#define relu_backward relu_backward_f64
#define linear_forward linear_forward_f64
#define linear_backward linear_backward_f64
#define policy_loss policy_loss_f64
#define value_loss value_loss_f64
#define plies_loss plies_loss_f64
#define reply_loss reply_loss_f64
#define output_backward output_backward_f64
#define value_softmax value_softmax_f64
#define core_workspace_new core_workspace_new_f64
#define core_workspace_free core_workspace_free_f64
#define core_forward core_forward_f64
#define core_heads_forward core_heads_forward_f64
#define core_heads_backward core_heads_backward_f64
#define core_loss core_loss_f64
#define core_backward core_backward_f64
#else
typedef float real;
typedef int32_t RealMask;
#define REAL_GEMM cblas_sgemm
#endif

/* Row-major c[m][n] = a[m][k] b[k][n] + beta c, where a and b may each be stored transposed. */
static inline void real_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const real *a,
                             int lda, const real *b, int ldb, real beta, real *c, int ldc) {
  REAL_GEMM(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

#endif
