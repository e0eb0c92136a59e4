// SPDX-License-Identifier: GPL-3.0-or-later
// Residues modulo primes below 2^30: the arithmetic of kernels/src/ring/modulus.rs, one lane a thread.
#pragma once

#ifdef DREAM_HOST_SHIM
#include "host/shim.h"
#else
#define DREAM_SHARED(name) extern __shared__ unsigned int name[]
#define DREAM_KERNEL extern "C" __global__
// At most 512 threads a block, so that the registers fit.
#define DREAM_BLOCK_KERNEL extern "C" __global__ __launch_bounds__(512)
#endif

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// What a kernel knows of a limb. As in `NttTable`: prime, 1/N, twiddle 1 over N (each with its Shoup quotient), Barrett's shift
// and constant, and 2^width, the plaintext modulus. 2p is read, not computed: the compiler would compute it anew for each use.
struct Limb {
    u32 p, two_p;
    u32 scale, scale_quotient;
    u32 first, first_quotient;
    u32 bits, mu;
    u32 t, t_quotient;
};

// min(a, a - b): takes b off where a is at least b.
__device__ __forceinline__ u32 trim(u32 a, u32 b) { return min(a, a - b); }

// a w mod p in [0, 2p) for any a.
__device__ __forceinline__ u32 mul_shoup(u32 a, u32 w, u32 quotient, u32 p) {
    return a * w - __umulhi(a, quotient) * p;
}

// a b for residues, below 3p (Barrett).
__device__ __forceinline__ u32 mul_lazy(u32 a, u32 b, const Limb &m) {
    u64 product = (u64)a * b;
    u32 quotient = (u32)(((product >> (m.bits - 1)) * m.mu) >> (m.bits + 1));
    return (u32)product - quotient * m.p;
}

// Brings a value below 4p into [0, p).
__device__ __forceinline__ u32 reduce4(u32 a, const Limb &m) { return trim(trim(a, m.two_p), m.p); }

// Residue of a signed 64-bit value, in words of bits - 1 bits, without a branch on the value.
__device__ __forceinline__ u32 from_i64(i64 a, const Limb &m) {
    u64 sign = (u64)(a >> 63);
    u64 magnitude = ((u64)a ^ sign) - sign;
    u32 low = m.bits - 1;
    u32 residue = 0;
    for (int left = (63 + low) / low - 1; left >= 0; left--) {
        u32 word = (u32)(magnitude >> (left * low)) & ((1u << low) - 1);
        residue = trim(reduce4(mul_lazy(residue, 1u << low, m), m) + word, m.p);
    }
    u32 negated = min(0u - residue, m.p - residue);
    return (residue & ~(u32)sign) | (negated & (u32)sign);
}
