// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes over posted merges.

use super::models::*;
use super::*;
use crate::{Bonds, Disputes, Error, PostedTables};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::*;
use dream_primitives::game::{Dispute, Turn};
use dream_primitives::merkle::SumNode;
use dream_primitives::recipe::{AggregationRule, ServerOptimiser};
use dream_primitives::state;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

const POSTER: AccountId = 3;
const DOUBTER: AccountId = 9;
const SECOND: AccountId = 10;

/// A round whose three claims are accepted, its base, and what an honest merge of it makes.
fn merging() -> (Model, Model) {
    let base = real_model();
    train();
    for doubter in [DOUBTER, SECOND] {
        assert_ok!(UsefulWork::bond(origin(doubter), 20_000 * DREAM));
    }
    accepted_round(1, &MINERS);
    let honest = base.merged(&recipe(), &deltas_of(R1));
    (base, honest)
}

fn posted(model: &Model) {
    post_model(POSTER, R1, model);
    run_to(R1, Phase::Dispute);
}

fn dispute_of(challenger: AccountId) -> Dispute<AccountId> {
    let all = Disputes::<Test>::get(R1);
    all.iter()
        .find(|d| d.challenger == challenger)
        .cloned()
        .expect("the dispute is open")
}

fn dispute(challenger: AccountId, tree: Tree) {
    assert_ok!(UsefulWork::dispute_merge(origin(challenger), R1, tree));
}

fn answer(challenger: AccountId, nodes: Answer) {
    assert_ok!(UsefulWork::answer_dispute(
        origin(POSTER),
        R1,
        challenger,
        nodes
    ));
}

/// Plays a dispute down to a leaf: the poster shows `shown`, the challenger follows the first node that is not in `own`.
fn play_down(challenger: AccountId, shown: &[H256], own: &[H256]) -> Dispute<AccountId> {
    loop {
        let open = dispute_of(challenger);
        let domain = open.tree.domain();
        match open.turn {
            Turn::Answer => answer(challenger, answer_hashes(domain, shown, open.node).unwrap()),
            Turn::Narrow(nodes) => {
                let mine = answer_hashes(domain, own, open.node).unwrap();
                let (_, number) = children(open.leaves, open.node).unwrap();
                let place = (0..number).find(|i| nodes.get(*i) != mine.get(*i));
                let place = place.unwrap_or(0);
                assert_ok!(UsefulWork::narrow_dispute(origin(challenger), R1, place));
            }
            Turn::Prove => return open,
        }
    }
}

fn server_leaves(model: &Model) -> Vec<H256> {
    state::server_leaves(&model.moments, model.state.len())
}

fn phase() -> Phase {
    Rounds::<Test>::get(R1).unwrap().phase
}

fn bonded(account: AccountId) -> u128 {
    Bonds::<Test>::get(account).map_or(0, |b| b.total)
}

fn locked(account: AccountId) -> u128 {
    Bonds::<Test>::get(account).map_or(0, |b| b.locked)
}

fn nesterov() -> ServerOptimiser {
    ServerOptimiser::Nesterov {
        learning_rate: 1 << 15,
        momentum: 1 << 15,
    }
}

fn adam() -> ServerOptimiser {
    ServerOptimiser::Adam {
        learning_rate: 1 << 10,
        beta1: 58_982,
        beta2: 64_880,
        epsilon: 100,
    }
}

