// SPDX-License-Identifier: GPL-3.0-or-later
//! Entry without tokens: tickets for slots, and what their holders do without fees.

use crate::{
    Bonds, Claims, Config, CurrentRound, Error, Event, Newcomers, Pallet, Rounds, TicketTarget,
    Tickets,
};
use codec::Encode;
use dream_primitives::claim::{Claim, RoundId};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::{Funding, ModelRegistry};
use dream_primitives::ticket::{self, Entry, NewcomerAct, Ticket, TicketError};
use dream_primitives::{Balance, BlockNumber, BoundedVec, BranchId, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::pallet_prelude::{
    InvalidTransaction, TransactionSource, TransactionValidityError, TransactionValidityWithRefund,
    ValidTransaction,
};
use polkadot_sdk::frame_support::storage::{with_transaction, TransactionOutcome};
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::Weight;
use polkadot_sdk::sp_runtime::traits::Verify;
use polkadot_sdk::sp_runtime::DispatchError;

/// Blocks for which a node keeps a ticket or an act that did not get into a block.
const LONGEVITY: u64 = 64;
/// Priority of a newcomer's act. Only those with a slot can send one, each kind once, so they may pass others; tickets,
/// which anyone can send, come after everything that pays.
const ACT_PRIORITY: u64 = 1 << 62;
/// One part in so many of a newcomer's reward stays free: for the existential deposit and the fees of its first steps.
const FREE_PART: Balance = 100;

impl<T: Config> From<TicketError> for Error<T> {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::AboveTarget => Self::AboveTarget,
            TicketError::NotBetter => Self::NoSlotLeft,
            TicketError::Entered => Self::AlreadyEntered,
        }
    }
}

/// What a pool is told of a refused transaction: the index of the dispatch error.
fn invalid(error: DispatchError) -> TransactionValidityError {
    let index = match error {
        DispatchError::Module(module) => module.error.first().copied().unwrap_or(u8::MAX),
        _ => u8::MAX,
    };
    InvalidTransaction::Custom(index).into()
}

impl<T: Config> Pallet<T> {
    /// The hash that a branch's next ticket must be below.
    pub fn ticket_target(branch: BranchId) -> H256 {
        TicketTarget::<T>::get(branch).unwrap_or_else(ticket::easiest)
    }

    /// The work of a ticket that would get a slot now. Cheap checks come first: a flood costs each node a few reads and
    /// one hash a ticket.
    fn weigh(ticket: &Ticket<T::AccountId>) -> Result<H256, Error<T>> {
        let id = ticket.round;
        let current = CurrentRound::<T>::get(id.branch) == Some(id.number);
        ensure!(current, Error::<T>::TicketOutOfTime);
        let round = Rounds::<T>::get(id).ok_or(Error::<T>::TicketOutOfTime)?;
        // A round that makes an old merge again has a seed that has long been known.
        let fresh = !round.seed.is_zero() && round.replays.is_none();
        ensure!(fresh, Error::<T>::TicketOutOfTime);
        let parameters = T::Parameters::get();
        let (genesis, account) = (Self::genesis(), Self::raw(&ticket.account));
        let work = ticket::work(&genesis, &account, &round.seed, ticket.nonce);
        ticket::check(
            &Tickets::<T>::get(id.branch),
            &ticket.account,
            &work,
            &Self::ticket_target(id.branch),
            parameters.round.newcomer_slots,
        )?;
        let admitted = T::Models::branch(id.branch).is_some_and(|b| b.admission.is_some());
        ensure!(admitted, Error::<T>::BranchNotAdmitted);
        ensure!(
            Self::profile_admitted(&ticket.leaf),
            Error::<T>::ProfileNotAdmitted
        );
        let bonded = Bonds::<T>::get(&ticket.account).map_or(0, |b| b.staying());
        ensure!(bonded < parameters.bonds.claim, Error::<T>::NoNewcomer);
        Ok(work)
    }

    fn signed(message: H256, account: &T::AccountId, signature: &T::Signature) -> bool {
        signature.verify(message.as_bytes(), account)
    }

