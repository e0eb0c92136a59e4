// SPDX-License-Identifier: GPL-3.0-or-later
//! Canary flags, and what a claim's first committee decides once its flag is open.

use crate::slashing::Judgement;
use crate::{Config, Error, Event, Pallet, Profiles};
use alloc::vec::Vec;
use dream_primitives::claim::{canary_commitment, canary_digest, canary_link, on_duty, Verdict};
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{ClaimRecord, ClaimState, Finding, Phase, Round, Seat};
use dream_primitives::H256;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_open_flag(
        miner: T::AccountId,
        claim_id: H256,
        canary: bool,
        salt: H256,
        preimage: H256,
    ) -> DispatchResult {
        let genesis = Self::genesis();
        let mut spent = None;
        Self::act(
            claim_id,
            Phase::FlagOpening,
            ClaimState::Revealed,
            |round, record| {
                ensure!(record.miner == miner, Error::<T>::NotTheMiner);
                ensure!(record.flag.is_none(), Error::<T>::AlreadyDone);
                let raw = Self::raw(&miner);
                let expected = canary_commitment(&genesis, &raw, &round.id, canary, &salt);
                ensure!(expected == record.claim.canary, Error::<T>::RevealMismatch);
                let linked = canary_link(&genesis, &preimage) == record.secret;
                ensure!(linked, Error::<T>::BadLink);
                let duty = on_duty(&genesis, &preimage, &round.seed, round.canary_rate);
                ensure!(duty == canary, Error::<T>::BadFlag);
                let faked = record.ends.iter().all(|end| {
                    end.digest == canary_digest(&genesis, &preimage, &round.id, end.segment)
                });
                ensure!(faked || !canary, Error::<T>::BadFlag);
                record.flag = Some(canary);
                spent = Some((round.id.branch, record.secret));
                Ok(())
            },
        )?;
        if let Some((branch, secret)) = spent {
            Profiles::<T>::mutate(branch, &miner, |profile| {
                // Unless the account registered another chain of secrets meanwhile.
                if let Some(profile) = profile.as_mut().filter(|p| p.secret == secret) {
                    profile.secret = preimage;
                }
            });
        }
        Self::deposit_event(Event::FlagOpened {
            claim: claim_id,
            canary,
        });
        Ok(())
    }

    /// Settles a claim when flags are open: see [`ClaimRecord::settlement`].
    pub(crate) fn settle(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        if record.state != ClaimState::Revealed {
            return;
        }
        Self::punish_silence(id, record, parameters);
        Self::move_claim(record, record.settlement());
        match record.state {
            ClaimState::Rejected => {
                let revealed = |s: &&Seat<T::AccountId>| s.verdict.is_some();
                let seats = record.committee.iter().filter(revealed);
                let right = seats.map(|s| s.verifier.clone()).collect();
                Self::forfeit_availability(id, record, right, parameters);
            }
            ClaimState::Canary => Self::punish_confirmers(id, record, parameters),
            ClaimState::Accepted => round.accepted = round.accepted.saturating_add(1),
            ClaimState::Escalated => Self::escalate(round, id, record, parameters),
            // A newcomer's: it goes before nobody else, so that the committee's own finding pays its seats.
            ClaimState::Void if record.two_thirds_said(Verdict::Mismatch) => {
                record.finding = Some(Finding::Faked);
            }
            _ => {}
        }
        Self::count_units(round, record);
    }

    /// Whoever confirmed a fake did not run it.
    fn punish_confirmers(id: H256, record: &mut Record<T>, parameters: &ChainParameters) {
        let mut judgement = Judgement::new();
        for seat in &mut record.committee {
            match seat.verdict {
                Some(Verdict::Match) => judgement.take(seat.verifier.clone(), &mut seat.bond),
                Some(Verdict::Mismatch) => judgement.right.push(seat.verifier.clone()),
                None => {}
            }
        }
        Self::carry_out(id, judgement, parameters);
    }

    /// Seats that committed to a replay.
    pub(crate) fn committed(record: &Record<T>) -> Vec<T::AccountId> {
        let committed = |s: &&Seat<T::AccountId>| s.commitment.is_some();
        let seats = record.committee.iter().filter(committed);
        seats.map(|s| s.verifier.clone()).collect()
    }
}
