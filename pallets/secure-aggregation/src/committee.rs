// SPDX-License-Identifier: GPL-3.0-or-later
//! What candidates and members do.

use crate::{
    ActiveEpochs, Candidates, Complaints, Config, Dealings, Epochs, Error, Event, Pallet,
    Parameters,
};
use dream_primitives::private::committee::{
    bit, names, share_hash, CommitteeCandidate, DealerVotes, EpochPhase, KeyEpoch, NamedKey,
    ShareComplaint, ShareDealing,
};
use dream_primitives::private::params::{PrivateLiteral, PrivateParameterError, PrivateParameters};
use dream_primitives::registry::BondLedger;
use dream_primitives::{BlockNumber, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type EpochOf<T> = KeyEpoch<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T> From<PrivateParameterError> for Error<T> {
    fn from(error: PrivateParameterError) -> Self {
        use PrivateParameterError as E;
        match error {
            E::Ring => Self::RingParameters,
            E::Slots => Self::SlotParameters,
            E::Committee => Self::CommitteeParameters,
            E::Answers => Self::AnswerParameters,
            E::Cohort => Self::CohortParameters,
            E::Audited => Self::AuditParameters,
            E::MinParameters => Self::ModelParameters,
            E::Auditors => Self::AuditorParameters,
            E::Phases | E::SeedAuthors => Self::PhaseParameters,
            E::Bonds => Self::BondParameters,
            E::Shares => Self::FeeParameters,
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn parameters() -> Result<PrivateParameters, Error<T>> {
        Parameters::<T>::get().ok_or(Error::<T>::NoParameters)
    }

    pub(crate) fn do_set_parameters(literal: PrivateLiteral) -> DispatchResult {
        let checked = PrivateParameters::new(literal).map_err(Error::<T>::from)?;
        Parameters::<T>::put(checked);
        Self::deposit_event(Event::ParametersSet);
        Ok(())
    }

    pub(crate) fn do_join(account: T::AccountId, transport: H256) -> DispatchResult {
        let p = Self::parameters()?;
        let now = Self::now();
        let counted = T::Bonds::counted(&account, BlockNumber::MAX);
        ensure!(counted >= p.get().bonds.member, Error::<T>::BondTooSmall);
        Candidates::<T>::try_mutate(|all| {
            let known = all.iter().any(|c| c.account == account);
            ensure!(!known, Error::<T>::AlreadyCandidate);
            let candidate = CommitteeCandidate {
                account: account.clone(),
                transport,
                since: now,
            };
            all.try_push(candidate)
                .map_err(|_| Error::<T>::TooManyCandidates)
        })?;
        Self::deposit_event(Event::CandidateJoined { account });
        Ok(())
    }

    /// Refused while members are drawn: who sees the seed come could step aside.
    pub(crate) fn do_leave(account: T::AccountId) -> DispatchResult {
        let drawing = ActiveEpochs::<T>::get()
            .iter()
            .filter_map(Epochs::<T>::get)
            .any(|e| e.phase == EpochPhase::Seeding);
        ensure!(!drawing, Error::<T>::DrawUnderWay);
        Candidates::<T>::try_mutate(|all| {
            let before = all.len();
            all.retain(|c| c.account != account);
            ensure!(all.len() < before, Error::<T>::NotCandidate);
            Ok::<(), Error<T>>(())
        })?;
        Self::deposit_event(Event::CandidateLeft { account });
        Ok(())
    }

    /// An epoch in a phase, and the number of the caller among its standing members.
    fn member_in(
        account: &T::AccountId,
        number: u32,
        phase: EpochPhase,
    ) -> Result<(EpochOf<T>, u8), Error<T>> {
        let epoch = Epochs::<T>::get(number).ok_or(Error::<T>::UnknownEpoch)?;
        ensure!(epoch.phase == phase, Error::<T>::WrongEpochPhase);
        ensure!(Self::now() < epoch.deadline, Error::<T>::WindowClosed);
        let member = epoch.place(account).ok_or(Error::<T>::NotMember)?;
        ensure!(names(epoch.standing(), member), Error::<T>::NotMember);
        Ok((epoch, member))
    }

    pub(crate) fn do_deal(
        account: T::AccountId,
        number: u32,
        dealing: ShareDealing,
    ) -> DispatchResult {
        let (mut epoch, dealer) = Self::member_in(&account, number, EpochPhase::Dealing)?;
        ensure!(!names(epoch.dealers, dealer), Error::<T>::AlreadyDealt);
        ensure!(
            dealing.shares.len() == epoch.sets().len(),
            Error::<T>::WrongShareCount
        );
        epoch.dealers |= bit(dealer);
        Self::deposit_event(Event::SharesDealt {
            epoch: number,
            dealer,
            cid: dealing.cid,
        });
        Dealings::<T>::insert(number, dealer, dealing);
        Epochs::<T>::insert(number, epoch);
        Ok(())
    }

    pub(crate) fn do_complain(
        account: T::AccountId,
        number: u32,
        dealer: u8,
        set: u8,
    ) -> DispatchResult {
        let (epoch, complainer) = Self::member_in(&account, number, EpochPhase::Complaint)?;
        let dealt = names(epoch.dealers, dealer) && dealer != complainer;
        ensure!(dealt, Error::<T>::NotDealer);
        let holds = epoch.sets().contains(&set) && !names(set, complainer);
        ensure!(holds, Error::<T>::NotHolder);
        Complaints::<T>::try_mutate(number, |all| {
            let again = all
                .iter()
                .any(|c| (c.complainer, c.dealer) == (complainer, dealer));
            ensure!(!again, Error::<T>::AlreadyComplained);
            let complaint = ShareComplaint {
                complainer,
                dealer,
                set,
                seed: None,
            };
            // One of each member of each other: never more than the bound.
            all.try_push(complaint)
                .map_err(|_| Error::<T>::AlreadyComplained)
        })?;
        Self::deposit_event(Event::ShareComplained {
            epoch: number,
            complainer,
            dealer,
            set,
        });
        Ok(())
    }

    pub(crate) fn do_show_share(
        account: T::AccountId,
        number: u32,
        set: u8,
        seed: H256,
    ) -> DispatchResult {
        let (epoch, dealer) = Self::member_in(&account, number, EpochPhase::Defence)?;
        let at = epoch.sets().iter().position(|s| *s == set);
        let dealing = Dealings::<T>::get(number, dealer).ok_or(Error::<T>::NotDealer)?;
        let dealt = at.and_then(|at| dealing.shares.get(at));
        Complaints::<T>::try_mutate(number, |all| {
            let open =
                |c: &&mut ShareComplaint| (c.dealer, c.set) == (dealer, set) && c.seed.is_none();
            let mut complaints = all.iter_mut().filter(open).peekable();
            ensure!(complaints.peek().is_some(), Error::<T>::NoComplaint);
            let hash = share_hash(&Self::genesis(), number, dealer, set, &seed);
            ensure!(dealt == Some(&hash), Error::<T>::WrongSeed);
            complaints.for_each(|c| c.seed = Some(seed));
            Ok::<(), Error<T>>(())
        })?;
        Self::deposit_event(Event::ShareShown {
            epoch: number,
            dealer,
            set,
            seed,
        });
        Ok(())
    }

    pub(crate) fn do_judge(
        account: T::AccountId,
        number: u32,
        votes: DealerVotes,
    ) -> DispatchResult {
        let (mut epoch, member) = Self::member_in(&account, number, EpochPhase::Judgement)?;
        let all = epoch.numbered().fold(0, |mask, (i, _)| mask | bit(i));
        let within = (votes.bad | votes.missing) & !all == 0;
        ensure!(within, Error::<T>::VoteOutsideCommittee);
        let slot = epoch.members.get_mut(usize::from(member));
        let slot = slot.ok_or(Error::<T>::NotMember)?;
        ensure!(slot.votes.is_none(), Error::<T>::AlreadyJudged);
        slot.votes = Some(votes);
        Epochs::<T>::insert(number, epoch);
        Ok(())
    }

    pub(crate) fn do_name_key(account: T::AccountId, number: u32, key: NamedKey) -> DispatchResult {
        let (mut epoch, member) = Self::member_in(&account, number, EpochPhase::Confirmation)?;
        let slot = epoch.members.get_mut(usize::from(member));
        let slot = slot.ok_or(Error::<T>::NotMember)?;
        ensure!(slot.named.is_none(), Error::<T>::AlreadyNamed);
        slot.named = Some(key);
        Epochs::<T>::insert(number, epoch);
        Ok(())
    }
}
