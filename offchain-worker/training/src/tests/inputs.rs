// SPDX-License-Identifier: GPL-3.0-or-later
//! Initialisation, the grid, snapshots: what enters and leaves training.

use super::small;
use crate::{
    delta, dequantise, grid_steps, init_state, SnapshotError, TrainingError, TrainingState,
};
use dream_primitives::manifest::{Architecture, ArchitectureError, LlamaConfig};
use dream_primitives::{state, H256};

#[test]
fn initial_state_should_have_the_recorded_root_on_every_machine() {
    let root = |seed| {
        format!(
            "{:?}",
            state::root(&init_state(&small(2, false), seed).unwrap())
        )
    };
    assert_eq!(
        root(7),
        "0x1a182470faec4529d7b185a9ad35896f132e8baa43f6747943c15638d48ade48"
    );
    assert_ne!(root(7), root(8));
}

#[test]
fn initial_state_should_have_the_stated_mean_and_deviation() {
    let architecture = small(2, false);
    let values = dequantise(&architecture, &init_state(&architecture, 1).unwrap()).unwrap();
    let mut start = 0;
    for spec in architecture.manifest() {
        let count = spec.parameters().unwrap() as usize;
        let part = &values[start..start + count];
        start += count;
        if spec.name.ends_with("norm.weight") {
            assert!(part.iter().all(|v| *v == 1.0), "{}", spec.name);
            continue;
        }
        let expected = if spec.name.contains("o_proj") || spec.name.contains("down_proj") {
            0.01
        } else {
            0.02
        };
        let mean = part.iter().map(|v| f64::from(*v)).sum::<f64>() / count as f64;
        let deviation = (part
            .iter()
            .map(|v| (f64::from(*v) - mean).powi(2))
            .sum::<f64>()
            / count as f64)
            .sqrt();
        let error = 5.0 / (count as f64).sqrt();
        assert!(mean.abs() < error * expected, "{}: mean {mean}", spec.name);
        assert!(
            (deviation / expected - 1.0).abs() < error,
            "{}: deviation {deviation}",
            spec.name
        );
    }
}

#[test]
fn initial_state_should_be_refused_when_the_architecture_fails_its_check() {
    let Architecture::Llama(config) = small(2, true);
    let broken = Architecture::Llama(LlamaConfig {
        kv_heads: 3,
        ..config
    });
    let error = init_state(&broken, 1).unwrap_err();
    assert!(
        matches!(
            error,
            TrainingError::Architecture(ArchitectureError::KvHeads)
        ),
        "{error}"
    );
}

#[test]
fn dequantise_should_be_exact_and_return_through_grid_steps() {
    let architecture = small(2, true);
    let state = init_state(&architecture, 3).unwrap();
    let floats = dequantise(&architecture, &state).unwrap();
    assert!(floats
        .iter()
        .zip(&state)
        .all(|(f, n)| f64::from(*f) * 16_777_216.0 == f64::from(*n)));
    let zeros = vec![0f32; floats.len()];
    assert_eq!(grid_steps(&architecture, &zeros, &floats).unwrap(), state);
}

#[test]
fn grid_steps_should_round_half_to_even_and_clamp() {
    let architecture = small(2, true);
    let n = crate::parameters(&architecture).unwrap();
    let step = 1.0 / 16_777_216.0f32;
    let mut end = vec![0f32; n];
    end[..7].copy_from_slice(&[
        0.5 * step,
        1.5 * step,
        2.5 * step,
        -0.5 * step,
        -1.5 * step,
        300.0,
        -300.0,
    ]);
    let steps = grid_steps(&architecture, &vec![0f32; n], &end).unwrap();
    assert_eq!(steps[..8], [0, 2, 2, 0, -2, i32::MAX, i32::MIN, 0]);
}

#[test]
fn delta_should_lose_at_most_half_a_code() {
    let architecture = small(2, true);
    let head = init_state(&architecture, 3).unwrap();
    let start = dequantise(&architecture, &head).unwrap();
    let end: Vec<f32> = start
        .iter()
        .enumerate()
        .map(|(i, s)| s + ((i * 31 % 1009) as f32 - 504.0) * 1e-5)
        .collect();
    let steps = grid_steps(&architecture, &start, &end).unwrap();
    let chunks = delta(&architecture, &head, &end).unwrap();
    assert_eq!(
        dream_primitives::delta::check(&chunks, start.len() as u64),
        Ok(())
    );
    for (chunk, steps) in chunks.iter().zip(steps.chunks(state::CHUNK)) {
        let decoded = chunk.steps(steps.len() as u32);
        let largest = steps.iter().map(|s| s.abs()).max().unwrap();
        // 127 codes span the largest step, so half a code is at most a 127th of it.
        assert!(steps
            .iter()
            .zip(&decoded)
            .all(|(s, d)| (s - d).abs() * 127 <= largest + 127));
        assert!(decoded.iter().any(|d| *d != 0));
    }
}

