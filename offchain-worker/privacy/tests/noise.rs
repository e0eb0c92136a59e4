// SPDX-License-Identifier: GPL-3.0-or-later
//! From a cohort's parameters to contributions, and what a ledger says of them.

use dream_primitives::private::params::PrivateLiteral;
use dream_privacy::{
    Cohort, ContributionError, Ledger, LedgerError, Noise, NoiseError, NoiseLiteral, Randomness,
    RoundLoss, Target, Task,
};

const VALUES: u64 = 1 << 20;
const DELTA: f64 = 1e-6;

fn network() -> Task {
    let chain = PrivateLiteral::network();
    Task {
        cohort: Cohort::of(&chain.cohort),
        range: chain.data.bound,
        values: VALUES,
    }
}

fn target(epsilon: f64, rounds: u32) -> Target {
    Target {
        epsilon,
        delta: DELTA,
        rounds,
    }
}

fn literal() -> NoiseLiteral {
    *Noise::calibrate(network(), &target(8.0, 1))
        .unwrap()
        .literal()
}

fn spent(noise: &Noise, rounds: u64) -> Option<f64> {
    let mut ledger = Ledger::default();
    for round in 0..rounds {
        ledger.record(RoundLoss::of(round, noise, vec![])).unwrap();
    }
    ledger.statement(DELTA).unwrap().epsilon
}

#[test]
fn shares_should_leave_out_the_hostile_and_the_opened() {
    let cohort = |minimum, max_corrupt, audited| Cohort {
        minimum,
        max_corrupt,
        audited,
    };
    assert_eq!(
        Cohort::of(&PrivateLiteral::network().cohort),
        cohort(16, 6, 4)
    );
    assert_eq!(cohort(16, 6, 4).shares(), 6);
    assert_eq!(
        Cohort::of(&PrivateLiteral::development().cohort).shares(),
        1
    );
    assert_eq!(cohort(16, 12, 4).shares(), 0);
    assert_eq!(cohort(2, 3, 0).shares(), 0);
}

#[test]
fn calibrate_should_use_up_the_target_and_not_exceed_it() {
    for (epsilon, rounds) in [(8.0, 1), (8.0, 10), (3.0, 2), (12.0, 40)] {
        let noise = Noise::calibrate(network(), &target(epsilon, rounds)).unwrap();
        assert!(spent(&noise, rounds.into()).unwrap() <= epsilon);
        let more = NoiseLiteral {
            norm: noise.literal().norm + 1,
            ..*noise.literal()
        };
        let more = Noise::new(more).unwrap();
        assert!(spent(&more, rounds.into()).is_none_or(|spent| spent > epsilon));
    }
}

#[test]
fn calibrate_should_allow_less_when_more_contributors_are_hostile() {
    let norm = |max_corrupt| {
        let mut task = network();
        task.cohort.max_corrupt = max_corrupt;
        Noise::calibrate(task, &target(8.0, 1)).map(|noise| noise.literal().norm)
    };
    let norms: Vec<u64> = (0..12).map(|m| norm(m).unwrap()).collect();
    assert!(norms.windows(2).all(|pair| pair[0] > pair[1]), "{norms:?}");
    let mut cohort = network().cohort;
    cohort.max_corrupt = 12;
    assert_eq!(norm(12), Err(NoiseError::Cohort(cohort)));
}

#[test]
fn sum_without_the_hostile_should_still_carry_the_noise_that_is_counted_on() {
    // Of sixteen contributors six tell their noise and four are opened: what the others, with zeros, leave in the sum.
    let task = Task {
        values: 40_000,
        ..network()
    };
    let noise = Noise::new(NoiseLiteral { task, ..literal() }).unwrap();
    let mut sums = vec![0i64; 40_000];
    for contributor in 0..task.cohort.shares() {
        let seed = [contributor as u8 + 1; 32];
        let steps = vec![0; 40_000];
        let codes = noise
            .contribute(&steps, 0, &mut Randomness::from_seed(&seed))
            .unwrap();
        sums.iter_mut()
            .zip(codes)
            .for_each(|(sum, code)| *sum += i64::from(code));
    }
    let measured = sums.iter().map(|sum| (sum * sum) as f64).sum::<f64>() / 40_000.0;
    // Six times 100; the mean of 40,000 squares has a standard error of 600 sqrt(2 / 40,000) = 4.2, and six of them are a chance of
    // 2e-9.
    assert!((measured - 600.0).abs() < 25.4, "{measured}");
}

