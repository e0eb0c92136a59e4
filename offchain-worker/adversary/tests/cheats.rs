// SPDX-License-Identifier: GPL-3.0-or-later
//! Each way to cheat, in whole rounds in memory: what becomes of the claim, who loses what, and that the honest lose
//! nothing.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{account, miner, sparse_config, Net, BOND};
use dream_adversary::{Cheat, Mode};
use dream_chain::{At, Chain, ClaimRecord};
use dream_primitives::claim::Verdict;
use dream_primitives::params::BondParameters;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::H256;
use dream_worker::roles::{merge::Merger, mine::Miner, verify::Verifier, Role};
use dream_worker::worker::{DummyRunners, Parts};
use std::sync::Arc;

/// A cheating role of account `n`.
fn cheating(net: &Net, n: u8, mode: Mode) -> Box<dyn Role> {
    let leaks = Some(net.folder.path().join("leaks"));
    let cheat = Cheat::around(mode, leaks, Arc::new(DummyRunners)).unwrap();
    let worker = net.worker_of(n, &cheat);
    match n {
        1 | 2 => cheat.role(Box::new(Miner::new(worker))),
        _ => cheat.role(Box::new(Verifier::new(worker))),
    }
}

/// [`Net::honest`] with some accounts cheating; verifier 3 is always honest and merges.
fn roles(net: &Net, cheats: &[(u8, Mode)]) -> Vec<Box<dyn Role>> {
    let third = net.plain(3);
    let mut roles: Vec<Box<dyn Role>> = vec![
        Box::new(Verifier::new(third.clone())),
        Box::new(Merger::new(third)),
    ];
    for n in [1, 2, 4, 5] {
        roles.push(match cheats.iter().find(|(c, _)| *c == n) {
            Some((_, mode)) => cheating(net, n, *mode),
            None if n < 3 => miner(net.plain(n)),
            None => Box::new(Verifier::new(net.plain(n))),
        });
    }
    roles
}

/// What an account has lost of its bond.
async fn lost(net: &Net, n: u8) -> u128 {
    let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
    BOND - bond.total
}

async fn bonds(net: &Net) -> BondParameters {
    net.root.parameters(At::Finalised).await.unwrap().bonds
}

/// Nobody but `cheaters` has lost anything.
async fn honest_lost_nothing(net: &Net, cheaters: &[u8]) {
    for n in (1..=5).filter(|n| !cheaters.contains(n)) {
        assert_eq!(lost(net, n).await, 0, "account {n}");
    }
    net.root.check_invariants();
}

async fn claim_of(net: &Net, round: u32, n: u8) -> (H256, ClaimRecord) {
    let claims = net.claims(round).await;
    let own = claims.into_iter().find(|(_, r)| r.miner == account(n));
    own.unwrap()
}

/// Plays round 1 until it vests.
async fn round(net: &Net, roles: &[Box<dyn Role>]) {
    let vesting = async |n: &Net| n.phase(1).await == Some(Phase::Vesting);
    // Verifiers enlist before there is anything to verify.
    for role in roles.iter().filter(|r| r.name() == "verify") {
        role.step().await.unwrap();
    }
    net.drive(roles, 600, vesting).await;
}

#[tokio::test]
async fn cheating_miner_should_be_slashed_by_the_jury_in_whatever_way_it_trains() {
    for mode in [
        Mode::FakedSegment,
        Mode::SkippedSteps,
        Mode::WrongOrder,
        Mode::WrongStart,
        Mode::WrongDelta,
    ] {
        let net = Net::new(5, 2).await;
        round(&net, &roles(&net, &[(2, mode)])).await;
        let (_, record) = claim_of(&net, 1, 2).await;
        assert_eq!(record.state, ClaimState::Slashed, "{mode:?}");
        let no = |s: &dream_chain::Seat| s.verdict == Some(Verdict::Mismatch);
        assert!(record.committee.iter().all(no), "{mode:?}");
        assert_eq!(lost(&net, 2).await, bonds(&net).await.claim, "{mode:?}");
        honest_lost_nothing(&net, &[2]).await;
        let (_, honest) = claim_of(&net, 1, 1).await;
        assert_eq!(honest.state, ClaimState::Merged, "{mode:?}");
        assert_eq!(net.version().await, 1, "{mode:?}");
    }
}

#[tokio::test]
async fn residual_that_nobody_trained_should_be_slashed_by_the_jury() {
    let net = Net::of(5, 2, sparse_config(), |p| p.audit.canary_rate = 0).await;
    round(&net, &roles(&net, &[(2, Mode::FalseResidual)])).await;
    let (_, record) = claim_of(&net, 1, 2).await;
    assert_eq!(record.state, ClaimState::Slashed);
    assert_eq!(lost(&net, 2).await, bonds(&net).await.claim);
    honest_lost_nothing(&net, &[2]).await;
    let (_, honest) = claim_of(&net, 1, 1).await;
    assert_eq!(honest.state, ClaimState::Merged);
    let carried = async |n| {
        net.root
            .residual(At::Finalised, 0, account(n))
            .await
            .unwrap()
    };
    assert!(carried(1).await.is_some());
    assert_eq!(carried(2).await, None);
}

