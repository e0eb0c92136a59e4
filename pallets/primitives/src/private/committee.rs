// SPDX-License-Identifier: GPL-3.0-or-later
//! An epoch's committee and its key: replicated shares, complaints, votes on dealers, the key that the members name.
//!
//! Sets of members are bit masks, member 0 lowest. For every set of t - 1 members there is a share that exactly the members
//! outside of it hold.

use super::{MAX_MEMBERS, MAX_SHARES};
use crate::cid::Cid;
use crate::hashing::{hash, Domain};
use crate::math::to_u32;
use crate::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most complaints of an epoch: each member of each other one.
pub const MAX_COMPLAINTS: u32 = 42;

/// Phase of an epoch.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EpochPhase {
    /// Block randomness is gathered that draws the members.
    Seeding,
    /// Members deal shares.
    Dealing,
    /// Holders complain of shares that are missing or wrong.
    Complaint,
    /// Dealers show the shares that were complained of.
    Defence,
    /// Members vote on the dealers.
    Judgement,
    /// Members name the public key.
    Confirmation,
    /// Rounds open under the key.
    Serving,
    /// Over.
    Retired,
    /// There is no key.
    Failed,
}

/// What moves an epoch.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EpochEvent {
    /// The members are drawn.
    SeedReady,
    /// Everybody acted, or time is up.
    Complete,
    /// There are complaints.
    Contested,
    /// Too few candidates, dealers or equal keys.
    Empty,
}

/// Every transition of an epoch.
#[rustfmt::skip]
pub const EPOCH_TABLE: &[(EpochPhase, EpochEvent, EpochPhase)] = &[
    (EpochPhase::Seeding, EpochEvent::SeedReady, EpochPhase::Dealing),
    (EpochPhase::Seeding, EpochEvent::Empty, EpochPhase::Failed),
    (EpochPhase::Dealing, EpochEvent::Complete, EpochPhase::Complaint),
    (EpochPhase::Dealing, EpochEvent::Empty, EpochPhase::Failed),
    (EpochPhase::Complaint, EpochEvent::Complete, EpochPhase::Judgement),
    (EpochPhase::Complaint, EpochEvent::Contested, EpochPhase::Defence),
    (EpochPhase::Defence, EpochEvent::Complete, EpochPhase::Judgement),
    (EpochPhase::Judgement, EpochEvent::Complete, EpochPhase::Confirmation),
    (EpochPhase::Judgement, EpochEvent::Empty, EpochPhase::Failed),
    (EpochPhase::Confirmation, EpochEvent::Complete, EpochPhase::Serving),
    (EpochPhase::Confirmation, EpochEvent::Empty, EpochPhase::Failed),
    (EpochPhase::Serving, EpochEvent::Complete, EpochPhase::Retired),
];

impl EpochPhase {
    /// The phase after `event`; `None` when the table has no such transition.
    pub fn next(self, event: EpochEvent) -> Option<Self> {
        EPOCH_TABLE
            .iter()
            .find(|(from, on, _)| *from == self && *on == event)
            .map(|(_, _, to)| *to)
    }

    /// Whether the epoch is over.
    pub fn over(self) -> bool {
        matches!(self, Self::Retired | Self::Failed)
    }
}

/// Whether `mask` names a member.
pub fn names(mask: u8, member: u8) -> bool {
    1u8.checked_shl(member.into())
        .is_some_and(|bit| mask & bit != 0)
}

/// The mask of one member; none for a number of 8 and above.
pub fn bit(member: u8) -> u8 {
    1u8.checked_shl(member.into()).unwrap_or(0)
}

/// The sets of t - 1 of n members, ascending as numbers: one share for each.
pub fn share_sets(members: u8, threshold: u8) -> Vec<u8> {
    let end = bit(members.min(7));
    let size = u32::from(threshold.saturating_sub(1));
    (0..end).filter(|set| set.count_ones() == size).collect()
}

