// SPDX-License-Identifier: GPL-3.0-or-later
// Negacyclic transforms over a batch: row r of N words is limb r % limbs of polynomial r / limbs. Twiddles are those of
// `NttTable`, limb after limb, so the results are the CPU's bit for bit.
//
// A transform is an inner kernel over blocks of at most 2^14 words in shared memory, preceded (forward) or followed (inverse)
// from N = 2^15 on by an outer kernel that does the first stages in registers. A block of the stage with `blocks` blocks
// has the index k in blocks..2 blocks; its halves are 2k and 2k + 1. The inner kernels know the size of their block when they are
// compiled, so that what is left of index arithmetic is a few instructions a word.
#include "ring.cuh"

// A factor and its Shoup quotient, read in one access.
struct alignas(8) Twiddle {
    u32 value, quotient;
};

// Where word i of a block lies in shared memory. The low five bits are the bank: lanes that are 1, 8 or at least 32 words apart
// meet 32 different ones (apart by 2 or 4: 16). Linear over the bits, so that slot(a | b) = slot(a) ^ slot(b) for a & b = 0.
__device__ __forceinline__ constexpr u32 slot(u32 i) { return i ^ (i >> 5 & 7) ^ (i >> 3 & 24); }

// The twiddles of all limbs and where those of one begin.
struct Twiddles {
    const Twiddle *all;
    u32 first;

    // A pointer, so that neighbours are constant distances from it.
    __device__ __forceinline__ const Twiddle *at(u32 index) const { return all + (first + index); }
};

__device__ __forceinline__ void turn(u32 &x, u32 &y, const Twiddle &w, const Limb &m) {
    u32 kept = trim(x, m.two_p);
    u32 turned = mul_shoup(y, w.value, w.quotient, m.p);
    x = kept + turned;
    y = kept + m.two_p - turned;
}

__device__ __forceinline__ void unturn(u32 &x, u32 &y, const Twiddle &w, const Limb &m) {
    u32 difference = y + m.two_p - x;
    x = trim(x + y, m.two_p);
    y = mul_shoup(difference, w.value, w.quotient, m.p);
}

// LOG forward stages of block k on 2^LOG words.
template <int LOG>
__device__ __forceinline__ void forward_stages(u32 (&v)[1 << LOG], u32 k, const Twiddles &w, const Limb &m) {
#pragma unroll
    for (int level = 0; level < LOG; level++) {
        const int half = (1 << LOG) >> (level + 1);
        const Twiddle *first = w.at(k << level);
#pragma unroll
        for (int i = 0; i < (1 << LOG) / 2; i++) {
            const int part = i / half, at = part * 2 * half + i % half;
            turn(v[at], v[at + half], first[part], m);
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
        const Twiddle *first = w.at(((3 * blocks - k) << level) - 1);
#pragma unroll
        for (int i = 0; i < (1 << LOG) / 2; i++) {
            const int part = i / half, at = part * 2 * half + i % half;
            if (level == 0 && last) {
                u32 difference = v[at + half] + m.two_p - v[at];
                v[at] = trim(mul_shoup(v[at] + v[at + half], m.scale, m.scale_quotient, m.p), m.p);
                v[at + half] = trim(mul_shoup(difference, m.first, m.first_quotient, m.p), m.p);
            } else {
                unturn(v[at], v[at + half], first[-part], m);
            }
        }
    }
}

// One of the 2^(LOG_BLOCK - LOG) groups of a pass of LOG stages over parts of 2^LOG_LENGTH words: the words base | j 2^LOG_STRIDE.
template <int LOG, int LOG_LENGTH>
struct Group {
    static constexpr int LOG_STRIDE = LOG_LENGTH - LOG;
    u32 part, base;

    __device__ __forceinline__ explicit Group(u32 i)
        : part(i >> LOG_STRIDE), base(part << LOG_LENGTH | (i & ((1u << LOG_STRIDE) - 1))) {}

    __device__ __forceinline__ void load(u32 (&v)[1 << LOG], const u32 *shared) const {
        const u32 first = slot(base);
#pragma unroll
        for (u32 j = 0; j < 1 << LOG; j++) v[j] = shared[first ^ slot(j << LOG_STRIDE)];
    }

    __device__ __forceinline__ void store(const u32 (&v)[1 << LOG], u32 *shared) const {
        const u32 first = slot(base);
#pragma unroll
        for (u32 j = 0; j < 1 << LOG; j++) shared[first ^ slot(j << LOG_STRIDE)] = v[j];
    }
};

// The forward stages of block k in shared memory from parts of 2^LOG_LENGTH words down to single words.
template <int LOG_LENGTH, int LOG_BLOCK>
__device__ __forceinline__ void forward_shared(u32 *shared, u32 k, const Twiddles &w, const Limb &m) {
    if constexpr (LOG_LENGTH > 0) {
        constexpr int LOG = LOG_LENGTH < 3 ? LOG_LENGTH : 3;
        for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - LOG); i += blockDim.x) {
            const Group<LOG, LOG_LENGTH> group(i);
            u32 v[1 << LOG];
            group.load(v, shared);
            forward_stages<LOG>(v, (k << (LOG_BLOCK - LOG_LENGTH)) + group.part, w, m);
            group.store(v, shared);
        }
        __syncthreads();
        forward_shared<LOG_LENGTH - LOG, LOG_BLOCK>(shared, k, w, m);
    }
}