#[test]
fn wrong_root_should_be_refuted_and_the_honest_merge_become_the_head_whatever_the_leaf() {
    for leaf in [0usize, 31, 32, 40, 48] {
        build_and_execute(|| {
            let (base, honest) = merging();
            let mut wrong = honest.clone();
            wrong.state[leaf * state::CHUNK] ^= 1;
            posted(&wrong);
            let free = Balances::free_balance(DOUBTER);
            dispute(DOUBTER, Tree::State);
            let (shown, own) = (state::leaves(&wrong.state), state::leaves(&honest.state));
            let open = play_down(DOUBTER, &shown, &own);
            assert_eq!(open.node.index, leaf as u32);
            let proof = chunk_proof(&base, R1, leaf as u32);
            assert_ok!(UsefulWork::prove_chunk(origin(DOUBTER), R1, proof));

            assert_eq!(phase(), Phase::Merging);
            assert_eq!(Rounds::<Test>::get(R1).unwrap().merge, None);
            assert_eq!(bonded(POSTER), 19_900 * DREAM);
            assert_eq!(Balances::free_balance(DOUBTER), free + 50 * DREAM);
            assert_eq!(locked(DOUBTER), 0);

            post_model(6, R1, &honest);
            run_to(R1, Phase::Vesting);
            assert_eq!(head_header().state_root, honest.state_root());
        });
    }
}

#[test]
fn wrong_moments_should_be_refuted_for_every_server_optimiser_that_has_them() {
    for server in [nesterov(), adam()] {
        build_and_execute(|| {
            BRANCH.with_borrow_mut(|b| b.recipe.server = server);
            let (base, honest) = merging();
            let mut wrong = honest.clone();
            *wrong.moments.last_mut().unwrap() ^= 1;
            posted(&wrong);
            dispute(DOUBTER, Tree::Server);
            let open = play_down(DOUBTER, &server_leaves(&wrong), &server_leaves(&honest));
            assert_eq!(open.node.index, 49 * server.moments() - 1);
            assert_noop!(
                UsefulWork::prove_chunk(origin(DOUBTER), R1, chunk_proof(&base, R1, 47)),
                Error::<Test>::WrongLeaf
            );
            let proof = chunk_proof(&base, R1, 48);
            assert_ok!(UsefulWork::prove_chunk(origin(DOUBTER), R1, proof));
            assert_eq!(phase(), Phase::Merging);
            post_model(6, R1, &honest);
            run_to(R1, Phase::Vesting);
            assert_eq!(head_header().server_root, honest.server_root());
        });
    }
}

#[test]
fn moments_should_go_on_from_the_base_and_begin_at_zero_after_another_optimiser() {
    build_and_execute(|| {
        BRANCH.with_borrow_mut(|b| b.recipe.server = nesterov());
        let base = real_model();
        train();
        let (second, _) = whole_round(1, &MINERS, &base);
        accepted_round(2, &MINERS);
        let r2 = round_id(2);
        let honest = second.merged(&recipe(), &deltas_of(r2));
        post_model(POSTER, r2, &honest);
        run_to(r2, Phase::Dispute);
        let facts = UsefulWork::merge_facts(&Rounds::<Test>::get(r2).unwrap()).unwrap();
        assert_eq!(facts.server_root, second.server_root());
        let outcome = recompute_chunk(&facts, &chunk_proof(&second, r2, 7)).unwrap();
        assert_eq!(outcome.state_leaf, state::leaves(&honest.state)[7]);
        assert_eq!(outcome.server_leaves, [server_leaves(&honest)[7]]);
        BRANCH.with_borrow_mut(|b| b.recipe.server = adam());
        run_to(r2, Phase::Vesting);
        accepted_round(3, &MINERS);
        let facts = UsefulWork::merge_facts(&Rounds::<Test>::get(round_id(3)).unwrap()).unwrap();
        assert_eq!(facts.server_root, H256::zero());
        assert_eq!(facts.state_root, honest.state_root());
    });
}

