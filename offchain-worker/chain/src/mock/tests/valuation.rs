// SPDX-License-Identifier: GPL-3.0-or-later
//! Merges that are scored on a held-out shard.

use dream_primitives::value::{Loss, ScoreReport, ScoreStage};

use super::*;
use crate::{Shard, Valuation};

const STEWARD: u8 = 8;

fn shard() -> Shard {
    Shard {
        root: H256([5; 32]),
        samples: 10,
        window: 17,
        steward: account(STEWARD),
    }
}

fn report(parent: u64, version: u64) -> ScoreReport {
    let loss = |total| Loss {
        total,
        bits: H256::from_low_u64_be(total),
    };
    ScoreReport {
        parent: loss(parent),
        version: loss(version),
    }
}

fn commit_shard(shard: Shard) -> Call {
    Call::Sudo(Box::new(Call::CommitShard { branch: 0, shard }))
}

/// A chain whose round 1 is in Valuation, and that round.
async fn valuation() -> (MockChain, RoundId) {
    let chain = prepared().await;
    chain.submit(commit_shard(shard())).await.unwrap();
    let (round, _) = audited_round(&chain, |_| Trace::new(1)).await;
    until(&chain, Phase::Merging).await;
    let merge = Call::PostMerge {
        round,
        state_root: H256([4; 32]),
        server_root: H256::zero(),
        cid: CID,
        server_cid: None,
        table: Default::default(),
    };
    chain.as_account(account(2)).submit(merge).await.unwrap();
    until(&chain, Phase::Valuation).await;
    (chain, round)
}

async fn read(chain: &MockChain, round: RoundId) -> Valuation {
    let found = chain.valuation(At::Finalised, round).await.unwrap();
    found.unwrap()
}

async fn run_to(chain: &MockChain, round: RoundId, stage: ScoreStage) -> Vec<AccountId> {
    for _ in 0..200 {
        let valuation = read(chain, round).await;
        if valuation.stage == stage {
            return valuation.seats.iter().map(|s| s.scorer).collect();
        }
        chain.advance(1);
    }
    panic!("{stage:?} did not come");
}

/// Lets the round come to a phase, whether a next one has opened or not.
async fn reach(chain: &MockChain, id: RoundId, phase: Phase) {
    for _ in 0..2_000 {
        let round = chain.round(At::Finalised, id).await.unwrap().unwrap();
        if round.phase == phase {
            return;
        }
        chain.advance(1);
    }
    panic!("{phase:?} did not come");
}

fn salt(who: &AccountId) -> H256 {
    H256(who.0)
}

fn committed(chain: &MockChain, who: &AccountId, round: RoundId, report: &ScoreReport) -> Call {
    let commitment = report.commitment(&chain.genesis(), &who.0, &round, &salt(who));
    Call::CommitScore { round, commitment }
}

fn revealed(who: &AccountId, round: RoundId, report: ScoreReport) -> Call {
    Call::RevealScore {
        round,
        report,
        salt: salt(who),
    }
}

/// Scores round 1: the scorer at place i reports `of(i)`, or says nothing.
async fn score(of: impl Fn(usize) -> Option<ScoreReport>) -> (MockChain, RoundId, Vec<AccountId>) {
    let (chain, round) = valuation().await;
    let open = Call::OpenShard { round, cid: CID };
    let steward = chain.as_account(account(STEWARD));
    steward.submit(open).await.unwrap();
    let seats = run_to(&chain, round, ScoreStage::Commitment).await;
    for (i, who) in seats.iter().enumerate() {
        if let Some(report) = of(i) {
            let call = committed(&chain, who, round, &report);
            chain.as_account(*who).submit(call).await.unwrap();
        }
    }
    run_to(&chain, round, ScoreStage::Reveal).await;
    for (i, who) in seats.iter().enumerate() {
        if let Some(report) = of(i) {
            let call = revealed(who, round, report);
            chain.as_account(*who).submit(call).await.unwrap();
        }
    }
    reach(&chain, round, Phase::Vesting).await;
    chain.check_invariants();
    (chain, round, seats)
}

async fn total(chain: &MockChain, who: AccountId) -> u128 {
    chain.bond(At::Finalised, who).await.unwrap().total
}

#[tokio::test]
async fn agreed_score_should_promote_the_version_pay_who_was_right_and_cost_the_silent() {
    let lie = report(1, u64::MAX);
    let said = [Some(report(9, 8)), Some(report(9, 8)), Some(lie)];
    let (chain, round, seats) = score(|i| said[i]).await;
    let head = chain.branch(At::Finalised, 0).await.unwrap().unwrap().head;
    let scores = chain.scores(At::Finalised, 0).await.unwrap();
    assert_eq!(scores.len(), 1);
    assert!(scores[0].promoted && scores[0].version == head && scores[0].samples == 10);
    let rewards: Vec<u128> = read(&chain, round)
        .await
        .seats
        .iter()
        .map(|s| s.reward)
        .collect();
    assert!(
        rewards[0] > 0 && rewards[1] == rewards[0] && rewards[2] == 0,
        "{rewards:?}"
    );
    for who in &seats {
        assert_eq!(total(&chain, *who).await, 5_000 * DREAM);
    }
    let before = chain.balance(At::Finalised, seats[0]).await.unwrap().free;
    reach(&chain, round, Phase::Closed).await;
    chain.check_invariants();
    let after = chain.balance(At::Finalised, seats[0]).await.unwrap().free;
    assert!(after >= before + rewards[0]);

    let (chain, _, seats) = score(|i| (i > 0).then(|| report(9, 8))).await;
    let silence = ChainParameters::development().bonds.silence;
    assert_eq!(total(&chain, seats[0]).await, 5_000 * DREAM - silence);
    assert_eq!(total(&chain, seats[1]).await, 5_000 * DREAM);
}

