// SPDX-License-Identifier: GPL-3.0-or-later
//! What the demo found, and whether it is good enough.

use crate::observe::Story;
use anyhow::{bail, ensure, Result};
use dream_primitives::version::VersionHeader;
use dream_primitives::H256;
use dream_report::{Finding, Outcome, ReportData};
use dream_worker::amount;
use dream_worker::view::explain::Explanation;
use dream_worker::view::status::Score;
use std::collections::BTreeMap;

/// Prints versions, claims, pay and cost.
pub fn print(data: &ReportData) {
    println!("\nversions");
    for v in &data.versions {
        let loss = v
            .held_out_loss
            .map_or_else(|| "not measured".into(), |l| format!("{l:.4}"));
        println!(
            "  {:>2}  block {:>4}  {} claims merged  held-out loss {loss}  {:.18}",
            v.number, v.block, v.contributions, v.hash
        );
    }
    println!("\nclaims");
    for c in &data.claims {
        let verdicts: Vec<String> = c
            .verdicts
            .iter()
            .map(|v| {
                let finding = match v.finding {
                    Finding::Match => "match",
                    Finding::Mismatch => "MISMATCH",
                    Finding::Lack => "lacks blobs",
                    Finding::Silent => "silent",
                };
                format!("{} {finding}", v.verifier)
            })
            .collect();
        println!(
            "  round {:>2}  {:<11} {:.12}  {:<9} audited {:?}: {}",
            c.round,
            c.account,
            c.id,
            c.state,
            c.audited_segments,
            verdicts.join(", ")
        );
    }
    println!("\nwho earned what");
    for a in &data.accounts {
        println!(
            "  {:<11} {:<17} earned {}, of it {} still vesting; {} credits",
            a.name,
            a.roles.join(", "),
            amount(a.earned),
            amount(a.vesting),
            a.credits
        );
    }
    println!("\nwhy (the first payment of each account)");
    let mut told: Vec<&str> = Vec::new();
    for receipt in &data.receipts {
        if !told.contains(&receipt.account.as_str()) {
            told.push(&receipt.account);
            println!(
                "  {}: claim {:.12}: {}",
                receipt.account, receipt.claim, receipt.why
            );
        }
    }
    println!("\nrefused");
    for c in data.claims.iter().filter(|c| c.outcome == Outcome::Refused) {
        println!("  round {} {}: {}", c.round, c.account, c.why);
    }
    println!("\ncost: {:.0} s in all", data.wall_seconds);
    for p in &data.processes {
        println!(
            "  {:<11} {:>5.0} s  peak memory {:>4.0} MiB",
            p.name, p.wall_seconds, p.peak_memory_mib
        );
    }
}

/// Prints the branch's improvement record.
pub fn print_scores(scores: &[Score]) {
    println!("\nimprovement record (held-out shards, scored by verifiers, on the chain)");
    for score in scores {
        println!("  {score}");
    }
}

/// A revert: the claim, and the lineage before and after.
pub struct Reverted {
    /// Claim.
    pub claim: H256,
    /// Versions before, oldest first.
    pub before: Vec<(H256, VersionHeader)>,
    /// Versions after.
    pub after: Vec<(H256, VersionHeader)>,
}

/// Prints what `dream-worker explain` says.
pub fn print_stories(stories: &BTreeMap<Story, Explanation>) {
    for (story, explanation) in stories {
        println!("\n{}\n{explanation}", story.title());
    }
}

/// Prints the lineage before and after a revert.
pub fn print_revert(reverted: &Reverted) {
    println!("\nreverted: claim {:?}", reverted.claim);
    for (what, versions) in [("before", &reverted.before), ("after", &reverted.after)] {
        let chain: Vec<String> = versions
            .iter()
            .map(|(hash, header)| format!("{} {:.10}", header.number, format!("{hash:?}")))
            .collect();
        println!("  lineage {what:<7} {}", chain.join(" <- "));
    }
}

