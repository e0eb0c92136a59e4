// SPDX-License-Identifier: GPL-3.0-or-later
//! Entry without tokens, each transaction through the extension that lets it into blocks.

use super::*;
use crate::{ActiveTrials, Bonds, Call, Credits, Error, Newcomers, TicketTarget, Tickets};
use dream_primitives::round::Finding;
use dream_primitives::ticket::{easiest, retarget, work, Ticket};
use polkadot_sdk::frame_support::dispatch::{DispatchResultWithPostInfo, GetDispatchInfo};
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::frame_system::{AuthorizeCall, RawOrigin};
use polkadot_sdk::sp_runtime::testing::TestSignature;
use polkadot_sdk::sp_runtime::traits::DispatchTransaction;
use polkadot_sdk::sp_runtime::transaction_validity::{
    InvalidTransaction, TransactionValidityError,
};

pub const R2: RoundId = RoundId {
    branch: 0,
    number: 2,
};
/// Has no balance.
const NEW: AccountId = 50;

/// Applies a call as a block does: authorized, then dispatched. The outer error is the transaction's.
fn apply(call: Call<Test>) -> Result<DispatchResultWithPostInfo, TransactionValidityError> {
    let call = RuntimeCall::UsefulWork(call);
    let info = call.get_dispatch_info();
    AuthorizeCall::<Test>::new().dispatch_transaction(RawOrigin::None.into(), call, &info, 0, 0)
}

fn refusal(error: Error<Test>) -> TransactionValidityError {
    let polkadot_sdk::sp_runtime::DispatchError::Module(module) = error.into() else {
        panic!("an error of a pallet");
    };
    InvalidTransaction::Custom(module.error[0]).into()
}

fn sign(account: AccountId, message: H256) -> TestSignature {
    TestSignature(account, message.as_bytes().to_vec())
}

fn work_of(ticket: &Ticket<AccountId>) -> H256 {
    let seed = Rounds::<Test>::get(ticket.round).unwrap().seed;
    let genesis = UsefulWork::genesis();
    work(&genesis, &raw(ticket.account), &seed, ticket.nonce)
}

fn ticket(account: AccountId, round: RoundId, nonce: u64) -> Ticket<AccountId> {
    Ticket {
        account,
        round,
        nonce,
        settings: settings(),
        leaf: LEAF,
        secret: link(account, LINKS),
    }
}

/// A ticket of the account whose work is below `goal`, from the first nonce on.
fn grind(account: AccountId, round: RoundId, goal: H256) -> Ticket<AccountId> {
    (0..)
        .map(|nonce| ticket(account, round, nonce))
        .find(|t| work_of(t) < goal)
        .unwrap()
}

fn enter(ticket: Ticket<AccountId>) -> Result<(), TransactionValidityError> {
    let signature = sign(ticket.account, ticket.message(&UsefulWork::genesis()));
    assert_ok!(apply(Call::enter { ticket, signature })?);
    Ok(())
}

fn try_act(account: AccountId, act: NewcomerAct) -> Result<(), TransactionValidityError> {
    let signature = sign(account, act.message(&UsefulWork::genesis(), &raw(account)));
    assert_ok!(apply(Call::act_as_newcomer {
        act,
        account,
        signature
    })?);
    Ok(())
}

pub fn act(account: AccountId, act: NewcomerAct) {
    assert_eq!(try_act(account, act), Ok(()));
}

/// Round 2 trains, and these accounts, which have nothing, have slots in it.
fn seated(accounts: &[AccountId]) {
    train();
    for account in accounts {
        let ticket = grind(*account, R1, UsefulWork::ticket_target(0));
        assert_eq!(enter(ticket), Ok(()));
    }
    run_to(R2, Phase::Training);
}

fn claim(account: AccountId) -> Trace {
    let trace = Trace::new(account, R2);
    act(account, NewcomerAct::Claim(trace.claim.clone()));
    trace
}

