// SPDX-License-Identifier: GPL-3.0-or-later
//! Training states: what a miner records after each segment, and what a verifier resumes from.

use crate::grid::{dequantise, first_not_finite};
use crate::{SnapshotError, TrainingError};
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::H256;

#[cfg(target_endian = "big")]
compile_error!("training states are little-endian, as every machine that libtorch serves");

const MAGIC: &[u8; 8] = b"DREAMTST";
const VERSION: u32 = 1;
/// Magic (8 bytes), version (u32), reserved zero (u32), step (u64), parameters (u64).
const HEADER: usize = 32;
/// Bytes of one parameter: value, first moment, second moment.
const WIDTH: usize = 12;

/// Parameters and the optimiser's state between two steps. The three vectors have the same length and are in manifest
/// order.
#[derive(Clone, PartialEq, Debug)]
pub struct TrainingState {
    /// Parameters.
    pub params: Vec<f32>,
    /// AdamW's first moment.
    pub exp_avg: Vec<f32>,
    /// AdamW's second moment.
    pub exp_avg_sq: Vec<f32>,
    /// Steps done since the head, over all segments.
    pub step: u64,
}

fn header(step: u64, parameters: usize) -> [u8; HEADER] {
    let mut out = [0u8; HEADER];
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[16..24].copy_from_slice(&step.to_le_bytes());
    out[24..].copy_from_slice(&(parameters as u64).to_le_bytes());
    out
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .rev()
        .fold(0, |n, b| n << 8 | u32::from(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

impl TrainingState {
    /// State 0 of a claim: the dequantised head, an empty optimiser.
    pub fn from_head(architecture: &Architecture, head: &[i32]) -> Result<Self, TrainingError> {
        let params = dequantise(architecture, head)?;
        let zeros = vec![0f32; params.len()];
        Ok(Self {
            params,
            exp_avg: zeros.clone(),
            exp_avg_sq: zeros,
            step: 0,
        })
    }

    /// Hash over the exact bits, in manifest order, and the step counter.
    pub fn hash(&self, genesis: &H256) -> H256 {
        let header = header(self.step, self.params.len());
        let [params, exp_avg, exp_avg_sq] = [&self.params, &self.exp_avg, &self.exp_avg_sq]
            .map(|v| bytemuck::cast_slice::<f32, u8>(v));
        hash(
            Domain::TrainingState,
            genesis,
            &[&header, params, exp_avg, exp_avg_sq],
        )
    }

    /// The blob that a miner serves: a header of 32 bytes, then parameters, first and second moments as f32.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + WIDTH * self.params.len());
        out.extend_from_slice(&header(self.step, self.params.len()));
        for part in [&self.params, &self.exp_avg, &self.exp_avg_sq] {
            out.extend_from_slice(bytemuck::cast_slice::<f32, u8>(part));
        }
        out
    }

    /// Size of a snapshot of a model with `parameters` parameters, in bytes.
    pub fn bytes_len(parameters: usize) -> usize {
        HEADER + WIDTH * parameters
    }

    /// Reads a snapshot of a model with `parameters` parameters. Never trusts a length that the bytes name.
    pub fn from_bytes(bytes: &[u8], parameters: usize) -> Result<Self, SnapshotError> {
        let expected = Self::bytes_len(parameters);
        if bytes.len() < HEADER {
            return Err(SnapshotError::Length {
                expected,
                found: bytes.len(),
            });
        }
        if &bytes[..8] != MAGIC || u32_at(bytes, 12) != 0 {
            return Err(SnapshotError::Magic);
        }
        if u32_at(bytes, 8) != VERSION {
            return Err(SnapshotError::Version(u32_at(bytes, 8)));
        }
        if u64_at(bytes, 24) != parameters as u64 {
            return Err(SnapshotError::Parameters {
                expected: parameters as u64,
                found: u64_at(bytes, 24),
            });
        }
        if bytes.len() != expected {
            return Err(SnapshotError::Length {
                expected,
                found: bytes.len(),
            });
        }
        let part = |i: usize| -> Vec<f32> {
            // The bytes may be unaligned, so they are copied, not viewed.
            let start = HEADER + i * 4 * parameters;
            bytemuck::pod_collect_to_vec(&bytes[start..start + 4 * parameters])
        };
        let state = Self {
            params: part(0),
            exp_avg: part(1),
            exp_avg_sq: part(2),
            step: u64_at(bytes, 16),
        };
        for (what, values) in [
            ("a parameter", &state.params),
            ("a first moment", &state.exp_avg),
            ("a second moment", &state.exp_avg_sq),
        ] {
            if let Some(index) = first_not_finite(values) {
                return Err(SnapshotError::NotFinite { what, index });
            }
        }
        match state.exp_avg_sq.iter().position(|v| *v < 0.0) {
            Some(index) => Err(SnapshotError::NegativeMoment { index }),
            None => Ok(state),
        }
    }
}
