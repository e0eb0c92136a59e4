#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures that the accountant is held to, computed from definitions, without its formulas where that can be done.

Prints one line a figure, first what it is:
  tail VARIANCE ROOM CHANCE          P(|X| > ROOM) of a discrete Gaussian, by exact sums of 60 digits
  closeness SHARES VARIANCE LOG      largest |ln(P(x) / Q(x))| within 6 deviations: P the sum of SHARES discrete Gaussians by exact
                                     convolution, Q the discrete Gaussian of SHARES x VARIANCE
  tau SHARES VARIANCE TAU            the bound on it (KLS, theorem 1), term by term
  exact SHARES VARIANCE SHIFT EPSILON DELTA
                                     the least delta for which one value with noise, moved by SHIFT, is (EPSILON, DELTA)-private:
                                     the sum of max(0, P(x) - exp(EPSILON) P(x - SHIFT)), P by exact convolution
  gaussian RHO EPSILON DELTA         the same for a continuous Gaussian of that rho (Balle, Wang 2018, theorem 8)
  conversion RHO DELTA EPSILON       the conversion (CKS, proposition 12) by trying 200,000 orders
"""
from decimal import Decimal, getcontext
from math import erfc, exp, log, pi, sqrt

getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


def probabilities(variance, reach):
    """Chances of -reach..reach under a discrete Gaussian."""
    weights = [(-Decimal(x * x) / (2 * variance)).exp() for x in range(reach + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    half = [w / total for w in weights]
    return half[:0:-1] + half


def convolution(shares, variance, reach):
    """Chances of -shares reach..shares reach under the sum of `shares` of them."""
    one = probabilities(variance, reach)
    result = one
    for _ in range(shares - 1):
        out = [Decimal(0)] * (len(result) + len(one) - 1)
        for i, a in enumerate(result):
            for j, b in enumerate(one):
                out[i + j] += a * b
        result = out
    return result


def tail(variance, room):
    reach = room + 30 * (int(sqrt(variance)) + 1)
    half = probabilities(variance, reach)[reach:]
    return 2 * sum(half[room + 1:])


def closeness(shares, variance):
    deviation = sqrt(shares * variance)
    reach = int(14 * sqrt(variance)) + 1
    p = convolution(shares, variance, reach)
    q = probabilities(shares * variance, shares * reach)
    middle = shares * reach
    near = range(middle - int(6 * deviation), middle + int(6 * deviation) + 1)
    return max(abs((p[i] / q[i]).ln()) for i in near)


def tau(shares, variance):
    return 10 * sum((-2 * PI * PI * variance * k / (k + 1)).exp() for k in range(1, shares))


def exact(shares, variance, shift, epsilon):
    p = convolution(shares, variance, int(14 * sqrt(variance)) + 1)
    factor = Decimal(epsilon).exp()
    moved = [Decimal(0)] * shift + p
    return sum(max(Decimal(0), a - factor * b) for a, b in zip(p + [Decimal(0)] * shift, moved))


def gaussian(rho, delta):
    """Least epsilon at `delta`: bisection over the exact delta of an epsilon."""
    mu = sqrt(2 * rho)

    def normal(x):
        return erfc(-x / sqrt(2)) / 2

    low, high = 0.0, 700.0
    for _ in range(200):
        epsilon = (low + high) / 2
        if normal(mu / 2 - epsilon / mu) - exp(epsilon) * normal(-mu / 2 - epsilon / mu) > delta:
            low = epsilon
        else:
            high = epsilon
    return high


def conversion(rho, delta):
    def at(alpha):
        return alpha * rho + (log(1 / delta) + (alpha - 1) * log(1 - 1 / alpha) - log(alpha)) / (alpha - 1)

    return min(at(1 + 10 ** (-5 + 12 * i / 200_000)) for i in range(200_001))


for variance, room in [(1, 3), (100, 60), (100, 100), (100, 112), (7, 40)]:
    print(f"tail {variance} {room} {tail(variance, room):.12e}")
for shares, variance in [(2, 1), (3, 1), (4, 1), (6, 1), (2, 2), (3, 2)]:
    print(f"closeness {shares} {variance} {closeness(shares, variance):.6e}")
for shares, variance in [(1, 5), (2, 1), (6, 1), (12, 2), (6, 100)]:
    print(f"tau {shares} {variance} {tau(shares, variance):.12e}")
for shares, variance, shift, epsilon in [(1, 100, 10, 4), (1, 100, 33, 20), (1, 7, 3, 5), (3, 4, 2, 3), (6, 4, 5, 5), (2, 1, 1, 3)]:
    print(f"exact {shares} {variance} {shift} {epsilon} {exact(shares, variance, shift, epsilon):.12e}")
for rho, delta in [(0.001, 1e-6), (0.05, 1e-6), (0.5, 1e-6), (2.0, 1e-5), (10.0, 1e-9)]:
    print(f"gaussian {rho} {gaussian(rho, delta):.8e} {delta}")
for rho, delta in [(0.001, 1e-6), (0.05, 1e-6), (0.5, 1e-6), (2.0, 1e-5), (10.0, 1e-9), (100.0, 1e-6)]:
    print(f"conversion {rho} {delta} {conversion(rho, delta):.9e}")
