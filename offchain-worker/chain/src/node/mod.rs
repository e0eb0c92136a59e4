// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain over the RPC of a node.
//!
//! Calls and storage are encoded by the types of `dream-primitives`. What makes that safe is the metadata that the
//! runtime's test commits beside this crate: at every connection, and whenever the node's runtime changes, the hashes of
//! the pallets that are used here are compared with it, before anything is read or sent.
//!
//! A submission is followed through the finalised blocks, not through the node's word: it is sent again (the same
//! bytes, which can land only once) after a lost connection, and it is over when it is found in a finalised block, when
//! another transaction took its nonce, or when the blocks that its signature is good for are over.

mod follow;
mod place;
mod rpc;
mod runtime;
mod submit;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use codec::{DecodeAll, Encode};
use dream_primitives::dispute::DeltaOpening;
use dream_primitives::{BlockNumber, H256};
use subxt::metadata::Metadata;
use subxt::rpcs::client::rpc_params;
use tokio::sync::{watch, Mutex};
use tokio::task::AbortHandle;
use tokio::time::{timeout, Instant};

use crate::{
    AccountBalance, AccountId, At, BlockRef, Call, Chain, ChainError, Event, Item, Key, Receipt,
    SubmitError,
};
use follow::{fetch_runtime, head_of};
use rpc::{said, Failure, Rpc};
use runtime::{AccountInfo, Runtime};

/// How a node is spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a read or a submission waits for a node that does not answer.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(120),
        }
    }
}

/// What the follower of the chain knows.
#[derive(Clone)]
struct Status {
    head: BlockRef,
    runtime: Arc<Runtime>,
    /// Set while the node has another runtime or another chain.
    wrong: Option<ChainError>,
    /// Since when the node has been away, and why.
    away: Option<(Instant, String)>,
}

struct Node {
    rpc: Rpc,
    genesis: H256,
    expected: Metadata,
    status: watch::Sender<Status>,
}

/// A chain as one key sees it through a node.
pub struct NodeClient {
    node: Arc<Node>,
    key: Key,
    /// Held from reading a nonce to sending the transaction that uses it.
    turn: Arc<Mutex<()>>,
    follower: Arc<Follower>,
}

/// Ends the task with the last client.
struct Follower(AbortHandle);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl NodeClient {
    /// Connects to a node and checks that its runtime is the one that the worker was built for.
    pub async fn connect(url: &str, key: Key, options: Options) -> Result<Self, ChainError> {
        check_url(url)?;
        let expected = Metadata::decode_from(runtime::METADATA)
            .map_err(|e| malformed("metadata.scale", &e))?;
        let rpc = Rpc::new(url, options.patience);
        let genesis = ask(&rpc, "chain_getBlockHash", rpc_params![0u32]).await?;
        let head = head_of(&rpc).await?;
        let runtime = fetch_runtime(&rpc, genesis, head.hash, &expected).await?;
        let status = watch::Sender::new(Status {
            head,
            runtime: Arc::new(runtime),
            wrong: None,
            away: None,
        });
        let node = Arc::new(Node {
            rpc,
            genesis,
            expected,
            status,
        });
        let task = tokio::spawn(follow::follow(node.clone()));
        Ok(Self {
            node,
            key,
            turn: Arc::default(),
            follower: Arc::new(Follower(task.abort_handle())),
        })
    }

    /// A client of the same connection that signs with another key.
    pub fn with_key(&self, key: Key) -> Self {
        let same = key.account() == self.key.account();
        Self {
            node: self.node.clone(),
            turn: if same {
                self.turn.clone()
            } else {
                Arc::default()
            },
            key,
            follower: self.follower.clone(),
        }
    }

    /// RPC address of the node.
    pub fn url(&self) -> &str {
        self.node.rpc.url()
    }

