// SPDX-License-Identifier: GPL-3.0-or-later
//! Deltas: integer grid steps, chunk by chunk, under a Merkle-sum root.
//!
//! A chunk decodes to `code * 2^shift` a parameter. Encodings are canonical: one delta has one root.

use crate::hashing::Domain;
use crate::manifest::chunk_len;
use crate::math::{clamp_i32, to_u32, to_usize};
use crate::merkle::{self, SumNode};
use crate::recipe::DeltaCodec;
use crate::state::CHUNK;
use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::cmp::Reverse;
use primitive_types::H256;
use scale_info::TypeInfo;

/// Largest shift: |code * 2^shift| <= 127 * 2^23 < 2^30.
pub const MAX_SHIFT: u8 = 23;

/// A byte of a sparse chunk's gaps that another byte of the same gap follows.
pub const GAP_GOES_ON: u8 = u8::MAX;

/// One chunk of a delta.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum DeltaChunk {
    /// A code for every parameter of the chunk.
    Dense {
        /// Power of two that every code is multiplied by.
        shift: u8,
        /// Codes in -127..=127.
        codes: Vec<i8>,
    },
    /// Codes of some parameters; the others do not move.
    Sparse {
        /// Power of two that every code is multiplied by.
        shift: u8,
        /// For each code the number of parameters left out since the code before: a byte of [`GAP_GOES_ON`] for every
        /// full 255 of them, then one byte with the rest. A gap has one encoding, and nearly always one byte.
        gaps: Vec<u8>,
        /// Non-zero codes in -127..=127.
        codes: Vec<i8>,
    },
}

/// Why a chunk is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeltaError {
    /// Shift above [`MAX_SHIFT`], or not zero although every code is zero.
    Shift,
    /// The number of codes does not fit the chunk or the gaps.
    Length,
    /// A code of -128, or zero in a sparse chunk.
    Code,
    /// The gaps lead out of the chunk, or end within a gap.
    Index,
}

impl DeltaChunk {
    /// Checks that the chunk is canonical for `len` parameters.
    pub fn check(&self, len: u32) -> Result<(), DeltaError> {
        let (Self::Dense { shift, codes } | Self::Sparse { shift, codes, .. }) = self;
        if *shift > MAX_SHIFT || (*shift > 0 && codes.iter().all(|c| *c == 0)) {
            return Err(DeltaError::Shift);
        }
        if codes.contains(&i8::MIN) {
            return Err(DeltaError::Code);
        }
        match self {
            Self::Dense { .. } if to_u32(codes.len()) != len => Err(DeltaError::Length),
            Self::Dense { .. } => Ok(()),
            Self::Sparse { gaps, .. } => {
                if gaps.iter().filter(|gap| **gap < GAP_GOES_ON).count() != codes.len() {
                    return Err(DeltaError::Length);
                }
                if codes.contains(&0) {
                    return Err(DeltaError::Code);
                }
                let ended = gaps.last().is_none_or(|gap| *gap < GAP_GOES_ON);
                let last = entries(gaps, codes).last();
                if ended && last.is_none_or(|(index, _)| index < to_usize(len)) {
                    Ok(())
                } else {
                    Err(DeltaError::Index)
                }
            }
        }
    }

    /// Power of two that every code is multiplied by.
    #[inline]
    pub fn shift(&self) -> u8 {
        let (Self::Dense { shift, .. } | Self::Sparse { shift, .. }) = self;
        *shift
    }

    /// Grid steps of every parameter of the chunk.
    pub fn steps(&self, len: u32) -> Vec<i32> {
        let mut out = vec![0i32; to_usize(len)];
        match self {
            Self::Dense { shift, codes } => {
                out.iter_mut()
                    .zip(codes)
                    .for_each(|(o, c)| *o = scaled(*c, *shift));
            }
            Self::Sparse { shift, gaps, codes } => {
                for (index, code) in entries(gaps, codes) {
                    if let Some(o) = out.get_mut(index) {
                        *o = scaled(code, *shift);
                    }
                }
            }
        }
        out
    }

    /// Sum of squared grid steps: below 4096 * 2^60 for a chunk that passes its check.
    pub fn sum_of_squares(&self) -> u128 {
        let (Self::Dense { shift, codes } | Self::Sparse { shift, codes, .. }) = self;
        // 4096 * 128^2 fits 32 bits.
        let blocks = codes.chunks(CHUNK).map(|block| dot(block, block));
        let squares = blocks.fold(0u64, |n, block| {
            n.wrapping_add(u64::from(block.unsigned_abs()))
        });
        u128::from(squares) << u32::from((*shift).min(MAX_SHIFT)).wrapping_mul(2)
    }

