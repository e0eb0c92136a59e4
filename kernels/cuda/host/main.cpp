// SPDX-License-Identifier: GPL-3.0-or-later
// Runs one kernel through the shim: `host OPERATION LOG_DEGREE LIMBS ROWS THREADS SHUFFLE [NUMBERS..]`, words from standard input, words
// to standard output. kernels/tests/cuda_host.rs is its caller.
#include <cstring>
#include <string>

#include "../rlwe.cu"

static std::vector<u32> read_words(u64 count) {
    std::vector<u32> words(count);
    if (std::fread(words.data(), 4, count, stdin) != count) shim::fail("standard input ended early");
    return words;
}

int main(int argc, char **argv) {
    if (argc < 7) shim::fail("usage: host OPERATION LOG_DEGREE LIMBS ROWS THREADS SHUFFLE [NUMBERS..]");
    const std::string operation = argv[1];
    const u32 log_degree = std::stoul(argv[2]), limb_count = std::stoul(argv[3]), rows = std::stoul(argv[4]);
    const u32 threads = std::stoul(argv[5]);
    shim::order.seed(std::stoul(argv[6]));
    std::vector<u32> numbers;
    for (int i = 7; i < argc; i++) numbers.push_back(std::stoul(argv[i]));
    numbers.resize(5);
    const u64 words = (u64)rows << log_degree, table = (u64)limb_count << log_degree;

    static_assert(sizeof(Limb) == 40, "ten words a limb");
    std::vector<u32> raw = read_words(10 * (u64)limb_count);
    std::vector<Limb> limbs(limb_count);
    std::memcpy(limbs.data(), raw.data(), 4 * raw.size());
    std::vector<u32> out;
    auto grid = [&](u64 items) { return (u32)((items + threads - 1) / threads); };

    if (operation == "forward" || operation == "inverse") {
        auto pairs = read_words(2 * table);
        out = read_words(words);
        const u32 log_block = log_degree <= 14 ? log_degree : 12, outer = log_degree - log_block;
        const u32 blocks = rows << outer, outer_grid = grid(words >> outer);
        const Twiddle *twiddles = reinterpret_cast<const Twiddle *>(pairs.data());
        auto inner = [&](auto kernel) {
            shim::launch(blocks, threads, 1u << log_block,
                         [&] { kernel(out.data(), limbs.data(), twiddles, limb_count, log_degree); });
        };
        auto whole = [&](auto kernel) {
            shim::launch(outer_grid, threads, 0,
                         [&] { kernel(out.data(), limbs.data(), twiddles, limb_count, log_degree, rows); });
        };
        if (operation == "forward") {
            if (outer == 3) whole(ntt_forward_outer_3);
            if (outer == 4) whole(ntt_forward_outer_4);
            if (log_block == 10) inner(ntt_forward_10);
            if (log_block == 11) inner(ntt_forward_11);
            if (log_block == 12) inner(ntt_forward_12);
            if (log_block == 13) inner(ntt_forward_13);
            if (log_block == 14) inner(ntt_forward_14);
        } else {
            if (log_block == 10) inner(ntt_inverse_10);
            if (log_block == 11) inner(ntt_inverse_11);
            if (log_block == 12) inner(ntt_inverse_12);
            if (log_block == 13) inner(ntt_inverse_13);
            if (log_block == 14) inner(ntt_inverse_14);
            if (outer == 3) whole(ntt_inverse_outer_3);
            if (outer == 4) whole(ntt_inverse_outer_4);
        }
    } else if (operation == "mul_add") {
        out = read_words(words);
        auto a = read_words(words), b = read_words(words);
        shim::launch(grid(words / 4), threads, 0,
                     [&] { residues_mul_add(out.data(), a.data(), b.data(), limbs.data(), limb_count, log_degree, words); });
    } else if (operation == "scale") {
        auto factors = read_words(2 * (u64)limb_count);
        out = read_words(words);
        shim::launch(grid(words / 4), threads, 0,
                     [&] { residues_scale(out.data(), factors.data(), limbs.data(), limb_count, log_degree, words); });
    } else if (operation == "sum") {
        // Here the rows of a term, and the number of terms as a further argument.
        auto terms = read_words(words * numbers[0]);
        out.resize(words);
        shim::launch(grid(words / 4), threads, 0,
                     [&] { residues_sum(out.data(), terms.data(), numbers[0], limbs.data(), limb_count, log_degree, words); });
    } else if (operation == "uniform_mul_add") {
        auto seed = read_words(8), key = read_words(table);
        out = read_words(words);
        const Place place = {numbers[0], numbers[1], numbers[2], numbers[3]};
        shim::launch(grid(words / 8), threads, 0, [&] {
            uniform_mul_add(out.data(), key.data(), seed.data(), place, limbs.data(), limb_count, log_degree, words);
        });
    } else if (operation == "uniform") {
        auto seed = read_words(8);
        out.resize(words);
        const Place place = {numbers[0], numbers[1], numbers[2], numbers[3]};
        shim::launch(grid(words / 8), threads, 0,
                     [&] { sample_uniform(out.data(), seed.data(), place, limbs.data(), limb_count, log_degree, words); });
    } else if (operation == "binomial" || operation == "gaussian") {
        // Here a row is a polynomial of all limbs; the last number is eta, or how many thresholds there are.
        auto seeds = read_words(8 * (u64)rows), raw_packed = read_words(2 * words);
        std::vector<i64> packed(words);
        std::memcpy(packed.data(), raw_packed.data(), 8 * words);
        auto raw_thresholds = read_words(operation == "gaussian" ? 2 * numbers[4] : 0);
        std::vector<u64> thresholds(raw_thresholds.size() / 2);
        std::memcpy(thresholds.data(), raw_thresholds.data(), 4 * raw_thresholds.size());
        out.resize(words * limb_count);
        const Place place = {numbers[0], numbers[1], numbers[2], numbers[3]};
        shim::launch(grid(words / 8), threads, 0, [&] {
            if (operation == "binomial")
                encode_with_binomial(limbs.data(), limb_count, log_degree, words, out.data(), packed.data(), seeds.data(), place,
                                     numbers[4]);
            else
                encode_with_gaussian(limbs.data(), limb_count, log_degree, words, out.data(), packed.data(), seeds.data(), place,
                                     thresholds.data(), numbers[4]);
        });
    } else {
        out = read_words(words);
        auto b = read_words(words);
        void (*kernel)(u32 *, const u32 *, const Limb *, u32, u32, u64) = nullptr;
        if (operation == "add") kernel = residues_add;
        if (operation == "sub") kernel = residues_sub;
        if (operation == "mul") kernel = residues_mul;
        if (kernel == nullptr) shim::fail("no such operation");
        shim::launch(grid(words / 4), threads, 0,
                     [&] { kernel(out.data(), b.data(), limbs.data(), limb_count, log_degree, words); });
    }
    if (std::getchar() != EOF) shim::fail("standard input has words left");
    std::fwrite(out.data(), 4, out.size(), stdout);
    return 0;
}