// The inverse stages of block k in shared memory up to parts of 2^LOG_LENGTH words, which are not the whole block.
template <int LOG_LENGTH, int LOG_BLOCK>
__device__ __forceinline__ void inverse_shared(u32 *shared, u32 k, u32 blocks, const Twiddles &w, const Limb &m) {
    if constexpr (LOG_LENGTH > 0) {
        constexpr int LOG = LOG_LENGTH < 3 ? LOG_LENGTH : 3, LOG_PARTS = LOG_BLOCK - LOG_LENGTH;
        inverse_shared<LOG_LENGTH - LOG, LOG_BLOCK>(shared, k, blocks, w, m);
        for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - LOG); i += blockDim.x) {
            const Group<LOG, LOG_LENGTH> group(i);
            u32 v[1 << LOG];
            group.load(v, shared);
            inverse_stages<LOG>(v, (k << LOG_PARTS) + group.part, blocks << LOG_PARTS, w, m, false);
            group.store(v, shared);
        }
        __syncthreads();
    }
}

#define NTT_PARAMETERS u32 *data, const Limb *limbs, const Twiddle *twiddles, u32 limb_count, u32 log_degree
#define NTT_ARGUMENTS data, limbs, twiddles, limb_count, log_degree

// Forward stages inside of blocks of 2^LOG_BLOCK words and the reduction to [0, p). Grid: rows times N / 2^LOG_BLOCK. Shared: a block.
template <int LOG_BLOCK>
__device__ __forceinline__ void forward_inner(NTT_PARAMETERS) {
    DREAM_SHARED(shared);
    const u32 log_blocks = log_degree - LOG_BLOCK;
    const u32 row = blockIdx.x >> log_blocks, block = blockIdx.x & ((1u << log_blocks) - 1);
    const u32 limb = row % limb_count, k = (1u << log_blocks) + block;
    const Limb m = limbs[limb];
    const Twiddles w = {twiddles, limb << log_degree};
    u32 *at = data + ((u64)blockIdx.x << LOG_BLOCK);
    for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - 3); i += blockDim.x) {
        const Group<3, LOG_BLOCK> group(i);
        const u32 *from = at + i;
        u32 v[8];
#pragma unroll
        for (int j = 0; j < 8; j++) v[j] = from[j << (LOG_BLOCK - 3)];
        forward_stages<3>(v, k, w, m);
        group.store(v, shared);
    }
    __syncthreads();
    forward_shared<LOG_BLOCK - 3, LOG_BLOCK>(shared, k, w, m);
    for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - 3); i += blockDim.x) {
        const Group<3, LOG_BLOCK> group(i);
        u32 *to = at + i;
        u32 v[8];
        group.load(v, shared);
#pragma unroll
        for (int j = 0; j < 8; j++) to[j << (LOG_BLOCK - 3)] = reduce4(v[j], m);
    }
}