/// An account that waits for a place in a committee.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommitteeCandidate<AccountId> {
    /// Who.
    pub account: AccountId,
    /// Key to which shares are encrypted for it.
    pub transport: H256,
    /// Block of the offer.
    pub since: BlockNumber,
}

/// What a member puts on chain of its dealing.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShareDealing {
    /// Merkle root over the public commitments b = a s + t e, in the order of [`share_sets`].
    pub commitments_root: H256,
    /// Where the commitments are, and each seed encrypted to its holders.
    pub cid: Cid,
    /// [`share_hash`] of each seed, in the order of [`share_sets`].
    pub shares: BoundedVec<H256, ConstU32<MAX_SHARES>>,
}

/// Hash by which a dealer is bound to the seed of a share.
pub fn share_hash(genesis: &H256, epoch: u32, dealer: u8, set: u8, seed: &H256) -> H256 {
    hash(
        Domain::KeyShare,
        genesis,
        &[&(epoch, dealer, set).encode(), seed.as_bytes()],
    )
}

/// A holder's complaint that a share is missing or does not make its commitment.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShareComplaint {
    /// Who complains.
    pub complainer: u8,
    /// Of whom.
    pub dealer: u8,
    /// Of the share of which set.
    pub set: u8,
    /// The seed, once the dealer has shown it.
    pub seed: Option<H256>,
}

/// A member's vote on the dealers; masks of members.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DealerVotes {
    /// A share does not make its commitment.
    pub bad: u8,
    /// Commitments or shares are not to be had.
    pub missing: u8,
}

/// The public key of an epoch: where it is, and the hash of its bytes.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NamedKey {
    /// Hash of its bytes.
    pub hash: H256,
    /// Where it is.
    pub cid: Cid,
}

/// A member of a committee.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member<AccountId> {
    /// Who.
    pub account: AccountId,
    /// Key to which shares are encrypted for it.
    pub transport: H256,
    /// Bond locked for its place.
    pub bond: Balance,
    /// Whether it was taken out.
    pub excluded: bool,
    /// Its vote on the dealers.
    pub votes: Option<DealerVotes>,
    /// The key that it named.
    pub named: Option<NamedKey>,
}

/// An epoch of the key layer.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KeyEpoch<AccountId> {
    /// Number.
    pub number: u32,
    /// Phase.
    pub phase: EpochPhase,
    /// Block at which it began.
    pub opened: BlockNumber,
    /// First block after the phase's time.
    pub deadline: BlockNumber,
    /// Members t that decrypt together.
    pub threshold: u8,
    /// The members, in the order in which they were drawn.
    pub members: BoundedVec<Member<AccountId>, ConstU32<MAX_MEMBERS>>,
    /// Members that dealt and were not excluded.
    pub dealers: u8,
    /// The public key, once t members named it.
    pub key: Option<NamedKey>,
    /// Polynomials that the key may still decrypt.
    pub answers: u32,
    /// Rounds in motion under the key.
    pub rounds: u32,
}

/// Dealers that the votes of a committee take out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DealerVerdict {
    /// Called bad by t members: they lose their bond.
    pub bad: u8,
    /// Called bad or missing by t members, but bad by fewer.
    pub missing: u8,
}

impl<AccountId: PartialEq> KeyEpoch<AccountId> {
    /// Place of an account among the members.
    pub fn place(&self, account: &AccountId) -> Option<u8> {
        let at = self.members.iter().position(|m| m.account == *account)?;
        u8::try_from(at).ok()
    }
}

