// SPDX-License-Identifier: GPL-3.0-or-later
//! Aggregation against an independent floating-point reference, and what holds for every rule.

use super::mean::Division;
use super::*;
use crate::delta::{quantise_dense, quantise_sparse};
use proptest::prelude::*;

/// A whole delta of one chunk: its chunk, weight and norm.
#[derive(Clone, Debug)]
struct Delta {
    chunk: DeltaChunk,
    weight: u16,
}

impl Delta {
    fn input(&self) -> MergeInput<'_> {
        MergeInput {
            chunk: &self.chunk,
            weight: self.weight,
            norm_squared: self.chunk.sum_of_squares(),
        }
    }

    fn floats(&self, len: usize) -> Vec<f64> {
        let steps = self.chunk.steps(len as u32);
        steps.into_iter().map(f64::from).collect()
    }
}

fn inputs(deltas: &[Delta]) -> Vec<MergeInput<'_>> {
    deltas.iter().map(Delta::input).collect()
}

/// One to eleven deltas of equal length, dense and sparse, of very different sizes and weights.
fn deltas() -> impl Strategy<Value = (usize, Vec<Delta>)> {
    (1usize..200, 1usize..12, any::<bool>(), 0u32..29).prop_flat_map(|(len, n, small, scale)| {
        let steps = prop::collection::vec(-(1i32 << 29)..(1 << 29), len);
        let weight = if small { 1u16..8 } else { 1..u16::MAX };
        let delta =
            (steps, weight, 0u32..6, prop::option::of(1u16..200)).prop_map(move |(s, w, up, k)| {
                let scale = scale.saturating_sub(up);
                let steps: Vec<i32> = s.iter().map(|s| s >> scale).collect();
                let chunk =
                    k.map_or_else(|| quantise_dense(&steps), |k| quantise_sparse(&steps, k));
                Delta { chunk, weight: w }
            });
        (Just(len), prop::collection::vec(delta, n))
    })
}

/// Weighted mean of scaled rows.
fn float_mean(rows: &[Vec<f64>], weights: &[f64], scales: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    (0..rows[0].len())
        .map(|i| {
            let parts = rows.iter().zip(weights).zip(scales);
            parts.map(|((row, w), s)| row[i] * w * s).sum::<f64>() / total
        })
        .collect()
}

fn float_trimmed(rows: &[Vec<f64>], trim: usize) -> Vec<f64> {
    (0..rows[0].len())
        .map(|i| {
            let mut column: Vec<f64> = rows.iter().map(|row| row[i]).collect();
            column.sort_by(f64::total_cmp);
            let kept = &column[trim..column.len() - trim];
            kept.iter().sum::<f64>() / kept.len() as f64
        })
        .collect()
}

fn assert_near(got: &[i32], expected: &[f64], bound: f64) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        // 10^-6: the reference's own error on numbers below 2^30.
        let error = (f64::from(*got) - expected).abs();
        assert!(error <= bound + 1e-6, "{got} against {expected}");
    }
}

