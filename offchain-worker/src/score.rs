// SPDX-License-Identifier: GPL-3.0-or-later
//! A scorer's work: the losses of a round's base and of its posted version on a held-out shard.

use crate::worker::Stop;
use dream_primitives::value::{Loss, ScoreReport};
use dream_primitives::H256;
use dream_training::{Scores, SegmentRunner, TrainingError};

/// Samples that are run between two looks at whether to stop: whole batches of the trainer, so that each sample's loss has
/// the bits that it has when all are run at once.
const PIECE: usize = 64;

fn loss(
    runner: &mut dyn SegmentRunner,
    genesis: &H256,
    head: &[i32],
    samples: &[Vec<u32>],
    stop: &Stop,
) -> Result<Loss, TrainingError> {
    let mut losses = Vec::with_capacity(samples.len());
    for piece in samples.chunks(PIECE) {
        if stop.stopped() {
            return Err(TrainingError::Stopped);
        }
        losses.extend(runner.score(head, piece)?.losses);
    }
    let scores = Scores { losses };
    Ok(Loss {
        total: scores.micro_nats(),
        bits: scores.hash(genesis),
    })
}

/// Scores `version` next to `parent` (grid integers) on `samples` (tokens, context + 1 each).
pub fn score(
    runner: &mut dyn SegmentRunner,
    genesis: &H256,
    parent: &[i32],
    version: &[i32],
    samples: &[Vec<u32>],
    stop: &Stop,
) -> Result<ScoreReport, TrainingError> {
    Ok(ScoreReport {
        parent: loss(runner, genesis, parent, samples, stop)?,
        version: loss(runner, genesis, version, samples, stop)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{preset, Preset};
    use crate::worker::{DummyRunners, Runners, TorchRunners};
    use dream_training::init_state;

    #[test]
    fn pieces_should_give_the_bits_of_all_samples_at_once() {
        let config = preset(Preset::Test);
        let genesis = H256::repeat_byte(2);
        let head = init_state(&config.architecture, 3).unwrap();
        let other = init_state(&config.architecture, 4).unwrap();
        let samples: Vec<Vec<u32>> = (0..2 * PIECE as u32 + 11)
            .map(|i| (0..9).map(|j| (i * 31 + j * j * 7) % 256).collect())
            .collect();
        for runners in [&TorchRunners as &dyn Runners, &DummyRunners] {
            let runner = runners.runner(config.architecture, config.recipe, genesis);
            let mut runner = runner.unwrap();
            let stop = Stop::default();
            let report = score(&mut *runner, &genesis, &head, &other, &samples, &stop).unwrap();
            for (loss, head) in [(report.parent, &head), (report.version, &other)] {
                let whole = runner.score(head, &samples).unwrap();
                assert_eq!(loss.bits, whole.hash(&genesis));
                assert_eq!(loss.total, whole.micro_nats());
            }
            assert_ne!(report.parent, report.version);
            stop.stop();
            let stopped = score(&mut *runner, &genesis, &head, &other, &samples, &stop);
            assert!(matches!(stopped, Err(TrainingError::Stopped)));
        }
    }
}
