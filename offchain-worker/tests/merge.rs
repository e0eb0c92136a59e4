// SPDX-License-Identifier: GPL-3.0-or-later
//! The merge over many chunks equals the rule applied parameter by parameter, whatever the threads and the order.

use dream_primitives::delta::{quantise, DeltaChunk};
use dream_primitives::math::{clamp_i32, div_round, scale_q16};
use dream_primitives::recipe::{Recipe, ServerOptimiser};
use dream_primitives::state::{self, CHUNK};
use dream_primitives::H256;
use dream_worker::config::{preset, Preset};
use dream_worker::merge::{merge, no_moments, MergeError};

const PARAMETERS: usize = 3 * CHUNK + 17;

fn recipe(server: ServerOptimiser) -> Recipe {
    Recipe {
        server,
        ..preset(Preset::Demo).recipe
    }
}

fn numbers(seed: i64, scale: i64) -> Vec<i32> {
    (0..PARAMETERS as i64)
        .map(|i| (((i + seed) * 7_919 * (seed + 3)) % scale - scale / 2) as i32)
        .collect()
}

fn deltas() -> Vec<(Vec<DeltaChunk>, u16)> {
    (1..4)
        .map(|n| (quantise(&numbers(n, 100_000)), n as u16 + 4))
        .collect()
}

#[test]
fn merge_should_equal_the_rule_when_threads_and_order_change() {
    let (learning_rate, momentum) = (45_875, 39_322);
    let recipe = recipe(ServerOptimiser::Nesterov {
        learning_rate,
        momentum,
    });
    let (head, before) = (numbers(11, 1 << 24), numbers(12, 1 << 16));
    let merged = merge(&recipe, head.clone(), before.clone(), &deltas(), 1).unwrap();
    let total: i64 = deltas().iter().map(|(_, w)| i64::from(*w)).sum();
    let steps: Vec<(Vec<i32>, u16)> = deltas()
        .iter()
        .map(|(chunks, w)| {
            let steps = chunks
                .iter()
                .enumerate()
                .flat_map(|(i, c)| c.steps((PARAMETERS - i * CHUNK).min(CHUNK) as u32));
            (steps.collect(), *w)
        })
        .collect();
    for i in 0..PARAMETERS {
        let sum: i64 = steps
            .iter()
            .map(|(s, w)| i64::from(s[i]) * i64::from(*w))
            .sum();
        let g = div_round(sum, total);
        let v = clamp_i32(scale_q16(before[i], momentum) + g);
        let ahead = clamp_i32(scale_q16(v, momentum) + g);
        let x = clamp_i32(i64::from(head[i]) + scale_q16(ahead, learning_rate));
        assert_eq!(
            (merged.moments[i], merged.state[i]),
            (v, x),
            "parameter {i}"
        );
    }
    assert_eq!(merged.state_root, state::root(&merged.state));
    assert_eq!(
        merged.server_root,
        state::server_root(&merged.moments, PARAMETERS)
    );
    let mut turned = deltas();
    turned.rotate_left(1);
    for threads in [2, 3, 64] {
        assert_eq!(
            merge(&recipe, head.clone(), before.clone(), &turned, threads).unwrap(),
            merged
        );
    }
}

#[test]
fn merge_should_have_no_server_root_when_the_optimiser_keeps_nothing() {
    let recipe = recipe(ServerOptimiser::Sgd {
        learning_rate: 1 << 16,
    });
    let head = numbers(1, 1000);
    assert!(no_moments(&recipe, PARAMETERS).is_empty());
    let merged = merge(&recipe, head.clone(), Vec::new(), &deltas(), 2).unwrap();
    assert_eq!(merged.server_root, H256::zero());
    assert_ne!(merged.state, head);
}

#[test]
fn merge_should_name_what_does_not_fit() {
    let recipe = recipe(ServerOptimiser::Sgd {
        learning_rate: 1 << 16,
    });
    let sizes = merge(&recipe, numbers(1, 10), vec![0], &deltas(), 1).unwrap_err();
    assert!(
        matches!(
            sizes,
            MergeError::Sizes {
                found: 1,
                expected: 0,
                ..
            }
        ),
        "{sizes}"
    );
    let mut short = deltas();
    short[1].0.pop();
    let sizes = merge(&recipe, numbers(1, 10), Vec::new(), &short, 1).unwrap_err();
    assert!(
        matches!(
            sizes,
            MergeError::Sizes {
                found: 3,
                expected: 4,
                ..
            }
        ),
        "{sizes}"
    );
    let mut bad = deltas();
    bad[0].0[2] = DeltaChunk::Dense {
        shift: 99,
        codes: vec![1; CHUNK],
    };
    let error = merge(&recipe, numbers(1, 10), Vec::new(), &bad, 2).unwrap_err();
    assert!(
        matches!(error, MergeError::Chunk { chunk: 2, .. }),
        "{error}"
    );
    assert!(merge(&recipe, numbers(1, 10), Vec::new(), &[], 1).is_err());
}