impl<AccountId> KeyEpoch<AccountId> {
    /// The members with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u8, &Member<AccountId>)> {
        (0u8..).zip(self.members.iter())
    }

    /// Members that were not taken out, as a mask.
    pub fn standing(&self) -> u8 {
        self.numbered()
            .filter(|(_, m)| !m.excluded)
            .fold(0, |mask, (i, _)| mask | bit(i))
    }

    /// The sets whose shares this committee has.
    pub fn sets(&self) -> Vec<u8> {
        let members = u8::try_from(self.members.len()).unwrap_or(u8::MAX);
        share_sets(members, self.threshold)
    }

    /// Whether a mask names at least t members.
    pub fn enough(&self, mask: u8) -> bool {
        mask.count_ones() >= u32::from(self.threshold)
    }

    /// What the members' votes say of the dealers. A member's word on itself does not count.
    pub fn verdict(&self) -> DealerVerdict {
        let mut verdict = DealerVerdict::default();
        for (dealer, _) in self.numbered() {
            let votes = self
                .numbered()
                .filter(|(i, m)| *i != dealer && !m.excluded)
                .filter_map(|(_, m)| m.votes);
            let (mut bad, mut out) = (0u32, 0u32);
            for vote in votes {
                let is_bad = names(vote.bad, dealer);
                bad = bad.saturating_add(u32::from(is_bad));
                out = out.saturating_add(u32::from(is_bad || names(vote.missing, dealer)));
            }
            let threshold = u32::from(self.threshold);
            if bad >= threshold {
                verdict.bad |= bit(dealer);
            } else if out >= threshold {
                verdict.missing |= bit(dealer);
            }
        }
        verdict
    }

    /// The key that at least t standing members named.
    pub fn common_key(&self) -> Option<NamedKey> {
        let named = || {
            self.members
                .iter()
                .filter(|m| !m.excluded)
                .filter_map(|m| m.named)
        };
        named().find(|key| {
            let same = named().filter(|other| other == key).count();
            to_u32(same) >= u32::from(self.threshold)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid::CidCodec;
    use proptest::prelude::*;

    fn epoch(members: u8, threshold: u8) -> KeyEpoch<u8> {
        let member = |account| Member {
            account,
            transport: H256::zero(),
            bond: 1,
            excluded: false,
            votes: None,
            named: None,
        };
        KeyEpoch {
            number: 1,
            phase: EpochPhase::Judgement,
            opened: 0,
            deadline: 1,
            threshold,
            members: BoundedVec::truncate_from((0..members).map(member).collect()),
            dealers: 0,
            key: None,
            answers: 0,
            rounds: 0,
        }
    }

    const COMMITTEES: [(u8, u8); 5] = [(3, 2), (4, 2), (5, 3), (6, 3), (7, 4)];

    #[test]
    fn any_threshold_of_members_should_hold_every_share_and_fewer_should_miss_one() {
        for (members, threshold) in COMMITTEES {
            let sets = share_sets(members, threshold);
            for group in 0..bit(members) {
                let held = sets.iter().all(|set| group & !set != 0);
                assert_eq!(held, group.count_ones() >= u32::from(threshold));
            }
        }
        assert_eq!(share_sets(3, 2), [1, 2, 4]);
        assert_eq!(share_sets(7, 4).len(), MAX_SHARES as usize);
    }

    #[test]
    fn complaints_of_fewer_than_threshold_members_should_never_show_the_share_that_they_lack() {
        for (members, threshold) in COMMITTEES {
            let sets = share_sets(members, threshold);
            for coalition in &sets {
                // A share may be complained of by who holds it: who is outside of its set.
                let shown = sets.iter().filter(|set| coalition & !*set != 0);
                assert!(shown.eq(sets.iter().filter(|set| *set != coalition)));
            }
        }
    }

    proptest! {
        #[test]
        fn votes_of_fewer_than_threshold_should_exclude_nobody(
            which in 0usize..5, picks in prop::collection::vec((any::<u8>(), any::<u8>()), 7), seed: u8,
        ) {
            let (members, threshold) = COMMITTEES[which];
            let mut e = epoch(members, threshold);
            // t - 1 hostile members vote as they like, the others find nothing.
            for (i, (bad, missing)) in picks.iter().enumerate().take(usize::from(members)) {
                let hostile = (i + usize::from(seed)) % usize::from(members) < usize::from(threshold - 1);
                let votes = if hostile { (*bad, *missing) } else { (0, 0) };
                e.members[i].votes = Some(DealerVotes { bad: votes.0, missing: votes.1 });
            }
            prop_assert_eq!(e.verdict(), DealerVerdict::default());
        }

        #[test]
        fn honest_members_should_exclude_a_bad_dealer_whatever_the_others_vote(
            which in 0usize..5, dealer in 0u8..7, picks in prop::collection::vec(any::<u8>(), 7),
        ) {
            let (members, threshold) = COMMITTEES[which];
            let dealer = dealer % members;
            let mut e = epoch(members, threshold);
            // The dealer and t - 2 others are hostile.
            let mut hostile = 1;
            for i in 0..members {
                let other = i != dealer && hostile < threshold - 1;
                hostile += u8::from(other);
                let bad = if i == dealer || other { picks[usize::from(i)] & !bit(dealer) } else { bit(dealer) };
                e.members[usize::from(i)].votes = Some(DealerVotes { bad, missing: 0 });
            }
            prop_assert_eq!(e.verdict().bad & bit(dealer), bit(dealer));
        }
    }

    #[test]
    fn dealer_should_be_missing_when_threshold_members_lack_it_and_fewer_call_it_bad() {
        let mut e = epoch(5, 3);
        for (i, (bad, missing)) in [(0, 2), (0, 0), (2, 0), (0, 2), (0, 0)]
            .into_iter()
            .enumerate()
        {
            e.members[i].votes = Some(DealerVotes { bad, missing });
        }
        let expected = DealerVerdict { bad: 0, missing: 2 };
        assert_eq!(e.verdict(), expected);
        // Nobody votes on itself, and who is out does not vote.
        e.members[1].votes = Some(DealerVotes { bad: 2, missing: 2 });
        assert_eq!(e.verdict(), expected);
        e.members[0].excluded = true;
        assert_eq!(e.verdict(), DealerVerdict::default());
    }

    #[test]
    fn key_should_be_common_only_when_threshold_standing_members_named_it() {
        let key = |byte| {
            Some(NamedKey {
                hash: H256::repeat_byte(byte),
                cid: Cid {
                    codec: CidCodec::Raw,
                    digest: [byte; 32],
                },
            })
        };
        let mut e = epoch(5, 3);
        e.members[0].named = key(1);
        e.members[1].named = key(2);
        e.members[2].named = key(1);
        e.members[3].named = key(2);
        assert_eq!(e.common_key(), None);
        e.members[4].named = key(2);
        assert_eq!(e.common_key(), key(2));
        e.members[3].excluded = true;
        assert_eq!(e.common_key(), None);
        assert_eq!(
            (e.standing(), e.enough(0b10111), e.enough(0b11)),
            (0b10111, true, false)
        );
        assert_eq!((e.place(&4), e.place(&9)), (Some(4), None));
    }

    #[test]
    fn share_hash_should_bind_epoch_dealer_set_and_seed() {
        let of = |epoch, dealer, set, seed| {
            share_hash(&H256::zero(), epoch, dealer, set, &H256::repeat_byte(seed))
        };
        let all = [
            of(1, 1, 1, 1),
            of(2, 1, 1, 1),
            of(1, 2, 1, 1),
            of(1, 1, 2, 1),
            of(1, 1, 1, 2),
        ];
        assert!((0..5).all(|i| (0..i).all(|j| all[i] != all[j])));
    }

    #[test]
    fn every_phase_of_an_epoch_should_be_left_and_the_last_never() {
        for (from, on, to) in EPOCH_TABLE {
            assert_eq!(from.next(*on), Some(*to));
            assert!(!from.over());
            assert!(to.over() || EPOCH_TABLE.iter().any(|(f, _, _)| f == to));
        }
        assert_eq!(EpochPhase::Serving.next(EpochEvent::SeedReady), None);
    }
}