#[tokio::test]
async fn worse_version_should_not_be_promoted_and_its_claims_be_paid() {
    let margin = 10 * u64::from(ChainParameters::development().audit.value_margin);
    let (chain, round, _) = score(|_| Some(report(1_000, 1_001 + margin))).await;
    let state = chain.round(At::Finalised, round).await.unwrap().unwrap();
    let head = chain.branch(At::Finalised, 0).await.unwrap().unwrap().head;
    assert_eq!((head, state.merge), (state.base, None));
    let claims = chain.round_claims(At::Finalised, round).await.unwrap();
    let record = chain.claim(At::Finalised, claims[0]).await.unwrap();
    let record = record.unwrap();
    assert_eq!((record.state, record.merged), (ClaimState::Accepted, false));
    assert!(record.receipts.iter().any(|r| r.account == account(1)));
    let scores = chain.scores(At::Finalised, 0).await.unwrap();
    assert!(!scores[0].promoted);
    let (chain, ..) = score(|_| Some(report(1_000, 1_000 + margin))).await;
    assert!(chain.scores(At::Finalised, 0).await.unwrap()[0].promoted);
}

#[tokio::test]
async fn version_should_be_promoted_unscored_and_nobody_lose_when_nothing_settles() {
    for opened in [false, true] {
        let (chain, round) = valuation().await;
        if opened {
            let open = Call::OpenShard { round, cid: CID };
            let steward = chain.as_account(account(STEWARD));
            steward.submit(open).await.unwrap();
        }
        let before = chain.branch(At::Finalised, 0).await.unwrap().unwrap().head;
        reach(&chain, round, Phase::Vesting).await;
        let after = chain.branch(At::Finalised, 0).await.unwrap().unwrap().head;
        assert_ne!(before, after);
        assert!(chain.scores(At::Finalised, 0).await.unwrap().is_empty());
        for n in 2..5 {
            assert_eq!(total(&chain, account(n)).await, 5_000 * DREAM);
        }
        chain.check_invariants();
    }
}

#[tokio::test]
async fn score_calls_should_refuse_bad_input_by_name() {
    let chain = prepared().await;
    let refused = |chain: MockChain, call: Call, pallet: &'static str, error: &'static str| async move {
        let found = chain.submit(call).await.unwrap_err();
        assert!(found.is(pallet, error), "{found} instead of {error}");
    };
    let wrong = [
        Shard {
            samples: 0,
            ..shard()
        },
        Shard {
            samples: 65_537,
            ..shard()
        },
        Shard {
            window: 1,
            ..shard()
        },
    ];
    for shard in wrong {
        let call = commit_shard(shard);
        refused(chain.clone(), call, "DataRegistry", "ShardOutOfRange").await;
    }
    let plain = Call::CommitShard {
        branch: 0,
        shard: shard(),
    };
    refused(chain.clone(), plain, "System", "BadOrigin").await;
    assert!(!chain
        .shard_known(At::Finalised, shard().root)
        .await
        .unwrap());

    let (chain, round) = valuation().await;
    let steward = chain.as_account(account(STEWARD));
    let open = |round| Call::OpenShard { round, cid: CID };
    let work = "UsefulWork";
    steward.submit(open(round)).await.unwrap();
    refused(steward.clone(), open(round), work, "AlreadyDone").await;

    let (chain, round) = valuation().await;
    // It is used, and can never be committed again.
    assert!(chain.shards(At::Finalised, 0).await.unwrap().is_empty());
    assert!(chain
        .shard_known(At::Finalised, shard().root)
        .await
        .unwrap());
    let again = commit_shard(shard());
    refused(chain.clone(), again, "DataRegistry", "ShardTwice").await;
    let as_account = |who: AccountId| chain.as_account(who);
    let steward = as_account(account(STEWARD));
    let other = RoundId { number: 9, ..round };
    refused(steward.clone(), open(other), work, "UnknownRound").await;
    refused(as_account(account(2)), open(round), work, "NotTheSteward").await;
    steward.submit(open(round)).await.unwrap();
    let seats = run_to(&chain, round, ScoreStage::Commitment).await;
    let (one, two) = (seats[0], seats[1]);
    let right = report(9, 8);
    let commit = |who: &AccountId| committed(&chain, who, round, &right);
    refused(steward.clone(), open(round), work, "WrongPhase").await;
    refused(
        steward.clone(),
        commit(&account(STEWARD)),
        work,
        "NotInCommittee",
    )
    .await;
    refused(
        as_account(one),
        revealed(&one, round, right),
        work,
        "WrongPhase",
    )
    .await;
    as_account(one).submit(commit(&one)).await.unwrap();
    refused(as_account(one), commit(&one), work, "AlreadyDone").await;
    run_to(&chain, round, ScoreStage::Reveal).await;
    refused(as_account(two), commit(&two), work, "WrongPhase").await;
    refused(
        as_account(two),
        revealed(&two, round, right),
        work,
        "NotCommitted",
    )
    .await;
    let other = revealed(&one, round, report(9, 7));
    refused(as_account(one), other, work, "RevealMismatch").await;
    let reveal = revealed(&one, round, right);
    as_account(one).submit(reveal).await.unwrap();
    chain.check_invariants();
}
