// SPDX-License-Identifier: GPL-3.0-or-later
//! Demands for samples of data sets, as the chain keeps them.

use async_trait::async_trait;
use dream_primitives::data;
use dream_primitives::DatasetId;

use crate::api::read;
use crate::{AccountId, At, Chain, ChainError, Item};

/// Demands for samples of a data set.
pub type SampleDemands = data::SampleDemands<AccountId>;

/// Typed reads of demands for samples.
#[async_trait]
pub trait DataChain: Chain {
    /// Demands for samples of a data set that were not answered, ended or not.
    async fn sample_demands(
        &self,
        at: At,
        dataset: DatasetId,
    ) -> Result<SampleDemands, ChainError> {
        Ok(read(self, at, Item::SampleDemands(dataset))
            .await?
            .unwrap_or_default())
    }
}

impl<C: Chain + ?Sized> DataChain for C {}