#[test]
fn honest_poster_should_keep_its_bond_and_a_frivolous_challenger_lose_all_of_its_own() {
    build_and_execute(|| {
        let (base, honest) = merging();
        posted(&honest);
        let issued = Balances::total_issuance();
        let deadline = Rounds::<Test>::get(R1).unwrap().deadline;
        dispute(DOUBTER, Tree::State);
        let leaves = state::leaves(&honest.state);
        let open = play_down(DOUBTER, &leaves, &leaves);
        let proof = chunk_proof(&base, R1, open.node.index);
        assert_ok!(UsefulWork::prove_chunk(origin(DOUBTER), R1, proof));
        assert_eq!(bonded(DOUBTER), 19_900 * DREAM);
        assert_eq!(Balances::total_issuance(), issued - 100 * DREAM);
        assert_eq!((bonded(POSTER), locked(DOUBTER)), (20_000 * DREAM, 0));
        // Others have time for a dispute of their own.
        let round = Rounds::<Test>::get(R1).unwrap();
        assert_eq!(round.deadline, System::block_number() + 20);
        assert!(round.deadline > deadline);
        assert_eq!(round.disputes, 0);
        run_to(R1, Phase::Vesting);
        assert_eq!(head_header().state_root, honest.state_root());
    });
}

#[test]
fn merge_should_be_refuted_when_its_poster_is_silent() {
    build_and_execute(|| {
        let (_, honest) = merging();
        let mut unheld = honest.clone();
        unheld.state[0] ^= 1;
        posted(&unheld);
        dispute(DOUBTER, Tree::State);
        run_blocks(19);
        assert_eq!(phase(), Phase::Dispute);
        run_blocks(1);
        assert_eq!(phase(), Phase::Merging);
        assert_eq!(bonded(POSTER), 19_900 * DREAM);
        assert_eq!(head_header().number, 0);
        // Halting the round again costs twice as much.
        posted(&unheld);
        assert_eq!(
            Rounds::<Test>::get(R1).unwrap().merge.unwrap().bond,
            200 * DREAM
        );
        dispute(DOUBTER, Tree::State);
        run_blocks(20);
        assert_eq!(bonded(POSTER), 19_700 * DREAM);
    });
}

#[test]
fn dispute_should_be_lost_when_the_challenger_is_silent() {
    for proving in [false, true] {
        build_and_execute(|| {
            let (_, honest) = merging();
            posted(&honest);
            dispute(DOUBTER, Tree::State);
            let leaves = state::leaves(&honest.state);
            if proving {
                play_down(DOUBTER, &leaves, &leaves);
            } else {
                let node = dispute_of(DOUBTER).node;
                let nodes = answer_hashes(dream_primitives::hashing::Domain::State, &leaves, node);
                answer(DOUBTER, nodes.unwrap());
            }
            run_blocks(19);
            assert_eq!(bonded(DOUBTER), 20_000 * DREAM);
            run_blocks(1);
            assert_eq!(bonded(DOUBTER), 19_900 * DREAM);
            assert_eq!(phase(), Phase::Dispute);
            run_to(R1, Phase::Vesting);
            assert_eq!(head_header().state_root, honest.state_root());
        });
    }
}

#[test]
fn round_should_wait_for_an_open_dispute_past_its_window() {
    build_and_execute(|| {
        let (_, honest) = merging();
        posted(&honest);
        run_blocks(3);
        dispute(DOUBTER, Tree::State);
        run_blocks(10);
        assert!(System::block_number() > Rounds::<Test>::get(R1).unwrap().deadline);
        assert_eq!((phase(), head_header().number), (Phase::Dispute, 0));
        assert_noop!(
            UsefulWork::dispute_merge(origin(6), R1, Tree::State),
            Error::<Test>::WindowClosed
        );
    });
}

