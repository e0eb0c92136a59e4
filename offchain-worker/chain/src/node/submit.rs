// SPDX-License-Identifier: GPL-3.0-or-later
//! Sending a transaction, and following it through the finalised blocks.

use std::time::Duration;

use dream_primitives::dispute::DeltaOpening;
use dream_primitives::{BlockNumber, H256};
use serde::Deserialize;
use serde_json::Value;
use subxt::rpcs::client::rpc_params;
use tokio::time::sleep;

use super::rpc::{said, Failure};
use super::runtime::MORTALITY;
use super::{ask, hex, malformed, unhex, NodeClient, Status};
use crate::{BlockRef, Call, Chain, ChainError, Receipt, SubmitError};

/// Tries with a nonce read anew.
const NONCE_TRIES: u32 = 5;
/// Finalised blocks after which a transaction that is not in one is sent again.
const RESEND_AFTER: u32 = 8;

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
                    if let (None, Some(error)) = (nonce, runtime.pool_error(call, &reason)) {
                        return Err(error);
                    }
                    tries += 1;
                    if nonce_taken(code, &reason) && tries < NONCE_TRIES {
                        sleep(Duration::from_millis(500)).await;
                        continue;
                    }
                    return Err(match code {
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
            let dropped = |reason: &str| {
                Ok(Err(SubmitError::Dropped {
                    reason: reason.to_owned(),
                }))
            };
            if seen >= last {
                return dropped("it came into no block while its signature was good");
            }
            let info = self.account_info(head.into(), self.key.account()).await?;
            let landed = info.map_or(0, |a| a.nonce);
            if sent.nonce.is_some_and(|nonce| landed > nonce) {
                return dropped("another transaction of the account took its nonce");
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
        let runtime = self.status()?.runtime;
        let outcome = runtime.outcome(events, index)?;
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
