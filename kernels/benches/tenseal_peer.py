# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer of kernels/benches/peer.rs: TenSEAL's encryption and sums, one thread. Prints `NAME NANOSECONDS`, per value.

Each scheme is set up as its users would for sums of small integers at 128 bits, with the smallest ring that SEAL's own
table allows and every slot of a ciphertext filled. Symmetric encryption is the cheaper one and what ours is.
"""

import time

import tenseal as ts

REPEATS = 15


def seconds(run, count):
    """Smallest mean of `count` calls."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in range(count):
            run()
        best = min(best, (time.perf_counter() - started) / count)
    return best


def measure(name, context, vector, slots, values):
    """`vector(context, values)` encrypts one ciphertext of `slots` values."""
    plain = ts.plain_tensor(values[:slots], dtype="int" if name == "BFV" else "float")
    a, b = vector(context, plain), vector(context, plain)
    total = a + b
    decrypted = total.decrypt()
    assert all(abs(x - 2 * y) < 0.01 for x, y in zip(decrypted, values)), "the sum is wrong"
    print(name, "encrypt", 1e9 * seconds(lambda: vector(context, plain), 5) / slots)

    def add():
        nonlocal total
        total += b

    print(name, "add", 1e9 * seconds(add, 50) / slots)


def main():
    values = [(31 * i) % 255 - 127 for i in range(4096)]
    symmetric = ts.ENCRYPTION_TYPE.SYMMETRIC
    bfv = ts.context(ts.SCHEME_TYPE.BFV, poly_modulus_degree=4096, plain_modulus=1032193, encryption_type=symmetric, n_threads=1)
    measure("BFV", bfv, ts.bfv_vector, 4096, values)
    ckks = ts.context(ts.SCHEME_TYPE.CKKS, poly_modulus_degree=4096, coeff_mod_bit_sizes=[40, 29, 40], encryption_type=symmetric, n_threads=1)
    ckks.global_scale = 2**29
    measure("CKKS", ckks, ts.ckks_vector, 2048, [float(v) for v in values])


main()
