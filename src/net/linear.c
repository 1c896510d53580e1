#include "net/layers.h"

#include <string.h>

void linear_forward(const real *x, const real *weight, const real *bias, int batch, int in, int out,
                    real *y) {
  for (int i = 0; i < batch; i++) memcpy(y + (size_t)i * (size_t)out, bias, (size_t)out * sizeof *y);
  real_gemm(CblasNoTrans, CblasTrans, batch, out, in, x, in, weight, in, 1, y, out);
}

void linear_backward(const real *x, const real *weight, const real *dy, int batch, int in, int out, real *dx,
                     real *dweight, real *dbias) {
  real_gemm(CblasNoTrans, CblasNoTrans, batch, in, out, dy, out, weight, in, 0, dx, in);
  real_gemm(CblasTrans, CblasNoTrans, out, in, batch, dy, out, x, in, 1, dweight, in);
  for (int i = 0; i < batch; i++) {
    for (int o = 0; o < out; o++) dbias[o] += dy[(size_t)i * (size_t)out + (size_t)o];
  }
}
