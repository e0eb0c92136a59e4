// SPDX-License-Identifier: GPL-3.0-or-later
//! Entry without tokens: tickets that carry a proof of work, and what their holders do without fees.
//!
//! A ticket is ground on the seed of round r, which everybody knows from its training on, and may give a slot in round
//! r + 1, whose seed nobody knows yet: no identity can be ground for the data or the audit that it will get. The lowest
//! hashes have the slots.

use crate::claim::{Claim, RoundId, SegmentOpening, StartState, TraceProof};
use crate::draw::MAX_AUDITED;
use crate::hashing::{hash, Domain};
use crate::math::to_u32;
use crate::profile::ProfileSettings;
use crate::{BoundedVec, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::U256;
use scale_info::TypeInfo;

/// One in so many hashes is below the easiest target.
pub const EASIEST: u64 = 1 << 12;
/// One in so many hashes is below the hardest target.
pub const HARDEST: u64 = 1 << 63;
/// How much lower than the hash that it displaces a ticket must be: one part in so many. So the tickets of a round that
/// enter blocks are few even when a flood is sent worst first: each turn of the whole list costs the sender a fixed
/// factor more work.
pub const MARGIN: u64 = 8;

/// A newcomer's request for a slot in the round after `round`.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ticket<AccountId> {
    /// Who asks, and signs.
    pub account: AccountId,
    /// The round whose seed the work is done on.
    pub round: RoundId,
    /// Found by trial.
    pub nonce: u64,
    /// Settings that the account will compute under.
    pub settings: ProfileSettings,
    /// Calibration leaf of its profile.
    pub leaf: H256,
    /// Head of its canary chain.
    pub secret: H256,
}

impl<AccountId: Encode> Ticket<AccountId> {
    /// What the account signs.
    pub fn message(&self, genesis: &H256) -> H256 {
        hash(Domain::Newcomer, genesis, &[b"ticket", &self.encode()])
    }
}

/// The proof of work of a ticket: a big-endian number, the lower the better. It binds neither profile nor secret, which
/// the signature binds.
pub fn work(genesis: &H256, account: &[u8; 32], seed: &H256, nonce: u64) -> H256 {
    hash(
        Domain::Ticket,
        genesis,
        &[account, seed.as_bytes(), &nonce.to_le_bytes()],
    )
}

/// What a newcomer does in its round without fees.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
// A call argument that is decoded once; a box would not change its encoding.
#[allow(clippy::large_enum_variant)]
pub enum NewcomerAct {
    /// Claims its work.
    Claim(Claim),
    /// Opens state 0 and the states at the start of the audited segments.
    OpenStarts {
        /// The claim.
        claim_id: H256,
        /// State 0.
        initial_state: H256,
        /// Its proof.
        initial_proof: TraceProof,
        /// The states.
        starts: BoundedVec<StartState, ConstU32<MAX_AUDITED>>,
    },
    /// Opens digests and end states.
    OpenDigests {
        /// The claim.
        claim_id: H256,
        /// The openings.
        openings: BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>>,
    },
    /// Opens its canary flag.
    OpenFlag {
        /// The claim.
        claim_id: H256,
        /// Whether it was faked on duty.
        canary: bool,
        /// Salt of the commitment.
        salt: H256,
        /// The next link of its secrets.
        preimage: H256,
    },
    /// Opens the start and the end of a challenged segment.
    OpenChallenged {
        /// The claim.
        claim_id: H256,
        /// The start.
        start: StartState,
        /// The end.
        end: SegmentOpening,
    },
}

impl NewcomerAct {
    /// What `account` signs.
    pub fn message(&self, genesis: &H256, account: &[u8; 32]) -> H256 {
        hash(
            Domain::Newcomer,
            genesis,
            &[b"act", account, &self.encode()],
        )
    }

    /// Which act it is: a pool holds one of each kind of an account.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Claim(_) => 0,
            Self::OpenStarts { .. } => 1,
            Self::OpenDigests { .. } => 2,
            Self::OpenFlag { .. } => 3,
            Self::OpenChallenged { .. } => 4,
        }
    }
}

/// A ticket that has a slot until a better one comes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry<AccountId> {
    /// Its proof of work.
    pub work: H256,
    /// Who has the slot.
    pub account: AccountId,
    /// Calibration leaf.
    pub leaf: H256,
    /// Head of the canary chain.
    pub secret: H256,
}

/// Why a ticket gets no slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TicketError {
    /// Its hash is not below the target.
    AboveTarget,
    /// All slots have lower hashes, or hashes that are higher by less than one part in [`MARGIN`].
    NotBetter,
    /// The account has a slot by a hash that is not higher by at least one part in [`MARGIN`].
    Entered,
}

fn number(hash: &H256) -> U256 {
    U256::from_big_endian(hash.as_bytes())
}

fn target(one_in: u64) -> U256 {
    U256::MAX
        .checked_div(U256::from(one_in))
        .unwrap_or_default()
}

/// The target of a branch's first tickets, and the highest there is.
pub fn easiest() -> H256 {
    H256(target(EASIEST).to_big_endian())
}

/// Whether a hash is lower than `than` by the margin.
fn lower(work: &H256, than: &H256) -> bool {
    let than = number(than);
    let margin = than.checked_div(U256::from(MARGIN)).unwrap_or_default();
    number(work) < than.saturating_sub(margin)
}

