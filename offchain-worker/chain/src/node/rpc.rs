// SPDX-License-Identifier: GPL-3.0-or-later
//! Requests to a node, asked again with a growing pause while it is away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use subxt::rpcs::client::{RpcParams, RpcSubscription};
use subxt::rpcs::{Error as RpcError, RpcClient};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout, Instant};

use crate::ChainError;

/// Longest that one request may take.
const REQUEST: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The node answered that it will not.
    Refused {
        code: i32,
        message: String,
        data: String,
        /// Whether an earlier try may have come through before its connection was lost.
        resent: bool,
    },
    /// The answer is not what it should be.
    Malformed { cause: String },
    /// No answer within the patience.
    Unreachable {
        after: Duration,
        cause: String,
        /// Whether the request was on its way at least once.
        sent: bool,
    },
}

impl Failure {
    pub(super) fn into_chain_error(self, url: &str, item: &str) -> ChainError {
        let (url, item) = (url.to_owned(), item.to_owned());
        match self {
            Self::Refused { message, data, .. } => ChainError::Refused {
                item,
                cause: said(&message, &data),
            },
            Self::Malformed { cause } => ChainError::Malformed { item, cause },
            Self::Unreachable { after, cause, .. } => ChainError::Unreachable { url, after, cause },
        }
    }
}

/// What the node said of a refusal, in one line.
pub(super) fn said(message: &str, data: &str) -> String {
    if data.is_empty() {
        message.to_owned()
    } else {
        format!("{message}: {data}")
    }
}

/// A connection that comes back by itself.
pub(super) struct Rpc {
    url: String,
    patience: Duration,
    client: Mutex<Option<(u64, RpcClient)>>,
    generation: AtomicU64,
    away: AtomicBool,
}

impl Rpc {
    pub(super) fn new(url: &str, patience: Duration) -> Self {
        Self {
            url: url.to_owned(),
            patience,
            client: Mutex::new(None),
            generation: AtomicU64::new(0),
            away: AtomicBool::new(false),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Counts connections: another number means that the node may have been restarted.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The connection, made now if there is none.
    async fn client(&self) -> Result<(u64, RpcClient), String> {
        let mut slot = self.client.lock().await;
        if let Some(found) = &*slot {
            return Ok(found.clone());
        }
        let connect = RpcClient::from_insecure_url(&self.url);
        let client = match timeout(REQUEST, connect).await {
            Ok(result) => result.map_err(|e| root_cause(&e))?,
            Err(_) => return Err(format!("no connection within {} s", REQUEST.as_secs())),
        };
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        *slot = Some((generation, client.clone()));
        Ok((generation, client))
    }

    /// Forgets a connection that failed.
    async fn lost(&self, generation: u64) {
        let mut slot = self.client.lock().await;
        if slot.as_ref().is_some_and(|(g, _)| *g == generation) {
            *slot = None;
        }
    }

    fn note_outage(&self, cause: &str) {
        if !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!(url = %self.url, cause, "the node does not answer; asking again until it does");
        }
    }

    fn note_answer(&self) {
        if self.away.swap(false, Ordering::AcqRel) {
            tracing::info!(url = %self.url, "the node answers again");
        }
    }

    /// One request, tried until it is answered or the patience ends.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut sent = false;
        loop {
            let cause = match self.client().await {
                Err(cause) => cause,
                Ok((generation, client)) => {
                    let answer = timeout(REQUEST, client.request(method, params.clone())).await;
                    let cause = match answer {
                        Ok(Ok(value)) => {
                            self.note_answer();
                            return Ok(value);
                        }
                        Ok(Err(RpcError::User(e))) => {
                            self.note_answer();
                            let data = e.data.as_ref().map(|d| d.get().trim_matches('"'));
                            return Err(Failure::Refused {
                                code: e.code,
                                message: e.message.clone(),
                                data: data.unwrap_or_default().to_owned(),
                                resent: sent,
                            });
                        }
                        Ok(Err(RpcError::Deserialization(e))) => {
                            return Err(Failure::Malformed {
                                cause: e.to_string(),
                            })
                        }
                        Ok(Err(e)) => root_cause(&e),
                        Err(_) => format!("no answer to {method} within {} s", REQUEST.as_secs()),
                    };
                    sent = true;
                    self.lost(generation).await;
                    cause
                }
            };
            self.note_outage(&cause);
            let after = started.elapsed();
            if after >= self.patience {
                return Err(Failure::Unreachable { after, cause, sent });
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A subscription on the connection as it is; ends when the connection is lost.
    pub(super) async fn subscribe<T: DeserializeOwned>(
        &self,
        method: &str,
        unsubscribe: &str,
    ) -> Result<(u64, RpcSubscription<T>), String> {
        let (generation, client) = self.client().await.inspect_err(|e| self.note_outage(e))?;
        let params = RpcParams::new();
        match timeout(REQUEST, client.subscribe(method, params, unsubscribe)).await {
            Ok(Ok(subscription)) => Ok((generation, subscription)),
            Ok(Err(e)) => {
                self.lost(generation).await;
                let cause = root_cause(&e);
                self.note_outage(&cause);
                Err(cause)
            }
            Err(_) => {
                self.lost(generation).await;
                Err(format!(
                    "no answer to {method} within {} s",
                    REQUEST.as_secs()
                ))
            }
        }
    }

    /// Forgets the connection that a subscription ended on.
    pub(super) async fn ended(&self, generation: u64, cause: &str) {
        self.lost(generation).await;
        self.note_outage(cause);
    }
}

/// The innermost message of an error: the one that says what happened.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    if text.is_empty() {
        error.to_string()
    } else {
        text
    }
}