proptest! {
    #[test]
    fn rules_should_stay_within_their_bounds_of_the_float_reference((len, deltas) in deltas(), trim in 1u16..9, clip in 0.01f64..2.0) {
        let rows: Vec<Vec<f64>> = deltas.iter().map(|d| d.floats(len)).collect();
        let weights: Vec<f64> = deltas.iter().map(|d| f64::from(d.weight)).collect();
        let run = |rule| aggregate(&rule, len as u32, &inputs(&deltas)).unwrap();
        let ones = vec![1.0; rows.len()];
        assert_near(&run(AggregationRule::WeightedMean), &float_mean(&rows, &weights, &ones), 0.5);
        let most = (rows.len() - 1) / 2;
        assert_near(&run(AggregationRule::Median), &float_trimmed(&rows, most), 0.5);
        let rule = AggregationRule::TrimmedMean { trim };
        assert_near(&run(rule), &float_trimmed(&rows, most.min(trim.into())), 0.5);
        let norms: Vec<f64> = rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        let max = (norms[0] * clip).ceil().max(1.0);
        let scales: Vec<f64> = norms.iter().map(|n| if *n > max { max / n } else { 1.0 }).collect();
        let rule = AggregationRule::NormClip { max_norm: max as u64 };
        assert_near(&run(rule), &float_mean(&rows, &weights, &scales), 0.76);
    }

    #[test]
    fn rules_should_not_depend_on_order_nor_leave_the_range_of_the_deltas((len, mut deltas) in deltas(), turn in 0usize..12, trim in 1u16..9, max_norm in 1u64..1 << 40) {
        let rows: Vec<Vec<i32>> = deltas.iter().map(|d| d.chunk.steps(len as u32)).collect();
        let before = deltas.clone();
        let n = deltas.len();
        deltas.rotate_left(turn % n);
        for rule in [
            AggregationRule::WeightedMean,
            AggregationRule::Median,
            AggregationRule::TrimmedMean { trim },
            AggregationRule::NormClip { max_norm },
        ] {
            let got = aggregate(&rule, len as u32, &inputs(&before)).unwrap();
            prop_assert_eq!(&got, &aggregate(&rule, len as u32, &inputs(&deltas)).unwrap(), "{:?}", rule);
            let clips = matches!(rule, AggregationRule::NormClip { .. });
            for (i, got) in got.iter().enumerate() {
                let (low, high) = rows.iter().fold((i32::MAX, i32::MIN), |(l, h), r| (l.min(r[i]), h.max(r[i])));
                let (low, high) = if clips { (low.min(0), high.max(0)) } else { (low, high) };
                prop_assert!((low..=high).contains(got), "{:?}", rule);
            }
        }
    }

    #[test]
    fn aggregate_of_equal_deltas_should_be_that_delta((len, deltas) in deltas()) {
        let same: Vec<Delta> = deltas.iter().map(|d| Delta { chunk: deltas[0].chunk.clone(), weight: d.weight }).collect();
        for rule in [
            AggregationRule::WeightedMean,
            AggregationRule::Median,
            AggregationRule::TrimmedMean { trim: 2 },
            AggregationRule::NormClip { max_norm: u64::MAX },
        ] {
            prop_assert_eq!(aggregate(&rule, len as u32, &inputs(&same)).unwrap(), deltas[0].chunk.steps(len as u32));
        }
    }

    #[test]
    fn median_and_trimmed_mean_should_ignore_weights((len, deltas) in deltas()) {
        let mut light = deltas.clone();
        light.iter_mut().for_each(|d| d.weight = 1);
        for rule in [AggregationRule::Median, AggregationRule::TrimmedMean { trim: 1 }] {
            prop_assert_eq!(aggregate(&rule, len as u32, &inputs(&deltas)), aggregate(&rule, len as u32, &inputs(&light)));
        }
    }

    #[test]
    fn clip_factor_should_be_just_below_the_exact_factor(norm: u128, max_norm in 1u64.., down in 0u32..127) {
        let norm = norm >> down;
        let factor = clip_factor(norm, max_norm) as f64;
        let exact = (max_norm as f64 / (norm as f64).sqrt()).min(1.0) * 4_294_967_296.0;
        prop_assert!(factor <= exact * (1.0 + 1e-15), "{} {}", factor, exact);
        prop_assert!(exact - factor <= 1.001 + exact * 1e-15, "{} {}", factor, exact);
    }

    #[test]
    fn division_should_round_half_away_for_every_total(n in -(1i64 << 55)..(1i64 << 55), d in 1u32..(1 << 24), near in 0i64..4) {
        let tie = n / i64::from(d) % (1 << 29) * i64::from(d) + i64::from(d / 2) - 2 + near;
        for n in [n % (i64::from(d) << 30), tie] {
            prop_assert_eq!(i64::from(Division::new(d).round(n)), crate::math::div_round(n, i64::from(d)), "{} / {}", n, d);
        }
    }

    #[test]
    fn squared_distance_should_be_the_sum_over_parameters((len, deltas) in deltas()) {
        for a in &deltas {
            for b in &deltas {
                let (x, y) = (a.chunk.steps(len as u32), b.chunk.steps(len as u32));
                let expected: i128 = x.iter().zip(&y).map(|(x, y)| (i128::from(*x) - i128::from(*y)).pow(2)).sum();
                prop_assert_eq!(squared_distance(&a.chunk, &b.chunk, len as u32), expected as u128);
            }
        }
    }

    #[test]
    fn krum_should_choose_as_the_float_reference((n, rows) in (3usize..12).prop_flat_map(|n| (Just(n),
        prop::collection::vec(prop::collection::vec(-100i32..100, 6), n))), byzantine in 0u16..4, selected in 1u16..9)
    {
        // Small integers: the reference is exact, so that even ties come out alike.
        let chunks: Vec<DeltaChunk> = rows.iter().map(|r| quantise_dense(r)).collect();
        let table: Vec<u128> = pairs(n).map(|(i, j)| squared_distance(&chunks[i], &chunks[j], 6)).collect();
        let rule = AggregationRule::Krum { byzantine, selected };
        let hostile = usize::from(byzantine);
        if n < 2 * hostile + 3 {
            let expected = Selection { rule: AggregationRule::Median, chosen: (0..n).collect() };
            prop_assert_eq!(selection(&rule, n, &[]), Ok(expected));
            return Ok(());
        }
        let distance = |i: usize, j: usize| rows[i].iter().zip(&rows[j]).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| {
            let score = |i: usize| {
                let mut others: Vec<f64> = (0..n).filter(|j| *j != i).map(|j| distance(i, j)).collect();
                others.sort_by(f64::total_cmp);
                others[..n - hostile - 2].iter().sum::<f64>()
            };
            score(*a).total_cmp(&score(*b))
        });
        let mut chosen: Vec<usize> = order.into_iter().take(usize::from(selected).min(n - hostile - 2)).collect();
        chosen.sort();
        prop_assert_eq!(selection(&rule, n, &table), Ok(Selection { rule: AggregationRule::WeightedMean, chosen }));
    }

    #[test]
    fn sgd_and_nesterov_should_follow_the_float_reference(g in -(1i32 << 20)..(1 << 20), v in -(1i32 << 20)..(1 << 20), x in -(1i32 << 24)..(1 << 24)) {
        let (lr, m) = (45_875u32, 39_322u32);
        let (mut head, mut moments) = ([x], [v]);
        apply(&ServerOptimiser::Nesterov { learning_rate: lr, momentum: m }, &mut head, &mut moments, &[g]).unwrap();
        let mut plain = [x];
        apply(&ServerOptimiser::Sgd { learning_rate: lr }, &mut plain, &mut [], &[g]).unwrap();
        let (lr, m) = (lr as f64 / 65536.0, m as f64 / 65536.0);
        let v1 = m * v as f64 + g as f64;
        prop_assert!((moments[0] as f64 - v1).abs() <= 0.51);
        prop_assert!((head[0] as f64 - (x as f64 + lr * (g as f64 + m * v1))).abs() <= 1.7);
        prop_assert!((plain[0] as f64 - (x as f64 + lr * g as f64)).abs() <= 0.5);
    }

    #[test]
    fn adam_should_stay_within_its_bounds_over_many_rounds(
        updates in prop::collection::vec(-(1i32 << 22)..(1 << 22), 1..120), scale in 0u32..22, learning_rate in 1u32..1 << 20,
        beta1 in 0u32..65_000, beta2 in 0u32..65_500, epsilon in 1u32..1_000,
    ) {
        let server = ServerOptimiser::Adam { learning_rate, beta1, beta2, epsilon };
        let (mut head, mut moments) = ([0i32], [0i32; 2]);
        let (b1, b2) = (f64::from(beta1) / 65_536.0, f64::from(beta2) / 65_536.0);
        let (lr, epsilon) = (f64::from(learning_rate), f64::from(epsilon));
        // In units of 2^-8 grid steps, as the documentation has it.
        let (m_bound, r_bound) = (0.5 / (1.0 - b1) / 256.0, 0.51 / (1.0 - b2.sqrt()) / 256.0);
        let (mut m, mut v) = (0.0, 0.0);
        for update in updates {
            let g = update >> scale;
            let before = head[0];
            apply(&server, &mut head, &mut moments, &[g]).unwrap();
            m = b1 * m + (1.0 - b1) * f64::from(g);
            v = b2 * v + (1.0 - b2) * f64::from(g).powi(2);
            let r = f64::sqrt(v);
            prop_assert!((f64::from(moments[0]) / 256.0 - m).abs() <= m_bound + 1e-6);
            prop_assert!((f64::from(moments[1]) / 256.0 - r).abs() <= r_bound + 1e-6);
            let step = f64::from(head[0]) - f64::from(before);
            let exact = lr * m / (r + epsilon);
            let lowest = (r - r_bound).max(0.0) + epsilon;
            let bound = 0.5 + lr * (m_bound + m.abs() * r_bound / (r + epsilon)) / lowest;
            if head[0].abs() < i32::MAX {
                prop_assert!((step - exact).abs() <= bound + 1e-6, "{} against {}", step, exact);
            }
        }
    }
}