/// Whether a ticket of `account` gets one of `slots`; `entries` are ascending by work.
///
/// # Errors
/// Why it does not.
pub fn check<AccountId: PartialEq>(
    entries: &[Entry<AccountId>],
    account: &AccountId,
    work: &H256,
    goal: &H256,
    slots: u32,
) -> Result<(), TicketError> {
    if number(work) >= number(goal) {
        return Err(TicketError::AboveTarget);
    }
    if let Some(own) = entries.iter().find(|e| e.account == *account) {
        return if lower(work, &own.work) {
            Ok(())
        } else {
            Err(TicketError::Entered)
        };
    }
    match entries.last() {
        _ if to_u32(entries.len()) < slots => Ok(()),
        Some(worst) if lower(work, &worst.work) => Ok(()),
        _ => Err(TicketError::NotBetter),
    }
}

/// The target of the next round's tickets after one whose `slots` were taken by `worst` and better, or not all taken:
/// twice the worst hash kept, so that about twice as many tickets as slots would have been below it; twice the old target
/// while slots stay free. It falls to a quarter at most, so that one round's burst of work shuts nobody out for long.
pub fn retarget(old: &H256, worst: Option<&H256>) -> H256 {
    let (two, four) = (U256::from(2), U256::from(4));
    let next = match worst {
        Some(worst) => number(worst)
            .saturating_mul(two)
            .max(number(old).checked_div(four).unwrap_or_default()),
        None => number(old).saturating_mul(two),
    };
    H256(next.clamp(target(HARDEST), target(EASIEST)).to_big_endian())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn entry(account: u32, work: H256) -> Entry<u32> {
        Entry {
            work,
            account,
            leaf: H256::zero(),
            secret: H256::zero(),
        }
    }

    fn at(one_in: u64) -> H256 {
        H256(target(one_in).to_big_endian())
    }

    fn place(list: &mut Vec<Entry<u32>>, account: u32, work: H256, slots: u32) -> bool {
        let fits = check(list, &account, &work, &easiest(), slots).is_ok();
        if fits {
            list.retain(|e| e.account != account);
            list.push(entry(account, work));
            list.sort_by_key(|e| e.work);
            list.truncate(slots as usize);
        }
        fits
    }

    #[test]
    fn ticket_should_be_refused_when_above_the_target_or_not_better_by_the_margin() {
        let list = [entry(1, at(10_000)), entry(2, at(8_000))];
        let check = |account, one_in, slots| check(&list, &account, &at(one_in), &easiest(), slots);
        assert_eq!(check(3, EASIEST, 2), Err(TicketError::AboveTarget));
        assert_eq!(check(3, 9_000, 2), Err(TicketError::NotBetter));
        assert_eq!(check(3, 9_000, 3), Ok(()));
        assert_eq!(check(3, 9_200, 2), Ok(()));
        assert_eq!(check(1, 11_000, 2), Err(TicketError::Entered));
        assert_eq!(check(1, 12_000, 2), Ok(()));
    }

    #[test]
    fn target_should_follow_the_worst_hash_kept_and_rise_when_slots_stay_free() {
        let old = at(1 << 20);
        let near = |a: H256, b: u64| {
            let (a, b) = (number(&a), target(b));
            a.abs_diff(b) <= U256::from(1u64 << 20)
        };
        assert!(near(retarget(&old, Some(&at(1 << 21))), 1 << 20));
        assert!(near(retarget(&old, Some(&at(1 << 40))), 1 << 22));
        assert!(near(retarget(&old, None), 1 << 19));
        assert_eq!(retarget(&easiest(), None), easiest());
        assert_eq!(retarget(&at(HARDEST), Some(&H256::zero())), at(HARDEST));
    }

    #[test]
    fn flood_should_enter_few_tickets_when_it_is_sent_worst_first() {
        let mut works: Vec<H256> = (0..10_000u64)
            .map(|n| work(&H256::zero(), &[7; 32], &H256::zero(), n))
            .map(|w| H256((number(&w) / U256::from(EASIEST)).to_big_endian()))
            .collect();
        works.sort();
        works.reverse();
        let mut list = Vec::new();
        let entered = works
            .iter()
            .zip(0..)
            .filter(|(w, account)| place(&mut list, *account, **w, 8))
            .count();
        // 8 slots: 8 for every factor of 8/7, and the whole flood is a factor of 10,000 / 8 of work.
        let bound = 8.0 * (1.0 + (10_000.0f64 / 8.0).ln() / (8.0f64 / 7.0).ln());
        assert!(entered <= bound as usize + 8, "{entered} of {bound}");
        assert!(entered > 8);
    }

    proptest! {
        #[test]
        fn slots_should_go_in_proportion_to_work(seed: [u8; 32]) {
            // One account grinds nine times as many tickets under names of its own as an honest one grinds.
            let (genesis, seed) = (H256::zero(), H256(seed));
            let mut works: Vec<(H256, bool)> = (0..2_000u64)
                .map(|n| (work(&genesis, &[u8::from(n % 10 == 0); 32], &seed, n), n % 10 == 0))
                .collect();
            works.sort();
            let honest = works.iter().take(200).filter(|(_, honest)| *honest).count();
            // Binomial(200, 0.1): mean 20, standard deviation 4.2; six of them.
            prop_assert!(honest <= 46);
            prop_assert!(honest > 0);
        }
    }

    #[test]
    fn message_should_bind_chain_account_and_act() {
        let act = NewcomerAct::OpenDigests {
            claim_id: H256::zero(),
            openings: Default::default(),
        };
        let (g, h) = (H256::zero(), H256::repeat_byte(1));
        let all = [
            act.message(&g, &[1; 32]),
            act.message(&g, &[2; 32]),
            act.message(&h, &[1; 32]),
        ];
        assert!((0..3).all(|i| (0..i).all(|j| all[i] != all[j])));
    }
}
