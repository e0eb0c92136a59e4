// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants, checked after every test and by `try-runtime`.

use crate::{
    ActiveEpochs, Complaints, Config, Contributors, Dealings, Disputes, Epochs, Gatherings,
    HoldReason, JobList, Jobs, LastEpoch, LastRound, OpenedRoots, Pallet, Participants, Rounds,
    Seats, SeedOf, ServingEpoch, Terms,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::math::to_u32;
use dream_primitives::private::committee::EpochPhase;
use dream_primitives::private::round::{ContributorState, PrivatePhase};
use dream_primitives::registry::BondLedger;
use dream_primitives::{Balance, BranchId};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::InspectHold;
use polkadot_sdk::sp_runtime::TryRuntimeError;

type Locks<AccountId> = BTreeMap<Vec<u8>, (AccountId, Balance)>;

impl<T: Config> Pallet<T> {
    /// Locks equal what members, contributors, seats, sums and disputes say; escrows equal holds; rounds, epochs and their records
    /// agree.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut locks: Locks<T::AccountId> = BTreeMap::new();
        let mut lock = |account: &T::AccountId, amount: Balance| {
            let entry = locks
                .entry(account.encode())
                .or_insert((account.clone(), 0));
            entry.1 = entry.1.saturating_add(amount);
        };
        Self::try_epochs(&mut lock)?;
        Self::try_rounds(&mut lock)?;
        Self::try_escrows()?;
        for (account, amount) in locks.values() {
            ensure!(
                T::Bonds::locked(account) == *amount,
                "secure-aggregation: what is locked of a bond is not what its roles say"
            );
        }
        Ok(())
    }

    fn try_epochs(lock: &mut impl FnMut(&T::AccountId, Balance)) -> Result<(), TryRuntimeError> {
        let active = ActiveEpochs::<T>::get();
        ensure!(
            active.is_sorted()
                && active.len() == Epochs::<T>::iter_keys().count()
                && active.iter().all(|n| *n <= LastEpoch::<T>::get()),
            "secure-aggregation: the epochs in motion are not those that are kept"
        );
        let mut rounds: BTreeMap<u32, u32> = BTreeMap::new();
        for round in Rounds::<T>::iter_values() {
            let open = !matches!(round.phase, PrivatePhase::Closing | PrivatePhase::Closed);
            let count = rounds.entry(round.epoch).or_default();
            *count = count.saturating_add(u32::from(open));
        }
        for (number, epoch) in Epochs::<T>::iter() {
            ensure!(
                epoch.number == number && !epoch.phase.over(),
                "secure-aggregation: an epoch that is over is kept"
            );
            ensure!(
                epoch.dealers & !epoch.standing() == 0
                    && epoch
                        .numbered()
                        .all(|(i, _)| !dream_primitives::private::committee::names(
                            epoch.dealers,
                            i
                        ) || Dealings::<T>::contains_key(number, i)),
                "secure-aggregation: a dealer was taken out or dealt nothing"
            );
            let serving = epoch.phase == EpochPhase::Serving;
            ensure!(
                serving == epoch.key.is_some()
                    && (!serving || epoch.enough(epoch.dealers) && epoch.enough(epoch.standing())),
                "secure-aggregation: an epoch serves without a key, or with too few dealers or members"
            );
            ensure!(
                epoch.rounds == rounds.remove(&number).unwrap_or(0),
                "secure-aggregation: the rounds under a key do not add up"
            );
            for member in &epoch.members {
                lock(&member.account, member.bond);
            }
        }
        ensure!(
            rounds.values().all(|n| *n == 0),
            "secure-aggregation: a round uses a key that is gone"
        );
        ensure!(
            ServingEpoch::<T>::get().is_none_or(|n| {
                Epochs::<T>::get(n).is_some_and(|e| e.phase == EpochPhase::Serving)
            }),
            "secure-aggregation: the serving epoch does not serve"
        );
        ensure!(
            Dealings::<T>::iter_keys().all(|(n, _)| Epochs::<T>::contains_key(n))
                && Complaints::<T>::iter_keys().all(Epochs::<T>::contains_key),
            "secure-aggregation: dealings or complaints outlive their epoch"
        );
        for of in Gatherings::<T>::iter_keys() {
            let gathers = match of {
                SeedOf::Epoch(n) => {
                    Epochs::<T>::get(n).is_some_and(|e| e.phase == EpochPhase::Seeding)
                }
                SeedOf::Round(id) => Rounds::<T>::get(id).is_some_and(|r| {
                    matches!(r.phase, PrivatePhase::Drawing | PrivatePhase::Sampling)
                }),
            };
            ensure!(
                gathers,
                "secure-aggregation: randomness is gathered for nothing"
            );
        }
        Ok(())
    }

    fn try_rounds(lock: &mut impl FnMut(&T::AccountId, Balance)) -> Result<(), TryRuntimeError> {
        for (id, round) in Rounds::<T>::iter() {
            let closed = round.phase == PrivatePhase::Closed;
            let last = LastRound::<T>::get(id.branch);
            ensure!(
                round.id == id && id.number <= last && (closed || id.number == last),
                "secure-aggregation: a round that is not its branch's last is in motion"
            );
            ensure!(
                closed != Terms::<T>::contains_key(id),
                "secure-aggregation: a round in motion has no terms, or one that is closed has"
            );
            let all = Participants::<T>::get(id);
            let known = Contributors::<T>::iter_prefix(id).count();
            let closing = round.phase == PrivatePhase::Closing || round.cursor.is_some();
            ensure!(
                closed || closing || to_u32(all.len()) == round.participants && all.len() == known,
                "secure-aggregation: participants and their records do not add up"
            );
            ensure!(
                !closed || all.is_empty() && known == 0 && Seats::<T>::get(id).is_empty(),
                "secure-aggregation: a closed round keeps participants or seats"
            );
            for (account, contributor) in Contributors::<T>::iter_prefix(id) {
                lock(&account, contributor.bond);
                ensure!(
                    all.contains(&account),
                    "secure-aggregation: a contributor is no participant"
                );
                let stands = round.standing.contains(contributor.place)
                    && contributor.state != ContributorState::Registered;
                let state = contributor.state;
                ensure!(
                    round.cursor.is_some()
                        || closing
                        || stands == matches!(state, ContributorState::Opened | ContributorState::Standing),
                    "secure-aggregation: a contribution and the round disagree on whether it stands"
                );
                ensure!(
                    contributor.roots.is_none_or(|r| {
                        OpenedRoots::<T>::contains_key(id, r.data)
                            && OpenedRoots::<T>::contains_key(id, r.keys)
                    }),
                    "secure-aggregation: a root that was opened is not kept"
                );
            }
            for seat in Seats::<T>::get(id) {
                lock(&seat.auditor, seat.bond);
                ensure!(
                    seat.report.is_none() || seat.commitment.is_some(),
                    "secure-aggregation: a report without a commitment"
                );
            }
            if let Some(sum) = &round.sum {
                lock(&sum.aggregator, sum.bond);
            }
            let disputes = Disputes::<T>::get(id);
            ensure!(
                to_u32(disputes.len()) == round.disputes,
                "secure-aggregation: a round's disputes do not add up"
            );
            for dispute in disputes {
                lock(&dispute.challenger, dispute.bond);
            }
        }
        Ok(())
    }

    fn try_escrows() -> Result<(), TryRuntimeError> {
        let mut reserved: BTreeMap<BranchId, Balance> = BTreeMap::new();
        for round in Rounds::<T>::iter_values() {
            let entry = reserved.entry(round.id.branch).or_default();
            *entry = entry.saturating_add(round.reserved);
        }
        let mut held: Locks<T::AccountId> = BTreeMap::new();
        let list = JobList::<T>::get();
        ensure!(
            list.is_sorted() && list.len() == Jobs::<T>::iter_keys().count(),
            "secure-aggregation: the list of jobs is not that of the jobs"
        );
        for (branch, job) in Jobs::<T>::iter() {
            ensure!(
                list.contains(&branch),
                "secure-aggregation: the list of jobs is not that of the jobs"
            );
            let expected = reserved.remove(&branch).unwrap_or(0);
            ensure!(
                job.reserved == expected && expected <= job.balance,
                "secure-aggregation: an escrow has not set aside what its round may pay"
            );
            let entry = held
                .entry(job.sponsor.encode())
                .or_insert((job.sponsor.clone(), 0));
            entry.1 = entry.1.saturating_add(job.balance);
        }
        ensure!(
            reserved.values().all(|r| *r == 0),
            "secure-aggregation: a round is to be paid from no escrow"
        );
        for (sponsor, sum) in held.values() {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Escrow.into(), sponsor) == *sum,
                "secure-aggregation: an escrow is not what is held"
            );
        }
        Ok(())
    }
}