#[test]
fn adam_should_take_a_step_of_the_rate_when_every_update_is_the_same() {
    let server = ServerOptimiser::Adam {
        learning_rate: 16_777,
        beta1: 0,
        beta2: 0,
        epsilon: 1,
    };
    let (mut head, mut moments) = ([0], [0, 0]);
    apply(&server, &mut head, &mut moments, &[-100_000]).unwrap();
    assert_eq!(moments, [-100_000 << 8, 100_000 << 8]);
    assert_eq!(head, [-16_777]);
}

#[test]
fn krum_should_leave_out_the_far_and_prefer_the_first_of_equals() {
    let rows = [
        [1, 1],
        [900, 900],
        [2, 2],
        [1, 2],
        [2, 1],
        [-800, 5],
        [1, 1],
    ];
    let chunks: Vec<DeltaChunk> = rows.iter().map(|r| quantise_dense(r)).collect();
    let table: Vec<u128> = pairs(7)
        .map(|(i, j)| squared_distance(&chunks[i], &chunks[j], 2))
        .collect();
    let rule = |selected| AggregationRule::Krum {
        byzantine: 2,
        selected,
    };
    let chosen = |selected| selection(&rule(selected), 7, &table).unwrap().chosen;
    // At most 7 - 2 - 2 are chosen however many the recipe names; claims 0 and 6 are equal.
    assert_eq!(chosen(32), [0, 3, 6]);
    assert_eq!(chosen(1), [0]);
    let equal = selection(&rule(2), 7, &[4; 21]).unwrap();
    assert_eq!(equal.chosen, [0, 1]);
}

