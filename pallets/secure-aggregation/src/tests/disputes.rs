// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes over sums and versions.

use super::*;
use crate::{Disputes, Error};
use dream_primitives::dispute::{answer_hashes, children, Witness};
use dream_primitives::game::{Dispute, Turn};
use polkadot_sdk::frame_support::assert_noop;

const PARTS: [AccountId; 3] = [CONTRIBUTORS[0], CONTRIBUTORS[1], CONTRIBUTORS[2]];

fn parts() -> Vec<Leaves> {
    cohort().into_iter().map(leaves_of).collect()
}

/// A posted sum whose leaves `change` may spoil; (the contributions, the honest sum, what was posted).
fn posted(change: impl FnOnce(&mut Leaves)) -> (Vec<Leaves>, Leaves, Leaves) {
    summing(|a| leaves_of(a).roots());
    let parts = parts();
    let honest = sum_of(&parts);
    let mut shown = honest.clone();
    change(&mut shown);
    post_sum(shown.roots());
    (parts, honest, shown)
}

fn dispute_of(challenger: AccountId) -> Dispute<AccountId, PrivateTree> {
    let all = Disputes::<Test>::get(R1);
    all.iter()
        .find(|d| d.challenger == challenger)
        .cloned()
        .expect("the dispute is open")
}

fn dispute(challenger: AccountId, tree: PrivateTree) {
    assert_ok!(Private::dispute(origin(challenger), R1, tree));
}

/// Plays a dispute down to a leaf: `poster` shows `shown`, the challenger follows the first node that is not in `own`.
fn play_down(
    poster: AccountId,
    challenger: AccountId,
    shown: &[H256],
    own: &[H256],
) -> Dispute<AccountId, PrivateTree> {
    use dream_primitives::dispute::Questioned;
    loop {
        let open = dispute_of(challenger);
        let domain = open.tree.hashed_for();
        match open.turn {
            Turn::Answer => {
                let nodes = answer_hashes(domain, shown, open.node).unwrap();
                assert_ok!(Private::answer_dispute(
                    origin(poster),
                    R1,
                    challenger,
                    nodes
                ));
            }
            Turn::Narrow(nodes) => {
                let mine = answer_hashes(domain, own, open.node).unwrap();
                let (_, number) = children(open.leaves, open.node).unwrap();
                let place = (0..number).find(|i| nodes.get(*i) != mine.get(*i));
                let place = place.unwrap_or(0);
                assert_ok!(Private::narrow_dispute(origin(challenger), R1, place));
            }
            Turn::Prove => return open,
        }
    }
}

fn proof(parts: &[Leaves], tree: PrivateTree, leaf: u32) -> SumProof {
    let leaves = |p: &Leaves| match tree {
        PrivateTree::Keys => open_leaf(&p.keys, leaf).unwrap(),
        _ => open_leaf(&p.data, leaf).unwrap(),
    };
    SumProof {
        leaf,
        parts: parts
            .iter()
            .map(leaves)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap(),
    }
}

#[test]
fn wrong_sum_should_be_slashed_at_its_one_leaf_and_posted_again() {
    for (tree, leaf) in [
        (PrivateTree::Data, 0usize),
        (PrivateTree::Data, 127),
        (PrivateTree::Keys, 100),
    ] {
        build_and_execute(|| {
            let (parts, honest, shown) = posted(|sum| {
                let leaves = match tree {
                    PrivateTree::Keys => &mut sum.keys,
                    _ => &mut sum.data,
                };
                leaves[leaf][17] ^= 1;
            });
            dispute(DOUBTER, tree);
            let of = |l: &Leaves| match tree {
                PrivateTree::Keys => hashes(&l.keys),
                _ => hashes(&l.data),
            };
            let at = play_down(AGGREGATOR, DOUBTER, &of(&shown), &of(&honest));
            assert_eq!(at.node.index as usize, leaf);
            let proof = proof(&parts, tree, leaf as u32);
            assert_ok!(Private::prove_sum(origin(DOUBTER), R1, proof));
            let now = round(R1);
            assert_eq!((now.phase, now.refutations), (PrivatePhase::Summing, 1));
            assert_eq!(bonded(AGGREGATOR), BOND - literal().bonds.sum);
            assert_eq!(Awards::get(DOUBTER), literal().bonds.sum / 2);
            assert_eq!((locked(DOUBTER), locked(AGGREGATOR)), (0, 0));
            // The next sum's bond is twice as large; the honest one stands.
            post_sum(honest.roots());
            assert_eq!(locked(AGGREGATOR), 2 * literal().bonds.sum);
            run_to(R1, PrivatePhase::Decryption);
        });
    }
}

