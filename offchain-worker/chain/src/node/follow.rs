// SPDX-License-Identifier: GPL-3.0-or-later
//! Following the finalised blocks and the runtime.

use std::sync::Arc;
use std::time::Duration;

use codec::{Decode, Encode};
use dream_primitives::{BlockNumber, H256};
use serde::Deserialize;
use subxt::metadata::Metadata;
use subxt::rpcs::client::rpc_params;
use tokio::time::{sleep, Instant};

use super::rpc::Rpc;
use super::runtime::{self, Runtime};
use super::{ask, hex, malformed, unhex, Node};
use crate::{BlockRef, ChainError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuntimeVersion {
    spec_name: String,
    pub(super) spec_version: u32,
    transaction_version: u32,
}

#[derive(Deserialize)]
struct Header {
    number: String,
}

impl Node {
    /// Takes note of a finalised block; reads the runtime anew when it changed.
    async fn advance(&self, number: BlockNumber) -> Result<(), ChainError> {
        let hash: H256 = ask(&self.rpc, "chain_getBlockHash", rpc_params![number]).await?;
        let version: RuntimeVersion =
            ask(&self.rpc, "state_getRuntimeVersion", rpc_params![hash]).await?;
        let known = self.status.borrow().runtime.spec_version;
        let wrong = self.status.borrow().wrong.is_some();
        let runtime = if version.spec_version == known && !wrong {
            None
        } else {
            let fetched = fetch_runtime(&self.rpc, self.genesis, hash, &self.expected).await?;
            tracing::info!(
                spec_version = version.spec_version,
                "the chain's runtime was read anew"
            );
            Some(Arc::new(fetched))
        };
        self.status.send_modify(|s| {
            s.head = BlockRef { number, hash };
            s.away = None;
            s.wrong = None;
            s.runtime = runtime.unwrap_or_else(|| s.runtime.clone());
        });
        Ok(())
    }

    /// Follows one subscription until it ends; says why it did.
    async fn follow_once(&self) -> Result<String, ChainError> {
        let (subscribe, unsubscribe) = (
            "chain_subscribeFinalizedHeads",
            "chain_unsubscribeFinalizedHeads",
        );
        let (generation, mut heads) =
            match self.rpc.subscribe::<Header>(subscribe, unsubscribe).await {
                Ok(found) => found,
                Err(cause) => return Ok(cause),
            };
        let genesis: H256 = ask(&self.rpc, "chain_getBlockHash", rpc_params![0u32]).await?;
        if genesis != self.genesis {
            return Err(ChainError::OtherChain {
                url: self.rpc.url().to_owned(),
                expected: self.genesis,
                found: genesis,
            });
        }
        let cause = loop {
            match heads.next().await {
                Some(Ok(header)) => self.advance(block_number(&header)?).await?,
                Some(Err(e)) => break e.to_string(),
                None => break "the connection was closed".to_owned(),
            }
        };
        self.rpc.ended(generation, &cause).await;
        Ok(cause)
    }
}

/// Keeps the status until it is aborted.
pub(super) async fn follow(node: Arc<Node>) {
    loop {
        let cause = match node.follow_once().await {
            Ok(cause) => cause,
            Err(ChainError::Unreachable { cause, .. }) => cause,
            Err(wrong) => {
                tracing::error!(%wrong, "cannot follow the chain");
                node.status.send_modify(|s| s.wrong = Some(wrong));
                sleep(Duration::from_secs(5)).await;
                continue;
            }
        };
        node.status.send_modify(|s| {
            let since = s.away.as_ref().map_or(Instant::now(), |(since, _)| *since);
            s.away = Some((since, cause));
        });
        sleep(Duration::from_millis(500)).await;
    }
}

pub(super) async fn head_of(rpc: &Rpc) -> Result<BlockRef, ChainError> {
    let hash: H256 = ask(rpc, "chain_getFinalizedHead", rpc_params![]).await?;
    let header: Header = ask(rpc, "chain_getHeader", rpc_params![hash]).await?;
    let number = block_number(&header)?;
    Ok(BlockRef { number, hash })
}

fn block_number(header: &Header) -> Result<BlockNumber, ChainError> {
    let digits = header.number.trim_start_matches("0x");
    BlockNumber::from_str_radix(digits, 16).map_err(|e| malformed("a block's number", &e))
}

/// The runtime as of a block, if it is the one that the worker was built for.
pub(super) async fn fetch_runtime(
    rpc: &Rpc,
    genesis: H256,
    at: H256,
    expected: &Metadata,
) -> Result<Runtime, ChainError> {
    let item = "Metadata_metadata_at_version";
    let version: RuntimeVersion = ask(rpc, "state_getRuntimeVersion", rpc_params![at]).await?;
    let wanted = hex(&runtime::metadata_version(runtime::METADATA).encode());
    let text: String = ask(rpc, "state_call", rpc_params![item, wanted, at]).await?;
    let bytes = unhex(&text).ok_or_else(|| malformed(item, &"not hex"))?;
    let opaque = Option::<Vec<u8>>::decode(&mut &bytes[..]).map_err(|e| malformed(item, &e))?;
    let opaque = opaque.ok_or_else(|| malformed(item, &"the node does not have that version"))?;
    let found = Metadata::decode_from(&opaque).map_err(|e| malformed(item, &e))?;
    let spec = format!("{} {}", version.spec_name, version.spec_version);
    runtime::check_same(rpc.url(), &spec, expected, &found)?;
    Runtime::new(
        genesis,
        version.spec_version,
        version.transaction_version,
        found,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_number_should_be_read_from_hex() {
        let number = |n: &str| block_number(&Header { number: n.into() });
        assert_eq!(number("0x1f4"), Ok(500));
        assert!(matches!(number("0xg"), Err(ChainError::Malformed { .. })));
        assert!(number("0x100000000").is_err());
    }
}
