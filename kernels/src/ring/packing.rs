// SPDX-License-Identifier: GPL-3.0-or-later
//! Several signed values in one coefficient, with room for their sums.

/// How values lie in a coefficient: value j of a group counts 2^(j bits). As long as every sum of values stays within
/// `-limit..=limit` with `limit = 2^(bits-1) - 1`, packed integers may be added and unpack to the sums of the values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packing {
    slots: u32,
    bits: u32,
}

impl Packing {
    /// `slots` values of `bits` bits each, at most 64 bits together and at least 2 bits each.
    pub fn new(slots: u32, bits: u32) -> Option<Self> {
        let fits = slots > 0 && (2..=32).contains(&bits) && slots.checked_mul(bits)? <= 64;
        fits.then_some(Self { slots, bits })
    }

    /// Values in a coefficient.
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    /// Bits of a value, the sign included.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Bits of a packed coefficient: it lies in (-2^(width-1), 2^(width-1)).
    pub fn width(&self) -> u32 {
        self.slots * self.bits
    }

    /// Largest absolute value of a sum in a slot.
    pub fn limit(&self) -> i64 {
        (1 << (self.bits - 1)) - 1
    }

    /// Packs up to `slots` values, the first lowest; values past the end are zeros. The absolute values must be within
    /// [`Self::limit`].
    #[inline]
    pub fn pack(&self, values: impl DoubleEndedIterator<Item = i64> + ExactSizeIterator) -> i64 {
        debug_assert!(values.len() <= self.slots());
        values
            .rev()
            .fold(0i64, |sum, value| (sum << self.bits).wrapping_add(value))
    }

    /// Unpacks an integer given modulo 2^64 (or any larger power of two) into `slots` values.
    #[inline]
    pub fn unpack(&self, packed: u64, mut value: impl FnMut(i64)) {
        let mut left = packed as i64;
        let unused = 64 - self.bits;
        for _ in 0..self.slots {
            let lowest = (left << unused) >> unused;
            value(lowest);
            // The arithmetic shift keeps the sign; with all 64 bits in use the last slot ends the loop.
            left = left.wrapping_sub(lowest) >> self.bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_should_refuse_what_does_not_fit_64_bits() {
        for (slots, bits) in [(0, 16), (5, 13), (1, 1), (1, 33), (3, 22), (u32::MAX, 2)] {
            assert_eq!(Packing::new(slots, bits), None, "{slots} x {bits}");
        }
        assert_eq!(Packing::new(4, 16).unwrap().width(), 64);
    }

    proptest! {
        #[test]
        fn sums_of_packed_groups_should_unpack_to_the_sums(
            slots in 1u32..=8,
            bits in 4u32..=32,
            rows in proptest::collection::vec(proptest::collection::vec(any::<i64>(), 8), 1..9),
            edge: bool,
        ) {
            prop_assume!(slots * bits <= 64);
            let packing = Packing::new(slots, bits).unwrap();
            let share = packing.limit() / rows.len() as i64;
            let mut sums = vec![0i64; slots as usize];
            let mut packed = 0u64;
            for row in &rows {
                let values: Vec<i64> = row[..slots as usize]
                    .iter()
                    .map(|v| if edge { share * v.signum() } else { v % (share + 1) })
                    .collect();
                packed = packed.wrapping_add(packing.pack(values.iter().copied()) as u64);
                sums.iter_mut().zip(&values).for_each(|(s, v)| *s += v);
            }
            let mut out = vec![];
            packing.unpack(packed, |v| out.push(v));
            prop_assert_eq!(out, sums);
        }
    }
}