    pub(crate) fn authorize_enter(
        _source: TransactionSource,
        ticket: &Ticket<T::AccountId>,
        signature: &T::Signature,
    ) -> TransactionValidityWithRefund {
        let work = Self::weigh(ticket).map_err(|e| invalid(e.into()))?;
        let message = ticket.message(&Self::genesis());
        ensure!(
            Self::signed(message, &ticket.account, signature),
            InvalidTransaction::BadProof
        );
        let zeros = work.as_bytes().iter().take_while(|b| **b == 0).count();
        let validity = ValidTransaction::with_tag_prefix("dream/ticket")
            .priority(u64::from(to_u32(zeros)))
            .longevity(LONGEVITY)
            .and_provides((&ticket.account, ticket.round))
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }

    pub(crate) fn do_enter(ticket: Ticket<T::AccountId>) -> DispatchResult {
        let work = Self::weigh(&ticket)?;
        let slots = to_usize(T::Parameters::get().round.newcomer_slots);
        let account = ticket.account.clone();
        Tickets::<T>::mutate(ticket.round.branch, |entries| {
            let mut all = core::mem::take(entries).into_inner();
            all.retain(|e| e.account != ticket.account);
            let at = all.partition_point(|e| e.work < work);
            all.insert(
                at,
                Entry {
                    work,
                    account: ticket.account,
                    leaf: ticket.leaf,
                    secret: ticket.secret,
                },
            );
            all.truncate(slots);
            *entries = BoundedVec::truncate_from(all);
        });
        Self::deposit_event(Event::Entered {
            round: ticket.round,
            account,
            work,
        });
        Ok(())
    }

    /// Gives the slots of a round that opens to the lowest tickets, and sets the next target.
    pub(crate) fn seat_newcomers(id: RoundId, funding: &Funding, parameters: &ChainParameters) {
        let slots = parameters.round.newcomer_slots;
        let mut entries = Tickets::<T>::take(id.branch);
        if slots == 0 || !matches!(funding, Funding::Emission(_)) {
            return;
        }
        entries.truncate(to_usize(slots));
        let full = to_u32(entries.len()) == slots;
        let worst = entries.last().filter(|_| full).map(|e| e.work);
        let target = ticket::retarget(&Self::ticket_target(id.branch), worst.as_ref());
        TicketTarget::<T>::insert(id.branch, target);
        if entries.is_empty() {
            return;
        }
        Self::deposit_event(Event::NewcomersSeated {
            round: id,
            count: to_u32(entries.len()),
            target,
        });
        Newcomers::<T>::insert(id, entries);
    }

    /// Slots of newcomers that have not claimed yet: others leave room for them.
    pub(crate) fn reserved_slots(id: RoundId) -> u32 {
        to_u32(Newcomers::<T>::decode_len(id).unwrap_or(0))
    }

    /// Uses an account's slot up; the head of its canary chain.
    pub(crate) fn use_slot(account: &T::AccountId, claim: &Claim) -> Result<H256, Error<T>> {
        Newcomers::<T>::try_mutate_exists(claim.round, |slot| {
            let entries = slot.as_mut().ok_or(Error::<T>::NoSlot)?;
            let at = entries
                .iter()
                .position(|e| e.account == *account)
                .ok_or(Error::<T>::NoSlot)?;
            let entry = entries.remove(at);
            ensure!(entry.leaf == claim.profile, Error::<T>::WrongProfile);
            if entries.is_empty() {
                *slot = None;
            }
            Ok(entry.secret)
        })
    }

    /// Segments audited of a claim.
    pub(crate) fn audited_segments(parameters: &ChainParameters, newcomer: bool) -> u16 {
        if newcomer {
            parameters.audit.newcomer_segments
        } else {
            parameters.audit.segments
        }
    }

