// SPDX-License-Identifier: GPL-3.0-or-later
//! The tables of docs/privacy.md.

use dream_primitives::private::params::PrivateLiteral;
use dream_privacy::{Cohort, Ledger, Noise, NoiseLiteral, RoundLoss, Target, Task};

const PAGE: &str = include_str!("../../../docs/privacy.md");
const DELTA: f64 = 1e-6;

/// The cohorts of the tables: name, cohort, parameters of the model.
fn cohorts() -> [(&'static str, Cohort, u64); 3] {
    let (development, network) = (PrivateLiteral::development(), PrivateLiteral::network());
    let full = Cohort {
        minimum: network.cohort.maximum,
        max_corrupt: 64,
        audited: network.cohort.audited,
    };
    let parameters = network.cohort.min_parameters;
    [
        ("development", Cohort::of(&development.cohort), 840_000),
        ("network", Cohort::of(&network.cohort), parameters),
        ("full", full, parameters),
    ]
}

fn task(cohort: Cohort, values: u64) -> Task {
    let range = PrivateLiteral::network().data.bound;
    Task {
        cohort,
        range,
        values,
    }
}

/// Epsilon of sums, and of an opened segment, after so many rounds.
fn spent(noise: &Noise, rounds: u64) -> (String, String) {
    let mut ledger = Ledger::default();
    for round in 0..rounds {
        ledger
            .record(RoundLoss::of(
                round,
                noise,
                if round == 0 { vec![0] } else { vec![] },
            ))
            .unwrap();
    }
    let statement = ledger.statement(DELTA).unwrap();
    let cell = |epsilon: Option<f64>| {
        epsilon.map_or("none".to_string(), |e| {
            format!("{:.2}", (e * 100.0).ceil() / 100.0)
        })
    };
    (cell(statement.epsilon), cell(statement.opened_epsilon))
}

fn epsilon_rows() -> Vec<String> {
    let mut rows = Vec::new();
    for (name, cohort, values) in cohorts() {
        for norm in [3, 10, 35, 100] {
            let noise = Noise::new(NoiseLiteral {
                task: task(cohort, values),
                norm,
                value_bound: dream_privacy::VALUE_BOUND,
                variance: dream_privacy::VARIANCE,
            })
            .unwrap();
            let cells: Vec<String> = [1, 10, 100, 1_000]
                .map(|rounds| spent(&noise, rounds).0)
                .into();
            let opened = spent(&noise, 1).1;
            rows.push(format!(
                "| {name} | {norm} | {} | {opened} |",
                cells.join(" | ")
            ));
        }
    }
    rows
}

fn norm_rows() -> Vec<String> {
    let mut rows = Vec::new();
    for (name, cohort, values) in cohorts() {
        for rounds in [1, 10, 100] {
            let target = Target {
                epsilon: 8.0,
                delta: DELTA,
                rounds,
            };
            let norm = match Noise::calibrate(task(cohort, values), &target) {
                Ok(noise) => noise.literal().norm,
                Err(error) => panic!("{name}, {rounds} rounds: {error}"),
            };
            // Norm of the noise in the mean over the smallest cohort: sigma sqrt(values / contributors).
            let noise = (f64::from(dream_privacy::VARIANCE) * values as f64
                / f64::from(cohort.minimum))
            .sqrt();
            rows.push(format!(
                "| {name} | {rounds} | {norm} | {noise:.0} | {:.1} % |",
                100.0 * norm as f64 / noise
            ));
        }
    }
    rows
}

#[test]
fn page_should_show_what_the_accountant_says() {
    let missing: Vec<String> = epsilon_rows()
        .into_iter()
        .chain(norm_rows())
        .filter(|row| !PAGE.contains(row))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/privacy.md lacks these rows:\n{}",
        missing.join("\n")
    );
    let rows = PAGE.lines().filter(|line| {
        ["| development |", "| network |", "| full |"]
            .iter()
            .any(|name| line.starts_with(name))
    });
    assert_eq!(
        rows.count(),
        3 * (4 + 3) + 3,
        "docs/privacy.md has rows that nobody computes"
    );
}

#[test]
fn page_should_name_the_cohorts_of_the_tables() {
    for (name, cohort, values) in cohorts() {
        let Cohort {
            minimum,
            max_corrupt,
            audited,
        } = cohort;
        let row = format!(
            "| {name} | {minimum} | {max_corrupt} | {audited} | {} | {values} |",
            cohort.shares()
        );
        assert!(
            PAGE.contains(&row),
            "docs/privacy.md lacks this row:\n{row}"
        );
    }
}

#[test]
fn page_should_show_a_statement() {
    let (_, cohort, values) = cohorts()[1];
    let target = Target {
        epsilon: 8.0,
        delta: DELTA,
        rounds: 1,
    };
    let noise = Noise::calibrate(task(cohort, values), &target).unwrap();
    let mut ledger = Ledger::default();
    ledger.record(RoundLoss::of(7, &noise, vec![17])).unwrap();
    let statement = ledger.statement(DELTA).unwrap().to_string();
    assert!(
        PAGE.contains(&statement),
        "docs/privacy.md lacks:\n{statement}"
    );
}
