// SPDX-License-Identifier: GPL-3.0-or-later
// Entry-by-entry arithmetic and sampling over a batch of rows as in ntt.cu.
#include "ring.cuh"

// Index of this thread's word; the caller checks it against the number of words.
__device__ __forceinline__ u64 word_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }

__device__ __forceinline__ const Limb &limb_at(const Limb *limbs, u64 index, u32 limb_count, u32 log_degree) {
    return limbs[(u32)(index >> log_degree) % limb_count];
}

// a += b
DREAM_KERNEL void residues_add(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = word_index();
    if (i >= words) return;
    a[i] = trim(a[i] + b[i], limb_at(limbs, i, limb_count, log_degree).p);
}

// a -= b
DREAM_KERNEL void residues_sub(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = word_index();
    if (i >= words) return;
    const u32 difference = a[i] - b[i];
    a[i] = min(difference, difference + limb_at(limbs, i, limb_count, log_degree).p);
}

// a *= b
DREAM_KERNEL void residues_mul(u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree, u64 words) {
    const u64 i = word_index();
    if (i >= words) return;
    const Limb m = limb_at(limbs, i, limb_count, log_degree);
    a[i] = reduce4(mul_lazy(a[i], b[i], m), m.p);
}

// sum += a b
DREAM_KERNEL void residues_mul_add(u32 *sum, const u32 *a, const u32 *b, const Limb *limbs, u32 limb_count, u32 log_degree,
                                   u64 words) {
    const u64 i = word_index();
    if (i >= words) return;
    const Limb m = limb_at(limbs, i, limb_count, log_degree);
    sum[i] = reduce4(mul_lazy(a[i], b[i], m) + sum[i], m.p);
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

// The uniform polynomials of polynomial, polynomial + 1, ..: every thread one block of the stream, eight residues.
DREAM_KERNEL void sample_uniform(u32 *out, const u32 *seed, Place place, const Limb *limbs, u32 limb_count, u32 log_degree,
                                 u64 words) {
    const u64 first = word_index() * 8;
    if (first >= words) return;
    const u32 row = (u32)(first >> log_degree), limb = row % limb_count;
    const u32 counter = (u32)(first & ((1u << log_degree) - 1)) / 8;
    const u64 p = limbs[limb].p;
    u32 block[16];
    chacha20(block, seed, counter, place, limb, place.polynomial + row / limb_count);
#pragma unroll
    for (int i = 0; i < 8; i++) out[first + i] = (u32)((block[2 * i + 1] * p + (block[2 * i] * p >> 32)) >> 32);
}

// m + t e in residues, for packed plaintexts m of N words a polynomial and centred binomial errors e; each polynomial has a seed
// of its own. Every thread makes eight coefficients in all limbs, so that the errors are drawn once.
DREAM_KERNEL void encode_with_errors(u32 *out, const i64 *packed, const u32 *seeds, Place place, u32 eta, const Limb *limbs,
                                     u32 limb_count, u32 log_degree, u64 coefficients) {
    const u64 first = word_index() * 8;
    if (first >= coefficients) return;
    const u32 row = (u32)(first >> log_degree);
    const u32 at = (u32)(first & ((1u << log_degree) - 1));
    u32 block[16];
    chacha20(block, seeds + 8 * (u64)row, at / 8, place, 0xFF, place.polynomial + row);
    const u64 mask = (1ull << eta) - 1;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const u64 word = (u64)block[2 * i + 1] << 32 | block[2 * i];
        const int e = __popcll(word & mask) - __popcll(word >> eta & mask);
        for (u32 limb = 0; limb < limb_count; limb++) {
            const Limb m = limbs[limb];
            const u32 residue = (u32)e + (m.p & (u32)(e >> 31));
            const u32 scaled = trim(mul_shoup(residue, m.t, m.t_quotient, m.p), m.p);
            const u64 to = ((u64)row * limb_count + limb) << log_degree;
            out[to + at + i] = trim(from_i64(packed[first + i], m) + scaled, m.p);
        }
    }
}
