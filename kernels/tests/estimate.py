#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cost of the primal and the dual lattice attack on the presets, by the core-SVP method.

    python3 kernels/tests/estimate.py

Method: Alkim, Ducas, Poeppelmann, Schwabe, "Post-quantum key exchange: a new hope" (2016), section 6: BKZ with block size b
costs 2^(0.292 b) classically; the primal attack (unique SVP) works once sigma sqrt(b) <= delta^(2b-d-1) volume^(1/d); the
dual attack needs 1/eps^2 short vectors, of which one sieve gives 2^(0.2075 b). A secret narrower than the error is scaled up
(Bai and Galbraith 2014). The method leaves out all polynomial factors, so it is on the careful side.

Before it prints the presets the script checks itself against two published tables and fails where it is off:
- core-SVP figures of NewHope (2019) and Kyber (round 3), within 4 bits;
- the 128-bit rows of the HomomorphicEncryption.org standard (2018, table 1, ternary secret), whose cost model is
  2^(0.292 b + 16.4) times 8 d: the primal cost is within 124 to 137 bits.
"""

from math import exp, log, log2, pi, sqrt, e


def log_delta(b):
    return log((pi * b) ** (1 / b) * b / (2 * pi * e)) / (2 * (b - 1))


def best_samples(n, test):
    """The least cost over numbers of samples, in steps."""
    costs = [test(m) for m in range(n // 4, 2 * n + 1, max(1, n // 64))]
    return min(c for c in costs if c)


def least_block(works, high=40_000):
    """Smallest block size that works, by bisection; None where none does."""
    low = 50
    if not works(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle + 1, high)
    return low


def primal(n, log_q, secret, error):
    """(block size, dimension) of the cheapest primal attack."""

    def at(m):
        d = m + n + 1
        log_volume = m * log_q * log(2) + n * log(error / secret)

        def works(b):
            return b < d and log(error * sqrt(b)) <= (2 * b - d - 1) * log_delta(b) + log_volume / d

        b = least_block(works, d - 1)
        return b and (b, d)

    return best_samples(n, at)


def dual(n, log_q, secret, error):
    """log2 of the classical cost of the cheapest dual attack."""

    def at(m):
        d, best = m + n, None
        scale = n * (log_q * log(2) + log(secret / error))
        for b in range(60, 2_000, 4):
            log_length = (d - 1) * log_delta(b) + scale / d
            log_tau = log_length + log(error) - log_q * log(2)
            if log_tau > 3:
                continue
            bits = 4 * pi**2 * exp(2 * log_tau) / log(2)
            cost = 0.292 * b + max(0, bits - 0.2075 * b)
            best = cost if best is None or cost < best else best
        return best

    return best_samples(n, at)


def check(name, found, low, high):
    print(f"{name}: {found:.1f} (expected {low} to {high})")
    if not low <= found <= high:
        raise SystemExit(f"{name} is off: the estimate cannot be trusted")


def main():
    print("Published core-SVP figures")
    published = [
        ("NewHope512", 512, 12289, 2.0, 112),
        ("NewHope1024", 1024, 12289, 2.0, 257),
        ("Kyber768", 768, 3329, 1.0, 182),
        ("Kyber1024", 1024, 3329, 1.0, 256),
    ]
    for name, n, q, sigma, bits in published:
        b, _ = primal(n, log2(q), sigma, sigma)
        check(name, 0.292 * b, bits - 4, bits + 4)

    print("HomomorphicEncryption.org, 128 bits")
    ternary = sqrt(2 / 3)
    for n, log_q in ((1024, 27), (2048, 54), (4096, 109), (8192, 218), (16384, 438)):
        b, d = primal(n, log_q, ternary, 3.19)
        check(f"N = {n}, {log_q} bits", 0.292 * b + 16.4 + log2(8 * d), 124, 137)

    print("Presets: bits by core-SVP, primal and dual")
    sigma = sqrt(21 / 2)
    presets = [
        ("SA_4096", 4096, 90, sigma, sigma),
        ("SA_4096, sum of the keys and errors of two honest miners known", 4096, 90, sigma / sqrt(2), sigma / sqrt(2)),
        ("KEY_8192, encryption (ternary ephemeral)", 8192, 180, ternary, sigma),
    ]
    for name, n, log_q, secret, error in presets:
        b, d = primal(n, log_q, secret, error)
        standard = 0.292 * b + 16.4 + log2(8 * d)
        print(
            f"{name}: primal {0.292 * b:.0f} (block {b}; {standard:.0f} in the standard's cost model), "
            f"dual {dual(n, log_q, secret, error):.0f}"
        )


if __name__ == "__main__":
    main()