/// Fails when the demo did not show what it promises.
pub fn judge(data: &ReportData, scores: &[Score], margin: f64) -> Result<()> {
    let fakes = || data.claims.iter().filter(|c| c.account == "faker");
    if let Some(fake) = fakes().find(|c| c.outcome == Outcome::Accepted) {
        bail!(
            "the faked claim {} of round {} was accepted",
            fake.id,
            fake.round
        );
    }
    let refused = fakes().filter(|c| c.outcome == Outcome::Refused).count();
    ensure!(refused > 0, "no faked claim was refused: none was judged");
    let honest = |c: &&dream_report::Claim| c.account != "faker" && c.outcome == Outcome::Refused;
    if let Some(claim) = data.claims.iter().find(honest) {
        bail!(
            "the honest claim {} of {} was refused: {}",
            claim.id,
            claim.account,
            claim.why
        );
    }
    ensure!(
        !scores.is_empty(),
        "no version was scored on a held-out shard"
    );
    let losses: Vec<f64> = data
        .versions
        .iter()
        .filter_map(|v| v.held_out_loss)
        .collect();
    let (Some(first), Some(last)) = (losses.first(), losses.last()) else {
        bail!("no held-out loss was measured");
    };
    let fell = first - last;
    ensure!(
        fell >= margin,
        "the held-out loss fell by {fell:.4} nats per byte, from {first:.4} to {last:.4}; at least {margin} were expected"
    );
    println!(
        "\nPASSED: the held-out loss fell by {fell:.4} nats per byte, from {first:.4} to {last:.4} (at least {margin} asked); {refused} faked claims refused, none accepted"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_report::{Claim, Version};

    fn claim(account: &str, outcome: Outcome) -> Claim {
        Claim {
            id: "0x1".into(),
            round: 1,
            base: 0,
            account: account.into(),
            segments: 8,
            audited_segments: vec![7],
            state: "x".into(),
            outcome,
            verdicts: Vec::new(),
            why: "because".into(),
        }
    }

    fn data(losses: &[f64], claims: Vec<Claim>) -> ReportData {
        let versions = (0u32..).zip(losses).map(|(number, loss)| Version {
            number,
            block: 0,
            hash: String::new(),
            parent: None,
            state_root: String::new(),
            held_out_loss: Some(*loss),
            contributions: 2,
        });
        ReportData {
            chain: String::new(),
            model: String::new(),
            parameters: 1,
            loss_unit: String::new(),
            token_symbol: String::new(),
            token_decimals: 12,
            versions: versions.collect(),
            claims,
            accounts: Vec::new(),
            receipts: Vec::new(),
            extras: Vec::new(),
            processes: Vec::new(),
            wall_seconds: 1.0,
            commands: Vec::new(),
        }
    }

    fn scored() -> Vec<Score> {
        vec![Score {
            round: 1,
            version: H256::zero(),
            parent_loss: 5.0,
            version_loss: 4.0,
            samples: 8,
            promoted: true,
        }]
    }

    #[test]
    fn judge_should_pass_when_the_loss_fell_and_the_fake_was_refused() {
        let good = || {
            vec![
                claim("miner-1", Outcome::Accepted),
                claim("faker", Outcome::Refused),
            ]
        };
        assert!(judge(&data(&[5.0, 3.0], good()), &scored(), 1.5).is_ok());
        let error = judge(&data(&[5.0, 4.0], good()), &scored(), 1.5)
            .unwrap_err()
            .to_string();
        assert!(error.contains("1.0000") && error.contains("1.5"), "{error}");
        assert!(judge(&data(&[5.0], good()), &scored(), 0.5).is_err());
        assert!(judge(&data(&[], good()), &scored(), 0.5).is_err());
    }

    #[test]
    fn judge_should_fail_when_no_version_was_scored() {
        let claims = vec![claim("faker", Outcome::Refused)];
        let error = judge(&data(&[5.0, 3.0], claims), &[], 1.0).unwrap_err();
        assert!(error.to_string().contains("held-out shard"), "{error}");
    }

    #[test]
    fn judge_should_fail_when_a_fake_passes_or_an_honest_claim_does_not() {
        let judged = |claims| {
            judge(&data(&[5.0, 3.0], claims), &scored(), 1.0)
                .unwrap_err()
                .to_string()
        };
        let accepted = vec![
            claim("faker", Outcome::Accepted),
            claim("faker", Outcome::Refused),
        ];
        assert!(judged(accepted).contains("was accepted"));
        assert!(judged(vec![claim("miner-1", Outcome::Accepted)]).contains("none was judged"));
        assert!(judged(vec![claim("faker", Outcome::Void)]).contains("none was judged"));
        let honest = vec![
            claim("faker", Outcome::Refused),
            claim("miner-1", Outcome::Refused),
        ];
        assert!(judged(honest).contains("honest claim"));
    }
}