#[test]
fn account_with_nothing_should_mine_its_first_bond_when_its_ticket_has_a_slot() {
    build_and_execute(|| {
        seated(&[NEW]);
        assert_eq!(Balances::total_balance(&NEW), 0);
        let trace = claim(NEW);
        let bonded = Trace::new(1, R2);
        bonded.submit();
        let both = [trace, bonded];
        audit(&both, |t, _| Some(t.report()));
        let [trace, bonded] = &both;
        assert_eq!(trace.record().audited.len(), 4);
        assert_eq!(bonded.record().audited.len(), 2);
        assert_eq!(trace.record().bond, 0);
        assert_eq!(states(&both), [ClaimState::Accepted; 2]);
        post_merge(5, R2);
        run_to(R2, Phase::Vesting);
        let reward = trace.record().receipts[0].amount;
        assert_eq!(trace.record().receipts[0].account, NEW);
        assert!(reward > 100);
        run_to(R2, Phase::Closed);
        let bond = Bonds::<Test>::get(NEW).unwrap();
        assert_eq!(bond.total, reward - reward / 100);
        assert_eq!((bond.locked, bond.founding), (0, 0));
        assert_eq!(Balances::balance(&NEW), reward / 100);
        assert_eq!(
            Credits::<Test>::get(NEW).amount,
            Credits::<Test>::get(1).amount
        );
    });
}

#[test]
fn cheating_newcomer_should_get_nothing() {
    build_and_execute(|| {
        seated(&[NEW]);
        let trace = [claim(NEW)];
        audit(&trace, |t, _| Some(t.other_report()));
        run_to(R2, Phase::Closed);
        assert!(!states(&trace)[0].accepted());
        assert_eq!(Balances::total_balance(&NEW), 0);
        assert_eq!(Bonds::<Test>::get(NEW), None);
        assert_eq!(Credits::<Test>::get(NEW).amount, 0);
    });
}

#[test]
fn newcomers_junk_should_be_void_without_a_trial_and_its_committee_paid() {
    build_and_execute(|| {
        seated(&[NEW]);
        let traces = [claim(NEW)];
        audit(&traces, |t, seat| {
            Some(if seat == 0 {
                t.report()
            } else {
                t.other_report()
            })
        });
        let [trace] = &traces;
        let record = trace.record();
        assert_eq!(
            (record.state, record.finding),
            (ClaimState::Void, Some(Finding::Faked))
        );
        assert!(ActiveTrials::<Test>::get().is_empty());
        run_to(R2, Phase::Vesting);
        let record = trace.record();
        let paid: Vec<AccountId> = record.receipts.iter().map(|r| r.account).collect();
        assert_eq!(paid, trace.seats()[1..]);
        assert!(record.receipts.iter().all(|r| r.amount > 0));
        run_to(R2, Phase::Closed);
        for verifier in VERIFIERS {
            assert_eq!(Bonds::<Test>::get(verifier).unwrap().total, 20_000 * DREAM);
        }
    });
}

#[test]
fn newcomers_claim_should_be_void_and_pay_nobody_when_its_committee_finds_nothing() {
    build_and_execute(|| {
        seated(&[NEW]);
        let traces = [claim(NEW)];
        audit(&traces, |t, seat| match seat {
            0 => Some(t.report()),
            1 => Some(t.other_report()),
            _ => None,
        });
        let record = traces[0].record();
        assert_eq!((record.state, record.finding), (ClaimState::Void, None));
        assert!(ActiveTrials::<Test>::get().is_empty());
        run_to(R2, Phase::Vesting);
        assert!(traces[0].record().receipts.is_empty());
    });
}