#[test]
fn other_disputes_should_be_closed_and_their_bonds_free_when_one_refutes_the_merge() {
    build_and_execute(|| {
        let (base, honest) = merging();
        let mut wrong = honest.clone();
        wrong.state[state::CHUNK * 5] ^= 1;
        posted(&wrong);
        dispute(DOUBTER, Tree::State);
        dispute(SECOND, Tree::State);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().disputes, 2);
        let (shown, own) = (state::leaves(&wrong.state), state::leaves(&honest.state));
        play_down(SECOND, &shown, &own);
        play_down(DOUBTER, &shown, &own);
        let proof = chunk_proof(&base, R1, 5);
        assert_ok!(UsefulWork::prove_chunk(origin(SECOND), R1, proof.clone()));
        assert_eq!((locked(DOUBTER), locked(SECOND)), (0, 0));
        assert_eq!(
            (bonded(DOUBTER), bonded(SECOND)),
            (20_000 * DREAM, 20_000 * DREAM)
        );
        assert_eq!(Rounds::<Test>::get(R1).unwrap().disputes, 0);
        assert_noop!(
            UsefulWork::prove_chunk(origin(DOUBTER), R1, proof),
            Error::<Test>::WrongPhase
        );
    });
}

#[test]
fn eight_disputes_should_leave_room_again_before_the_window_closes_when_they_are_lost() {
    build_and_execute(|| {
        let (_, honest) = merging();
        for account in [4, 11, 12] {
            assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
        }
        let mut wrong = honest.clone();
        wrong.state[0] ^= 1;
        posted(&wrong);
        for friend in [1, 2, 3, 4, 6, SECOND, 11, 12] {
            dispute(friend, Tree::State);
        }
        assert_noop!(
            UsefulWork::dispute_merge(origin(DOUBTER), R1, Tree::State),
            Error::<Test>::TooManyDisputes
        );
        let shown = state::leaves(&wrong.state);
        for friend in [1, 2, 3, 4, 6, SECOND, 11, 12] {
            let nodes = answer_hashes(Tree::State.domain(), &shown, dispute_of(friend).node);
            answer(friend, nodes.unwrap());
        }
        let issued = Balances::total_issuance();
        run_blocks(20);
        assert_eq!(Balances::total_issuance(), issued - 800 * DREAM);
        dispute(DOUBTER, Tree::State);
        run_blocks(20);
        assert_eq!(phase(), Phase::Merging);
    });
}