#[test]
fn frivolous_dispute_should_cost_its_challenger_and_not_the_aggregator() {
    build_and_execute(|| {
        let (parts, honest, shown) = posted(|_| {});
        dispute(DOUBTER, PrivateTree::Data);
        let leaves = hashes(&honest.data);
        let at = play_down(AGGREGATOR, DOUBTER, &hashes(&shown.data), &leaves);
        assert_noop!(
            Private::prove_sum(origin(DOUBTER), R1, proof(&parts, PrivateTree::Data, 1)),
            Error::<Test>::WrongLeaf
        );
        let mut fewer = proof(&parts, PrivateTree::Data, at.node.index);
        fewer.parts.pop();
        assert_noop!(
            Private::prove_sum(origin(DOUBTER), R1, fewer),
            Error::<Test>::PartCount
        );
        let mut forged = proof(&parts, PrivateTree::Data, at.node.index);
        forged.parts[0].bytes[0] ^= 1;
        assert_noop!(
            Private::prove_sum(origin(DOUBTER), R1, forged),
            Error::<Test>::PartProof
        );
        let right = proof(&parts, PrivateTree::Data, at.node.index);
        assert_ok!(Private::prove_sum(origin(DOUBTER), R1, right));
        assert_eq!(bonded(DOUBTER), BOND - literal().bonds.dispute);
        assert_eq!(bonded(AGGREGATOR), BOND);
        assert_eq!(round(R1).phase, PrivatePhase::SumDispute);
        run_to(R1, PrivatePhase::Decryption);
    });
}

#[test]
fn sum_whose_tree_nobody_shows_should_be_refuted_by_silence() {
    build_and_execute(|| {
        summing(some_roots);
        post_sum(some_roots(99));
        dispute(DOUBTER, PrivateTree::Keys);
        dispute(SECOND, PrivateTree::Data);
        run_to(R1, PrivatePhase::Summing);
        assert_eq!(bonded(AGGREGATOR), BOND - literal().bonds.sum);
        assert_eq!((locked(DOUBTER), locked(SECOND)), (0, 0));
        assert_eq!((bonded(DOUBTER), bonded(SECOND)), (BOND, BOND));
    });
}

#[test]
fn challenger_that_lets_its_turn_pass_should_lose_and_hold_up_nothing_for_good() {
    build_and_execute(|| {
        let (_, honest, _) = posted(|_| {});
        dispute(DOUBTER, PrivateTree::Data);
        let nodes = answer_hashes(
            Domain::Residues,
            &hashes(&honest.data),
            dispute_of(DOUBTER).node,
        );
        let nodes = nodes.unwrap();
        assert_ok!(Private::answer_dispute(
            origin(AGGREGATOR),
            R1,
            DOUBTER,
            nodes
        ));
        run_blocks(5);
        assert_eq!(bonded(DOUBTER), BOND - literal().bonds.dispute);
        run_to(R1, PrivatePhase::Decryption);
        assert_eq!(bonded(AGGREGATOR), BOND);
    });
}

/// Contribution 1 hides a residue that is no residue: its own root is that of what it sent.
#[test]
fn malformed_leaf_should_take_its_contribution_out_and_the_sum_be_made_again() {
    build_and_execute(|| {
        let bad = |account| {
            let mut leaves = leaves_of(account);
            if account == PARTS[1] {
                leaves.data[40] = vec![0xff; 3_840];
            }
            leaves
        };
        audit(&CONTRIBUTORS, &CONTRIBUTORS, |a| bad(a).roots());
        vote_all(ContributionVotes::default());
        run_to(R1, PrivatePhase::Summing);
        let all: Vec<Leaves> = cohort().into_iter().map(bad).collect();
        let others: Vec<Leaves> = cohort()
            .into_iter()
            .filter(|a| *a != PARTS[1])
            .map(bad)
            .collect();
        let shown = sum_of(&others);
        post_sum(shown.roots());
        dispute(DOUBTER, PrivateTree::Data);
        let mut own = hashes(&shown.data);
        own[40] = H256::zero();
        let at = play_down(AGGREGATOR, DOUBTER, &hashes(&shown.data), &own);
        assert_eq!(at.node.index, 40);
        let proof = proof(&all, PrivateTree::Data, 40);
        assert_ok!(Private::prove_sum(origin(DOUBTER), R1, proof));
        let now = round(R1);
        assert_eq!((now.phase, now.refutations), (PrivatePhase::Summing, 0));
        assert_eq!(now.standing.count(), 3);
        assert_eq!(bonded(PARTS[1]), BOND - literal().bonds.contribution);
        assert_eq!((bonded(AGGREGATOR), locked(AGGREGATOR)), (BOND, 0));
        assert_eq!((bonded(DOUBTER), locked(DOUBTER)), (BOND, 0));
        post_sum(shown.roots());
        run_to(R1, PrivatePhase::Decryption);
    });
}

#[test]
fn cohort_should_be_given_up_when_a_malformed_leaf_leaves_too_few() {
    build_and_execute(|| {
        let bad = |account| {
            let mut leaves = leaves_of(account);
            if account == PARTS[1] {
                leaves.data[40] = vec![0xff; 3_840];
            }
            leaves
        };
        summing(|a| bad(a).roots());
        let all: Vec<Leaves> = cohort().into_iter().map(bad).collect();
        let shown = leaves_of(PARTS[0]);
        post_sum(shown.roots());
        dispute(DOUBTER, PrivateTree::Data);
        let mut own = hashes(&shown.data);
        own[40] = H256::zero();
        play_down(AGGREGATOR, DOUBTER, &hashes(&shown.data), &own);
        assert_ok!(Private::prove_sum(
            origin(DOUBTER),
            R1,
            proof(&all, PrivateTree::Data, 40)
        ));
        run_to(R1, PrivatePhase::Closed);
        nothing_locked();
        assert!(round(R1).answers.is_empty());
    });
}

