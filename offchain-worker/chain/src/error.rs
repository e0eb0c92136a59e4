// SPDX-License-Identifier: GPL-3.0-or-later
//! What can go wrong between the worker and the chain.

use std::time::Duration;

use dream_primitives::H256;

/// Why the chain could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No answer, although it was asked again and again.
    #[error("the node at {url} did not answer for {} s: {cause}; is it running, and is this its RPC address?", after.as_secs())]
    Unreachable {
        /// RPC address.
        url: String,
        /// How long it was tried.
        after: Duration,
        /// The last answer.
        cause: String,
    },
    /// The address is none.
    #[error("{url:?} is no RPC address of a node ({cause}); write it like ws://127.0.0.1:9944")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The node runs another runtime than the worker was built for.
    #[error(
        "the node at {url} runs another runtime: {what} has the metadata hash {found}, the worker was built for {expected}; \
         install the worker of the node's release"
    )]
    OtherRuntime {
        /// RPC address.
        url: String,
        /// Spec name and version, and the pallets that differ.
        what: String,
        /// Hash of the committed metadata.
        expected: H256,
        /// Hash of the node's metadata.
        found: H256,
    },
    /// The node came back with another chain.
    #[error("the node at {url} is on another chain: its genesis is {found:?}, it was {expected:?} before; restart the worker if that is meant")]
    OtherChain {
        /// RPC address.
        url: String,
        /// Genesis hash at the first connection.
        expected: H256,
        /// Genesis hash now.
        found: H256,
    },
    /// The node does not have the state of that block any more, or never had.
    #[error("the node has no state of block {0:?}: it is unknown or pruned")]
    UnknownBlock(H256),
    /// What the node answered does not decode.
    #[error("the node's answer for {item} does not decode: {cause}")]
    Malformed {
        /// What was asked for.
        item: String,
        /// Why it does not decode.
        cause: String,
    },
    /// The node refused the request.
    #[error("the node refused {item}: {cause}")]
    Refused {
        /// What was asked for.
        item: String,
        /// What the node said.
        cause: String,
    },
}

/// Why a submission did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It is in a finalised block, and the runtime refused it.
    #[error("{pallet}.{error}: {docs}")]
    Dispatch {
        /// Pallet, or `System` for errors that belong to no pallet.
        pallet: String,
        /// Name of the error.
        error: String,
        /// What the runtime says of it.
        docs: String,
    },
    /// The node refused it before inclusion: it will not get into a block.
    #[error("the node refused the transaction: {reason}")]
    Invalid {
        /// What the node said.
        reason: String,
    },
    /// The pool let it go; it may be submitted again.
    #[error("the transaction was dropped: {reason}")]
    Dropped {
        /// What the node said.
        reason: String,
    },
    /// It was sent, but whether it came into a block is not known. Look at the chain before submitting again.
    #[error("the transaction {extrinsic:?} was sent, its result is unknown ({cause}); look at the chain before submitting again")]
    Unknown {
        /// Hash of the transaction.
        extrinsic: H256,
        /// What happened.
        cause: String,
    },
    /// Nothing was sent.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl SubmitError {
    /// Whether the runtime refused the call with this error of this pallet.
    pub fn is(&self, pallet: &str, error: &str) -> bool {
        matches!(self, Self::Dispatch { pallet: p, error: e, .. } if p == pallet && e == error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_should_say_what_to_do() {
        let unreachable = ChainError::Unreachable {
            url: "ws://127.0.0.1:1".into(),
            after: Duration::from_secs(60),
            cause: "connection refused".into(),
        };
        let text = unreachable.to_string();
        assert!(
            text.contains("ws://127.0.0.1:1")
                && text.contains("60 s")
                && text.contains("is it running")
        );
        let dispatch = SubmitError::Dispatch {
            pallet: "UsefulWork".into(),
            error: "WrongPhase".into(),
            docs: "The round is in another phase.".into(),
        };
        assert!(dispatch.is("UsefulWork", "WrongPhase") && !dispatch.is("Sudo", "WrongPhase"));
        assert_eq!(
            dispatch.to_string(),
            "UsefulWork.WrongPhase: The round is in another phase."
        );
    }
}