#[test]
fn moves_should_name_what_is_wrong() {
    build_and_execute(|| {
        let (base, honest) = merging();
        let disputing = |who, tree| UsefulWork::dispute_merge(origin(who), R1, tree);
        assert_noop!(disputing(DOUBTER, Tree::State), Error::<Test>::WrongPhase);
        posted(&honest);
        assert_noop!(disputing(DOUBTER, Tree::Server), Error::<Test>::NoSuchTree);
        assert_noop!(disputing(DOUBTER, Tree::Pair(0)), Error::<Test>::NoSuchTree);
        assert_noop!(disputing(11, Tree::State), Error::<Test>::BondTooSmall);
        assert_noop!(
            UsefulWork::dispute_merge(origin(DOUBTER), round_id(9), Tree::State),
            Error::<Test>::UnknownRound
        );
        dispute(DOUBTER, Tree::State);
        assert_noop!(
            disputing(DOUBTER, Tree::State),
            Error::<Test>::SecondDispute
        );

        let leaves = state::leaves(&honest.state);
        let domain = Tree::State.domain();
        let right = answer_hashes(domain, &leaves, dispute_of(DOUBTER).node).unwrap();
        let Answer::Hashes(hashes) = right.clone() else {
            panic!("a state tree is of hashes");
        };
        let answering = |who, challenger, nodes: &Answer| {
            UsefulWork::answer_dispute(origin(who), R1, challenger, nodes.clone())
        };
        let mut other = hashes.clone();
        other[1] = H256::zero();
        let mut short = hashes.clone();
        short.pop();
        let sum = SumNode {
            hash: H256::zero(),
            sum: 1,
        };
        for (nodes, error) in [
            (Answer::Hashes(other), Error::<Test>::AnswerHash),
            (Answer::Hashes(short), Error::<Test>::AnswerLength),
            (
                Answer::Sums(BoundedVec::truncate_from(vec![sum; 2])),
                Error::<Test>::AnswerKind,
            ),
        ] {
            assert_noop!(answering(POSTER, DOUBTER, &nodes), error);
        }
        assert_noop!(answering(6, DOUBTER, &right), Error::<Test>::NotThePoster);
        assert_noop!(answering(POSTER, 6, &right), Error::<Test>::NoDispute);
        let narrowing = |who, place| UsefulWork::narrow_dispute(origin(who), R1, place);
        assert_noop!(narrowing(DOUBTER, 0), Error::<Test>::WrongTurn);
        let proof = chunk_proof(&base, R1, 0);
        let proving =
            |who, proof: &ChunkProof| UsefulWork::prove_chunk(origin(who), R1, proof.clone());
        assert_noop!(proving(DOUBTER, &proof), Error::<Test>::WrongTurn);
        answer(DOUBTER, right.clone());
        assert_noop!(answering(POSTER, DOUBTER, &right), Error::<Test>::WrongTurn);
        assert_noop!(narrowing(DOUBTER, 25), Error::<Test>::NoSuchNode);
        assert_noop!(narrowing(6, 0), Error::<Test>::NoDispute);
        play_down(DOUBTER, &leaves, &leaves);
        assert_noop!(proving(6, &proof), Error::<Test>::NoDispute);

        let edited = |edit: &dyn Fn(&mut ChunkProof)| {
            let mut bad = proof.clone();
            edit(&mut bad);
            bad
        };
        let cases: [(&dyn Fn(&mut ChunkProof), Error<Test>); 7] = [
            (&|p| p.chunk = 1, Error::WrongLeaf),
            (&|p| p.base.values[0] ^= 1, Error::BaseProof),
            (&|p| p.base.values.truncate(4095), Error::BaseLength),
            (
                &|p| {
                    let moment = p.base.clone();
                    p.moments.try_push(moment).unwrap();
                },
                Error::MomentCount,
            ),
            (&|p| drop(p.deltas.pop()), Error::DeltaCount),
            (&|p| p.deltas.as_mut().swap(0, 1), Error::DeltaProof),
            (
                &|p| {
                    if let DeltaChunk::Dense { codes, .. } = &mut p.deltas[0].chunk {
                        codes[0] = i8::MIN;
                    }
                },
                Error::DeltaChunk,
            ),
        ];
        for (edit, error) in cases {
            assert_noop!(proving(DOUBTER, &edited(edit)), error);
        }
        let opening = proof.deltas[0].clone();
        let pair = PairProof {
            pair: 0,
            chunk: 0,
            first: opening.clone(),
            second: opening,
        };
        assert_noop!(
            UsefulWork::prove_pair(origin(DOUBTER), R1, pair),
            Error::<Test>::WrongLeaf
        );
        assert_ok!(proving(DOUBTER, &proof));
        assert_noop!(proving(DOUBTER, &proof), Error::<Test>::NoDispute);
    });
}

fn krum() -> (Model, Model) {
    BRANCH.with_borrow_mut(|b| {
        b.recipe.rule = AggregationRule::Krum {
            byzantine: 0,
            selected: 1,
        }
    });
    merging()
}

#[test]
fn table_should_have_one_entry_a_pair_when_the_rule_is_krum_and_none_otherwise() {
    build_and_execute(|| {
        let (_, honest) = krum();
        let full = table(R1);
        assert_eq!(full.len(), 3);
        let posting = |table: PairTable| {
            let root = honest.state_root();
            UsefulWork::post_merge(origin(3), R1, root, H256::zero(), cid(3), None, table)
        };
        let mut short = full.clone();
        short.pop();
        assert_noop!(posting(short), Error::<Test>::BadScalarTable);
        assert_noop!(posting(PairTable::new()), Error::<Test>::BadScalarTable);
        assert_ok!(posting(full.clone()));
        assert_eq!(PostedTables::<Test>::get(R1), full);
        run_to(R1, Phase::Vesting);
        assert!(PostedTables::<Test>::get(R1).is_empty());
    });
    build_and_execute(|| {
        let (_, honest) = merging();
        let entry = SumNode {
            hash: H256::zero(),
            sum: 0,
        };
        let table = BoundedVec::truncate_from(vec![entry; 3]);
        let root = honest.state_root();
        assert_noop!(
            UsefulWork::post_merge(origin(3), R1, root, H256::zero(), cid(3), None, table),
            Error::<Test>::BadScalarTable
        );
    });
}

