// SPDX-License-Identifier: GPL-3.0-or-later
//! Storage types of the pallet.

use codec::{Decode, Encode, MaxEncodedLen};
use dream_primitives::claim::RoundId;
use dream_primitives::game::{Dispute, MAX_DISPUTES};
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::to_u32;
use dream_primitives::private::sum::PrivateTree;
use dream_primitives::{BlockNumber, BoundedVec, ConstU32, H256};
use scale_info::TypeInfo;

/// Most distinct authors that a seed window remembers.
pub const MAX_SEED_AUTHORS: u32 = 64;

/// Whose seed is gathered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum SeedOf {
    /// An epoch's.
    Epoch(u32),
    /// A round's.
    Round(RoundId),
}

/// Randomness gathered for a seed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Gathering<AccountId> {
    /// Running hash over the blocks' outputs.
    pub mixed: H256,
    /// Blocks still wanted.
    pub left: BlockNumber,
    /// Distinct authors so far.
    pub authors: BoundedVec<AccountId, ConstU32<MAX_SEED_AUTHORS>>,
}

impl<AccountId: PartialEq> Gathering<AccountId> {
    /// Nothing gathered of `blocks` outputs.
    pub fn new(blocks: BlockNumber) -> Self {
        Self {
            mixed: H256::zero(),
            left: blocks,
            authors: BoundedVec::new(),
        }
    }

    /// Mixes a block's output in.
    pub fn mix(&mut self, genesis: &H256, output: &H256, author: Option<AccountId>) {
        self.mixed = hash(
            Domain::Seed,
            genesis,
            &[self.mixed.as_bytes(), output.as_bytes()],
        );
        self.left = self.left.saturating_sub(1);
        if let Some(author) = author.filter(|a| !self.authors.contains(a)) {
            // Only whether there are enough authors matters; the bound is above every allowed number.
            let _ = self.authors.try_push(author);
        }
    }

    /// Whether it has its blocks and so many authors.
    pub fn complete(&self, authors: u32) -> bool {
        self.left == 0 && to_u32(self.authors.len()) >= authors
    }
}

/// Disputes of a round.
pub type PrivateDisputes<AccountId> =
    BoundedVec<Dispute<AccountId, PrivateTree>, ConstU32<MAX_DISPUTES>>;
