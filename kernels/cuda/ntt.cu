// SPDX-License-Identifier: GPL-3.0-or-later
// Negacyclic transforms over a batch: row r of N words is limb r % limbs of polynomial r / limbs. Twiddles are those of
// `NttTable`, limb after limb, so the results are the CPU's bit for bit.
//
// A transform is an inner kernel over blocks of at most 2^14 words in shared memory, preceded (forward) or followed (inverse)
// from N = 2^15 on by an outer kernel that does the first stages in registers. A block of the stage with `blocks` blocks
// has the index k in blocks..2 blocks; its halves are 2k and 2k + 1.
#include "ring.cuh"

// Spreads shared memory so that strides of a power of two meet different banks.
__device__ __forceinline__ u32 slot(u32 i) { return i + (i >> 5); }

struct Twiddles {
    const u32 *values;
    const u32 *quotients;
};

__device__ __forceinline__ void turn(u32 &x, u32 &y, u32 w, u32 quotient, u32 p) {
    u32 kept = trim(x, 2 * p);
    u32 turned = mul_shoup(y, w, quotient, p);
    x = kept + turned;
    y = kept + 2 * p - turned;
}

__device__ __forceinline__ void unturn(u32 &x, u32 &y, u32 w, u32 quotient, u32 p) {
    u32 difference = y + 2 * p - x;
    x = trim(x + y, 2 * p);
    y = mul_shoup(difference, w, quotient, p);
}

// LOG forward stages of block k on 2^LOG words.
template <int LOG>
__device__ __forceinline__ void forward_stages(u32 (&v)[1 << LOG], u32 k, const Twiddles &w, u32 p) {
#pragma unroll
    for (int level = 0; level < LOG; level++) {
        const int half = (1 << LOG) >> (level + 1);
#pragma unroll
        for (int i = 0; i < (1 << LOG) / 2; i++) {
            const int part = i / half, at = part * 2 * half + i % half;
            const u32 twiddle = (k << level) + part;
            turn(v[at], v[at + half], w.values[twiddle], w.quotients[twiddle], p);
        }
    }
}

// The inverse of forward_stages. Block k of the stage with `blocks` blocks takes the negated twiddle 3 blocks - 1 - k. With `last`
// k is 1 and the last stage scales by 1/N and reduces to [0, p).
template <int LOG>
__device__ __forceinline__ void inverse_stages(u32 (&v)[1 << LOG], u32 k, u32 blocks, const Twiddles &w, const Limb &m, bool last) {
#pragma unroll
    for (int level = LOG - 1; level >= 0; level--) {
        const int half = (1 << LOG) >> (level + 1);
#pragma unroll
        for (int i = 0; i < (1 << LOG) / 2; i++) {
            const int part = i / half, at = part * 2 * half + i % half;
            if (level == 0 && last) {
                u32 difference = v[at + half] + 2 * m.p - v[at];
                v[at] = trim(mul_shoup(v[at] + v[at + half], m.scale, m.scale_quotient, m.p), m.p);
                v[at + half] = trim(mul_shoup(difference, m.first, m.first_quotient, m.p), m.p);
            } else {
                const u32 twiddle = 3 * (blocks << level) - 1 - ((k << level) + part);
                unturn(v[at], v[at + half], w.values[twiddle], w.quotients[twiddle], m.p);
            }
        }
    }
}

// LOG stages over all parts of length `length` of a block of `words` words in shared memory; the block has index k.
template <int LOG>
__device__ void forward_shared(u32 *shared, u32 words, u32 length, u32 k, const Twiddles &w, u32 p) {
    const u32 stride = length >> LOG, parts = words / length;
    for (u32 i = threadIdx.x; i < words >> LOG; i += blockDim.x) {
        const u32 part = i / stride, base = part * length + i % stride;
        u32 v[1 << LOG];
#pragma unroll
        for (int j = 0; j < 1 << LOG; j++) v[j] = shared[slot(base + j * stride)];
        forward_stages<LOG>(v, k * parts + part, w, p);
#pragma unroll
        for (int j = 0; j < 1 << LOG; j++) shared[slot(base + j * stride)] = v[j];
    }
    __syncthreads();
}

template <int LOG>
__device__ void inverse_shared(u32 *shared, u32 words, u32 length, u32 k, u32 blocks, const Twiddles &w, const Limb &m) {
    const u32 stride = length >> LOG, parts = words / length;
    const bool last = blocks * parts == 1;
    for (u32 i = threadIdx.x; i < words >> LOG; i += blockDim.x) {
        const u32 part = i / stride, base = part * length + i % stride;
        u32 v[1 << LOG];
#pragma unroll
        for (int j = 0; j < 1 << LOG; j++) v[j] = shared[slot(base + j * stride)];
        inverse_stages<LOG>(v, k * parts + part, blocks * parts, w, m, last);
#pragma unroll
        for (int j = 0; j < 1 << LOG; j++) shared[slot(base + j * stride)] = v[j];
    }
    __syncthreads();
}