// The inverse of forward_inner; where a block is the whole polynomial, with the factor 1/N and reduced to [0, p).
template <int LOG_BLOCK>
__device__ __forceinline__ void inverse_inner(NTT_PARAMETERS) {
    DREAM_SHARED(shared);
    const u32 log_blocks = log_degree - LOG_BLOCK;
    const u32 row = blockIdx.x >> log_blocks, block = blockIdx.x & ((1u << log_blocks) - 1);
    const u32 limb = row % limb_count, blocks = 1u << log_blocks, k = blocks + block;
    const Limb m = limbs[limb];
    const Twiddles w = {twiddles, limb << log_degree};
    u32 *at = data + ((u64)blockIdx.x << LOG_BLOCK);
    for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - 3); i += blockDim.x) {
        const Group<3, LOG_BLOCK> group(i);
        const u32 *from = at + i;
        u32 v[8];
#pragma unroll
        for (int j = 0; j < 8; j++) v[j] = from[j << (LOG_BLOCK - 3)];
        group.store(v, shared);
    }
    __syncthreads();
    inverse_shared<LOG_BLOCK - 3, LOG_BLOCK>(shared, k, blocks, w, m);
    for (u32 i = threadIdx.x; i < 1u << (LOG_BLOCK - 3); i += blockDim.x) {
        const Group<3, LOG_BLOCK> group(i);
        u32 *to = at + i;
        u32 v[8];
        group.load(v, shared);
        inverse_stages<3>(v, k, blocks, w, m, blocks == 1);
#pragma unroll
        for (int j = 0; j < 8; j++) to[j << (LOG_BLOCK - 3)] = v[j];
    }
}

DREAM_BLOCK_KERNEL void ntt_forward_10(NTT_PARAMETERS) { forward_inner<10>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_forward_11(NTT_PARAMETERS) { forward_inner<11>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_forward_12(NTT_PARAMETERS) { forward_inner<12>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_forward_13(NTT_PARAMETERS) { forward_inner<13>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_forward_14(NTT_PARAMETERS) { forward_inner<14>(NTT_ARGUMENTS); }

DREAM_BLOCK_KERNEL void ntt_inverse_10(NTT_PARAMETERS) { inverse_inner<10>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_inverse_11(NTT_PARAMETERS) { inverse_inner<11>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_inverse_12(NTT_PARAMETERS) { inverse_inner<12>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_inverse_13(NTT_PARAMETERS) { inverse_inner<13>(NTT_ARGUMENTS); }
DREAM_BLOCK_KERNEL void ntt_inverse_14(NTT_PARAMETERS) { inverse_inner<14>(NTT_ARGUMENTS); }

// The first LOG forward stages in registers. Grid times block: rows times N >> LOG threads.
template <int LOG>
__device__ __forceinline__ void forward_outer(NTT_PARAMETERS, u32 rows) {
    const u64 index = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const u32 log_stride = log_degree - LOG, row = (u32)(index >> log_stride);
    if (row >= rows) return;
    const u32 limb = row % limb_count;
    u32 *at = data + ((u64)row << log_degree) + (index & ((1u << log_stride) - 1));
    u32 v[1 << LOG];
#pragma unroll
    for (u32 j = 0; j < 1 << LOG; j++) v[j] = at[(u64)j << log_stride];
    forward_stages<LOG>(v, 1, Twiddles{twiddles, limb << log_degree}, limbs[limb]);
#pragma unroll
    for (u32 j = 0; j < 1 << LOG; j++) at[(u64)j << log_stride] = v[j];
}

// The last LOG inverse stages, with the factor 1/N and reduced to [0, p).
template <int LOG>
__device__ __forceinline__ void inverse_outer(NTT_PARAMETERS, u32 rows) {
    const u64 index = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const u32 log_stride = log_degree - LOG, row = (u32)(index >> log_stride);
    if (row >= rows) return;
    const u32 limb = row % limb_count;
    u32 *at = data + ((u64)row << log_degree) + (index & ((1u << log_stride) - 1));
    u32 v[1 << LOG];
#pragma unroll
    for (u32 j = 0; j < 1 << LOG; j++) v[j] = at[(u64)j << log_stride];
    inverse_stages<LOG>(v, 1, 1, Twiddles{twiddles, limb << log_degree}, limbs[limb], true);
#pragma unroll
    for (u32 j = 0; j < 1 << LOG; j++) at[(u64)j << log_stride] = v[j];
}

DREAM_BLOCK_KERNEL void ntt_forward_outer_3(NTT_PARAMETERS, u32 rows) { forward_outer<3>(NTT_ARGUMENTS, rows); }
DREAM_BLOCK_KERNEL void ntt_forward_outer_4(NTT_PARAMETERS, u32 rows) { forward_outer<4>(NTT_ARGUMENTS, rows); }
DREAM_BLOCK_KERNEL void ntt_inverse_outer_3(NTT_PARAMETERS, u32 rows) { inverse_outer<3>(NTT_ARGUMENTS, rows); }
DREAM_BLOCK_KERNEL void ntt_inverse_outer_4(NTT_PARAMETERS, u32 rows) { inverse_outer<4>(NTT_ARGUMENTS, rows); }
