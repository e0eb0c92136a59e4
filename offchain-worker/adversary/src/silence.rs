// SPDX-License-Identifier: GPL-3.0-or-later
//! Saying nothing where something must be said.

use async_trait::async_trait;
use dream_chain::{AccountId, At, BlockRef, Call, Chain, ChainError, Item, Receipt, SubmitError};
use dream_primitives::dispute::DeltaOpening;
use dream_primitives::{BlockNumber, H256};
use std::sync::Arc;

/// A chain to which some calls are never sent.
pub struct Silent {
    chain: Arc<dyn Chain>,
    unsaid: &'static [&'static str],
}

impl Silent {
    /// Keeps back the calls of these names.
    pub fn new(chain: Arc<dyn Chain>, unsaid: &'static [&'static str]) -> Self {
        Self { chain, unsaid }
    }
}

#[async_trait]
impl Chain for Silent {
    fn account(&self) -> AccountId {
        self.chain.account()
    }

    fn genesis(&self) -> H256 {
        self.chain.genesis()
    }

    fn secret(&self, purpose: &str) -> H256 {
        self.chain.secret(purpose)
    }

    async fn finalised(&self) -> Result<BlockRef, ChainError> {
        self.chain.finalised().await
    }

    async fn next_finalised(&self, after: BlockNumber) -> Result<BlockRef, ChainError> {
        self.chain.next_finalised(after).await
    }

    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        self.chain.raw(at, item).await
    }

    async fn events(&self, block: u32) -> Result<Option<Vec<dream_chain::Event>>, ChainError> {
        self.chain.events(block).await
    }

    async fn supplied(
        &self,
        claim: H256,
        from: BlockNumber,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        self.chain.supplied(claim, from, until).await
    }

    async fn under_way(&self) -> Result<bool, ChainError> {
        self.chain.under_way().await
    }

    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError> {
        let (_, name) = call.name();
        if self.unsaid.contains(&name) {
            return Err(SubmitError::Dropped {
                reason: format!("{name} is kept back on purpose"),
            });
        }
        self.chain.submit(call).await
    }
}
