// SPDX-License-Identifier: GPL-3.0-or-later
//! Hostile scorers and stewards, in whole rounds in memory: the round goes on, and nobody loses a bond.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{account, miner, Net, BOND};
use dream_adversary::{Cheat, Mode};
use dream_chain::{At, Chain, ScoreSeat, Valuation};
use dream_primitives::round::Phase;
use dream_store::{cid_of, BlobStore};
use dream_worker::roles::{merge::Merger, steward::Steward, verify::Verifier, Role};
use dream_worker::worker::{DummyRunners, Parts, Worker};
use std::sync::Arc;

const STEWARD: u8 = 6;
const SAMPLES: u32 = 12;

/// The worker of account `n`, which cheats where `cheats` says so.
fn worker(net: &Net, n: u8, cheats: &[(u8, Mode)]) -> Arc<Worker> {
    match cheats.iter().find(|(c, _)| *c == n) {
        Some((_, mode)) => {
            let cheat = Cheat::around(*mode, None, Arc::new(DummyRunners)).unwrap();
            net.worker_of(n, &cheat as &dyn Parts)
        }
        None => net.plain(n),
    }
}

/// Plays round 1, which waits for a shard, until it vests; how it was scored.
async fn play(cheats: &[(u8, Mode)]) -> (Net, Valuation) {
    let net = Net::new(5, 2).await;
    net.shards(STEWARD, 1, SAMPLES).await;
    let worker = |n| worker(&net, n, cheats);
    let third = worker(3);
    let roles: Vec<Box<dyn Role>> = vec![
        miner(worker(1)),
        miner(worker(2)),
        Box::new(Verifier::new(third.clone())),
        Box::new(Merger::new(third)),
        Box::new(Verifier::new(worker(4))),
        Box::new(Verifier::new(worker(5))),
        Box::new(Steward::new(worker(STEWARD))),
    ];
    net.enlist(&roles[..6]).await;
    let vesting = async |n: &Net| n.phase(1).await == Some(Phase::Vesting);
    net.drive(&roles, 600, vesting).await;
    let id = net.round(1).await.id;
    let valuation = net.root.valuation(At::Finalised, id).await.unwrap();
    net.root.check_invariants();
    (net, valuation.unwrap())
}

async fn lost(net: &Net, n: u8) -> u128 {
    let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
    BOND - bond.total
}

fn seat(valuation: &Valuation, n: u8) -> &ScoreSeat {
    let mut seats = valuation.seats.iter();
    seats.find(|s| s.scorer == account(n)).unwrap()
}

#[tokio::test]
async fn invented_score_should_be_outvoted_and_unpaid_and_cost_no_bond() {
    let (net, valuation) = play(&[(4, Mode::InventedScore)]).await;
    let settled = valuation.settled.unwrap();
    let invented = seat(&valuation, 4);
    assert!(invented
        .report
        .is_some_and(|r| r.version.total > settled.version.total));
    assert_eq!(invented.reward, 0);
    for n in [3, 5] {
        let honest = seat(&valuation, n);
        assert!(honest.report == Some(settled) && honest.reward > 0, "{n}");
    }
    let scores = net.scores().await;
    assert!(scores.len() == 1 && scores[0].promoted && scores[0].report == settled);
    assert_eq!(net.version().await, 1);
    for n in 1..=5 {
        assert_eq!(lost(&net, n).await, 0, "{n}");
    }
}

#[tokio::test]
async fn invented_scores_that_two_thirds_agree_on_should_settle_as_no_jury_judges_scores() {
    // docs/protocol.md says so among what is not guaranteed.
    let (net, valuation) = play(&[(3, Mode::InventedScore), (4, Mode::InventedScore)]).await;
    let settled = valuation.settled.unwrap();
    assert_eq!(seat(&valuation, 3).report, Some(settled));
    assert_ne!(seat(&valuation, 5).report, Some(settled));
    assert_eq!(seat(&valuation, 5).reward, 0);
    for n in 1..=5 {
        assert_eq!(lost(&net, n).await, 0, "{n}");
    }
}

#[tokio::test]
async fn silent_scorer_should_lose_what_silence_costs_and_stop_nothing() {
    for mode in [Mode::SilentVerifier, Mode::UnrevealingVerifier] {
        let (net, valuation) = play(&[(5, mode)]).await;
        assert_eq!(seat(&valuation, 5).report, None, "{mode:?}");
        assert!(
            valuation.settled.is_some() && net.version().await == 1,
            "{mode:?}"
        );
        let silence = net
            .root
            .parameters(At::Finalised)
            .await
            .unwrap()
            .bonds
            .silence;
        // Of two claims, and of the score.
        assert_eq!(lost(&net, 5).await, 3 * silence, "{mode:?}");
        for n in 1..=4 {
            assert_eq!(lost(&net, n).await, 0, "{mode:?}: {n}");
        }
    }
}

#[tokio::test]
async fn shard_with_a_wrong_root_should_be_scored_by_nobody_and_cost_nobody() {
    let (net, valuation) = play(&[(STEWARD, Mode::WrongShard)]).await;
    let cid = valuation.cid.unwrap();
    let right = std::fs::read(net.folder.path().join("held-out")).unwrap();
    assert_ne!(cid, cid_of(&right));
    let opened = net.store.get(&cid, 1 << 20).await.unwrap();
    assert_eq!(opened.len(), right.len());
    assert_eq!(valuation.seats.len(), 3);
    for seat in &valuation.seats {
        assert_eq!((seat.commitment, seat.reward), (None, 0));
    }
    assert!(valuation.settled.is_none() && net.scores().await.is_empty());
    assert_eq!(net.version().await, 1, "promoted unscored");
    for n in 1..=5 {
        assert_eq!(lost(&net, n).await, 0, "{n}");
    }
}

#[tokio::test]
async fn steward_that_never_opens_should_stop_nothing_and_use_its_shard_up() {
    let (net, valuation) = play(&[(STEWARD, Mode::SilentSteward)]).await;
    assert!(valuation.cid.is_none() && net.scores().await.is_empty());
    assert_eq!(net.version().await, 1, "promoted unscored");
    let waiting = net.root.shards(At::Finalised, 0).await.unwrap();
    let root = valuation.shard.root;
    assert!(waiting.is_empty() && net.root.shard_known(At::Finalised, root).await.unwrap());
    for n in 1..=5 {
        assert_eq!(lost(&net, n).await, 0, "{n}");
    }
}
