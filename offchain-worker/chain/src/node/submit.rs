// SPDX-License-Identifier: GPL-3.0-or-later
//! Sending a transaction, and following it through the finalised blocks.

use std::sync::Arc;
use std::time::Duration;

use dream_primitives::dispute::DeltaOpening;
use dream_primitives::{BlockNumber, H256};
use serde::Deserialize;
use serde_json::Value;
use subxt::rpcs::client::rpc_params;
use tokio::time::sleep;

use super::follow::RuntimeVersion;
use super::rpc::{said, Failure};
use super::runtime::{Runtime, MORTALITY};
use super::{ask, hex, malformed, unhex, NodeClient, Status};
use crate::{BlockRef, Call, Chain, ChainError, Receipt, SubmitError};

/// Tries with a nonce read anew.
const NONCE_TRIES: u32 = 5;
/// Finalised blocks after which a transaction that is not in one is sent again.
const RESEND_AFTER: u32 = 8;

/// Why a transaction that was signed for a runtime does not get into a block of the next one.
const UPGRADED: &str =
    "the chain's runtime was upgraded while it was on its way, and its signature names the version";

/// Codes of the node's transaction pool.
pub(super) mod pool {
    pub const INVALID: i32 = 1010;
    pub const BANNED: i32 = 1012;
    pub const KNOWN: i32 = 1013;
    pub const LOW_PRIORITY: i32 = 1014;
    pub const FULL: i32 = 1016;
}

#[derive(Deserialize)]
struct SignedBlock {
    block: Block,
}

#[derive(Deserialize)]
struct Block {
    extrinsics: Vec<String>,
}

/// A transaction that is on its way.
pub(super) struct Sent {
    birth: BlockRef,
    /// `None` for a general transaction.
    pub(super) nonce: Option<u32>,
    /// The transaction as the node prints it.
    text: String,
    pub(super) hash: H256,
    /// What it was signed for, and what a block that holds it was made by.
    runtime: Arc<Runtime>,
}

impl Sent {
    /// Whether it can come into no block behind the finalised ones, which were all looked at up to `seen`. A general transaction
    /// has a signature of its own, that names no version.
    fn outlived(&self, status: &Status, seen: BlockNumber) -> bool {
        let upgraded = status.runtime.spec_version != self.runtime.spec_version;
        self.nonce.is_some() && upgraded && status.head.number == seen
    }
}

fn dropped(reason: &str) -> SubmitError {
    SubmitError::Dropped {
        reason: reason.to_owned(),
    }
}

impl NodeClient {
    /// Signs and sends; returns once the transaction is in the node's pool.
    pub(super) async fn send(&self, call: &Call) -> Result<Sent, SubmitError> {
        let _turn = self.turn.lock().await;
        let rpc = &self.node.rpc;
        let mut tries = 0;
        loop {
            let Status { head, runtime, .. } = self.status()?;
            let account = self.key.account();
            let general = call.message(&self.node.genesis, &account).is_some();
            let nonce: Option<u32> = match general {
                true => None,
                false => {
                    let account = rpc_params![account.to_string()];
                    Some(ask(rpc, "system_accountNextIndex", account).await?)
                }
            };
            let used = nonce.unwrap_or_default();
            let signed = runtime.sign(call, &self.key, used.into(), head)?;
            let sent = Sent {
                birth: head,
                nonce,
                text: hex(&signed.bytes),
                hash: signed.hash,
                runtime,
            };
            let answer = rpc
                .ask::<H256>("author_submitExtrinsic", rpc_params![&sent.text])
                .await;
            let Err(failure) = answer else {
                return Ok(sent);
            };
            match failure {
                Failure::Refused {
                    code: pool::KNOWN, ..
                } => return Ok(sent),
                // It may have landed before the connection was lost: following tells.
                Failure::Refused {
                    code: pool::INVALID,
                    resent: true,
                    ..
                } => return Ok(sent),
                Failure::Refused {
                    code,
                    message,
                    data,
                    ..
                } => {
                    let reason = said(&message, &data);
                    if let (None, Some(error)) = (nonce, sent.runtime.pool_error(call, &reason)) {
                        return Err(error);
                    }
                    tries += 1;
                    if nonce_taken(code, &reason) && tries < NONCE_TRIES {
                        sleep(Duration::from_millis(500)).await;
                        continue;
                    }
                    // The pool looks at the newest block, which may be of a runtime that is not finalised yet.
                    let newest: RuntimeVersion =
                        ask(rpc, "state_getRuntimeVersion", rpc_params![]).await?;
                    return Err(match code {
                        _ if newest.spec_version != sent.runtime.spec_version => dropped(UPGRADED),
                        pool::BANNED | pool::FULL | pool::LOW_PRIORITY => {
                            SubmitError::Dropped { reason }
                        }
                        _ => SubmitError::Invalid { reason },
                    });
                }
                Failure::Unreachable {
                    cause, sent: true, ..
                } => {
                    return Err(SubmitError::Unknown {
                        extrinsic: sent.hash,
                        cause,
                    })
                }
                other => {
                    let error = other.into_chain_error(rpc.url(), "author_submitExtrinsic");
                    return Err(error.into());
                }
            }
        }
    }

