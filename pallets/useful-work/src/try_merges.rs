// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants of merges, disputes, demands and replays.

use crate::{
    Bases, Config, Demands, Disputes, HoldReason, Pallet, PostedHeaders, PostedTables, Replays,
    Rounds,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::math::to_u32;
use dream_primitives::round::{Phase, Round};
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::InspectHold;
use polkadot_sdk::sp_runtime::TryRuntimeError;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// A round counts its disputes and demands; disputes are of a posted merge; what is held for demands is what they say;
    /// replays are of rounds that are still there. `lock` is told of each dispute's bond.
    pub(crate) fn try_merges(
        mut lock: impl FnMut(&T::AccountId, Balance),
    ) -> Result<(), TryRuntimeError> {
        for (id, round) in Rounds::<T>::iter() {
            Self::try_round_merge(id, &round)?;
        }
        for (id, all) in Disputes::<T>::iter() {
            ensure!(!all.is_empty(), "an empty list of disputes");
            let posted = PostedHeaders::<T>::contains_key(id);
            ensure!(posted, "a dispute without a posted merge");
            for (i, dispute) in all.iter().enumerate() {
                let others = all.iter().skip(i.saturating_add(1));
                ensure!(
                    !others
                        .map(|d| &d.challenger)
                        .any(|c| *c == dispute.challenger),
                    "an account disputes a merge twice"
                );
                lock(&dispute.challenger, dispute.bond);
            }
        }
        let mut held: BTreeMap<Vec<u8>, Balance> = BTreeMap::new();
        for (id, all) in Demands::<T>::iter() {
            ensure!(!all.is_empty(), "an empty list of demands");
            ensure!(Rounds::<T>::contains_key(id), "demands of no round");
            for demand in all {
                let entry = held.entry(demand.demander.encode()).or_default();
                *entry = entry.saturating_add(demand.held);
                let on_hold =
                    T::Currency::balance_on_hold(&HoldReason::Demand.into(), &demand.demander);
                ensure!(on_hold >= *entry, "less is held than demands say");
            }
        }
        for id in PostedTables::<T>::iter_keys() {
            let posted = PostedHeaders::<T>::contains_key(id);
            ensure!(posted, "a table without a posted merge");
        }
        for id in Bases::<T>::iter_keys() {
            ensure!(Rounds::<T>::contains_key(id), "a base of no round");
        }
        let replays = Replays::<T>::get();
        for (i, replay) in replays.iter().enumerate() {
            let others = replays.iter().skip(i.saturating_add(1));
            ensure!(
                others.clone().all(|r| r.branch != replay.branch),
                "a branch is replayed twice"
            );
        }
        Ok(())
    }

    fn try_round_merge(id: RoundId, round: &RoundOf<T>) -> Result<(), TryRuntimeError> {
        let disputes = to_u32(Disputes::<T>::decode_len(id).unwrap_or(0));
        let demands = to_u32(Demands::<T>::decode_len(id).unwrap_or(0));
        ensure!(
            round.disputes == disputes.saturating_add(demands),
            "a round's disputes do not add up"
        );
        let merging = matches!(round.phase, Phase::Merging | Phase::Dispute);
        ensure!(merging || round.disputes == 0, "disputes outlive the merge");
        ensure!(
            disputes == 0 || round.phase == Phase::Dispute,
            "a merge is disputed that is not posted"
        );
        let posted = PostedHeaders::<T>::get(id);
        let standing = merging || round.phase == Phase::Valuation;
        let expected = round.merge.as_ref().filter(|_| standing).map(|m| m.version);
        ensure!(
            posted.map(|header| header.hash()) == expected,
            "a posted merge is not its header's"
        );
        if let Some(number) = round.replays {
            ensure!(
                round.claims == 0 && round.pay.is_none(),
                "a replay has claims or pay"
            );
            let source = RoundId { number, ..id };
            ensure!(
                !merging || Rounds::<T>::contains_key(source),
                "a replayed round is gone"
            );
        }
        Ok(())
    }
}