#[test]
fn ticket_should_be_refused_when_the_signature_is_not_the_accounts() {
    build_and_execute(|| {
        train();
        let ticket = grind(NEW, R1, UsefulWork::ticket_target(0));
        let message = ticket.message(&UsefulWork::genesis());
        let wrong = [
            sign(NEW + 1, message),
            sign(NEW, ticket.message(&H256::repeat_byte(1))),
        ];
        for signature in wrong {
            let call = Call::enter {
                ticket: ticket.clone(),
                signature,
            };
            assert_eq!(apply(call), Err(InvalidTransaction::BadProof.into()));
        }
        // What the signature binds: another profile under the same work is another ticket.
        let other = Ticket {
            leaf: H256::repeat_byte(8),
            ..ticket.clone()
        };
        let signature = sign(NEW, message);
        let call = Call::enter {
            ticket: other,
            signature,
        };
        assert_eq!(apply(call), Err(InvalidTransaction::BadProof.into()));
        assert_eq!(Tickets::<Test>::get(0).len(), 0);
        assert_eq!(enter(ticket), Ok(()));
    });
}

#[test]
fn enter_should_fail_when_it_was_not_authorized() {
    build_and_execute(|| {
        train();
        let ticket = grind(NEW, R1, UsefulWork::ticket_target(0));
        let signature = sign(NEW, ticket.message(&UsefulWork::genesis()));
        for origin in [origin(1), RuntimeOrigin::root(), RuntimeOrigin::none()] {
            let bad = polkadot_sdk::sp_runtime::DispatchError::BadOrigin;
            let done = UsefulWork::enter(origin, ticket.clone(), signature.clone());
            assert_noop!(done, bad);
        }
    });
}

#[test]
fn ticket_should_be_refused_when_its_seed_is_old_or_not_there_yet() {
    build_and_execute(|| {
        let early = ticket(NEW, R1, 0);
        let late = Err(refusal(Error::TicketOutOfTime));
        assert_eq!(enter(early.clone()), late);
        admit();
        run_blocks(1);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Seeding);
        assert_eq!(enter(early), late);
        run_to(R1, Phase::Training);
        let good = grind(NEW, R1, UsefulWork::ticket_target(0));
        // A round that makes an old merge again has its old seed.
        Rounds::<Test>::mutate(R1, |r| r.as_mut().unwrap().replays = Some(7));
        assert_eq!(enter(good.clone()), late);
        Rounds::<Test>::mutate(R1, |r| r.as_mut().unwrap().replays = None);
        run_to(R2, Phase::Seeding);
        assert_eq!(enter(good), late);
    });
}

#[test]
fn ticket_should_be_refused_when_above_the_target() {
    build_and_execute(|| {
        train();
        let high = (0..)
            .map(|n| ticket(NEW, R1, n))
            .find(|t| work_of(t) >= easiest())
            .unwrap();
        assert_eq!(enter(high), Err(refusal(Error::AboveTarget)));
    });
}

#[test]
fn better_ticket_should_displace_the_worst_when_the_slots_are_taken() {
    build_and_execute(|| {
        train();
        for account in [51, 52] {
            assert_eq!(enter(grind(account, R1, easiest())), Ok(()));
        }
        let worst = Tickets::<Test>::get(0).last().unwrap().clone();
        let best = Tickets::<Test>::get(0)[0].clone();
        assert!(best.work < worst.work);
        let third = (53..)
            .map(|a| grind(a, R1, easiest()))
            .find(|t| work_of(t) > worst.work)
            .unwrap();
        assert_eq!(enter(third), Err(refusal(Error::NoSlotLeft)));
        let goal = H256(
            (half(&worst.work)).min(best.work.0), // below half of the worst, and the best
        );
        assert_eq!(enter(grind(NEW, R1, goal)), Ok(()));
        let accounts: Vec<AccountId> = Tickets::<Test>::get(0).iter().map(|e| e.account).collect();
        assert_eq!(accounts, [NEW, best.account]);
    });
}

/// Half of a big-endian number.
fn half(hash: &H256) -> [u8; 32] {
    let mut out = [0u8; 32];
    let mut carry = 0;
    for (o, b) in out.iter_mut().zip(hash.0) {
        *o = (b >> 1) | carry;
        carry = (b & 1) << 7;
    }
    out
}