    /// The codes of `len` parameters: those of a sparse chunk with zeros between them.
    pub(crate) fn dense_codes(&self, len: u32) -> Vec<i8> {
        let mut out = vec![0i8; to_usize(len)];
        match self {
            Self::Dense { codes, .. } => out.iter_mut().zip(codes).for_each(|(o, c)| *o = *c),
            Self::Sparse { gaps, codes, .. } => {
                for (index, code) in entries(gaps, codes) {
                    if let Some(o) = out.get_mut(index) {
                        *o = code;
                    }
                }
            }
        }
        out
    }

    /// Leaf of the delta's Merkle-sum tree.
    pub fn leaf(&self) -> SumNode {
        SumNode {
            hash: merkle::leaf(Domain::Delta, &self.encode()),
            sum: self.sum_of_squares(),
        }
    }
}

/// Dot product of two chunks' codes: |sum| <= 4096 * 128^2 = 2^26.
pub(crate) fn dot(a: &[i8], b: &[i8]) -> i32 {
    let products = a
        .iter()
        .zip(b)
        .map(|(x, y)| i32::from(*x).wrapping_mul(i32::from(*y)));
    products.fold(0i32, i32::wrapping_add)
}

/// Offsets in the chunk, ascending, with their codes.
pub(crate) fn entries<'a>(
    gaps: &'a [u8],
    codes: &'a [i8],
) -> impl Iterator<Item = (usize, i8)> + 'a {
    let (mut gaps, mut next) = (gaps.iter(), 0usize);
    codes.iter().map_while(move |code| {
        loop {
            let gap = gaps.next()?;
            next = next.saturating_add(usize::from(*gap));
            if *gap < GAP_GOES_ON {
                break;
            }
        }
        let index = next;
        next = next.saturating_add(1);
        Some((index, *code))
    })
}

#[inline]
pub(crate) fn scaled(code: i8, shift: u8) -> i32 {
    // |code| <= 128 and shift <= MAX_SHIFT: at most 2^30.
    i32::from(code).wrapping_shl(u32::from(shift.min(MAX_SHIFT)))
}

/// Quantises grid steps to int8 codes with the smallest shift that holds the largest of them, rounding half away from
/// zero. Steps beyond 127 * 2^23 are clamped. Returns the chunk; what is lost is `steps - chunk.steps()`.
pub fn quantise_dense(steps: &[i32]) -> DeltaChunk {
    let shift = shift_for(steps.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0));
    DeltaChunk::Dense {
        shift,
        codes: steps.iter().map(|s| code_of(*s, shift)).collect(),
    }
}

/// As [`quantise_dense`] for the `kept` largest steps (by absolute value, ties to the lower offset) and no others. A step
/// whose code would be zero is left out.
pub fn quantise_sparse(steps: &[i32], kept: u16) -> DeltaChunk {
    let size = |(index, step): &(usize, i32)| (Reverse(step.unsigned_abs()), *index);
    let mut largest: Vec<(usize, i32)> = steps.iter().copied().enumerate().collect();
    if usize::from(kept) < largest.len() {
        largest.select_nth_unstable_by_key(usize::from(kept), size);
        largest.truncate(usize::from(kept));
    }
    largest.sort_unstable_by_key(|(index, _)| *index);
    let magnitudes = largest.iter().map(|(_, step)| step.unsigned_abs());
    let shift = shift_for(magnitudes.max().unwrap_or(0));
    let (mut gaps, mut codes, mut next) = (Vec::new(), Vec::new(), 0usize);
    for (index, step) in largest {
        let code = code_of(step, shift);
        if code == 0 {
            continue;
        }
        let mut gap = index.saturating_sub(next);
        while gap >= usize::from(GAP_GOES_ON) {
            gaps.push(GAP_GOES_ON);
            gap = gap.saturating_sub(usize::from(GAP_GOES_ON));
        }
        gaps.push(u8::try_from(gap).unwrap_or(GAP_GOES_ON));
        codes.push(code);
        next = index.saturating_add(1);
    }
    DeltaChunk::Sparse { shift, gaps, codes }
}

/// The smallest shift at which `largest` rounds to at most 127.
fn shift_for(largest: u32) -> u8 {
    let mut shift = 0u8;
    while shift < MAX_SHIFT && round_shift(largest, shift) > 127 {
        shift = shift.saturating_add(1);
    }
    shift
}

fn code_of(step: i32, shift: u8) -> i8 {
    let magnitude = i8::try_from(round_shift(step.unsigned_abs(), shift)).unwrap_or(i8::MAX);
    if step < 0 {
        magnitude.wrapping_neg()
    } else {
        magnitude
    }
}