#[test]
fn wrong_distance_should_be_refuted_and_a_right_one_upheld() {
    for lie in [true, false] {
        build_and_execute(|| {
            let (_, honest) = krum();
            let deltas = deltas_of(R1);
            let own = pair_leaves(&deltas[0], &deltas[2], parameters());
            let mut shown = own.clone();
            if lie {
                shown[33] = pair_leaf(own[33].sum + 1);
            }
            let mut entries = table(R1);
            entries[1] = dream_primitives::merkle::sum_top(Tree::Pair(1).domain(), &shown).unwrap();
            post_table(POSTER, R1, &honest, entries);
            run_to(R1, Phase::Dispute);
            assert_noop!(
                UsefulWork::dispute_merge(origin(DOUBTER), R1, Tree::Pair(3)),
                Error::<Test>::NoSuchTree
            );
            dispute(DOUBTER, Tree::Pair(1));
            for place in [16, 1] {
                let node = dispute_of(DOUBTER).node;
                answer(DOUBTER, answer_sums(&shown, node).unwrap());
                assert_ok!(UsefulWork::narrow_dispute(origin(DOUBTER), R1, place));
            }
            assert_eq!(
                dispute_of(DOUBTER).node,
                NodeId {
                    level: 0,
                    index: 33
                }
            );
            let proof = |pair, chunk| prove_pair(pair, &deltas[0], &deltas[2], chunk).unwrap();
            let proving = |proof| UsefulWork::prove_pair(origin(DOUBTER), R1, proof);
            assert_noop!(proving(proof(1, 32)), Error::<Test>::WrongLeaf);
            assert_noop!(proving(proof(0, 33)), Error::<Test>::WrongLeaf);
            let other = prove_pair(1, &deltas[0], &deltas[1], 33).unwrap();
            assert_noop!(proving(other), Error::<Test>::DeltaProof);
            assert_ok!(proving(proof(1, 33)));
            let expected = if lie { Phase::Merging } else { Phase::Dispute };
            assert_eq!(phase(), expected);
            let lost = if lie { POSTER } else { DOUBTER };
            assert_eq!(bonded(lost), 19_900 * DREAM);
        });
    }
}

#[test]
fn merge_should_be_posted_again_and_nobody_lose_when_a_claim_goes_out_under_it() {
    build_and_execute(|| {
        let (base, honest) = merging();
        posted(&honest);
        dispute(DOUBTER, Tree::State);
        let leaves = state::leaves(&honest.state);
        play_down(DOUBTER, &leaves, &leaves);
        // What a jury does that finds against a challenged claim.
        let id = UsefulWork::contributions(R1)[0].claim;
        Claims::<Test>::mutate(id, |record| {
            let record = record.as_mut().unwrap();
            for event in [
                dream_primitives::round::ClaimEvent::Challenge,
                dream_primitives::round::ClaimEvent::Slash,
            ] {
                UsefulWork::move_claim(record, event).unwrap();
            }
        });
        run_blocks(20);
        assert_eq!(phase(), Phase::Merging);
        assert_eq!(
            (bonded(POSTER), bonded(DOUBTER)),
            (20_000 * DREAM, 20_000 * DREAM)
        );
        assert_eq!(locked(DOUBTER), 0);
        let without = base.merged(&recipe(), &deltas_of(R1));
        assert_ne!(without, honest);
        post_model(6, R1, &without);
        run_to(R1, Phase::Vesting);
        assert_eq!(head_header().state_root, without.state_root());
    });
}