    /// The claim that an act is about, when `account` may act on it without fees.
    fn may_act(act: &NewcomerAct, account: &T::AccountId) -> Result<H256, Error<T>> {
        let claim_id = match act {
            NewcomerAct::Claim(claim) => {
                let entries = Newcomers::<T>::get(claim.round).unwrap_or_default();
                let has_slot = entries.iter().any(|e| e.account == *account);
                ensure!(has_slot, Error::<T>::NoSlot);
                return Ok(claim.id(&Self::genesis(), &Self::raw(account)));
            }
            NewcomerAct::OpenStarts { claim_id, .. }
            | NewcomerAct::OpenDigests { claim_id, .. }
            | NewcomerAct::OpenFlag { claim_id, .. }
            | NewcomerAct::OpenChallenged { claim_id, .. } => *claim_id,
        };
        let record = Claims::<T>::get(claim_id).ok_or(Error::<T>::UnknownClaim)?;
        ensure!(record.miner == *account, Error::<T>::NotTheMiner);
        ensure!(record.newcomer, Error::<T>::NoSlot);
        Ok(claim_id)
    }

    /// Lets an act into a block without fees only if it would succeed: it is done once on trial.
    pub(crate) fn authorize_act(
        _source: TransactionSource,
        act: &NewcomerAct,
        account: &T::AccountId,
        signature: &T::Signature,
    ) -> TransactionValidityWithRefund {
        let claim_id = Self::may_act(act, account).map_err(|e| invalid(e.into()))?;
        let message = act.message(&Self::genesis(), &Self::raw(account));
        ensure!(
            Self::signed(message, account, signature),
            InvalidTransaction::BadProof
        );
        let trial = || Self::do_act(act.clone(), account.clone());
        with_transaction(|| TransactionOutcome::Rollback(trial())).map_err(invalid)?;
        // A claim's identity holds its content: the slot, not the content, is what can be used once.
        let claim_id = match act {
            NewcomerAct::Claim(_) => H256::zero(),
            _ => claim_id,
        };
        let validity = ValidTransaction::with_tag_prefix("dream/newcomer")
            .priority(ACT_PRIORITY)
            .longevity(LONGEVITY)
            .and_provides((account, claim_id, act.kind()).encode())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }

    pub(crate) fn do_act(act: NewcomerAct, account: T::AccountId) -> DispatchResult {
        Self::may_act(&act, &account)?;
        match act {
            NewcomerAct::Claim(claim) => Self::do_submit_claim(account, claim, true),
            NewcomerAct::OpenStarts {
                claim_id,
                initial_state,
                initial_proof,
                starts,
            } => {
                Self::do_open_start_states(account, claim_id, initial_state, initial_proof, starts)
            }
            NewcomerAct::OpenDigests { claim_id, openings } => {
                Self::do_open_digests(account, claim_id, openings)
            }
            NewcomerAct::OpenFlag {
                claim_id,
                canary,
                salt,
                preimage,
            } => Self::do_open_flag(account, claim_id, canary, salt, preimage),
            NewcomerAct::OpenChallenged {
                claim_id,
                start,
                end,
            } => Self::do_open_challenged(account, claim_id, start, end),
        }
    }

    /// Bonds what a newcomer was paid, but for a free part.
    pub(crate) fn bond_reward(account: &T::AccountId, amount: Balance) {
        let part = amount.checked_div(FREE_PART).unwrap_or(0);
        let free = part.max(T::Currency::minimum_balance());
        // An account with as many additions to its bond as a round allows is no newcomer any more: it keeps its pay free.
        let _ = Self::do_bond(account.clone(), amount.saturating_sub(free));
    }

    /// First block in which a round whose claims are all in may leave training. Where anybody's profile counts
    /// (development), at once; else not in the first half of the time, so that one holder of many bonds cannot fill a
    /// round and shut it before others have trained.
    pub(crate) fn earliest_end(deadline: BlockNumber, parameters: &ChainParameters) -> BlockNumber {
        if parameters.audit.admit_any_profile {
            return 0;
        }
        let half = parameters.round.training_blocks.div_ceil(2);
        deadline.saturating_sub(half)
    }
}