    fn status(&self) -> Result<Status, ChainError> {
        let status = self.node.status.borrow().clone();
        match status.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(status),
        }
    }

    async fn account_info(
        &self,
        at: At,
        account: AccountId,
    ) -> Result<Option<AccountInfo>, ChainError> {
        let bytes = self.stored(at, Item::Balance(account)).await?;
        let decode = |b: Vec<u8>| AccountInfo::decode_all(&mut &b[..]);
        bytes
            .map(decode)
            .transpose()
            .map_err(|e| malformed("System.Account", &e))
    }

    async fn stored(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        let status = self.status()?;
        let key = status.runtime.storage_key(&item)?;
        let hash = match at {
            At::Finalised => status.head.hash,
            At::Block(hash) => hash,
        };
        self.node.storage(&key, hash, &format!("{item:?}")).await
    }
}

#[async_trait]
impl Chain for NodeClient {
    fn account(&self) -> AccountId {
        self.key.account()
    }

    fn genesis(&self) -> H256 {
        self.node.genesis
    }

    fn secret(&self, purpose: &str) -> H256 {
        self.key.secret(purpose)
    }

    async fn finalised(&self) -> Result<BlockRef, ChainError> {
        Ok(self.status()?.head)
    }

    async fn next_finalised(&self, after: BlockNumber) -> Result<BlockRef, ChainError> {
        let mut status = self.node.status.subscribe();
        loop {
            let now = status.borrow_and_update().clone();
            if let Some(wrong) = now.wrong {
                return Err(wrong);
            }
            if now.head.number > after {
                return Ok(now.head);
            }
            let patience = self.node.rpc.patience();
            let left = match &now.away {
                None => None,
                Some((since, cause)) => {
                    let away = since.elapsed();
                    if away >= patience {
                        return Err(ChainError::Unreachable {
                            url: self.url().to_owned(),
                            after: away,
                            cause: cause.clone(),
                        });
                    }
                    Some(patience - away)
                }
            };
            // The follower lives as long as a client.
            let _ = match left {
                Some(left) => timeout(left, status.changed()).await.unwrap_or(Ok(())),
                None => status.changed().await,
            };
        }
    }

    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        if let Item::Balance(account) = item {
            let info = self.account_info(at, account).await?;
            return Ok(info.map(|a| {
                AccountBalance {
                    free: a.free,
                    held: a.reserved,
                }
                .encode()
            }));
        }
        self.stored(at, item).await
    }

    async fn events(&self, block: BlockNumber) -> Result<Option<Vec<Event>>, ChainError> {
        let rpc = &self.node.rpc;
        let hash: Option<H256> = ask(rpc, "chain_getBlockHash", rpc_params![block]).await?;
        let Some(hash) = hash.filter(|_| block <= self.node.status.borrow().head.number) else {
            return Ok(None);
        };
        let bytes = match self.node.events(hash).await {
            Err(ChainError::UnknownBlock(_)) => return Ok(None),
            other => other?,
        };
        Ok(Some(self.status()?.runtime.events(bytes)?))
    }

    async fn under_way(&self) -> Result<bool, ChainError> {
        let account = self.key.account();
        // The pool's word first: what is finalised between the two answers then counts as landed.
        let next: u32 = ask(
            &self.node.rpc,
            "system_accountNextIndex",
            rpc_params![account.to_string()],
        )
        .await?;
        // General transactions have no nonce; each names the account that acts.
        let pending: Vec<String> =
            ask(&self.node.rpc, "author_pendingExtrinsics", rpc_params![]).await?;
        let name = hex(account.as_bytes());
        let named = pending.iter().any(|p| p.contains(&name[2..]));
        let landed = self.account_info(At::Finalised, account).await?;
        Ok(named || next > landed.map_or(0, |a| a.nonce))
    }

    async fn supplied(
        &self,
        claim: H256,
        from: BlockNumber,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        let mut found = Vec::new();
        for number in from.saturating_add(1)..=until.number {
            found.extend(self.supplied_in(number, &claim).await?);
        }
        Ok(found)
    }

    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError> {
        let sent = self.send(&call).await?;
        let (pallet, name) = call.name();
        tracing::debug!(pallet, call = name, nonce = sent.nonce, hash = ?sent.hash, "sent");
        match self.follow(&sent).await {
            Ok(outcome) => outcome,
            Err(cause) => Err(SubmitError::Unknown {
                extrinsic: sent.hash,
                cause: cause.to_string(),
            }),
        }
    }
}

