// SPDX-License-Identifier: GPL-3.0-or-later
//! Juries and challenges.

use dream_primitives::trial::{Level, Stage};

use super::*;

/// Lets the seats of a trial commit to `reports(n)` and reveal it; what they are called to.
async fn judged(chain: &MockChain, claim: H256, reports: impl Fn(u8) -> Trace) -> Level {
    let genesis = chain.genesis();
    let trial = async |stage: Stage| loop {
        let trial = chain.trial(At::Finalised, claim).await.unwrap().unwrap();
        if trial.stage == stage {
            break trial;
        }
        chain.advance(1);
    };
    let called = trial(Stage::Commitment).await;
    let verifiers = chain.verifiers(At::Finalised, 0).await.unwrap();
    let report = |n: u8| ReplayReport {
        step_state: Some(H256([1; 32])),
        ..reports(n).report(&called.segments)
    };
    let salt = H256([5; 32]);
    for who in &verifiers {
        let seats = chain.trials(At::Finalised, *who).await.unwrap();
        assert_eq!((seats.len(), seats[0].id), (1, claim));
        let commitment = report(who.0[0]).commitment(&genesis, &who.0, &claim, &salt);
        let commit = Call::CommitVerdict { claim, commitment };
        chain.as_account(*who).submit(commit).await.unwrap();
    }
    trial(Stage::Reveal).await;
    for who in &verifiers {
        let reveal = Call::RevealVerdict {
            claim,
            report: report(who.0[0]),
            salt,
        };
        chain.as_account(*who).submit(reveal).await.unwrap();
    }
    chain.advance(1);
    chain.check_invariants();
    called.level
}

#[tokio::test]
async fn claim_should_be_slashed_when_the_jury_finds_other_hashes() {
    let chain = prepared().await;
    let said = |n| Trace::new(if n == 2 { 1 } else { 9 });
    let (_, claim) = audited_round(&chain, said).await;
    let head = chain.branch(At::Finalised, 0).await.unwrap().unwrap().head;
    assert_eq!(judged(&chain, claim, said).await, Level::Jury);
    let record = chain.claim(At::Finalised, claim).await.unwrap().unwrap();
    assert_eq!(record.state, ClaimState::Slashed);
    let bonds = ChainParameters::development().bonds;
    let total = async |n| {
        let bond = chain.bond(At::Finalised, account(n)).await.unwrap();
        5_000 * DREAM - bond.total
    };
    assert_eq!(total(1).await, bonds.claim);
    // Its seats in the committee and in the jury.
    assert_eq!(total(2).await, 2 * bonds.seat);
    assert_eq!((total(3).await, total(4).await), (0, 0));
    let free = chain.balance(At::Finalised, account(3)).await.unwrap().free;
    assert!(free > 5_000 * DREAM, "nothing awarded");
    chain.advance(10);
    chain.check_invariants();
    assert_eq!(
        chain.branch(At::Finalised, 0).await.unwrap().unwrap().head,
        head
    );
}

#[tokio::test]
async fn challenge_should_overturn_what_a_committee_accepted() {
    let chain = prepared().await;
    let (round, claim) = audited_round(&chain, |_| Trace::new(1)).await;
    until(&chain, Phase::Merging).await;
    let challenger = chain.as_account(account(4));
    let call = |segment| Call::Challenge { claim, segment };
    let refused = challenger.submit(call(SEGMENTS)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "BadSegments"), "{refused}");
    let record = chain.claim(At::Finalised, claim).await.unwrap().unwrap();
    let segment = (0..SEGMENTS).find(|s| !record.audited.contains(s)).unwrap();
    challenger.submit(call(segment)).await.unwrap();
    let refused = challenger.submit(call(1)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "WrongClaimState"), "{refused}");
    let trace = Trace::new(1);
    let Call::OpenDigests { openings, .. } = trace.openings(&chain.genesis(), claim, &[segment])
    else {
        unreachable!("openings are openings")
    };
    let Call::OpenStartStates { starts, .. } = trace.starts(claim, &[segment]) else {
        unreachable!("starts are starts")
    };
    let open = Call::OpenChallenged {
        claim,
        start: starts[0].clone(),
        end: openings[0].clone(),
    };
    let miner = chain.as_account(account(1));
    miner.submit(open).await.unwrap();
    assert_eq!(
        chain
            .round(At::Finalised, round)
            .await
            .unwrap()
            .unwrap()
            .trials,
        1
    );
    assert_eq!(
        judged(&chain, claim, |_| Trace::new(9)).await,
        Level::Challenge
    );
    let record = chain.claim(At::Finalised, claim).await.unwrap().unwrap();
    assert_eq!((record.state, record.bond), (ClaimState::Slashed, 0));
    let bond = chain.bond(At::Finalised, account(4)).await.unwrap();
    assert_eq!(bond.total, 5_000 * DREAM);
    let free = chain.balance(At::Finalised, account(4)).await.unwrap().free;
    assert!(free > 5_000 * DREAM, "nothing awarded");
}