#[test]
fn contribution_should_be_the_clipped_delta_plus_noise_in_range() {
    let noise = Noise::new(literal()).unwrap();
    let steps: Vec<i32> = (0..20_000).map(|i| (i % 4_001 - 2_000) * 1_000).collect();
    let make = |seed: u8| {
        noise
            .contribute(&steps, 3, &mut Randomness::from_seed(&[seed; 32]))
            .unwrap()
    };
    let (first, again, other) = (make(1), make(1), make(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.iter().all(|code| code.unsigned_abs() <= 127));
    // What does not change with the noise is the clipped delta, which the noise of variance 100 covers.
    let zeros = vec![0; steps.len()];
    let alone = noise
        .contribute(&zeros, 3, &mut Randomness::from_seed(&[1; 32]))
        .unwrap();
    let square: i64 = first
        .iter()
        .zip(&alone)
        .map(|(a, b)| (i64::from(*a) - i64::from(*b)).pow(2))
        .sum();
    let norm = noise.literal().norm as i64;
    assert!(
        square <= norm * norm && square > norm * norm / 2,
        "{square}"
    );
}

#[test]
fn noise_should_be_refused_by_name_when_it_hides_nothing_or_does_not_fit() {
    let with = |change: fn(&mut NoiseLiteral)| {
        let mut changed = literal();
        change(&mut changed);
        Noise::new(changed).unwrap_err()
    };
    let range = |range, value_bound| NoiseError::Range { range, value_bound };
    assert_eq!(with(|l| l.task.range = 128), range(128, 15));
    assert_eq!(with(|l| l.value_bound = 127), range(127, 127));
    assert_eq!(with(|l| l.task.values = 0), NoiseError::Values);
    assert!(matches!(with(|l| l.norm = 0), NoiseError::Clip(_)));
    assert!(matches!(with(|l| l.variance = 0), NoiseError::Variance(_)));
    assert!(matches!(
        with(|l| l.task.cohort.audited = 10),
        NoiseError::Cohort(_)
    ));
    for bad in [
        target(0.0, 1),
        target(f64::NAN, 1),
        target(8.0, 0),
        target(0.01, 1),
        Target {
            delta: 0.0,
            ..target(8.0, 1)
        },
        Target {
            delta: 1.0,
            ..target(8.0, 1)
        },
    ] {
        assert!(
            matches!(
                Noise::calibrate(network(), &bad),
                Err(NoiseError::Target(_))
            ),
            "{bad:?}"
        );
    }
    let small = Noise::new(NoiseLiteral {
        task: Task {
            values: 3,
            ..network()
        },
        ..literal()
    });
    let refused = small
        .unwrap()
        .contribute(&[0; 4], 0, &mut Randomness::from_seed(&[0; 32]));
    assert_eq!(
        refused,
        Err(ContributionError::Values {
            given: 4,
            values: 3
        })
    );
}

#[test]
fn ledger_should_compose_rounds_and_keep_opened_segments_apart() {
    let noise = Noise::new(literal()).unwrap();
    let mut ledger = Ledger::default();
    let text = ledger.statement(DELTA).unwrap().to_string();
    assert_eq!(text, "no sum with this contributor was decrypted");
    let mut last = 0.0;
    for round in 0..5 {
        ledger.record(RoundLoss::of(round, &noise, vec![])).unwrap();
        let statement = ledger.statement(DELTA).unwrap();
        let epsilon = statement.epsilon.unwrap();
        assert!(epsilon > last && statement.exchanged.is_none_or(|e| e > epsilon));
        assert_eq!(statement.opened_epsilon, Some(0.0));
        last = epsilon;
    }
    // A round without a sum costs what was opened of it, and nothing else.
    let failed = RoundLoss {
        summed: false,
        ..RoundLoss::of(7, &noise, vec![3, 40])
    };
    ledger.record(failed.clone()).unwrap();
    let statement = ledger.statement(DELTA).unwrap();
    assert_eq!((statement.rounds, statement.epsilon), (5, Some(last)));
    assert_eq!(statement.opened, [(7, vec![3, 40])]);
    // A sixth of the noise: far weaker than one sum.
    assert!(statement.opened_epsilon.unwrap() > 2.0 * spent(&noise, 1).unwrap());
    let text = statement.to_string();
    for part in [
        "5 sums decrypted: epsilon ",
        "up to 6 hostile contributors",
        "not covered, for it is public: key segment 3 of round 7; key segment 40 of round 7; by its own noise alone: epsilon ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(ledger.rounds().count(), 6);
    assert_eq!(ledger.record(failed), Err(LedgerError::Repeated(7)));
}

#[test]
fn ledger_should_allow_rounds_until_the_target_is_used_up() {
    let target = target(8.0, 10);
    let noise = Noise::calibrate(network(), &target).unwrap();
    let mut ledger = Ledger::default();
    let mut rounds = 0;
    while ledger.allows(&noise, &target).unwrap() {
        ledger
            .record(RoundLoss::of(rounds, &noise, vec![1]))
            .unwrap();
        rounds += 1;
    }
    // The norm is a whole number: it may leave room for a round more.
    assert!((10..=12).contains(&rounds), "{rounds}");
    assert!(ledger.statement(DELTA).unwrap().epsilon.unwrap() <= 8.0);
    let bad = Target {
        delta: 2.0,
        ..target
    };
    assert_eq!(ledger.allows(&noise, &bad), Err(LedgerError::Delta(2.0)));
}

#[test]
fn ledger_should_name_what_it_refuses() {
    let noise = Noise::new(literal()).unwrap();
    let mut ledger = Ledger::default();
    let mut refused =
        |opened: Vec<u16>| ledger.record(RoundLoss::of(1, &noise, opened)).unwrap_err();
    let segment = |segment| LedgerError::Segment { round: 1, segment };
    assert_eq!(refused(vec![64]), segment(64));
    assert_eq!(refused(vec![5, 5]), segment(5));
    let mut loss = RoundLoss::of(1, &noise, vec![]);
    loss.noise.norm = 0;
    assert!(matches!(
        ledger.record(loss),
        Err(LedgerError::Noise { round: 1, .. })
    ));
    assert_eq!(ledger.rounds().count(), 0);
    for delta in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(matches!(
            ledger.statement(delta),
            Err(LedgerError::Delta(_))
        ));
    }
}

#[test]
fn statement_should_promise_nothing_when_the_norm_drowns_the_noise() {
    let noise = Noise::new(NoiseLiteral {
        norm: 5_000,
        ..literal()
    })
    .unwrap();
    let mut ledger = Ledger::default();
    ledger.record(RoundLoss::of(1, &noise, vec![])).unwrap();
    let statement = ledger.statement(DELTA).unwrap();
    assert_eq!(statement.epsilon, None);
    assert!(statement
        .to_string()
        .starts_with("1 sum decrypted: no guarantee"));
}
