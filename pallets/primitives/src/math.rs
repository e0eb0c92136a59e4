// SPDX-License-Identifier: GPL-3.0-or-later
//! Integer helpers with stated rounding.

use primitive_types::U256;

/// `a * b / c` rounded down, through 256 bits. `None` when `c` is zero or the result passes `u128`.
pub fn mul_div(a: u128, b: u128, c: u128) -> Option<u128> {
    let product = U256::from(a).checked_mul(U256::from(b))?;
    product.checked_div(U256::from(c))?.try_into().ok()
}

/// `a * b / c` rounded up, through 256 bits. `None` when `c` is zero or the result passes `u128`.
pub fn mul_div_up(a: u128, b: u128, c: u128) -> Option<u128> {
    let product = U256::from(a).checked_mul(U256::from(b))?;
    let more = U256::from(c.checked_sub(1)?);
    product
        .checked_add(more)?
        .checked_div(U256::from(c))?
        .try_into()
        .ok()
}

/// The square root, rounded down: Newton's method from above, begun at the root of the upper 128 bits.
#[allow(clippy::arithmetic_side_effects)] // Shifts by less than 256 bits.
pub fn isqrt(n: U256) -> u128 {
    // Even, and large enough that 128 bits are left.
    let shift = n.bits().saturating_sub(127) & !1;
    let upper = u128::try_from(n >> shift).unwrap_or(u128::MAX);
    let start = U256::from(upper.isqrt()).saturating_add(U256::one()) << (shift / 2);
    let mut root = start;
    loop {
        let quotient = n.checked_div(root).unwrap_or_default();
        let next = root.saturating_add(quotient) >> 1usize;
        if next >= root {
            return u128::try_from(root).unwrap_or(u128::MAX);
        }
        root = next;
    }
}

/// `numerator / denominator` rounded half away from zero; a zero denominator gives zero. The plain form that the merge's
/// division by multiplication is checked against, here and in the worker's tests.
#[inline]
pub fn div_round(numerator: i64, denominator: i64) -> i64 {
    let half = denominator.wrapping_abs() / 2;
    let odd = numerator.checked_rem(denominator).unwrap_or(0);
    let whole = numerator.checked_div(denominator).unwrap_or(0);
    let up = odd.wrapping_abs() > half
        || (odd.wrapping_abs() == half && denominator % 2 == 0 && odd != 0);
    if up {
        // |whole| < 2^63 whenever there is a remainder, so one more fits.
        whole.wrapping_add(numerator.signum().wrapping_mul(denominator.signum()))
    } else {
        whole
    }
}

/// `value * factor / 2^16`, rounded half away from zero.
#[inline]
pub fn scale_q16(value: i32, factor: u32) -> i64 {
    // |value * factor| < 2^63: a product of 31 and 32 bits. One less for negatives turns the shift's rounding down into
    // rounding half away from zero.
    let product = i64::from(value).wrapping_mul(i64::from(factor));
    product.wrapping_add(1 << 15).wrapping_add(product >> 63) >> 16
}

/// Clamps to the range of `i32`.
#[inline]
pub fn clamp_i32(value: i64) -> i32 {
    let bounded = value.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    i32::try_from(bounded).unwrap_or(0)
}

/// `usize` as `u64`.
pub fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// `usize` as `u128`.
pub fn to_u128(n: usize) -> u128 {
    u128::from(to_u64(n))
}

/// `usize` as `u32`, saturating.
pub fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// `u32` as `usize` (at least 32 bits on every supported target).
pub fn to_usize(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn div_round_should_be_within_half_of_the_quotient(n in -(1i64 << 55)..(1i64 << 55), d in 1i64..(1 << 25)) {
            let q = div_round(n, d) as i128;
            let err = (2 * (n as i128 - q * d as i128)).abs();
            prop_assert!(err <= d as i128);
            if err == d as i128 { prop_assert!(q.abs() * d as i128 > (n as i128).abs()); }
        }

        #[test]
        fn scale_q16_should_match_wide_arithmetic(v: i32, f: u32) {
            let p = v as i128 * f as i128;
            let expected = (p.abs() + (1 << 15)) >> 16;
            prop_assert_eq!(scale_q16(v, f) as i128, if p < 0 { -expected } else { expected });
        }
    }

    proptest! {
        #[test]
        fn isqrt_should_be_the_floor_of_the_root(high: u128, low: u128, cut in 0usize..256) {
            let n = ((U256::from(high) << 128) | U256::from(low)) >> cut;
            prop_assert_eq!(U256::from(isqrt(n)), n.integer_sqrt());
            let square = U256::from(high) * U256::from(high);
            prop_assert_eq!(isqrt(square), high);
            prop_assert_eq!(isqrt(square.saturating_sub(U256::one())), if high > 0 { high - 1 } else { 0 });
        }
    }

    #[test]
    fn isqrt_should_hold_at_the_edges() {
        for n in [0u128, 1, 2, 3, 4, 8, 9, u128::MAX - 1, u128::MAX] {
            assert_eq!(isqrt(U256::from(n)), n.isqrt());
        }
        assert_eq!(isqrt(U256::MAX), u128::MAX);
    }

    #[test]
    fn mul_div_should_fail_when_result_overflows_or_divisor_is_zero() {
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
        assert_eq!(mul_div(u128::MAX, 2, 1), None);
        assert_eq!(mul_div(1, 1, 0), None);
        assert_eq!(mul_div_up(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
        assert_eq!(mul_div_up(u128::MAX, 2, 1), None);
        assert_eq!(mul_div_up(1, 1, 0), None);
        assert_eq!((mul_div(7, 1, 2), mul_div_up(7, 1, 2)), (Some(3), Some(4)));
    }
}
