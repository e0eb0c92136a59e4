// SPDX-License-Identifier: GPL-3.0-or-later
//! The accountant against figures that `figures.py` computes from definitions.

use dream_privacy::accountant::{epsilon, epsilon_with_tail, rho, sum_divergence, tail};
use std::process::{Command, Stdio};

const FIGURES: &str = include_str!("figures.txt");

/// The lines of a kind, as numbers.
fn figures<const N: usize>(kind: &str) -> Vec<[f64; N]> {
    let lines = FIGURES
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    let found: Vec<[f64; N]> = lines
        .map(|line| {
            let numbers: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
            numbers.try_into().unwrap()
        })
        .collect();
    assert!(found.len() >= 5, "too few lines of {kind}");
    found
}

/// Whether an upper bound is one, and no more than `slack` above.
fn assert_bounds(bound: f64, exact: f64, slack: f64, what: &str) {
    assert!(
        bound >= exact * (1.0 - 1e-11),
        "{what}: {bound} below {exact}"
    );
    assert!(
        bound <= exact * (1.0 + slack),
        "{what}: {bound} far above {exact}"
    );
}

#[test]
fn figures_should_be_what_the_script_prints() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/figures.py");
    let run = Command::new("python3")
        .arg(script)
        .stderr(Stdio::inherit())
        .output();
    match run {
        Ok(output) => {
            assert!(output.status.success());
            assert_eq!(String::from_utf8(output.stdout).unwrap(), FIGURES);
        }
        Err(error) => eprintln!("skipped: no python3 ({error})"),
    }
}

#[test]
fn tail_should_be_the_exact_sum() {
    for [variance, room, chance] in figures("tail") {
        assert_bounds(tail(variance as u32, room as u32), chance, 1e-8, "tail");
    }
    assert_eq!(tail(1, 1_000), 0.0);
}

#[test]
fn sum_divergence_should_bound_the_distance_of_exact_convolutions() {
    for [shares, variance, log] in figures("closeness") {
        let bound = sum_divergence(shares as u32, variance as u32);
        assert!(bound >= log, "{bound} below {log}");
    }
    for [shares, variance, tau] in figures("tau") {
        assert_bounds(
            sum_divergence(shares as u32, variance as u32),
            tau,
            1e-8,
            "tau",
        );
    }
}

#[test]
fn epsilon_should_be_the_least_of_all_orders() {
    for [rho, delta, least] in figures("conversion") {
        let found = epsilon(rho, delta);
        // The script's orders are a grid: it may miss the least by a little, and so may not be undercut by much.
        assert!(
            (found / least - 1.0).abs() < 1e-7,
            "{found} against {least}"
        );
    }
    assert_eq!(epsilon(0.0, 1e-6), 0.0);
}

#[test]
fn epsilon_should_bound_the_exact_one_of_a_gaussian_closely() {
    for [rho, exact, delta] in figures("gaussian") {
        assert_bounds(epsilon(rho, delta), exact, 0.1, "epsilon");
    }
}

#[test]
fn epsilon_should_bound_the_exact_one_of_sums_of_discrete_gaussians() {
    for [shares, variance, shift, exact, delta] in figures("exact") {
        let rho = rho(shift as u64, shares as u32, variance as u32, 1);
        assert_bounds(epsilon(rho, delta), exact, 0.1, "epsilon");
    }
}

#[test]
fn epsilon_should_be_below_the_simple_conversion() {
    // Bun, Steinke 2016, proposition 1.3: rho + 2 sqrt(rho ln(1 / delta)).
    for rho in [1e-4, 0.01, 0.3, 1.0, 7.0, 300.0] {
        for delta in [1e-3, 1e-6, 1e-12f64] {
            let simple = rho + 2.0 * (-rho * delta.ln()).sqrt();
            let found = epsilon(rho, delta);
            assert!(found < simple && found > rho, "{found} against {simple}");
        }
    }
}

#[test]
fn rho_should_grow_with_the_norm_and_the_divergence_and_fall_with_shares() {
    let base = rho(30, 6, 100, 1_000_000);
    assert!((base / (900.0 / 1_200.0) - 1.0).abs() < 1e-8);
    assert!((rho(60, 6, 100, 1_000_000) / base - 4.0).abs() < 1e-8);
    assert!((rho(30, 12, 100, 1_000_000) / base - 0.5).abs() < 1e-8);
    // With little noise in each share the sum is no discrete Gaussian: values count.
    let near = rho(1, 2, 1, 1);
    assert!(rho(1, 2, 1, 1_000_000) > near * 1.5);
    assert_eq!(rho(1, 1, 1, 1), rho(1, 1, 1, u64::MAX));
}

#[test]
fn epsilon_with_tail_should_give_nothing_when_cut_noise_outweighs_delta() {
    let delta = 1e-6;
    let free = epsilon_with_tail(0.5, delta, 0.0).unwrap();
    assert!((free / epsilon(0.5, delta * 15.0 / 16.0) - 1.0).abs() < 1e-12);
    let most = delta / 16.0 / (1.0 + free.exp());
    assert_eq!(epsilon_with_tail(0.5, delta, most * 0.999), Some(free));
    assert_eq!(epsilon_with_tail(0.5, delta, most * 1.001), None);
}