impl Node {
    /// The events of a block in SCALE.
    async fn events(&self, at: H256) -> Result<Vec<u8>, ChainError> {
        let mut key = sp_crypto_hashing::twox_128(b"System").to_vec();
        key.extend(sp_crypto_hashing::twox_128(b"Events"));
        let events = self.storage(&key, at, "System.Events").await?;
        Ok(events.unwrap_or_default())
    }

    async fn storage(
        &self,
        key: &[u8],
        at: H256,
        item: &str,
    ) -> Result<Option<Vec<u8>>, ChainError> {
        let answer = self
            .rpc
            .ask::<Option<String>>("state_getStorage", rpc_params![hex(key), at])
            .await;
        match answer {
            Ok(None) => Ok(None),
            Ok(Some(text)) => unhex(&text)
                .map(Some)
                .ok_or_else(|| malformed(item, &"not hex")),
            Err(Failure::Refused { message, data, .. }) if no_state(&said(&message, &data)) => {
                Err(ChainError::UnknownBlock(at))
            }
            Err(failure) => Err(failure.into_chain_error(self.rpc.url(), item)),
        }
    }
}

async fn ask<T: serde::de::DeserializeOwned>(
    rpc: &Rpc,
    method: &str,
    params: subxt::rpcs::client::RpcParams,
) -> Result<T, ChainError> {
    let answer = rpc.ask(method, params).await;
    answer.map_err(|failure| failure.into_chain_error(rpc.url(), method))
}

fn check_url(url: &str) -> Result<(), ChainError> {
    let socket = url.starts_with("ws://") || url.starts_with("wss://");
    let cause = match subxt::rpcs::utils::url_is_secure(url) {
        Err(e) => e.to_string(),
        Ok(_) if !socket => "it does not start with ws:// or wss://".to_owned(),
        Ok(_) => return Ok(()),
    };
    Err(ChainError::Url {
        url: url.to_owned(),
        cause,
    })
}

fn no_state(reason: &str) -> bool {
    [
        "UnknownBlock",
        "State already discarded",
        "Header was not found",
    ]
    .iter()
    .any(|text| reason.contains(text))
}

fn malformed(item: &str, cause: &dyn std::fmt::Display) -> ChainError {
    ChainError::Malformed {
        item: item.to_owned(),
        cause: cause.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    let digits = digits.filter_map(|d| char::from_digit(d.into(), 16));
    ['0', 'x'].into_iter().chain(digits).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::submit::{nonce_taken, pool};
    use super::*;

    #[tokio::test]
    async fn connect_should_name_the_url_when_nobody_listens() {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url = format!("ws://127.0.0.1:{port}");
        let key = Key::from_suri("//Alice").unwrap();
        let options = Options {
            patience: Duration::from_millis(500),
        };
        let error = NodeClient::connect(&url, key.clone(), options)
            .await
            .err()
            .unwrap();
        assert!(
            matches!(&error, ChainError::Unreachable { url: u, .. } if *u == url),
            "{error}"
        );
        for wrong in ["http://127.0.0.1:9944", "127.0.0.1:9944", "nonsense"] {
            let error = NodeClient::connect(wrong, key.clone(), options)
                .await
                .err()
                .unwrap();
            assert!(
                matches!(&error, ChainError::Url { url, .. } if url == wrong),
                "{error}"
            );
        }
    }

    #[test]
    fn refusals_should_be_read_by_code_and_text() {
        let stale = "Invalid Transaction: Transaction is outdated";
        assert!(nonce_taken(pool::INVALID, stale) && nonce_taken(pool::LOW_PRIORITY, ""));
        assert!(!nonce_taken(pool::INVALID, "Inability to pay some fees"));
        assert!(!nonce_taken(pool::FULL, stale));
        assert!(no_state(
            "Client error: UnknownBlock: Header was not found in the database"
        ));
        assert!(no_state(
            "Client error: Api called for an unknown Block: State already discarded for 0x12"
        ));
        assert!(!no_state("Method not found"));
    }

    #[test]
    fn hex_should_round_trip_and_refuse_what_is_none() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(hex(&[0, 1, 0xab]), "0x0001ab");
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!((unhex("00"), unhex("0xzz")), (None, None));
    }
}