#[test]
fn merge_should_refuse_bad_input_by_name_and_change_nothing() {
    let delta = |weight, steps: &[i32]| Delta {
        chunk: quantise_dense(steps),
        weight,
    };
    let one = delta(1, &[1, 2, 3]);
    let sgd = ServerOptimiser::Sgd {
        learning_rate: 1 << 16,
    };
    let nesterov = ServerOptimiser::Nesterov {
        learning_rate: 1 << 16,
        momentum: 0,
    };
    let refuse = |rule: AggregationRule, server, moments: &[i32], deltas: &[Delta]| {
        let (mut head, mut after) = ([7; 3], moments.to_vec());
        let error = merge_chunk(&rule, server, &mut head, &mut after, &inputs(deltas));
        assert_eq!((head, &after[..]), ([7; 3], moments));
        error.unwrap_err()
    };
    let rules = [
        AggregationRule::WeightedMean,
        AggregationRule::Median,
        AggregationRule::TrimmedMean { trim: 1 },
        AggregationRule::NormClip { max_norm: 1 },
    ];
    for rule in rules {
        let many = vec![one.clone(); 257];
        assert!(aggregate(&rule, 3, &inputs(&many[1..])).is_ok());
        assert_eq!(refuse(rule, &sgd, &[], &[]), AggregateError::Deltas);
        assert_eq!(refuse(rule, &sgd, &[], &many), AggregateError::Deltas);
        let short = [one.clone(), delta(1, &[1, 2])];
        assert_eq!(refuse(rule, &sgd, &[], &short), AggregateError::Chunk);
        let good = [one.clone()];
        assert_eq!(refuse(rule, &sgd, &[0; 3], &good), AggregateError::Moments);
        for moments in [0, 2, 6] {
            let moments = vec![0; moments];
            let error = refuse(rule, &nesterov, &moments, &good);
            assert_eq!(error, AggregateError::Moments);
        }
    }
    let weightless = [delta(0, &[1, 2, 3]), delta(0, &[9, 9, 9])];
    for rule in [rules[0], rules[3]] {
        assert_eq!(refuse(rule, &sgd, &[], &weightless), AggregateError::Deltas);
    }
    let krum = AggregationRule::Krum {
        byzantine: 0,
        selected: 1,
    };
    let error = refuse(krum, &sgd, &[], &[one]);
    assert_eq!(error, AggregateError::Unselected);
    let choose = |rule, count, pairs: usize| selection(rule, count, &vec![1; pairs]).map(|_| ());
    assert_eq!(choose(&krum, 32, 496), Ok(()));
    assert_eq!(choose(&krum, 33, 528), Err(AggregateError::Deltas));
    assert_eq!(choose(&krum, 0, 0), Err(AggregateError::Deltas));
    assert_eq!(choose(&krum, 4, 5), Err(AggregateError::Pairs));
    assert_eq!(choose(&krum, 4, 7), Err(AggregateError::Pairs));
    assert_eq!(choose(&krum, 2, 1), Err(AggregateError::Pairs));
    assert_eq!(choose(&krum, 2, 0), Ok(()));
    assert_eq!(choose(&rules[0], 256, 0), Ok(()));
    assert_eq!(choose(&rules[0], 257, 0), Err(AggregateError::Deltas));
    assert_eq!(choose(&rules[0], 2, 1), Err(AggregateError::Pairs));
}