#[test]
fn account_should_have_one_slot_and_one_claim() {
    build_and_execute(|| {
        train();
        let first = grind(NEW, R1, easiest());
        assert_eq!(enter(first.clone()), Ok(()));
        assert_eq!(enter(first.clone()), Err(refusal(Error::AlreadyEntered)));
        let better = grind(NEW, R1, H256(half(&work_of(&first))));
        assert_eq!(enter(better), Ok(()));
        assert_eq!(Tickets::<Test>::get(0).len(), 1);
        run_to(R2, Phase::Training);
        let trace = claim(NEW);
        let again = try_act(NEW, NewcomerAct::Claim(trace.claim.clone()));
        assert_eq!(again, Err(refusal(Error::NoSlot)));
        assert_eq!(claims_of(R2), 1);
    });
}

#[test]
fn account_with_a_claims_bond_should_get_no_slot() {
    build_and_execute(|| {
        train();
        let ticket = grind(1, R1, easiest());
        assert_eq!(enter(ticket), Err(refusal(Error::NoNewcomer)));
    });
}

#[test]
fn slots_should_be_none_when_the_parameters_give_none_or_the_branch_is_dismissed() {
    build_and_execute(|| {
        train();
        let ticket = grind(NEW, R1, easiest());
        dismiss();
        let refused = enter(ticket.clone());
        assert_eq!(refused, Err(refusal(Error::BranchNotAdmitted)));
        admit();
        PARAMETERS.with_borrow_mut(|p| p.round.newcomer_slots = 0);
        assert_eq!(enter(ticket), Err(refusal(Error::NoSlotLeft)));
    });
}

#[test]
fn act_should_be_refused_by_the_pool_when_it_would_fail() {
    build_and_execute(|| {
        seated(&[NEW]);
        let good = Trace::new(NEW, R2).claim;
        let events = System::events().len();
        type Change = fn(&mut Claim);
        let wrong: [(Change, Error<Test>); 4] = [
            (|c| c.base = H256::zero(), Error::WrongBase),
            (|c| c.segments = 3, Error::BadSegments),
            (|c| c.segments = 9, Error::BadSegments),
            (|c| c.profile = H256::zero(), Error::WrongProfile),
        ];
        for (change, error) in wrong {
            let mut claim = good.clone();
            change(&mut claim);
            assert_eq!(try_act(NEW, NewcomerAct::Claim(claim)), Err(refusal(error)));
        }
        assert_eq!(System::events().len(), events);
        assert_eq!(Newcomers::<Test>::get(R2).unwrap().len(), 1);

        // A stranger's act is refused before it is tried, and so is a wrong signature.
        let stranger = try_act(NEW + 1, NewcomerAct::Claim(good.clone()));
        assert_eq!(stranger, Err(refusal(Error::NoSlot)));
        let act = NewcomerAct::Claim(good);
        let message = act.message(&UsefulWork::genesis(), &raw(NEW));
        let forged = apply(Call::act_as_newcomer {
            act,
            account: NEW,
            signature: sign(NEW + 1, message),
        });
        assert_eq!(forged, Err(InvalidTransaction::BadProof.into()));

        // In the wrong phase, and for a claim that has a bond.
        let trace = claim(NEW);
        let openings = NewcomerAct::OpenDigests {
            claim_id: trace.id(),
            openings: Default::default(),
        };
        assert_eq!(try_act(NEW, openings), Err(refusal(Error::WrongPhase)));
        let bonded = Trace::new(1, R2);
        bonded.submit();
        let free_ride = NewcomerAct::OpenDigests {
            claim_id: bonded.id(),
            openings: Default::default(),
        };
        assert_eq!(try_act(1, free_ride), Err(refusal(Error::NoSlot)));
    });
}

#[test]
fn slots_should_be_kept_for_newcomers_when_others_fill_the_round() {
    build_and_execute(|| {
        seated(&[NEW, NEW + 1]);
        Trace::new(1, R2).submit();
        Trace::new(2, R2).submit();
        let third = Trace::new(3, R2).claim;
        assert_noop!(
            UsefulWork::submit_claim(origin(3), third),
            Error::<Test>::RoundFull
        );
        claim(NEW);
        claim(NEW + 1);
        assert_eq!(claims_of(R2), 4);
        run_to(R2, Phase::Drawing);
        assert_eq!(Newcomers::<Test>::get(R2), None);
    });
}