#[tokio::test]
async fn lazy_verifier_should_lose_its_seat_when_it_confirms_a_leaked_canary() {
    let net = Net::with(5, 2, |p| p.audit.canary_rate = 500_000).await;
    let roles = roles(&net, &[(2, Mode::LeakingMiner), (5, Mode::LazyVerifier)]);
    let seat = bonds(&net).await.seat;
    let mut canaries = 0;
    for number in 1..=8 {
        let paid =
            async |n: &Net| matches!(n.phase(number).await, Some(Phase::Vesting | Phase::Closed));
        net.drive(&roles, 300, paid).await;
        let (_, record) = claim_of(&net, number, 2).await;
        let of = |n: u8| record.committee.iter().find(|s| s.verifier == account(n));
        let verdict = |n: u8| of(n).and_then(|s| s.verdict);
        if record.state == ClaimState::Canary {
            canaries += 1;
            assert_eq!(verdict(5), Some(Verdict::Match));
            assert_eq!(verdict(3), Some(Verdict::Mismatch));
            assert_eq!(of(5).map(|s| s.bond), Some(0));
        } else {
            // What it leaks of a claim that is not on duty is true.
            assert_eq!(verdict(5), Some(Verdict::Match));
            assert!(record.state.accepted(), "{:?}", record.state);
        }
        assert_eq!(lost(&net, 5).await, canaries * seat, "round {number}");
    }
    assert!(canaries > 0, "no canary in eight rounds");
    honest_lost_nothing(&net, &[5]).await;
}

#[tokio::test]
async fn claim_that_colluders_accept_should_be_challenged_and_slashed() {
    let net = Net::new(9, 2).await;
    let cheats = [
        (2, Mode::Colluder),
        (4, Mode::LazyVerifier),
        (5, Mode::LazyVerifier),
    ];
    let mut roles = roles(&net, &cheats);
    let seated = |r: &ClaimRecord| !r.committee.is_empty();
    let drawn = async |n: &Net| {
        let claims = n.claims(1).await;
        claims.len() == 2 && claims.iter().all(|(_, r)| seated(r))
    };
    net.drive(&roles, 200, drawn).await;
    // The committees are drawn from 3, 4 and 5; the jury of the challenge will be larger.
    for n in 6..=9 {
        roles.push(Box::new(Verifier::new(net.plain(n))));
    }
    let (fake, _) = claim_of(&net, 1, 2).await;
    let over = async |n: &Net| {
        let claim = n.root.claim(At::Finalised, fake).await.unwrap().unwrap();
        claim.state == ClaimState::Slashed
    };
    net.drive(&roles, 300, over).await;
    let (_, record) = claim_of(&net, 1, 2).await;
    let states: Vec<ClaimState> = record.history.iter().map(|h| h.state).collect();
    assert!(states.contains(&ClaimState::Accepted), "{states:?}");
    assert!(states.contains(&ClaimState::Challenged), "{states:?}");
    assert_eq!(lost(&net, 2).await, bonds(&net).await.claim);
    for n in [4, 5] {
        // The seat in the committee and the one in the jury.
        assert_eq!(lost(&net, n).await, 2 * bonds(&net).await.seat, "{n}");
    }
    honest_lost_nothing(&net, &[2, 4, 5]).await;
    for n in 6..=9 {
        assert_eq!(lost(&net, n).await, 0, "{n}");
    }
    let free = net
        .root
        .balance(At::Finalised, account(3))
        .await
        .unwrap()
        .free;
    let others = net
        .root
        .balance(At::Finalised, account(9))
        .await
        .unwrap()
        .free;
    assert!(
        free >= others,
        "the challenger gets its part: {free} {others}"
    );
}

#[tokio::test]
async fn silence_should_cost_the_silent_alone() {
    let cases = [
        (2, Mode::SilentMiner, ClaimState::Void),
        (2, Mode::FlaglessMiner, ClaimState::Rejected),
        (2, Mode::WithheldSnapshot, ClaimState::Void),
        (5, Mode::SilentVerifier, ClaimState::Merged),
        (5, Mode::UnrevealingVerifier, ClaimState::Merged),
    ];
    for (n, mode, state) in cases {
        let net = Net::new(5, 2).await;
        round(&net, &roles(&net, &[(n, mode)])).await;
        let (_, record) = claim_of(&net, 1, 2).await;
        assert_eq!(record.state, state, "{mode:?}");
        let b = bonds(&net).await;
        let expected = match n {
            2 => b.availability,
            // One seat for each of the two claims.
            _ => 2 * b.silence,
        };
        assert_eq!(lost(&net, n).await, expected, "{mode:?}");
        honest_lost_nothing(&net, &[n]).await;
    }
}

#[tokio::test]
async fn wrong_merger_should_lose_its_bond_and_the_right_merge_become_the_head() {
    for mode in [Mode::WrongMerge, Mode::UnheldTree] {
        let net = Net::with(6, 2, |p| {
            p.audit.canary_rate = 0;
            p.round.dispute_blocks = 40;
        })
        .await;
        let mut roles = roles(&net, &[]);
        let honest = roles.remove(1);
        let cheat = Cheat::around(mode, None, Arc::new(DummyRunners)).unwrap();
        let wrong = cheat.role(Box::new(Merger::new(net.worker_of(6, &cheat))));
        roles.push(wrong);
        let posted = async |n: &Net| n.round(1).await.merge.is_some();
        net.drive(&roles, 400, async |n: &Net| n.phase(1).await.is_some())
            .await;
        net.drive(&roles, 400, posted).await;
        let first = net.round(1).await.merge.unwrap().version;
        roles.pop();
        roles.push(honest);
        net.drive(&roles, 400, async |n: &Net| n.version().await >= 1)
            .await;
        assert_ne!(net.round(1).await.merge.unwrap().version, first, "{mode:?}");
        assert_eq!(lost(&net, 6).await, bonds(&net).await.merge, "{mode:?}");
        honest_lost_nothing(&net, &[]).await;
    }
}
