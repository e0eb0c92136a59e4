// SPDX-License-Identifier: GPL-3.0-or-later
//! Demands for chunks of deltas.

use super::models::*;
use super::*;
use crate::{Bonds, Demands, Error, HoldReason};
use codec::Encode;
use dream_primitives::dispute::{prove_delta, DeltaOpening};
use dream_primitives::game::{MAX_CHUNK_BYTES, MAX_DEMANDS};
use dream_primitives::round::{ClaimEvent, Role};
use polkadot_sdk::frame_support::traits::fungible::InspectHold;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::TokenError;

const DEMANDER: AccountId = 9;
const BYTE: u128 = DREAM / 10_000;

fn merging() -> (Model, Vec<Trace>) {
    let base = real_model();
    train();
    (base, accepted_round(1, &MINERS))
}

fn demand(claim: H256, chunk: u32) {
    assert_ok!(UsefulWork::demand_chunk(origin(DEMANDER), claim, chunk));
}

fn opening(miner: AccountId, chunk: u32) -> DeltaOpening {
    prove_delta(&delta_of(miner, 1), chunk).unwrap()
}

fn held() -> u128 {
    Balances::balance_on_hold(&HoldReason::Demand.into(), &DEMANDER)
}

fn round() -> dream_primitives::round::Round<AccountId> {
    Rounds::<Test>::get(R1).unwrap()
}

#[test]
fn supplier_should_be_paid_by_the_byte_and_the_rest_go_back() {
    build_and_execute(|| {
        let (_, traces) = merging();
        let claim = traces[0].id();
        let before = Balances::free_balance(DEMANDER);
        demand(claim, 48);
        assert_eq!(held(), u128::from(MAX_CHUNK_BYTES) * BYTE);
        assert_eq!(round().disputes, 1);
        let supplier = 10;
        let free = Balances::free_balance(supplier);
        let right = opening(1, 48);
        let price = right.chunk.encode().len() as u128 * BYTE;
        assert_ok!(UsefulWork::supply_chunk(
            origin(supplier),
            claim,
            48,
            right.clone()
        ));
        assert_eq!(Balances::free_balance(supplier), free + price);
        assert_eq!(
            (held(), Balances::free_balance(DEMANDER)),
            (0, before - price)
        );
        assert_eq!(round().disputes, 0);
        assert!(!Demands::<Test>::contains_key(R1));
        let event = crate::Event::<Test>::ChunkSupplied {
            claim,
            chunk: 48,
            hash: right.chunk.leaf().hash,
            supplier,
            price,
        };
        System::set_block_number(System::block_number());
        assert!(System::events()
            .iter()
            .any(|e| e.event == event.clone().into()));
        assert_noop!(
            UsefulWork::supply_chunk(origin(supplier), claim, 48, right),
            Error::<Test>::NoDemand
        );
        run_blocks(25);
        assert_eq!(traces[0].record().state, ClaimState::Accepted);
    });
}

#[test]
fn claim_should_leave_the_merge_when_a_demanded_chunk_is_not_to_be_had() {
    build_and_execute(|| {
        let (base, traces) = merging();
        let honest = base.merged(&recipe(), &deltas_of(R1));
        post_model(3, R1, &honest);
        run_to(R1, Phase::Dispute);
        let before = Balances::free_balance(DEMANDER);
        let units = round().units;
        let claim = traces[0].id();
        demand(claim, 0);
        run_blocks(1);
        assert_ok!(UsefulWork::dispute_merge(
            origin(5),
            R1,
            dream_primitives::dispute::Tree::State
        ));
        let locked = Bonds::<Test>::get(5).unwrap().locked;
        run_blocks(19);
        assert_eq!(traces[0].record().state, ClaimState::Excluded);
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 19_000 * DREAM);
        assert_eq!((held(), Balances::free_balance(DEMANDER)), (0, before));
        // The posted merge is taken back without fault: nobody loses.
        assert_eq!((round().phase, round().merge), (Phase::Merging, None));
        assert_eq!((round().disputes, round().accepted), (0, 2));
        assert_eq!(round().units, units / 3 * 2);
        assert_eq!(Bonds::<Test>::get(3).unwrap().total, 20_000 * DREAM);
        assert_eq!(Bonds::<Test>::get(5).unwrap().locked, locked - 100 * DREAM);

        let without = base.merged(&recipe(), &deltas_of(R1));
        assert_ne!(without, honest);
        post_model(3, R1, &without);
        run_to(R1, Phase::Vesting);
        assert_eq!(head_header().state_root, without.state_root());
        let record = traces[0].record();
        assert_eq!((record.state, record.merged), (ClaimState::Excluded, false));
        assert!(record.receipts.iter().all(|r| r.role == Role::Verifier));
        assert_eq!(record.receipts.len(), 3);
        assert!(traces[1].record().merged);
        run_to(R1, Phase::Closed);
        assert_eq!(Bonds::<Test>::get(1).unwrap().locked, 0);
    });
}