#[test]
fn slot_should_lapse_when_training_ends() {
    build_and_execute(|| {
        seated(&[NEW]);
        let late = Trace::new(NEW, R2).claim;
        Trace::new(1, R2).submit();
        run_to(R2, Phase::Drawing);
        assert_eq!(Newcomers::<Test>::get(R2), None);
        assert_eq!(
            try_act(NEW, NewcomerAct::Claim(late)),
            Err(refusal(Error::NoSlot))
        );
    });
}

#[test]
fn target_should_follow_the_work_of_the_last_round() {
    build_and_execute(|| {
        train();
        for account in [51, 52] {
            let goal = H256(half(&easiest()));
            assert_eq!(enter(grind(account, R1, goal)), Ok(()));
        }
        let worst = Tickets::<Test>::get(0).last().unwrap().work;
        run_to(R2, Phase::Training);
        let target = UsefulWork::ticket_target(0);
        assert_eq!(target, retarget(&easiest(), Some(&worst)));
        assert!(target < easiest());
        assert_eq!(Newcomers::<Test>::get(R2).unwrap().len(), 2);
        assert_eq!(Tickets::<Test>::get(0).len(), 0);

        // One of two slots taken: it gets easier again.
        assert_eq!(enter(grind(51, R2, target)), Ok(()));
        let r3 = RoundId { number: 3, ..R2 };
        run_to(r3, Phase::Seeding);
        assert_eq!(TicketTarget::<Test>::get(0), Some(retarget(&target, None)));
    });
}

#[test]
fn flood_of_tickets_should_get_its_share_of_work_and_delay_nobody() {
    build_and_execute(|| {
        train();
        // A day's work spent in a round: the flood's hashes are the lowest of 256 times as many.
        let seed = Rounds::<Test>::get(R1).unwrap().seed;
        let genesis = UsefulWork::genesis();
        let mut flood: Vec<(H256, u64)> = (0..10_000u64)
            .map(|nonce| {
                (
                    work(&genesis, &raw(1_000 + nonce % 64), &seed, nonce),
                    nonce,
                )
            })
            .collect();
        // The worst first: each that is below the target is to displace another.
        flood.sort();
        flood.reverse();
        assert_eq!(enter(grind(NEW, R1, easiest())), Ok(()));
        let mut entered = 0;
        for (n, (_, nonce)) in flood.iter().enumerate() {
            entered += u32::from(enter(ticket(1_000 + nonce % 64, R1, *nonce)).is_ok());
            assert!(Tickets::<Test>::get(0).len() <= 2);
            if n == 5_000 {
                // Others' acts in the same blocks.
                Trace::new(1, R1).submit();
                run_blocks(1);
            }
        }
        let below = flood.iter().filter(|(w, _)| *w < easiest()).count();
        assert!(entered as usize <= below && entered <= 16, "{entered}");
        Trace::new(2, R1).submit();
        let deadline = Rounds::<Test>::get(R1).unwrap().deadline;
        run_to(R1, Phase::Drawing);
        assert!(System::block_number() <= deadline + 1);
        assert_eq!(claims_of(R1), 2);
    });
}

#[test]
fn full_round_should_train_for_half_its_time_when_not_everybody_is_admitted() {
    build_and_execute(|| {
        crate::AdmittedProfiles::<Test>::insert(LEAF, ());
        PARAMETERS.with_borrow_mut(|p| {
            p.audit.admit_any_profile = false;
            p.round.max_claims = 3;
        });
        train();
        let opened = System::block_number();
        MINERS.into_iter().for_each(|m| Trace::new(m, R1).submit());
        run_to(R1, Phase::Drawing);
        let half = PARAMETERS.with_borrow(|p| p.round.training_blocks) / 2;
        assert!(System::block_number() >= opened + half);
        assert!(System::block_number() <= opened + half + 2);
    });
}
