// SPDX-License-Identifier: GPL-3.0-or-later
//! The miner: trains a round's segments, claims, and opens what the audit asks for.
//!
//! | state | when | file |
//! |---|---|---|
//! | train | the round is in Training, no claim is written down | `train.rs` |
//! | claim | a claim is written down, the chain does not have it | `claim.rs` |
//! | open | the claim is drawn | `open.rs` |
//! | disclose | the verifiers have committed | `disclose.rs` |
//! | flag | the verifiers have revealed | `flag.rs` |
//! | wait | everything else | `mod.rs` |
//!
//! Beside these, in any round that is kept: a challenged segment is opened (`answer.rs`), and samples of data sets that are
//! demanded are supplied. A miner that cannot get a data set of the round waits and demands a sample of it.

mod answer;
mod claim;
mod disclose;
mod flag;
mod open;
mod retain;
mod train;

use super::{Role, Told};
use crate::error::WorkerError;
use crate::trace::Trace;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_chain::{At, ClaimRecord, ProfileRecord};
use dream_primitives::claim::{Claim, RoundId};
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::H256;
use dream_store::Cid;
use std::sync::Arc;

pub(crate) const ROLE: &str = "mine";

/// What a miner keeps of a round until its claim is closed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MineRecord {
    /// Version that training starts from.
    pub base: H256,
    /// Seed of the data order.
    pub seed: H256,
    /// What training left behind so far.
    pub trace: Trace,
    /// Hides the canary flag.
    pub canary_salt: H256,
    /// The link of the account's chain of secrets that the flag is opened with.
    pub preimage: H256,
    /// Whether this claim must be faked: its digests are those of a canary.
    pub duty: bool,
    /// The claim, once training is over. From here on it never changes.
    pub claim: Option<Claim>,
    /// Start states that were stored for the audit.
    pub starts: Vec<(u16, Cid)>,
    /// Start states that were stored for challenges.
    pub challenged: Vec<Cid>,
}

/// The round as the miner sees it.
pub(crate) struct View {
    pub at: RoundView,
    pub record: Option<MineRecord>,
    pub claim: Option<(H256, ClaimRecord)>,
}

impl View {
    pub(crate) fn id(&self) -> RoundId {
        self.at.round.id
    }
}

/// States of the miner; see the module's table.
pub(crate) enum State {
    Train {
        profile: ProfileRecord,
    },
    Claim {
        claim: Claim,
    },
    Open {
        record: MineRecord,
        id: H256,
        audited: Vec<u16>,
    },
    Disclose {
        record: MineRecord,
        id: H256,
        audited: Vec<u16>,
    },
    Flag {
        record: MineRecord,
        id: H256,
    },
    Wait {
        why: String,
    },
}

/// What a state's act leads to.
pub(crate) enum Next {
    /// Look again at once.
    Again,
    /// Look again at the next block.
    Wait,
}

/// Where a round's [`MineRecord`] is kept.
pub fn record_key(worker: &Worker, round: RoundId) -> String {
    format!("{}/record", worker.key(ROLE, round))
}

/// The role.
pub struct Miner {
    pub(crate) worker: Arc<Worker>,
    told: Told,
}