    /// Follows a transaction through the finalised blocks.
    pub(super) async fn follow(
        &self,
        sent: &Sent,
    ) -> Result<Result<Receipt, SubmitError>, ChainError> {
        let rpc = &self.node.rpc;
        let mut generation = rpc.generation();
        let mut seen = sent.birth.number;
        let mut sent_at = seen;
        let last = sent.birth.number.saturating_add(MORTALITY);
        loop {
            let head = self.next_finalised(seen).await?;
            while seen < head.number {
                seen += 1;
                let hash: H256 = ask(rpc, "chain_getBlockHash", rpc_params![seen]).await?;
                let block: SignedBlock = ask(rpc, "chain_getBlock", rpc_params![hash]).await?;
                let extrinsics = &block.block.extrinsics;
                if let Some(index) = extrinsics.iter().position(|e| *e == sent.text) {
                    let block = BlockRef { number: seen, hash };
                    return self.outcome(sent, block, index).await;
                }
            }
            if sent.outlived(&self.status()?, seen) {
                return Ok(Err(dropped(UPGRADED)));
            }
            if seen >= last {
                let reason = "it came into no block while its signature was good";
                return Ok(Err(dropped(reason)));
            }
            let info = self.account_info(head.into(), self.key.account()).await?;
            let landed = info.map_or(0, |a| a.nonce);
            if sent.nonce.is_some_and(|nonce| landed > nonce) {
                let reason = "another transaction of the account took its nonce";
                return Ok(Err(dropped(reason)));
            }
            let again = rpc.generation() != generation || seen - sent_at >= RESEND_AFTER;
            if again {
                generation = rpc.generation();
                sent_at = seen;
                // Refusals (it is known, or in a block already) are answered by the blocks.
                let answer = rpc
                    .ask::<Value>("author_submitExtrinsic", rpc_params![&sent.text])
                    .await;
                if let Err(Failure::Unreachable { after, cause, .. }) = answer {
                    let url = rpc.url().to_owned();
                    return Err(ChainError::Unreachable { url, after, cause });
                }
            }
        }
    }

    /// The chunks that were supplied for a claim in a block.
    pub(super) async fn supplied_in(
        &self,
        number: BlockNumber,
        claim: &H256,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        let rpc = &self.node.rpc;
        let hash: H256 = ask(rpc, "chain_getBlockHash", rpc_params![number]).await?;
        let block: SignedBlock = ask(rpc, "chain_getBlock", rpc_params![hash]).await?;
        let extrinsics = block.block.extrinsics.iter();
        let extrinsics = extrinsics.map(|text| unhex(text));
        let extrinsics: Option<Vec<Vec<u8>>> = extrinsics.collect();
        let extrinsics =
            extrinsics.ok_or_else(|| malformed("a block's transactions", &"not hex"))?;
        Ok(self.status()?.runtime.supplied(extrinsics, claim).await)
    }

    async fn outcome(
        &self,
        sent: &Sent,
        block: BlockRef,
        index: usize,
    ) -> Result<Result<Receipt, SubmitError>, ChainError> {
        let events = self.node.events(block.hash).await?;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let outcome = sent.runtime.outcome(events, index)?;
        Ok(outcome.map(|events| Receipt {
            block,
            extrinsic: sent.hash,
            events,
        }))
    }
}

pub(super) fn nonce_taken(code: i32, reason: &str) -> bool {
    let stale = reason.contains("outdated") || reason.contains("in the future");
    code == pool::LOW_PRIORITY || (code == pool::INVALID && stale)
}

#[cfg(test)]
mod tests {
    use super::super::runtime::METADATA;
    use super::*;
    use subxt::metadata::Metadata;

    fn runtime(spec_version: u32) -> Arc<Runtime> {
        let metadata = Metadata::decode_from(METADATA).unwrap();
        Arc::new(Runtime::new(H256::zero(), spec_version, 1, metadata).unwrap())
    }

    #[test]
    fn transaction_should_be_outlived_when_blocks_up_to_the_new_runtime_lack_it() {
        let block = |number| BlockRef {
            number,
            hash: H256::zero(),
        };
        let sent = |nonce| Sent {
            birth: block(7),
            nonce,
            text: String::new(),
            hash: H256::zero(),
            runtime: runtime(1),
        };
        let status = |spec_version| Status {
            head: block(9),
            runtime: runtime(spec_version),
            wrong: None,
            away: None,
        };
        let (signed, general) = (sent(Some(0)), sent(None));
        assert!(signed.outlived(&status(2), 9));
        // The upgrade may stand in a block that was not looked at yet, and so may the transaction.
        assert!(!signed.outlived(&status(2), 8));
        assert!(!signed.outlived(&status(1), 9));
        assert!(!general.outlived(&status(2), 9));
    }
}