#[test]
fn merge_should_not_overflow_at_the_bounds() {
    let extreme = Delta {
        chunk: quantise_dense(&[i32::MAX, i32::MIN]),
        weight: u16::MAX,
    };
    // One small delta beside them makes the factors differ as much as they can.
    let mut deltas = vec![extreme.clone(); 255];
    deltas.push(Delta {
        chunk: quantise_dense(&[1, -1]),
        weight: u16::MAX,
    });
    let steps = extreme.chunk.steps(2);
    let servers = [
        ServerOptimiser::Sgd {
            learning_rate: 1 << 18,
        },
        ServerOptimiser::Nesterov {
            learning_rate: 1 << 18,
            momentum: (1 << 16) - 1,
        },
        ServerOptimiser::Adam {
            learning_rate: 1 << 24,
            beta1: (1 << 16) - 1,
            beta2: (1 << 16) - 1,
            epsilon: 1,
        },
        // Beyond what a recipe may name: still no overflow.
        ServerOptimiser::Adam {
            learning_rate: u32::MAX,
            beta1: u32::MAX,
            beta2: u32::MAX,
            epsilon: u32::MAX,
        },
    ];
    for rule in [
        AggregationRule::WeightedMean,
        AggregationRule::Median,
        AggregationRule::TrimmedMean { trim: 127 },
        AggregationRule::NormClip { max_norm: 1 },
        AggregationRule::NormClip {
            max_norm: (1 << 30) - 1,
        },
        AggregationRule::NormClip { max_norm: u64::MAX },
    ] {
        let update = aggregate(&rule, 2, &inputs(&deltas)).unwrap();
        assert!(update[0] <= steps[0] && update[1] >= steps[1], "{rule:?}");
        for server in servers {
            let mut head = [i32::MAX, i32::MIN];
            let mut moments = vec![i32::MIN; 2 * server.moments() as usize];
            merge_chunk(&rule, &server, &mut head, &mut moments, &inputs(&deltas)).unwrap();
        }
    }
    let table = vec![u128::MAX; 496];
    let rule = AggregationRule::Krum {
        byzantine: 14,
        selected: 2,
    };
    assert_eq!(selection(&rule, 32, &table).unwrap().chosen, [0, 1]);
}