#[test]
fn round_should_be_paid_without_a_merge_when_every_claim_is_excluded() {
    build_and_execute(|| {
        let (_, traces) = merging();
        for trace in &traces {
            demand(trace.id(), 3);
        }
        run_to(R1, Phase::Vesting);
        assert_eq!(states(&traces), [ClaimState::Excluded; 3]);
        assert_eq!(head_header().number, 0);
    });
}

#[test]
fn round_without_a_merge_should_wait_for_open_demands_only() {
    build_and_execute(|| {
        let (_, traces) = merging();
        run_blocks(29);
        let deadline = round().deadline;
        demand(traces[0].id(), 0);
        while System::block_number() < deadline {
            run_blocks(1);
        }
        assert_eq!(round().phase, Phase::Merging);
        assert_noop!(
            UsefulWork::demand_chunk(origin(DEMANDER), traces[1].id(), 0),
            Error::<Test>::WindowClosed
        );
        assert_ok!(UsefulWork::supply_chunk(
            origin(1),
            traces[0].id(),
            0,
            opening(1, 0)
        ));
        run_to(R1, Phase::Vesting);
        assert_eq!(states(&traces), [ClaimState::Accepted; 3]);
    });
}

#[test]
fn demand_should_wait_for_the_verdict_when_the_claim_is_challenged() {
    build_and_execute(|| {
        let (_, traces) = merging();
        let claim = traces[0].id();
        assert_ok!(UsefulWork::bond(origin(10), 20_000 * DREAM));
        assert_ok!(UsefulWork::challenge(origin(10), claim, 0));
        demand(claim, 0);
        assert_eq!(traces[0].record().state, ClaimState::Challenged);
        assert_eq!(UsefulWork::contributions(R1).len(), 3);
        run_blocks(20);
        assert_eq!(Demands::<Test>::get(R1).len(), 1);
        // The miner did not open the challenged segment in time: a demand for a slashed claim excludes nobody.
        run_blocks(20);
        assert_eq!(traces[0].record().state, ClaimState::Slashed);
        assert_eq!(UsefulWork::contributions(R1).len(), 2);
        assert_eq!((held(), Demands::<Test>::get(R1).len()), (0, 0));
    });
}

#[test]
fn demands_and_supplies_should_name_what_is_wrong() {
    build_and_execute(|| {
        let (_, traces) = merging();
        let claim = traces[0].id();
        let demanding = |who, claim, chunk| UsefulWork::demand_chunk(origin(who), claim, chunk);
        let unknown = H256::repeat_byte(1);
        assert_noop!(demanding(9, unknown, 0), Error::<Test>::UnknownClaim);
        assert_noop!(demanding(9, claim, 49), Error::<Test>::NoSuchChunk);
        assert!(demanding(99, claim, 0).is_err());
        freeze(10, Balances::free_balance(10));
        assert_noop!(demanding(10, claim, 0), TokenError::Frozen);
        freeze(10, 0);
        demand(claim, 0);
        assert_noop!(demanding(10, claim, 0), Error::<Test>::DemandOpen);
        let supplying =
            |chunk, opening| UsefulWork::supply_chunk(origin(10), claim, chunk, opening);
        assert_noop!(supplying(1, opening(1, 1)), Error::<Test>::NoDemand);
        assert_noop!(supplying(0, opening(1, 1)), Error::<Test>::DeltaProof);
        assert_noop!(supplying(0, opening(2, 0)), Error::<Test>::DeltaProof);
        let mut short = opening(1, 0);
        if let dream_primitives::delta::DeltaChunk::Dense { codes, .. } = &mut short.chunk {
            codes.pop();
        }
        assert_noop!(supplying(0, short), Error::<Test>::DeltaChunk);
        for n in 1..MAX_DEMANDS {
            demand(traces[1].id(), n);
        }
        assert_noop!(demanding(10, claim, 5), Error::<Test>::TooManyDemands);
        Claims::<Test>::mutate(traces[2].id(), |record| {
            UsefulWork::move_claim(record.as_mut().unwrap(), ClaimEvent::Exclude).unwrap()
        });
        assert_noop!(
            demanding(9, traces[2].id(), 0),
            Error::<Test>::WrongClaimState
        );
        run_to(R1, Phase::Vesting);
        assert_noop!(demanding(9, claim, 0), Error::<Test>::WrongPhase);
        assert_noop!(supplying(0, opening(1, 0)), Error::<Test>::WrongPhase);
    });
}

#[test]
fn demands_should_be_given_back_when_their_round_has_nothing_left_to_merge() {
    build_and_execute(|| {
        real_model();
        train();
        let traces = accepted_round(1, &[1]);
        let (claim, before) = (traces[0].id(), Balances::free_balance(DEMANDER));
        demand(claim, 0);
        run_blocks(3);
        demand(claim, 1);
        run_to(R1, Phase::Paying);
        assert_eq!(traces[0].record().state, ClaimState::Excluded);
        assert_eq!((held(), round().disputes), (0, 0));
        assert_eq!(Balances::free_balance(DEMANDER), before);
        assert!(!Demands::<Test>::contains_key(R1));
    });
}
