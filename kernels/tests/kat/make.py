#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known-answer vectors of dream-kernels, from the definitions alone and without numpy.

    python3 kernels/tests/kat/make.py > kernels/tests/kat/vectors.txt

Nothing here is shared with the Rust code: the transform is a recursive cyclic one behind a twist, ChaCha20 is written
from RFC 8439, integers are Python's. A line is a name and its values; a long vector stands as its first four entries and
BLAKE2b-256 of its little-endian bytes.
"""

from fractions import Fraction
from hashlib import blake2b

MASK64 = (1 << 64) - 1


def digest(data):
    return blake2b(data, digest_size=32).hexdigest()


def words(values, size=4):
    return b"".join((v % (1 << (8 * size))).to_bytes(size, "little") for v in values)


def show(values, size=4):
    return " ".join(str(v) for v in values[:4]) + " " + digest(words(values, size))


# --- ChaCha20 (RFC 8439) -----------------------------------------------------------------------------------------------


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = rotate(s[z] ^ s[x], n)


def chacha_block(key, counter, nonce):
    constants = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start = constants + [int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4)]
    start += [counter] + [int.from_bytes(nonce[i : i + 4], "little") for i in range(0, 12, 4)]
    s = list(start)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            quarter(s, a, b, c, d)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(s, a, b, c, d)
    return words([x + y for x, y in zip(s, start)])


PUBLIC, SECRET, ERROR, EPHEMERAL, SECOND_ERROR, FLOODING = range(6)
ALL = 0xFF


def stream(seed, purpose, limb, segment, round_, polynomial, count):
    """`count` 64-bit words of a place."""
    nonce = bytes([purpose, limb]) + segment.to_bytes(2, "little")
    nonce += round_.to_bytes(4, "little") + polynomial.to_bytes(4, "little")
    out = []
    for block in range(-(-count // 8)):
        data = chacha_block(seed, block, nonce)
        out += [int.from_bytes(data[i : i + 8], "little") for i in range(0, 64, 8)]
    return out[:count]


def derive(seed, tag, context):
    return blake2b(len(tag).to_bytes(8, "little") + tag + context, key=seed, digest_size=32).digest()


# --- Samplers ----------------------------------------------------------------------------------------------------------


def uniform(word, p):
    return word * p >> 64


def binomial(word, eta):
    bits = f"{word:064b}"[::-1]
    return bits[:eta].count("1") - bits[eta : 2 * eta].count("1")


def ternary(word):
    return uniform(word, 3) - 1


def flooding(low, high, bits):
    x = high << 64 | low
    if x >> 127:
        x -= 1 << 128
    return x >> (127 - bits)


def gaussian_thresholds(sigma_milli, tail):
    """floor(2^63 P(|X| <= k)), with exp by its Taylor series in 600 fraction bits."""
    one = 1 << 600

    def exp_negative(x):
        # exp(-x) = exp(-x / 2^j)^(2^j) with x / 2^j below 1.
        j = max(0, int(x).bit_length())
        small, result, term = -x / 2**j, Fraction(0), Fraction(1)
        for k in range(1, 150):
            result += term
            term = term * small / k
            term = Fraction(term.numerator * one // term.denominator, one)
        fixed = result.numerator * one // result.denominator
        for _ in range(j):
            fixed = fixed * fixed >> 600
        return fixed

    weights = [exp_negative(Fraction(10**6 * k * k, 2 * sigma_milli**2)) * (2 if k else 1) for k in range(tail + 1)]
    total, sums, sum_ = sum(weights), [], 0
    for weight in weights[:-1]:
        sum_ += weight
        sums.append((sum_ << 63) // total)
    return sums


def gaussian(word, thresholds):
    magnitude = sum(word & (MASK64 >> 1) >= t for t in thresholds)
    return -magnitude if word >> 63 else magnitude


# --- Ring --------------------------------------------------------------------------------------------------------------


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def root_of(degree, p):
    g = 2
    while pow(g, (p - 1) // 2, p) == 1:
        g += 1
    return pow(g, (p - 1) // (2 * degree), p)


def cyclic(a, w, p):
    """a at 1, w, w^2, ... in natural order."""
    if len(a) == 1:
        return a
    even, odd = cyclic(a[::2], w * w % p, p), cyclic(a[1::2], w * w % p, p)
    low, high, power = [], [], 1
    for x, y in zip(even, odd):
        y = y * power % p
        low.append((x + y) % p)
        high.append((x - y) % p)
        power = power * w % p
    return low + high


def transform(a, p):
    """a at psi^(2 rev(i) + 1)."""
    n = len(a)
    psi = root_of(n, p)
    twisted, power = [], 1
    for x in a:
        twisted.append(x * power % p)
        power = power * psi % p
    values = cyclic(twisted, psi * psi % p, p)
    bits = n.bit_length() - 1
    return [values[int(f"{i:0{bits}b}"[::-1], 2)] for i in range(n)]


def primes_for(degree):
    found = set()
    for bits in (30, 20, 24):
        candidates = (k * 2 * degree + 1 for k in range((1 << bits) // (2 * degree), -1, -1))
        p = next((p for p in candidates if p < 1 << bits and is_prime(p)), None)
        if p:
            found.add(p)
    found |= {p for p in SA["primes"] if p % (2 * degree) == 1}
    return sorted(found)


def test_polynomial(degree, p):
    return [(i * i * i + 5 * i + 1) * 2654435761 % 2**32 % p for i in range(degree)]


# --- Parameters --------------------------------------------------------------------------------------------------------

SA = dict(degree=4096, primes=[1073692673, 1073668097, 1073651713], eta=21, slots=4, bits=16, bound=127, miners=256, test=0)
TEST = dict(degree=1024, primes=[1073692673, 1073668097], eta=21, slots=3, bits=12, bound=127, miners=8, test=1)
TEST_KEY = dict(degree=1024, primes=SA["primes"], eta=21, slots=2, bits=10, bound=21, miners=8, test=1)
KEY_PRIMES = [1073692673, 1073643521, 1073479681, 1073430529, 1073299457, 1073233921]
KEY = dict(degree=8192, primes=KEY_PRIMES, eta=21, slots=4, bits=14, bound=21, miners=256, test=0)
COMMITTEE = dict(members=3, threshold=2, flooding=56, statistical=20, answers=16)


def parameter_hash(s):
    data = b"dream-kernels/parameters/1" + words([s["degree"], len(s["primes"])] + s["primes"])
    data += words([0, s["eta"], 0, s["slots"], s["bits"], s["bound"], s["miners"], s["test"]])
    return blake2b(data, digest_size=32).digest()


def committee_hash(s, c):
    data = b"dream-kernels/threshold-parameters/1" + parameter_hash(s)
    data += words([c["members"], c["threshold"], c["flooding"], c["statistical"], c["answers"]])
    return blake2b(data, digest_size=32).digest()


# --- Data layer --------------------------------------------------------------------------------------------------------


def residues(poly, p):
    return [x % p for x in poly]


def public(s, seed, segment, round_, polynomial):
    n = s["degree"]
    return [
        [uniform(w, p) for w in stream(seed, PUBLIC, i, segment, round_, polynomial, n)] for i, p in enumerate(s["primes"])
    ]


def pack(s, values):
    values = list(values) + [0] * (s["degree"] * s["slots"] - len(values))
    groups = [values[i : i + s["slots"]] for i in range(0, len(values), s["slots"])]
    return [sum(v << (s["bits"] * j) for j, v in enumerate(group)) for group in groups]


def masked(s, message, errors, by, secret):
    """message + t errors + by * secret, limb by limb, `by` transformed already."""
    t = 1 << (s["slots"] * s["bits"])
    limbs = []
    for i, p in enumerate(s["primes"]):
        plain = transform([(m + t * e) % p for m, e in zip(message, errors)], p)
        hidden = transform(residues(secret, p), p)
        limbs.append([(x + y * z) % p for x, y, z in zip(plain, by[i], hidden)])
    return limbs


def poly_bytes(limbs):
    out = b""
    for limb in limbs:
        joined = 0
        for i in range(len(limb) - 1, -1, -4096):
            part = 0
            for x in reversed(limb[max(0, i - 4095) : i + 1]):
                part = part << 30 | x
            joined = joined << (30 * (i + 1 - max(0, i - 4095))) | part
        out += joined.to_bytes(len(limb) * 30 // 8, "little")
    return out


def header(kind, hash_):
    return bytes([1, kind]) + hash_


def data_ciphertext(s, public_seed, seed, round_, segment, polynomial, values):
    n = s["degree"]
    key = [binomial(w, s["eta"]) for w in stream(seed, SECRET, ALL, segment, round_, 0, n)]
    packed = pack(s, values)
    error_seed = derive(seed, b"dream-kernels/data/error/1", words(packed, 8))
    errors = [binomial(w, s["eta"]) for w in stream(error_seed, ERROR, ALL, segment, round_, polynomial, n)]
    limbs = masked(s, packed, errors, public(s, public_seed, segment, round_, polynomial), key)
    place = round_.to_bytes(4, "little") + segment.to_bytes(2, "little") + polynomial.to_bytes(4, "little")
    return header(1, parameter_hash(s)) + place + words([1]) + poly_bytes(limbs)


# --- Key layer ---------------------------------------------------------------------------------------------------------


class KeyLayer:
    def __init__(self, s, c, public_seed):
        self.s, self.c, self.hash = s, c, committee_hash(s, c)
        self.seed = derive(public_seed, b"dream-kernels/threshold/public/1", self.hash)
        size = c["threshold"] - 1
        self.sets = [m for m in range(1 << c["members"]) if bin(m).count("1") == size]

    def a(self, epoch):
        return public(self.s, self.seed, 0, epoch, 0)

    def share(self, seed, epoch, dealer, set_):
        context = self.hash + epoch.to_bytes(4, "little") + bytes([dealer, set_])
        return derive(seed, b"dream-kernels/threshold/share/1", context)

    def secret(self, share, epoch, dealer, set_):
        return [ternary(w) for w in stream(share, SECRET, ALL, dealer << 8 | set_, epoch, 0, self.s["degree"])]

    def commitment(self, share, epoch, dealer, set_):
        n = self.s["degree"]
        errors = [binomial(w, self.s["eta"]) for w in stream(share, ERROR, ALL, dealer << 8 | set_, epoch, 0, n)]
        return masked(self.s, [0] * n, errors, self.a(epoch), self.secret(share, epoch, dealer, set_))

    def add(self, polys):
        return [[sum(x) % p for x in zip(*(poly[i] for poly in polys))] for i, p in enumerate(self.s["primes"])]

    def encrypt(self, key, epoch, dealers, seed, round_, polynomial, coefficients):
        s, n = self.s, self.s["degree"]
        packed = pack(s, coefficients)
        seed = derive(seed, b"dream-kernels/threshold/encrypt/1", epoch.to_bytes(4, "little") + words(packed, 8))
        u = [ternary(w) for w in stream(seed, EPHEMERAL, ALL, 0, round_, polynomial, n)]
        e0 = [binomial(w, s["eta"]) for w in stream(seed, ERROR, ALL, 0, round_, polynomial, n)]
        e1 = [binomial(w, s["eta"]) for w in stream(seed, SECOND_ERROR, ALL, 0, round_, polynomial, n)]
        c0, c1 = masked(s, packed, e0, key, u), masked(s, [0] * n, e1, self.a(epoch), u)
        head = header(3, self.hash) + epoch.to_bytes(4, "little") + bytes([dealers])
        return c0, c1, head + words([round_, polynomial, 1]) + poly_bytes(c0) + poly_bytes(c1)

    def answer(self, member, shares, seed, ciphertext, c1, round_, polynomial):
        """`shares`: set to summed secret coefficients."""
        s, n = self.s, self.s["degree"]
        d = blake2b(b"dream-kernels/threshold/ciphertext/1" + ciphertext, digest_size=32).digest()
        seed = derive(seed, b"dream-kernels/threshold/flooding/1", d)
        out = header(4, self.hash) + bytes([member]) + d
        for set_ in self.sets:
            if set_ >> member & 1:
                continue
            w = stream(seed, FLOODING, ALL, set_, round_, polynomial, 2 * n)
            noise = [flooding(w[2 * i], w[2 * i + 1], self.c["flooding"]) for i in range(n)]
            out += poly_bytes(masked(s, [0] * n, noise, c1, shares[set_]))
        return out


def main():
    for degree in (1024, 2048, 4096, 8192, 16384, 32768, 65536):
        for p in primes_for(degree):
            print("ntt", degree, p, root_of(degree, p), show(transform(test_polynomial(degree, p), p)))

    seed = bytes(range(32))
    draw = lambda purpose, count: stream(seed, purpose, 3, 0x0102, 0x03040506, 0x0708090A, count)
    print("stream", show(draw(PUBLIC, 5000), 8))
    for p in SA["primes"]:
        print("uniform", p, show([uniform(w, p) for w in draw(PUBLIC, 5000)]))
    for eta in (1, 21, 32):
        print("binomial", eta, show([binomial(w, eta) for w in draw(ERROR, 5000)]))
    print("ternary", show([ternary(w) for w in draw(SECRET, 5000)]))
    for sigma, tail in ((500, 3), (3190, 20), (3200, 40), (20000, 240)):
        thresholds = gaussian_thresholds(sigma, tail)
        print("thresholds", sigma, tail, digest(words(thresholds, 8)))
        print("gaussian", sigma, tail, show([gaussian(w, thresholds) for w in draw(ERROR, 5000)]))
    for bits in (56, 100, 120):
        w = draw(FLOODING, 10000)
        print("flooding", bits, show([flooding(w[i], w[i + 1], bits) for i in range(0, 10000, 2)], 16))
    print("derive", derive(seed, b"tag", b"context").hex())

    print("parameters SA_4096", parameter_hash(SA).hex())
    print("parameters INSECURE_TEST_1024", parameter_hash(TEST).hex())
    seven = dict(members=7, threshold=4, flooding=100, statistical=40, answers=2048)
    three = dict(members=3, threshold=2, flooding=94, statistical=40, answers=2048)
    print("committee KEY_8192", committee_hash(KEY, seven).hex())
    print("committee KEY_8192_SMALL", committee_hash(KEY, three).hex())
    print("committee INSECURE_TEST_KEY_1024", committee_hash(TEST_KEY, COMMITTEE).hex())

    values = [(i * 37 + 11) % 255 - 127 for i in range(3000)]
    for name, s in (("SA_4096", SA), ("INSECURE_TEST_1024", TEST)):
        data = data_ciphertext(s, b"\x01" * 32, b"\x02" * 32, 0x01020304, 0x0506, 7, values)
        print("data-ciphertext", name, len(data), data[48:56].hex(), digest(data))

    layer, epoch = KeyLayer(TEST_KEY, COMMITTEE, b"\x03" * 32), 0x0A0B
    shares = {(d, t): layer.share(bytes([16 + d]) * 32, epoch, d, t) for d in range(3) for t in layer.sets}
    commitments = {k: layer.commitment(share, epoch, *k) for k, share in shares.items()}
    one = header(2, layer.hash) + epoch.to_bytes(4, "little") + bytes([1, 4]) + poly_bytes(commitments[1, 4])
    print("share 1 4", shares[1, 4].hex())
    print("commitment 1 4", len(one), digest(one))
    coefficients = [(i * 5 + 2) % 43 - 21 for i in range(1500)]
    key = layer.add(list(commitments.values()))
    public_key = header(5, layer.hash) + epoch.to_bytes(4, "little") + bytes([7]) + poly_bytes(key)
    print("public-key", len(public_key), digest(public_key))
    c0, c1, ciphertext = layer.encrypt(key, epoch, 7, b"\x04" * 32, 9, 6, coefficients)
    print("key-ciphertext", len(ciphertext), digest(ciphertext))
    sums = {t: [sum(x) for x in zip(*(layer.secret(shares[d, t], epoch, d, t) for d in range(3)))] for t in layer.sets}
    for member in range(3):
        answer = layer.answer(member, sums, bytes([32 + member]) * 32, ciphertext, c1, 9, 6)
        print("answer", member, len(answer), digest(answer))


if __name__ == "__main__":
    main()
