// SPDX-License-Identifier: GPL-3.0-or-later
//! Deltas: integer grid steps, chunk by chunk, under a Merkle-sum root.
//!
//! A chunk decodes to `code * 2^shift` a parameter. Encodings are canonical: one delta has one root.

use crate::hashing::Domain;
use crate::manifest::chunk_len;
use crate::math::{clamp_i32, to_u32};
use crate::merkle::{self, SumNode};
use crate::state::CHUNK;
use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use primitive_types::H256;
use scale_info::TypeInfo;

/// Largest shift: |code * 2^shift| <= 127 * 2^23 < 2^30.
pub const MAX_SHIFT: u8 = 23;

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
        /// Strictly increasing offsets in the chunk.
        indices: Vec<u16>,
        /// Non-zero codes in -127..=127, one an offset.
        codes: Vec<i8>,
    },
}

/// Why a chunk is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeltaError {
    /// Shift above [`MAX_SHIFT`], or not zero although every code is zero.
    Shift,
    /// The number of codes (or offsets) does not fit the chunk.
    Length,
    /// A code of -128, or zero in a sparse chunk.
    Code,
    /// Offsets not strictly increasing or out of the chunk.
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
            Self::Sparse { indices, .. } => {
                if indices.len() != codes.len() {
                    return Err(DeltaError::Length);
                }
                if codes.contains(&0) {
                    return Err(DeltaError::Code);
                }
                let increasing = indices
                    .iter()
                    .zip(indices.iter().skip(1))
                    .all(|(a, b)| a < b);
                let inside = indices.last().is_none_or(|i| u32::from(*i) < len);
                if increasing && inside {
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
        let mut out = vec![0i32; crate::math::to_usize(len)];
        match self {
            Self::Dense { shift, codes } => {
                out.iter_mut()
                    .zip(codes)
                    .for_each(|(o, c)| *o = scaled(*c, *shift));
            }
            Self::Sparse {
                shift,
                indices,
                codes,
            } => {
                for (i, c) in indices.iter().zip(codes) {
                    if let Some(o) = out.get_mut(usize::from(*i)) {
                        *o = scaled(*c, *shift);
                    }
                }
            }
        }
        out
    }

    /// Sum of squared grid steps: below 4096 * 2^60.
    pub fn sum_of_squares(&self) -> u128 {
        let (Self::Dense { shift, codes } | Self::Sparse { shift, codes, .. }) = self;
        let squares = codes.iter().fold(0u64, |n, c| {
            let a = u64::from(c.unsigned_abs());
            n.wrapping_add(a.wrapping_mul(a))
        });
        u128::from(squares) << u32::from((*shift).min(MAX_SHIFT)).wrapping_mul(2)
    }

    /// Leaf of the delta's Merkle-sum tree.
    pub fn leaf(&self) -> SumNode {
        SumNode {
            hash: merkle::leaf(Domain::Delta, &self.encode()),
            sum: self.sum_of_squares(),
        }
    }
}

#[inline]
fn scaled(code: i8, shift: u8) -> i32 {
    // |code| <= 128 and shift <= MAX_SHIFT: at most 2^30.
    i32::from(code).wrapping_shl(u32::from(shift.min(MAX_SHIFT)))
}

/// Quantises grid steps to int8 codes with the smallest shift that holds the largest of them, rounding half away from
/// zero. Steps beyond 127 * 2^23 are clamped. Returns the chunk; what is lost is `steps - chunk.steps()`.
pub fn quantise_dense(steps: &[i32]) -> DeltaChunk {
    let largest = steps.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    let mut shift = 0u8;
    while shift < MAX_SHIFT && round_shift(largest, shift) > 127 {
        shift = shift.saturating_add(1);
    }
    let codes = steps
        .iter()
        .map(|s| {
            let magnitude = i8::try_from(round_shift(s.unsigned_abs(), shift)).unwrap_or(i8::MAX);
            if *s < 0 {
                magnitude.wrapping_neg()
            } else {
                magnitude
            }
        })
        .collect();
    DeltaChunk::Dense { shift, codes }
}

fn round_shift(magnitude: u32, shift: u8) -> u64 {
    let half = (1u64 << shift) >> 1;
    u64::from(magnitude).wrapping_add(half) >> shift
}

/// Quantises a whole delta (grid steps in manifest order) chunk by chunk.
pub fn quantise(steps: &[i32]) -> Vec<DeltaChunk> {
    steps.chunks(CHUNK).map(quantise_dense).collect()
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

    proptest! {
        #[test]
        fn quantise_should_be_canonical_and_lose_at_most_half_a_code(
            steps in prop::collection::vec(-(1i32 << 29)..(1 << 29), 1..300), scale in 0u32..29,
        ) {
            let steps: Vec<i32> = steps.iter().map(|s| s >> scale).collect();
            let chunk = quantise_dense(&steps);
            prop_assert_eq!(chunk.check(steps.len() as u32), Ok(()));
            let DeltaChunk::Dense { shift, .. } = &chunk else { unreachable!() };
            for (a, b) in steps.iter().zip(chunk.steps(steps.len() as u32)) {
                prop_assert!(2 * (*a as i64 - b as i64).abs() <= 1 << shift);
            }
            let squares: u128 = chunk.steps(steps.len() as u32).iter().map(|s| (*s as i128 * *s as i128) as u128).sum();
            prop_assert_eq!(chunk.sum_of_squares(), squares);
            let decoded = DeltaChunk::decode(&mut &chunk.encode()[..]).unwrap();
            prop_assert_eq!(decoded, chunk);
        }
    }

    #[test]
    fn check_should_refuse_what_is_not_canonical() {
        let dense = |shift, codes: &[i8]| DeltaChunk::Dense {
            shift,
            codes: codes.to_vec(),
        };
        let sparse = |shift, indices: &[u16], codes: &[i8]| DeltaChunk::Sparse {
            shift,
            indices: indices.to_vec(),
            codes: codes.to_vec(),
        };
        assert_eq!(dense(0, &[0, 0]).check(2), Ok(()));
        assert_eq!(dense(1, &[0, 0]).check(2), Err(DeltaError::Shift));
        assert_eq!(dense(24, &[1, 0]).check(2), Err(DeltaError::Shift));
        assert_eq!(dense(0, &[1]).check(2), Err(DeltaError::Length));
        assert_eq!(dense(0, &[-128, 1]).check(2), Err(DeltaError::Code));
        assert_eq!(sparse(3, &[0, 5], &[1, -1]).check(6), Ok(()));
        assert_eq!(sparse(0, &[], &[]).check(6), Ok(()));
        assert_eq!(
            sparse(3, &[0, 5], &[1, -1]).check(5),
            Err(DeltaError::Index)
        );
        assert_eq!(
            sparse(3, &[5, 5], &[1, -1]).check(6),
            Err(DeltaError::Index)
        );
        assert_eq!(sparse(3, &[5], &[1, -1]).check(6), Err(DeltaError::Length));
        assert_eq!(sparse(3, &[1, 2], &[1, 0]).check(6), Err(DeltaError::Code));
    }

    #[test]
    fn sparse_steps_should_leave_other_parameters_alone() {
        let chunk = DeltaChunk::Sparse {
            shift: 2,
            indices: vec![1, 3],
            codes: vec![-3, 5],
        };
        assert_eq!(chunk.steps(5), [0, -12, 0, 20, 0]);
    }
}