__device__ __forceinline__ Twiddles twiddles_of(const u32 *values, const u32 *quotients, u32 limb, u32 log_degree) {
    const u64 from = (u64)limb << log_degree;
    return {values + from, quotients + from};
}

// Forward stages inside of blocks of 2^log_block words and the reduction to [0, p). Grid: rows times N / 2^log_block. Shared:
// 2^log_block words and 1/32 more.
DREAM_KERNEL void ntt_forward_inner(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                    u32 log_degree, u32 log_block) {
    DREAM_SHARED(shared);
    const u32 words = 1u << log_block, blocks = 1u << (log_degree - log_block);
    const u32 row = blockIdx.x / blocks, block = blockIdx.x % blocks;
    const u32 limb = row % limb_count, p = limbs[limb].p;
    const Twiddles w = twiddles_of(values, quotients, limb, log_degree);
    u32 *at = data + ((u64)row << log_degree) + (u64)block * words;
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) shared[slot(i)] = at[i];
    __syncthreads();
    u32 left = log_block, k = blocks + block;
    for (; left >= 3; left -= 3) forward_shared<3>(shared, words, 1u << left, k, w, p);
    if (left == 2) forward_shared<2>(shared, words, 4, k, w, p);
    if (left == 1) forward_shared<1>(shared, words, 2, k, w, p);
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) at[i] = reduce4(shared[slot(i)], p);
}

// The inverse of ntt_forward_inner; where a block is the whole polynomial, with the factor 1/N and reduced to [0, p).
DREAM_KERNEL void ntt_inverse_inner(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                    u32 log_degree, u32 log_block) {
    DREAM_SHARED(shared);
    const u32 words = 1u << log_block, blocks = 1u << (log_degree - log_block);
    const u32 row = blockIdx.x / blocks, block = blockIdx.x % blocks;
    const u32 limb = row % limb_count;
    const Limb m = limbs[limb];
    const Twiddles w = twiddles_of(values, quotients, limb, log_degree);
    u32 *at = data + ((u64)row << log_degree) + (u64)block * words;
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) shared[slot(i)] = at[i];
    __syncthreads();
    const u32 k = blocks + block;
    u32 length = 1;
    if (log_block % 3 == 1) inverse_shared<1>(shared, words, length *= 2, k, blocks, w, m);
    if (log_block % 3 == 2) inverse_shared<2>(shared, words, length *= 4, k, blocks, w, m);
    while (length < words) inverse_shared<3>(shared, words, length *= 8, k, blocks, w, m);
    for (u32 i = threadIdx.x; i < words; i += blockDim.x) at[i] = shared[slot(i)];
}

// The first LOG forward stages in registers. Grid times block: rows times N >> LOG threads.
template <int LOG>
__device__ void forward_outer(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                              u32 log_degree, u32 rows) {
    const u64 index = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const u32 stride = 1u << (log_degree - LOG);
    const u32 row = (u32)(index / stride);
    if (row >= rows) return;
    u32 *at = data + ((u64)row << log_degree) + index % stride;
    u32 v[1 << LOG];
#pragma unroll
    for (int j = 0; j < 1 << LOG; j++) v[j] = at[(u64)j * stride];
    const u32 limb = row % limb_count;
    forward_stages<LOG>(v, 1, twiddles_of(values, quotients, limb, log_degree), limbs[limb].p);
#pragma unroll
    for (int j = 0; j < 1 << LOG; j++) at[(u64)j * stride] = v[j];
}

template <int LOG>
__device__ void inverse_outer(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                              u32 log_degree, u32 rows) {
    const u64 index = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const u32 stride = 1u << (log_degree - LOG);
    const u32 row = (u32)(index / stride);
    if (row >= rows) return;
    u32 *at = data + ((u64)row << log_degree) + index % stride;
    u32 v[1 << LOG];
#pragma unroll
    for (int j = 0; j < 1 << LOG; j++) v[j] = at[(u64)j * stride];
    const u32 limb = row % limb_count;
    inverse_stages<LOG>(v, 1, 1, twiddles_of(values, quotients, limb, log_degree), limbs[limb], true);
#pragma unroll
    for (int j = 0; j < 1 << LOG; j++) at[(u64)j * stride] = v[j];
}

DREAM_KERNEL void ntt_forward_outer_3(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                      u32 log_degree, u32 rows) {
    forward_outer<3>(data, limbs, values, quotients, limb_count, log_degree, rows);
}

DREAM_KERNEL void ntt_forward_outer_4(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                      u32 log_degree, u32 rows) {
    forward_outer<4>(data, limbs, values, quotients, limb_count, log_degree, rows);
}

DREAM_KERNEL void ntt_inverse_outer_3(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                      u32 log_degree, u32 rows) {
    inverse_outer<3>(data, limbs, values, quotients, limb_count, log_degree, rows);
}

DREAM_KERNEL void ntt_inverse_outer_4(u32 *data, const Limb *limbs, const u32 *values, const u32 *quotients, u32 limb_count,
                                      u32 log_degree, u32 rows) {
    inverse_outer<4>(data, limbs, values, quotients, limb_count, log_degree, rows);
}
