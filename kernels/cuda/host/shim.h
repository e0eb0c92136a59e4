// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the kernels on a CPU: the threads of a block are fibres that run in a shuffled order from one __syncthreads to the next, so
// that a missing barrier shows. A thread that ends while others wait at a barrier is an error.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#define __device__
#define __forceinline__ inline
#define DREAM_KERNEL static
#define DREAM_BLOCK_KERNEL static
#define DREAM_SHARED(name) unsigned int *name = shim::shared.data()

struct dim {
    unsigned int x;
};

static dim blockIdx, threadIdx, blockDim;

namespace shim {

struct Fibre {
    ucontext_t context;
    std::vector<char> stack;
    bool done;
};

static std::vector<unsigned int> shared;
static std::vector<Fibre> fibres;
static ucontext_t scheduler;
static unsigned int current;
static std::function<void()> body;
static std::mt19937 order;

static void enter() {
    body();
    fibres[current].done = true;
    swapcontext(&fibres[current].context, &scheduler);
}

static void fail(const char *what) {
    std::fprintf(stderr, "%s\n", what);
    std::exit(3);
}

// On its own: getcontext returns twice, and the compiler must keep no variable of a loop in a register across it.
static __attribute__((noinline)) void prepare(Fibre &fibre) {
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.data();
    fibre.context.uc_stack.ss_size = fibre.stack.size();
    fibre.context.uc_link = nullptr;
    makecontext(&fibre.context, enter, 0);
}

// Runs `kernel` on a grid of blocks. Shared memory begins as garbage, and the block order is shuffled too.
static void launch(unsigned int grid, unsigned int threads, unsigned int shared_words, std::function<void()> kernel) {
    body = kernel;
    blockDim.x = threads;
    fibres.resize(threads);
    std::vector<unsigned int> blocks(grid), turn(threads);
    for (unsigned int i = 0; i < grid; i++) blocks[i] = i;
    for (unsigned int i = 0; i < threads; i++) turn[i] = i;
    std::shuffle(blocks.begin(), blocks.end(), order);
    for (unsigned int block : blocks) {
        blockIdx.x = block;
        shared.resize(shared_words);
        for (unsigned int &word : shared) word = order();
        for (Fibre &fibre : fibres) {
            fibre.done = false;
            fibre.stack.resize(1 << 15);
            prepare(fibre);
        }
        for (unsigned int left = threads; left > 0;) {
            unsigned int ended = 0;
            std::shuffle(turn.begin(), turn.end(), order);
            for (unsigned int thread : turn) {
                if (fibres[thread].done) continue;
                current = thread;
                threadIdx.x = thread;
                swapcontext(&scheduler, &fibres[thread].context);
                ended += fibres[thread].done;
            }
            if (ended != 0 && ended != left) fail("some threads of a block ended while others waited at a barrier");
            left -= ended;
        }
    }
}

}  // namespace shim

#ifdef DREAM_SHIM_WITHOUT_BARRIERS
// For the test that a missing barrier shows.
static inline void __syncthreads() {}
#else
static inline void __syncthreads() { swapcontext(&shim::fibres[shim::current].context, &shim::scheduler); }
#endif
static inline unsigned int __umulhi(unsigned int a, unsigned int b) { return (unsigned int)((uint64_t)a * b >> 32); }
static inline int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
static inline unsigned int min(unsigned int a, unsigned int b) { return a < b ? a : b; }
