// SPDX-License-Identifier: GPL-3.0-or-later
// Entry-by-entry arithmetic and sampling over a batch of rows as in ntt.cu.
#include "ring.cuh"

// Index of this thread's item; the caller checks it against the number of items.
__device__ __forceinline__ u64 thread_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }

// What a thread of the arithmetic kernels takes: four words of one row, in one transaction. Rows are multiples of 1024 words and
// buffers begin at multiples of 16 bytes.
struct alignas(16) Four {
    u32 at[4];
};

__device__ __forceinline__ Four &four(u32 *words, u64 i) { return reinterpret_cast<Four *>(words)[i]; }
__device__ __forceinline__ const Four &four(const u32 *words, u64 i) { return reinterpret_cast<const Four *>(words)[i]; }

// Number of the limb that the thread's four words belong to.
__device__ __forceinline__ u32 limb_of(u64 i, u32 limb_count, u32 log_degree) { return (u32)(4 * i >> log_degree) % limb_count; }

// a += b
DREAM_KERNEL void residues_add(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const u32 p = limbs[limb_of(i, limb_count, log_degree)].p;
    Four x = four(a, i);
    const Four y = four(b, i);
#pragma unroll
    for (int j = 0; j < 4; j++) x.at[j] = trim(x.at[j] + y.at[j], p);
    four(a, i) = x;
}

// a -= b
DREAM_KERNEL void residues_sub(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const u32 p = limbs[limb_of(i, limb_count, log_degree)].p;
    Four x = four(a, i);
    const Four y = four(b, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        const u32 difference = x.at[j] - y.at[j];
        x.at[j] = min(difference, difference + p);
    }
    four(a, i) = x;
}

// a *= b
DREAM_KERNEL void residues_mul(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const Limb m = limbs[limb_of(i, limb_count, log_degree)];
    Four x = four(a, i);
    const Four y = four(b, i);
#pragma unroll
    for (int j = 0; j < 4; j++) x.at[j] = reduce4(mul_lazy(x.at[j], y.at[j], m), m);
    four(a, i) = x;
}

// sum += a b
DREAM_KERNEL void residues_mul_add(u32 *sum, const u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree,
                                   u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const Limb m = limbs[limb_of(i, limb_count, log_degree)];
    Four s = four(sum, i);
    const Four x = four(a, i), y = four(b, i);
#pragma unroll
    for (int j = 0; j < 4; j++) s.at[j] = reduce4(mul_lazy(x.at[j], y.at[j], m) + s.at[j], m);
    four(sum, i) = s;
}

// a *= factor; `factors` holds the factor's residue and its Shoup quotient, limb after limb.
DREAM_KERNEL void residues_scale(u32 *a, const u32 *factors, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const u32 limb = limb_of(i, limb_count, log_degree), p = limbs[limb].p;
    const u32 factor = factors[2 * limb], quotient = factors[2 * limb + 1];
    Four x = four(a, i);
#pragma unroll
    for (int j = 0; j < 4; j++) x.at[j] = trim(mul_shoup(x.at[j], factor, quotient, p), p);
    four(a, i) = x;
}

// Sum of `count` batches of `words` words that lie one after another: each is read once.
DREAM_KERNEL void residues_sum(u32 *out, const u32 *terms, u32 count, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = thread_index();
    if (4 * i >= words) return;
    const u32 p = limbs[limb_of(i, limb_count, log_degree)].p;
    Four sum = four(terms, i);
#pragma unroll 4
    for (u32 term = 1; term < count; term++) {
        const Four x = four(terms, term * (words / 4) + i);
#pragma unroll
        for (int j = 0; j < 4; j++) sum.at[j] = trim(sum.at[j] + x.at[j], p);
    }
    four(out, i) = sum;
}

// A place of kernels/src/sample: what the nonce says but for limb and polynomial.
struct Place {
    u32 purpose, segment, round, polynomial;
};

__device__ __forceinline__ u32 rotate(u32 x, int n) { return (x << n) | (x >> (32 - n)); }

__device__ __forceinline__ void quarter(u32 &a, u32 &b, u32 &c, u32 &d) {
    a += b, d = rotate(d ^ a, 16);
    c += d, b = rotate(b ^ c, 12);
    a += b, d = rotate(d ^ a, 8);
    c += d, b = rotate(b ^ c, 7);
}

// Block `counter` of a place under a seed of eight words: sixteen words (RFC 8439).
__device__ __forceinline__ void chacha20(u32 (&out)[16], const u32 *seed, u32 counter, const Place &place, u32 limb, u32 polynomial) {
    u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
#pragma unroll
    for (int i = 0; i < 8; i++) start[4 + i] = seed[i];
    start[12] = counter;
    start[13] = place.purpose | limb << 8 | place.segment << 16;
    start[14] = place.round;
    start[15] = polynomial;
#pragma unroll
    for (int i = 0; i < 16; i++) out[i] = start[i];
#pragma unroll
    for (int i = 0; i < 10; i++) {
        quarter(out[0], out[4], out[8], out[12]);
        quarter(out[1], out[5], out[9], out[13]);
        quarter(out[2], out[6], out[10], out[14]);
        quarter(out[3], out[7], out[11], out[15]);
        quarter(out[0], out[5], out[10], out[15]);
        quarter(out[1], out[6], out[11], out[12]);
        quarter(out[2], out[7], out[8], out[13]);
        quarter(out[3], out[4], out[9], out[14]);
    }
#pragma unroll
    for (int i = 0; i < 16; i++) out[i] += start[i];
}