fn round_shift(magnitude: u32, shift: u8) -> u64 {
    let half = (1u64 << shift) >> 1;
    u64::from(magnitude).wrapping_add(half) >> shift
}

/// Quantises a whole delta (grid steps in manifest order) to dense codes, chunk by chunk.
pub fn quantise(steps: &[i32]) -> Vec<DeltaChunk> {
    encode_delta(&DeltaCodec::DenseInt8, steps)
}

/// A whole delta (grid steps in manifest order) as the recipe's codec sends it, chunk by chunk. Top-k keeps `per_chunk`
/// steps of the last chunk too, short as it may be.
pub fn encode_delta(codec: &DeltaCodec, steps: &[i32]) -> Vec<DeltaChunk> {
    let encode = |chunk| match codec {
        DeltaCodec::DenseInt8 => quantise_dense(chunk),
        DeltaCodec::TopK { per_chunk } => quantise_sparse(chunk, *per_chunk),
    };
    steps.chunks(CHUNK).map(encode).collect()
}

/// The grid steps that a whole delta of `parameters` parameters decodes to.
pub fn decode_delta(chunks: &[DeltaChunk], parameters: u64) -> Vec<i32> {
    (0u32..)
        .zip(chunks)
        .flat_map(|(i, chunk)| chunk.steps(chunk_len(parameters, i)))
        .collect()
}

/// Grid steps between two states, clamped to `i32`.
pub fn difference(end: &[i32], start: &[i32]) -> Vec<i32> {
    end.iter()
        .zip(start)
        .map(|(e, s)| clamp_i32(i64::from(*e).wrapping_sub(i64::from(*s))))
        .collect()
}

/// Checks every chunk of a delta for a state of `parameters` parameters; names the first bad chunk.
pub fn check(chunks: &[DeltaChunk], parameters: u64) -> Result<(), (u32, DeltaError)> {
    let expected = crate::manifest::chunks_of(parameters).unwrap_or(0);
    if to_u32(chunks.len()) != expected {
        return Err((to_u32(chunks.len()), DeltaError::Length));
    }
    (0u32..)
        .zip(chunks)
        .try_for_each(|(i, chunk)| chunk.check(chunk_len(parameters, i)).map_err(|e| (i, e)))
}

