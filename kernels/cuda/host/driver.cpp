// SPDX-License-Identifier: GPL-3.0-or-later
// The part of CUDA's driver that dream-kernels calls, on the CPU: kernels run through the shim. kernels/tests/cuda_driver.rs builds
// it as libcuda.so.1, so that launches, copies and the loading of the driver are tested without a GPU. It is stricter than a GPU:
// memory begins as garbage and must be zero when it is given back, every copy must stay inside one allocation, and a write
// past the end of one is a fault.
//
// DREAM_DRIVER_FAILS=FUNCTION:N makes the N-th call of a function, and all later ones, fail with 719 (launch failed).
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "../rlwe.cu"

#define API extern "C" __attribute__((visibility("default"))) int

enum : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALISED = 3,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719,
};

using Launch = void (*)(void **);

struct Kernel {
    Launch run;
    // Most threads of a block, as __launch_bounds__ says.
    u32 threads;
    u32 shared_bytes = 48 * 1024;
};

template <class... A, size_t... I>
static void unpack(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<A> *>(arguments[I])...);
}

template <class... A>
static void run(void (*kernel)(A...), void **arguments) {
    unpack(kernel, arguments, std::index_sequence_for<A...>());
}

#define ENTRY(name, threads) \
    { #name, { [](void **arguments) { run(name, arguments); }, threads } }

static std::map<std::string, Kernel> kernels = {
    ENTRY(residues_add, 1024),          ENTRY(residues_sub, 1024),          ENTRY(residues_mul, 1024),
    ENTRY(residues_mul_add, 1024),      ENTRY(residues_scale, 1024),        ENTRY(residues_sum, 1024),
    ENTRY(sample_uniform, 1024),        ENTRY(uniform_mul_add, 1024),       ENTRY(encode_with_binomial, 1024),
    ENTRY(encode_with_gaussian, 1024),  ENTRY(ntt_forward_10, 512),         ENTRY(ntt_forward_11, 512),
    ENTRY(ntt_forward_12, 512),         ENTRY(ntt_forward_13, 512),         ENTRY(ntt_forward_14, 512),
    ENTRY(ntt_inverse_10, 512),         ENTRY(ntt_inverse_11, 512),         ENTRY(ntt_inverse_12, 512),
    ENTRY(ntt_inverse_13, 512),         ENTRY(ntt_inverse_14, 512),         ENTRY(ntt_forward_outer_3, 512),
    ENTRY(ntt_forward_outer_4, 512),    ENTRY(ntt_inverse_outer_3, 512),    ENTRY(ntt_inverse_outer_4, 512),
};

static std::mutex one_at_a_time;
static bool initialised = false;
// How often the context was retained and not released: it lives while this is not zero.
static int retained = 0;
static thread_local bool current = false;
// First byte to number of bytes.
static std::map<u64, size_t> allocations;
static std::map<std::string, int> calls;

static bool fails(const char *function) {
    const char *wish = std::getenv("DREAM_DRIVER_FAILS");
    if (wish == nullptr) return false;
    const std::string text = wish;
    const size_t colon = text.find(':');
    return text.substr(0, colon) == function && ++calls[function] >= std::stoi(text.substr(colon + 1));
}

// Every call: one thread at a time, after cuInit, with a context where one is needed.
#define BEGIN(needs_context)                                 \
    std::lock_guard<std::mutex> guard(one_at_a_time);        \
    if (fails(__func__)) return LAUNCH_FAILED;               \
    if (!initialised) return NOT_INITIALISED;                \
    if ((needs_context) && !current) return INVALID_CONTEXT

static bool inside(u64 start, size_t bytes) {
    auto next = allocations.upper_bound(start);
    if (next == allocations.begin()) return false;
    const auto &[first, length] = *--next;
    return start - first <= length && bytes <= length - (start - first);
}

constexpr size_t PAGE = 4096;

static size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

API cuInit(unsigned) {
    std::lock_guard<std::mutex> guard(one_at_a_time);
    if (fails(__func__)) return LAUNCH_FAILED;
    initialised = true;
    return SUCCESS;
}

API cuDriverGetVersion(int *version) {
    *version = 13000;
    return SUCCESS;
}

API cuDeviceGet(int *device, int ordinal) {
    BEGIN(false);
    if (ordinal != 0) return INVALID_DEVICE;
    *device = 0;
    return SUCCESS;
}

API cuDeviceGetName(char *name, int length, int) {
    BEGIN(false);
    std::snprintf(name, length, "shim on the CPU");
    return SUCCESS;
}

API cuDevicePrimaryCtxRetain(void **context, int) {
    BEGIN(false);
    *context = &current;
    retained++;
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int) {
    BEGIN(false);
    if (--retained == 0 && !allocations.empty()) shim::fail("the context was released before its memory");
    return SUCCESS;
}

API cuCtxSetCurrent(void *context) {
    BEGIN(false);
    current = context != nullptr;
    return SUCCESS;
}

API cuModuleLoadDataEx(void **module, const void *image, unsigned options, void *, void **) {
    BEGIN(true);
    const unsigned char magic[] = {0x50, 0xED, 0x55, 0xBA};
    if (options != 0 || std::memcmp(image, magic, 4) != 0) return INVALID_IMAGE;
    *module = &kernels;
    return SUCCESS;
}

API cuModuleUnload(void *) {
    BEGIN(true);
    return SUCCESS;
}

API cuModuleGetFunction(void **function, void *, const char *name) {
    BEGIN(true);
    auto found = kernels.find(name);
    if (found == kernels.end()) return NOT_FOUND;
    *function = &found->second;
    return SUCCESS;
}

API cuFuncSetAttribute(void *function, int attribute, int value) {
    BEGIN(true);
    // 8: most bytes of dynamic shared memory; an H100 has 227 KiB a block, an A100 163.
    if (attribute != 8 || value < 0 || value > 163 * 1024) return INVALID_VALUE;
    static_cast<Kernel *>(function)->shared_bytes = value;
    return SUCCESS;
}

API cuStreamCreateWithPriority(void **stream, unsigned, int) {
    BEGIN(true);
    *stream = &kernels;
    return SUCCESS;
}

API cuStreamDestroy_v2(void *) {
    BEGIN(true);
    return SUCCESS;
}

API cuStreamSynchronize(void *) {
    BEGIN(true);
    return SUCCESS;
}

API cuMemAlloc_v2(u64 *pointer, size_t bytes) {
    BEGIN(true);
    if (bytes == 0) return INVALID_VALUE;
    // The last byte lies before a page that faults.
    const size_t length = pages(bytes);
    void *memory = mmap(nullptr, length + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(static_cast<char *>(memory) + length, PAGE, PROT_NONE) != 0) return OUT_OF_MEMORY;
    std::memset(memory, 0xA5, length);
    // Multiples of 16 bytes, as the kernels' widest access asks for.
    *pointer = reinterpret_cast<u64>(memory) + (length - bytes) / 16 * 16;
    allocations[*pointer] = bytes;
    return SUCCESS;
}

API cuMemFree_v2(u64 pointer) {
    BEGIN(true);
    auto found = allocations.find(pointer);
    if (found == allocations.end()) return INVALID_VALUE;
    const char *bytes = reinterpret_cast<const char *>(pointer);
    for (size_t i = 0; i < found->second; i++)
        if (bytes[i] != 0) shim::fail("memory was given back that had not been wiped");
    munmap(reinterpret_cast<void *>(pointer / PAGE * PAGE), pages(found->second) + PAGE);
    allocations.erase(found);
    return SUCCESS;
}

API cuMemsetD8_v2(u64 to, unsigned char value, size_t bytes) {
    BEGIN(true);
    if (!inside(to, bytes)) return ILLEGAL_ADDRESS;
    std::memset(reinterpret_cast<void *>(to), value, bytes);
    return SUCCESS;
}

API cuMemcpyHtoD_v2(u64 to, const void *from, size_t bytes) {
    BEGIN(true);
    if (!inside(to, bytes)) return ILLEGAL_ADDRESS;
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return SUCCESS;
}

API cuMemcpyDtoH_v2(void *to, u64 from, size_t bytes) {
    BEGIN(true);
    if (!inside(from, bytes)) return ILLEGAL_ADDRESS;
    std::memcpy(to, reinterpret_cast<const void *>(from), bytes);
    return SUCCESS;
}

API cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t bytes, void *) {
    BEGIN(true);
    if (!inside(to, bytes) || !inside(from, bytes)) return ILLEGAL_ADDRESS;
    std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes);
    return SUCCESS;
}

API cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned threads_x, unsigned threads_y,
                   unsigned threads_z, unsigned shared_bytes, void *, void **arguments, void **extra) {
    BEGIN(true);
    const Kernel &kernel = *static_cast<Kernel *>(function);
    if (grid_x == 0 || grid_x > 0x7FFFFFFF || grid_y != 1 || grid_z != 1) return INVALID_VALUE;
    if (threads_x == 0 || threads_y != 1 || threads_z != 1 || extra != nullptr) return INVALID_VALUE;
    if (shared_bytes > kernel.shared_bytes) return INVALID_VALUE;
    if (threads_x > kernel.threads) return OUT_OF_RESOURCES;
    shim::launch(grid_x, threads_x, shared_bytes / 4, [&] { kernel.run(arguments); });
    return SUCCESS;
}