impl Miner {
    /// A miner.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            told: Told::default(),
        }
    }

    pub(crate) fn record_key(&self, round: RoundId) -> String {
        record_key(&self.worker, round)
    }

    async fn look(&self) -> Result<Option<View>, WorkerError> {
        let worker = &self.worker;
        let Some(at) = worker.current_round().await? else {
            return Ok(None);
        };
        let block = At::from(at.block);
        let record = worker.database.get(&self.record_key(at.round.id))?;
        let claimed = worker
            .chain
            .claim_of(block, at.round.id, worker.account())
            .await?;
        let claim = match claimed {
            Some(id) => worker
                .chain
                .claim(block, id)
                .await?
                .map(|record| (id, record)),
            None => None,
        };
        Ok(Some(View { at, record, claim }))
    }

    async fn decide(&self, view: &View) -> Result<State, WorkerError> {
        let phase = view.at.round.phase;
        let number = view.id().number;
        let Some((id, claim)) = &view.claim else {
            return match (phase, &view.record) {
                (
                    Phase::Training,
                    Some(MineRecord {
                        claim: Some(claim), ..
                    }),
                ) => Ok(State::Claim {
                    claim: claim.clone(),
                }),
                (Phase::Training, _) => self.ready(view).await,
                _ => Ok(wait(format!(
                    "round {number} is in {phase:?}; no claim of this account in it"
                ))),
            };
        };
        let own = view.record.clone().filter(|r| {
            let account = self.worker.account();
            let genesis = self.worker.chain.genesis();
            r.claim
                .as_ref()
                .is_some_and(|c| c.id(&genesis, account.as_bytes()) == *id)
        });
        let Some(record) = own else {
            return Ok(wait(format!(
                "claim {id:?} of this account was made with another state folder: only that folder can open it"
            )));
        };
        let audited = claim.audited.to_vec();
        match (phase, claim.state) {
            (Phase::Opening, ClaimState::Drawn) => Ok(State::Open {
                record,
                id: *id,
                audited,
            }),
            (Phase::DigestOpening, ClaimState::Committed) => Ok(State::Disclose {
                record,
                id: *id,
                audited,
            }),
            (Phase::FlagOpening, ClaimState::Revealed) if claim.flag.is_none() => {
                Ok(State::Flag { record, id: *id })
            }
            (_, state) => Ok(wait(format!(
                "claim {id:?} of round {number} is {state:?}, the round in {phase:?}"
            ))),
        }
    }

    /// Whether the account may claim in this round.
    async fn ready(&self, view: &View) -> Result<State, WorkerError> {
        let worker = &self.worker;
        let (at, account) = (At::from(view.at.block), worker.account());
        let opened = view.at.round.opened;
        let number = view.id().number;
        if let Some(slot) = worker.slot(at, view.id()).await? {
            // A slot takes the place of bond and profile.
            let profile = ProfileRecord {
                settings: worker.settings.clone(),
                leaf: slot.leaf,
                since: 0,
                secret: slot.secret,
                enlisted: None,
            };
            return Ok(State::Train { profile });
        }
        let Some(profile) = worker.chain.profile(at, worker.branch, account).await? else {
            return Ok(wait(format!(
                "{account} has no profile on branch {0}: run `dream-worker profile --branch {0}`",
                worker.branch
            )));
        };
        if profile.settings != worker.settings {
            return Err(WorkerError::NotReady(format!(
                "{account} registered the profile {:?}, this process computes under {:?}: use the same --threads, or run `dream-worker profile` again",
                profile.settings, worker.settings
            )));
        }
        let (bond, parameters) = (
            worker.chain.bond(at, account).await?,
            worker.chain.parameters(at).await?,
        );
        if bond.free() < parameters.bonds.claim {
            return Ok(wait(format!(
                "the free bond of {account} is {}, a claim locks {}: run `dream-worker bond AMOUNT`",
                crate::amount(bond.free()),
                crate::amount(parameters.bonds.claim)
            )));
        }
        if bond.since >= opened || profile.since >= opened {
            return Ok(wait(format!(
                "bond (block {}) and profile (block {}) count from the round after {number}, which opened at block {opened}",
                bond.since, profile.since
            )));
        }
        Ok(State::Train { profile })
    }
}

fn wait(why: String) -> State {
    State::Wait { why }
}

#[async_trait]
impl Role for Miner {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        loop {
            let Some(view) = self.look().await? else {
                let why = format!("branch {} has no round yet", self.worker.branch);
                self.told.say(ROLE, why);
                return Ok(());
            };
            self.retain(&view).await?;
            self.answer(view.at.block).await?;
            self.worker.supply(ROLE, &view.at, false).await?;
            self.worker.serve_samples().await?;
            let next = match self.decide(&view).await? {
                State::Train { profile } => self.train(&view, profile).await?,
                State::Claim { claim } => self.claim(&view, claim).await?,
                State::Open {
                    record,
                    id,
                    audited,
                } => self.open(&view, record, id, &audited).await?,
                State::Disclose {
                    record,
                    id,
                    audited,
                } => self.disclose(&view, record, id, &audited).await?,
                State::Flag { record, id } => self.flag(&view, record, id).await?,
                State::Wait { why } => {
                    self.told.say(ROLE, why);
                    Next::Wait
                }
            };
            if let Next::Wait = next {
                return Ok(());
            }
        }
    }
}