// The residue of the 64-bit word `high` 2^32 + `low`: floor(word p / 2^64).
__device__ __forceinline__ u32 uniform_residue(u32 low, u32 high, u64 p) { return (u32)((high * p + (low * p >> 32)) >> 32); }

// Eight words of a row, which is what a block of the stream gives, in two transactions.
struct Eight {
    u32 at[8];

    __device__ __forceinline__ static Eight load(const u32 *words) {
        const Four low = four(words, 0), high = four(words, 1);
        return {{low.at[0], low.at[1], low.at[2], low.at[3], high.at[0], high.at[1], high.at[2], high.at[3]}};
    }

    __device__ __forceinline__ void store(u32 *words) const {
        four(words, 0) = {{at[0], at[1], at[2], at[3]}};
        four(words, 1) = {{at[4], at[5], at[6], at[7]}};
    }
};

// The uniform polynomials of polynomial, polynomial + 1, ..: every thread one block of the stream, eight residues.
DREAM_KERNEL void sample_uniform(u32 *out, const u32 *seed, Place place, const Limb *limbs, u32 limb_count, u32 log_degree,
                                 u64 words) {
    const u64 first = thread_index() * 8;
    if (first >= words) return;
    const u32 row = (u32)(first >> log_degree), limb = row % limb_count;
    const u32 counter = (u32)(first & ((1u << log_degree) - 1)) / 8;
    const u64 p = limbs[limb].p;
    u32 block[16];
    chacha20(block, seed, counter, place, limb, place.polynomial + row / limb_count);
    Eight a;
#pragma unroll
    for (int i = 0; i < 8; i++) a.at[i] = uniform_residue(block[2 * i], block[2 * i + 1], p);
    a.store(out + first);
}

// sum += a key, with a the uniform polynomials of sample_uniform, which are never written down, and one key for all of them.
DREAM_KERNEL void uniform_mul_add(u32 *sum, const u32 *key, const u32 *seed, Place place, const Limb *limbs, u32 limb_count,
                                  u32 log_degree, u64 words) {
    const u64 first = thread_index() * 8;
    if (first >= words) return;
    const u32 row = (u32)(first >> log_degree), limb = row % limb_count;
    const u32 at = (u32)(first & ((1u << log_degree) - 1));
    const Limb m = limbs[limb];
    u32 block[16];
    chacha20(block, seed, at / 8, place, limb, place.polynomial + row / limb_count);
    const Eight factors = Eight::load(key + ((u64)limb << log_degree) + at);
    Eight s = Eight::load(sum + first);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const u32 a = uniform_residue(block[2 * i], block[2 * i + 1], m.p);
        s.at[i] = reduce4(mul_lazy(a, factors.at[i], m) + s.at[i], m);
    }
    s.store(sum + first);
}

// Centred binomial: ones of eta bits less ones of eta others.
struct Binomial {
    u32 eta;

    __device__ __forceinline__ int operator()(u64 word) const {
        const u64 mask = (1ull << eta) - 1;
        return __popcll(word & mask) - __popcll(word >> eta & mask);
    }
};

// Discrete Gaussian: bit 63 is the sign, the others are compared with every threshold.
struct Gaussian {
    const u64 *thresholds;
    u32 count;

    __device__ __forceinline__ int operator()(u64 word) const {
        const u64 uniform = word & ~0ull >> 1;
        int magnitude = 0;
        for (u32 i = 0; i < count; i++) magnitude += 1 ^ (int)((uniform - thresholds[i]) >> 63);
        const int sign = (int)(word >> 63);
        return (magnitude ^ -sign) + sign;
    }
};

#define ENCODE_PARAMETERS                                                                                                \
    const Limb *limbs, u32 limb_count, u32 log_degree, u64 coefficients, u32 *out, const i64 *packed, const u32 *seeds,  \
        Place place
#define ENCODE_ARGUMENTS limbs, limb_count, log_degree, coefficients, out, packed, seeds, place

// m + t e in residues, for packed plaintexts m of N words a polynomial and errors e; each polynomial has a seed of its own. Every
// thread makes eight coefficients in all limbs, so that the errors are drawn once.
template <class Distribution>
__device__ __forceinline__ void encode(ENCODE_PARAMETERS, const Distribution &draw) {
    const u64 first = thread_index() * 8;
    if (first >= coefficients) return;
    const u32 row = (u32)(first >> log_degree);
    const u32 at = (u32)(first & ((1u << log_degree) - 1));
    u32 block[16];
    chacha20(block, seeds + 8 * (u64)row, at / 8, place, 0xFF, place.polynomial + row);
    int e[8];
#pragma unroll
    for (int i = 0; i < 8; i++) e[i] = draw((u64)block[2 * i + 1] << 32 | block[2 * i]);
    for (u32 limb = 0; limb < limb_count; limb++) {
        const Limb m = limbs[limb];
        Eight x;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const u32 residue = (u32)e[i] + (m.p & (u32)(e[i] >> 31));
            const u32 scaled = trim(mul_shoup(residue, m.t, m.t_quotient, m.p), m.p);
            x.at[i] = trim(from_i64(packed[first + i], m) + scaled, m.p);
        }
        x.store(out + (((u64)row * limb_count + limb) << log_degree) + at);
    }
}

DREAM_KERNEL void encode_with_binomial(ENCODE_PARAMETERS, u32 eta) { encode(ENCODE_ARGUMENTS, Binomial{eta}); }

DREAM_KERNEL void encode_with_gaussian(ENCODE_PARAMETERS, const u64 *thresholds, u32 count) {
    encode(ENCODE_ARGUMENTS, Gaussian{thresholds, count});
}
