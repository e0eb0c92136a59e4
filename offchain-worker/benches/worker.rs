// SPDX-License-Identifier: GPL-3.0-or-later
//! Speed of the integer merge on one core, and the cost of a replay against the segment that it checks.

use dream_primitives::claim::{Claim, DeltaLicence, RoundId};
use dream_primitives::data::MixtureEntry;
use dream_primitives::delta::quantise;
use dream_primitives::profile::{calibration_seed, calibration_window};
use dream_primitives::registry::{Admission, Funding, RoundTerms};
use dream_primitives::{data, state, H256};
use dream_training::{init_state, numeric, silent, TrainingState};
use dream_worker::config::{preset, Preset};
use dream_worker::corpus::{Corpus, RoundBatches};
use dream_worker::merge::{merge, no_moments};
use dream_worker::replay::{replay, ReplayInputs};
use dream_worker::worker::{Runners, TorchRunners};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REPEATS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    numeric::pin(1)?;
    bench_merge()?;
    bench_replay()
}

fn bench_merge() -> Result<(), Box<dyn std::error::Error>> {
    let recipe = preset(Preset::Demo).recipe;
    let (parameters, count) = (4_000_000usize, 16u16);
    let steps: Vec<i32> = (0..parameters as i64)
        .map(|i| ((i * 7_919) % 200_001 - 100_000) as i32)
        .collect();
    let deltas: Vec<_> = (0..count).map(|n| (quantise(&steps), n + 1)).collect();
    let (mut whole, mut roots) = (Duration::MAX, Duration::MAX);
    for _ in 0..REPEATS {
        let (state, moments) = (steps.clone(), no_moments(&recipe, parameters));
        let began = Instant::now();
        let merged = merge(&recipe, state, moments, &deltas, 1)?;
        whole = whole.min(began.elapsed());
        let began = Instant::now();
        assert_eq!(state::root(&merged.state), merged.state_root);
        assert_eq!(
            state::server_root(&merged.moments, parameters),
            merged.server_root
        );
        roots = roots.min(began.elapsed());
    }
    let bytes = parameters as f64 * f64::from(count);
    let speed = |time: Duration| bytes / time.as_secs_f64() / 1e9;
    println!(
        "integer merge: {count} dense deltas of {parameters} parameters, 1 thread: {:.2} GB/s of deltas, {:.2} GB/s with the new version's roots",
        speed(whole.saturating_sub(roots)),
        speed(whole)
    );
    Ok(())
}

/// A claim of which nothing but the first segment is looked at.
fn claim(segments: u16) -> Claim {
    let round = RoundId {
        branch: 0,
        number: 1,
    };
    Claim {
        round,
        base: H256::zero(),
        delta_root: H256::zero(),
        delta_cid: dream_store::cid_of(b"delta"),
        states_root: H256::zero(),
        digests_root: H256::zero(),
        segments,
        residual: None,
        profile: H256::zero(),
        canary: H256::zero(),
        licence: DeltaLicence::Open,
    }
}

fn bench_replay() -> Result<(), Box<dyn std::error::Error>> {
    let config = preset(Preset::Demo);
    let (architecture, recipe, genesis) = (config.architecture, config.recipe, H256::zero());
    let window = recipe.context + 1;
    let text = calibration_window(&calibration_seed(&genesis, 0), 0, 0, window * 400);
    let mixture = vec![(
        MixtureEntry {
            dataset: 0,
            weight: 1,
        },
        400u64,
    )];
    assert!(data::streamed(400) > 0);
    let terms = RoundTerms {
        model: 0,
        architecture,
        recipe,
        funding: Funding::Emission(Admission {
            share: 0,
            units_per_token: 1,
        }),
        mixture: mixture.try_into().map_err(|_| "the mixture is too long")?,
    };
    let corpus = Arc::new(Corpus::single(0, text, window));
    let batches = RoundBatches::new(corpus, genesis, H256::zero(), [1; 32], &terms);
    let head = Arc::new(init_state(&architecture, 1)?);
    let mut runner = TorchRunners.runner(architecture, recipe, genesis)?;
    let start = || TrainingState::from_head(&architecture, &head);
    let (mut trained, mut replayed) = (Duration::MAX, Duration::MAX);
    for _ in 0..REPEATS {
        let (state, mut own) = (start()?, batches.clone());
        let began = Instant::now();
        let outcome = runner.run_segment(&head, state, &mut own, 0, &mut silent)?;
        let hash = outcome.state.hash(&genesis);
        trained = trained.min(began.elapsed());
        let inputs = ReplayInputs {
            residual: None,
            architecture,
            recipe,
            genesis,
            claim: claim(recipe.segments),
            step: None,
            head: head.clone(),
            starts: vec![(0, start()?)],
            batches: batches.clone(),
        };
        let began = Instant::now();
        let report = replay(runner.as_mut(), inputs, &mut silent)?;
        replayed = replayed.min(began.elapsed());
        assert_eq!(report.results[0].end_state, hash);
    }
    println!(
        "segment of {} tokens, 0.84 M parameters, 1 thread: trained in {:.3} s, replayed in {:.3} s, ratio {:.3}",
        recipe.segment_tokens(),
        trained.as_secs_f64(),
        replayed.as_secs_f64(),
        replayed.as_secs_f64() / trained.as_secs_f64()
    );
    Ok(())
}
