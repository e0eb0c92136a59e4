// SPDX-License-Identifier: GPL-3.0-or-later
// All kernels in one translation unit: `make cuda` compiles it to rlwe.fatbin.
#include "elementwise.cu"
#include "ntt.cu"