/// `delta_root`; `None` when there are no chunks.
pub fn root(chunks: &[DeltaChunk]) -> Option<H256> {
    let leaves: Vec<SumNode> = chunks.iter().map(DeltaChunk::leaf).collect();
    Some(merkle::sum_top(Domain::Delta, &leaves)?.root(Domain::Delta))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dense(shift: u8, codes: &[i8]) -> DeltaChunk {
        DeltaChunk::Dense {
            shift,
            codes: codes.to_vec(),
        }
    }

    fn sparse(shift: u8, gaps: &[u8], codes: &[i8]) -> DeltaChunk {
        DeltaChunk::Sparse {
            shift,
            gaps: gaps.to_vec(),
            codes: codes.to_vec(),
        }
    }

    fn steps(most: usize) -> impl Strategy<Value = Vec<i32>> {
        (prop::collection::vec(any::<i32>(), 1..most), 0u32..32)
            .prop_map(|(steps, scale)| steps.iter().map(|s| s >> scale).collect())
    }

    proptest! {
        #[test]
        fn quantise_should_be_canonical_and_lose_at_most_half_a_code(
            steps in prop::collection::vec(-(1i32 << 29)..(1 << 29), 1..300), scale in 0u32..29,
        ) {
            let steps: Vec<i32> = steps.iter().map(|s| s >> scale).collect();
            let chunk = quantise_dense(&steps);
            prop_assert_eq!(chunk.check(steps.len() as u32), Ok(()));
            for (a, b) in steps.iter().zip(chunk.steps(steps.len() as u32)) {
                prop_assert!(2 * (*a as i64 - b as i64).abs() <= 1 << chunk.shift());
            }
        }

        #[test]
        fn sparse_should_keep_the_largest_as_dense_codes_of_their_own(steps in steps(CHUNK), kept in 1u16..400) {
            let len = steps.len() as u32;
            let chunk = quantise_sparse(&steps, kept);
            prop_assert_eq!(chunk.check(len), Ok(()));
            let mut order: Vec<usize> = (0..steps.len()).collect();
            order.sort_by_key(|i| (Reverse(steps[*i].unsigned_abs()), *i));
            let mut only = vec![0; steps.len()];
            for i in order.iter().take(kept.into()) {
                only[*i] = steps[*i];
            }
            prop_assert_eq!(chunk.steps(len), quantise_dense(&only).steps(len));
        }

        #[test]
        fn chunk_should_round_trip_and_know_its_norm(steps in steps(600), kept in prop::option::of(1u16..700)) {
            let chunk = kept.map_or_else(|| quantise_dense(&steps), |k| quantise_sparse(&steps, k));
            let len = steps.len() as u32;
            let squares: u128 = chunk.steps(len).iter().map(|s| (*s as i128 * *s as i128) as u128).sum();
            prop_assert_eq!(chunk.sum_of_squares(), squares);
            prop_assert_eq!(DeltaChunk::decode(&mut &chunk.encode()[..]).unwrap(), chunk);
        }
    }

    #[test]
    fn check_should_refuse_what_is_not_canonical() {
        assert_eq!(dense(0, &[0, 0]).check(2), Ok(()));
        assert_eq!(dense(1, &[0, 0]).check(2), Err(DeltaError::Shift));
        assert_eq!(dense(24, &[1, 0]).check(2), Err(DeltaError::Shift));
        assert_eq!(dense(0, &[1]).check(2), Err(DeltaError::Length));
        assert_eq!(dense(0, &[-128, 1]).check(2), Err(DeltaError::Code));
        assert_eq!(sparse(3, &[0, 4], &[1, -1]).check(6), Ok(()));
        assert_eq!(sparse(0, &[], &[]).check(6), Ok(()));
        assert_eq!(sparse(1, &[], &[]).check(6), Err(DeltaError::Shift));
        assert_eq!(
            sparse(3, &[0, 4], &[1, -1]).check(5),
            Err(DeltaError::Index)
        );
        assert_eq!(sparse(3, &[5], &[1, -1]).check(6), Err(DeltaError::Length));
        assert_eq!(sparse(3, &[1, 2], &[1]).check(6), Err(DeltaError::Length));
        assert_eq!(sparse(3, &[1, 0], &[1, 0]).check(6), Err(DeltaError::Code));
        assert_eq!(sparse(3, &[255, 0], &[1]).check(256), Ok(()));
        assert_eq!(
            sparse(3, &[255, 0], &[1]).check(255),
            Err(DeltaError::Index)
        );
        assert_eq!(
            sparse(3, &[0, 255], &[1]).check(999),
            Err(DeltaError::Index)
        );
    }

    #[test]
    fn sparse_steps_should_leave_other_parameters_alone() {
        let chunk = sparse(2, &[1, 1], &[-3, 5]);
        assert_eq!(chunk.steps(5), [0, -12, 0, 20, 0]);
        let far = sparse(0, &[255, 255, 3, 0], &[7, 8]);
        let moved: Vec<usize> = (0..999).filter(|i| far.steps(999)[*i] != 0).collect();
        assert_eq!(moved, [513, 514]);
    }

    #[test]
    fn top_k_should_prefer_the_lower_offset_and_drop_codes_of_zero() {
        let chunk = quantise_sparse(&[5, -5, 5, 9], 2);
        assert_eq!(chunk.steps(4), [5, 0, 0, 9]);
        // 1,000,000 needs a shift of 13, at which 3 is no code.
        let chunk = quantise_sparse(&[3, 1_000_000], 2);
        assert_eq!(chunk, sparse(13, &[1], &[122]));
        assert_eq!(quantise_sparse(&[0; 7], 3), sparse(0, &[], &[]));
    }

    #[test]
    fn sparse_delta_should_take_a_thirtieth_of_its_floats() {
        let parameters = 1_000 * CHUNK;
        let steps: Vec<i32> = (0..parameters as u32)
            .map(|i| (i.wrapping_mul(2_654_435_769) >> 8).cast_signed() % 10_000)
            .collect();
        for (per_chunk, least) in [(267, 30), (128, 60), (64, 110)] {
            let delta = encode_delta(&DeltaCodec::TopK { per_chunk }, &steps);
            let bytes = delta.encode().len();
            let factor = 4 * parameters / bytes;
            println!(
                "top {per_chunk} of {CHUNK}: {:.1} bytes a chunk, {factor} times fewer than f32",
                bytes as f64 / 1_000.0
            );
            assert!(factor >= least, "{per_chunk}: {factor}");
        }
    }

    #[test]
    fn delta_should_decode_to_the_steps_of_its_chunks() {
        let steps: Vec<i32> = (0..5_000).map(|i| (i * 37) % 100).collect();
        let chunks = quantise(&steps);
        assert_eq!(check(&chunks, 5_000), Ok(()));
        assert_eq!(check(&chunks, 5_001), Err((1, DeltaError::Length)));
        assert_eq!(check(&chunks[1..], 5_000), Err((1, DeltaError::Length)));
        assert_eq!(decode_delta(&chunks, 5_000), steps);
    }
}