fn version_disputed(change: impl FnOnce(&mut Merged)) -> (Merged, Merged) {
    combining();
    let honest = merged();
    let mut shown = merged();
    change(&mut shown);
    let report = version_report(&shown, Some(score(1_000_000, 900_000)));
    report_all(PrivateReport::Version(report));
    run_to(R1, PrivatePhase::VersionDispute);
    (honest, shown)
}

#[test]
fn wrong_version_should_be_slashed_at_one_chunk_and_never_become_the_head() {
    for tree in [PrivateTree::State, PrivateTree::Server] {
        build_and_execute(|| {
            let (honest, shown) = version_disputed(|m| match tree {
                PrivateTree::Server => m.moments[4_095] += 1,
                _ => m.state[0] += 1,
            });
            let n = shown.state.len();
            let of = |m: &Merged| match tree {
                PrivateTree::Server => state::server_leaves(&m.moments, n),
                _ => state::leaves(&m.state),
            };
            dispute(DOUBTER, tree);
            let auditor = seats()[0];
            play_down(auditor, DOUBTER, &of(&shown), &of(&honest));
            let base = base_state();
            let proof = Witness::new(&base, &[], &[&honest.delta]).prove(0).unwrap();
            let mut wrong = proof.clone();
            wrong.base.values[0] += 1;
            assert_noop!(
                Private::prove_version(origin(DOUBTER), R1, wrong),
                Error::<Test>::ChunkProof
            );
            let auditors = seats();
            assert_ok!(Private::prove_version(origin(DOUBTER), R1, proof));
            run_to(R1, PrivatePhase::Closed);
            let bond = literal().bonds.auditor;
            assert!(auditors.iter().all(|a| bonded(*a) == BOND - bond));
            assert_eq!(BRANCH.with_borrow(|b| b.head), base_header().hash());
            assert!(PARTS.iter().all(|a| Balances::free_balance(a) == FUNDS));
            nothing_locked();
        });
    }
}

#[test]
fn right_version_should_stand_a_dispute() {
    build_and_execute(|| {
        let (honest, _) = version_disputed(|_| {});
        dispute(DOUBTER, PrivateTree::State);
        let leaves = state::leaves(&honest.state);
        let auditor = seats()[1];
        play_down(auditor, DOUBTER, &leaves, &leaves);
        let base = base_state();
        let proof = Witness::new(&base, &[], &[&honest.delta]).prove(0).unwrap();
        assert_ok!(Private::prove_version(origin(DOUBTER), R1, proof));
        assert_eq!(bonded(DOUBTER), BOND - literal().bonds.dispute);
        run_to(R1, PrivatePhase::Closed);
        assert_eq!(HEADERS.with_borrow(Vec::len), 1);
    });
}

#[test]
fn dispute_should_be_refused_when_the_tree_is_not_what_is_disputed() {
    build_and_execute(|| {
        summing(some_roots);
        assert_noop!(
            Private::dispute(origin(DOUBTER), R1, PrivateTree::Data),
            Error::<Test>::WrongPhase
        );
        post_sum(some_roots(99));
        assert_noop!(
            Private::dispute(origin(DOUBTER), R1, PrivateTree::State),
            Error::<Test>::NoSuchTree
        );
        assert_noop!(
            Private::dispute(origin(UNBONDED), R1, PrivateTree::Data),
            Error::<Test>::BondTooSmall
        );
        dispute(DOUBTER, PrivateTree::Data);
        assert_noop!(
            Private::dispute(origin(DOUBTER), R1, PrivateTree::Keys),
            Error::<Test>::SecondDispute
        );
        let nodes = answer_hashes(
            Domain::Residues,
            &[h(1); 4],
            dream_primitives::dispute::top(4),
        );
        let nodes = nodes.unwrap();
        assert_noop!(
            Private::answer_dispute(origin(SECOND), R1, DOUBTER, nodes.clone()),
            Error::<Test>::NotThePoster
        );
        assert_noop!(
            Private::answer_dispute(origin(AGGREGATOR), R1, SECOND, nodes.clone()),
            Error::<Test>::NoDispute
        );
        assert_noop!(
            Private::answer_dispute(origin(AGGREGATOR), R1, DOUBTER, nodes),
            Error::<Test>::AnswerLength
        );
        assert_noop!(
            Private::narrow_dispute(origin(DOUBTER), R1, 0),
            Error::<Test>::WrongTurn
        );
        run_blocks(5);
        // Silence refuted the sum; nothing is left to dispute.
        assert_noop!(
            Private::dispute(origin(DOUBTER), R1, PrivateTree::Data),
            Error::<Test>::WrongPhase
        );
    });
}