#[test]
fn grid_steps_should_name_the_parameter_when_a_value_is_not_finite() {
    let architecture = small(2, true);
    let good = vec![0f32; crate::parameters(&architecture).unwrap()];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut end = good.clone();
        end[321] = bad;
        let error = grid_steps(&architecture, &good, &end).unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::NotFinite {
                    what: "the end state",
                    index: 321
                }
            ),
            "{error}"
        );
        let error = grid_steps(&architecture, &end, &good).unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::NotFinite {
                    what: "the start state",
                    index: 321
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn states_of_another_size_should_be_refused() {
    let architecture = small(2, true);
    let n = crate::parameters(&architecture).unwrap();
    let error = TrainingState::from_head(&architecture, &vec![0; n - 1]).unwrap_err();
    assert!(
        matches!(error, TrainingError::Parameters { expected, found } if expected == n && found == n - 1)
    );
    assert!(grid_steps(&architecture, &vec![0f32; n], &vec![0f32; n + 1]).is_err());
}

fn snapshot() -> TrainingState {
    TrainingState {
        params: vec![1.5, -2.0, 1e-40, -0.0, 3.0],
        exp_avg: vec![-1.0, 0.0, 1.0, 2.0, 3.0],
        exp_avg_sq: vec![0.0, 1.0, 2.0, 1e-42, 4.0],
        step: 77,
    }
}

#[test]
fn snapshot_should_return_bit_for_bit_when_its_bytes_are_unaligned() {
    let state = snapshot();
    let bytes = state.to_bytes();
    assert_eq!(bytes.len(), TrainingState::bytes_len(5));
    let mut shifted = vec![0u8];
    shifted.extend_from_slice(&bytes);
    let read = TrainingState::from_bytes(&shifted[1..], 5).unwrap();
    assert_eq!(read.hash(&H256::zero()), state.hash(&H256::zero()));
    assert_eq!(read.to_bytes(), bytes);
}

#[test]
fn snapshot_hash_should_see_every_bit_the_counter_and_the_chain() {
    let state = snapshot();
    let hash = state.hash(&H256::zero());
    assert_ne!(hash, state.hash(&H256::repeat_byte(1)));
    let bytes = state.to_bytes();
    // The step, and the lowest bit of every value; -0.0 and 0.0 differ.
    for at in [16].into_iter().chain((32..bytes.len()).step_by(4)) {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert_ne!(
            TrainingState::from_bytes(&other, 5)
                .unwrap()
                .hash(&H256::zero()),
            hash,
            "byte {at}"
        );
    }
    let mut other = snapshot();
    other.params[3] = 0.0;
    assert_ne!(other.hash(&H256::zero()), hash);
}

#[test]
fn snapshot_should_be_refused_when_cut_at_any_byte_or_too_long() {
    let mut bytes = snapshot().to_bytes();
    for len in 0..bytes.len() {
        let error = TrainingState::from_bytes(&bytes[..len], 5).unwrap_err();
        assert_eq!(
            error,
            SnapshotError::Length {
                expected: bytes.len(),
                found: len
            }
        );
    }
    bytes.push(0);
    assert!(matches!(
        TrainingState::from_bytes(&bytes, 5),
        Err(SnapshotError::Length { .. })
    ));
}

#[test]
fn snapshot_should_be_refused_when_its_header_is_corrupt() {
    let bytes = snapshot().to_bytes();
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        TrainingState::from_bytes(&bytes, 5).unwrap_err()
    };
    assert_eq!(with(0, b'X'), SnapshotError::Magic);
    assert_eq!(with(12, 1), SnapshotError::Magic);
    assert_eq!(with(8, 2), SnapshotError::Version(2));
    assert_eq!(
        with(24, 6),
        SnapshotError::Parameters {
            expected: 5,
            found: 6
        }
    );
    assert!(matches!(with(31, 255), SnapshotError::Parameters { .. }));
    assert!(matches!(
        TrainingState::from_bytes(&bytes, 4),
        Err(SnapshotError::Parameters {
            expected: 4,
            found: 5
        })
    ));
}

#[test]
fn snapshot_should_be_refused_when_a_value_is_not_finite_or_a_second_moment_negative() {
    let with = |change: fn(&mut TrainingState)| {
        let mut state = snapshot();
        change(&mut state);
        TrainingState::from_bytes(&state.to_bytes(), 5).unwrap_err()
    };
    let not_finite = |what, index| SnapshotError::NotFinite { what, index };
    assert_eq!(
        with(|s| s.params[4] = f32::NAN),
        not_finite("a parameter", 4)
    );
    assert_eq!(
        with(|s| s.exp_avg[0] = f32::INFINITY),
        not_finite("a first moment", 0)
    );
    assert_eq!(
        with(|s| s.exp_avg_sq[2] = f32::NEG_INFINITY),
        not_finite("a second moment", 2)
    );
    assert_eq!(
        with(|s| s.exp_avg_sq[1] = -1.0),
        SnapshotError::NegativeMoment { index: 1 }
    );
}
