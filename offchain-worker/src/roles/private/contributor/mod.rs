// SPDX-License-Identifier: GPL-3.0-or-later
//! A contributor: trains on text that stays on this machine, encrypts what it learned, opens what it is asked for.
//!
//! | state | when | file |
//! |---|---|---|
//! | register | Registration, not registered | `mod.rs` |
//! | contribute | Commitment, drawn, not committed: trains, clips, adds noise, encrypts, commits | `train.rs`, `mod.rs` |
//! | open | Opening, committed: publishes the ciphertexts | `mod.rs` |
//! | disclose | Disclosure, the audit drew a segment of its own | `mod.rs` |
//! | expose | Exposure, the sum is out of range | `mod.rs` |
//! | settle | a round that it gave something to is over | `mod.rs` |
//!
//! Codes with their noise are made once and are on disk before anything is encrypted; what they give away is in the ledger
//! ([`super::loss`]) before that. The text itself is never written anywhere.

mod train;

use super::loss::{self, Account, Loss, Protection};
use super::sums::lock;
use super::{available, LayersCache, PrivateView};
use crate::error::WorkerError;
use crate::folder;
use crate::roles::{Role, Told};
use crate::submit::Sent;
use crate::worker::Worker;
use async_trait::async_trait;
use dream_chain::{At, Call, Chain, PrivateCall, PrivateChain};
use dream_primitives::claim::RoundId;
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::{
    Contributor as Known, ContributorState, PrivatePhase, SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::private::KEY_SEGMENTS;
use dream_privacy::Noise;
use dream_private::contributor::{Contribution, Contributor, ContributorError};
use dream_private::dealing::{read_key, PublicKey};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

pub(crate) const ROLE: &str = "contribute";

/// Folder of the contributor's own records, below the state folder.
pub const FOLDER: &str = "private/contributor";

/// What a contributor is told by its user.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder (or file) of the text.
    pub text: PathBuf,
    /// How what is sent is hidden.
    pub protection: Protection,
    /// Delta of the statements.
    pub delta: f64,
}

/// The role.
pub struct PrivateMiner {
    worker: Arc<Worker>,
    options: Options,
    layers: LayersCache,
    told: Told,
    /// The last contribution, to spare making it again: the same can be made from the records.
    made: Mutex<Option<(RoundId, Arc<Contribution>)>>,
}

impl PrivateMiner {
    /// A contributor.
    pub fn new(worker: Arc<Worker>, options: Options) -> Self {
        if let Protection::Bare { .. } = options.protection {
            warn!("NO NOISE is added (--variance 0): the sums hide this contributor among its cohort and no more; nothing is promised");
        }
        Self {
            worker,
            options,
            layers: LayersCache::default(),
            told: Told::default(),
            made: Mutex::default(),
        }
    }

    fn chain(&self) -> &dyn Chain {
        &*self.worker.chain
    }

    fn say(&self, what: String) {
        self.told.say(ROLE, what);
    }

    fn contributor(&self) -> Result<Contributor, WorkerError> {
        Ok(Contributor::open(&self.worker.database.folder(FOLDER))?)
    }

    /// Submits what is due in a round.
    async fn submit(
        &self,
        view: &PrivateView,
        what: &str,
        call: PrivateCall,
    ) -> Result<(), WorkerError> {
        let key = format!("{}/{what}", self.worker.key(ROLE, view.id()));
        let sent = self.worker.submit_once(&key, Call::Private(call)).await?;
        if let Sent::Refused(why) = sent {
            let number = view.id().number;
            self.say(format!(
                "round {number}: the chain refused to {what}: {why}"
            ));
        }
        Ok(())
    }

    /// The noise of the round; `None` where none was wanted.
    fn noise(&self, view: &PrivateView) -> Result<Option<Noise>, WorkerError> {
        let chain: &PrivateLiteral = view.terms.parameters.get();
        let values = view.terms.model_parameters;
        Ok(self.options.protection.noise(chain, values)?)
    }

    async fn register(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let number = view.id().number;
        if let Some(why) = self.not_ready(view).await? {
            self.say(format!("round {number}: not registered: {why}"));
            return Ok(());
        }
        let window = view.terms.recipe.context.saturating_add(1);
        folder::read(&self.options.text, window, true)?;
        // Who is drawn and cannot train or encrypt pays for silence.
        if self.key(view).await?.is_none() || self.base(view).await?.is_none() {
            return Ok(());
        }
        self.allowed(view)?;
        self.say(format!("round {number}: registers"));
        self.submit(view, "register", PrivateCall::Register(view.id()))
            .await
    }

    /// Whether one more sum keeps the target; the error says what was spent.
    fn allowed(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let Some((noise, target)) = self.noise(view)?.zip(self.options.protection.target()) else {
            return Ok(());
        };
        let losses = Loss::all(&self.worker.database)?;
        if loss::allows(&losses, &noise, target)? {
            return Ok(());
        }
        let account = Account::of(&losses, self.worker.branch, self.options.delta)?;
        Err(WorkerError::NotReady(format!(
            "round {}: epsilon {} at delta {:e} is used up: one more sum would pass it, and no further round is joined. So far: {account}. A larger --epsilon gives more away; other text needs a state folder of its own",
            view.id().number, target.epsilon, target.delta
        )))
    }

    /// What keeps the account from registering.
    async fn not_ready(&self, view: &PrivateView) -> Result<Option<String>, WorkerError> {
        let (chain, account) = (self.chain(), self.worker.account());
        let job = chain.job(view.at(), view.id().branch).await?;
        if job.is_some_and(|job| job.sponsor == account) {
            return Ok(Some(format!(
                "{account} sponsors the branch: another account must contribute"
            )));
        }
        if view.epoch.place(&account).is_some() {
            return Ok(Some(format!(
                "{account} is a member of the committee that decrypts the round"
            )));
        }
        let bond = chain.bond(view.at(), account).await?;
        let parameters = view.terms.parameters.get();
        let least = parameters.bonds.contribution;
        let opened = view.round.opened;
        if bond.counted(opened) < least || bond.free() < least {
            return Ok(Some(format!(
                "of the bond of {account} {} count in a round that opened at block {opened} and {} are free; a contribution locks {}: run `dream-worker bond AMOUNT`",
                crate::amount(bond.counted(opened)),
                crate::amount(bond.free()),
                crate::amount(least)
            )));
        }
        let age = parameters.cohort.age;
        if bond.since.saturating_add(age) > opened {
            return Ok(Some(format!(
                "the bond of {account} is of block {}, it takes {age} blocks before a round opens (this one at block {opened})",
                bond.since
            )));
        }
        Ok(None)
    }

    /// The public key under which the round encrypts; `None` while it is not to be had.
    async fn key(&self, view: &PrivateView) -> Result<Option<PublicKey>, WorkerError> {
        let number = view.id().number;
        let Some(named) = view.epoch.key else {
            return Ok(None);
        };
        let most = view.layers.keys().public_key_bytes() as u64;
        let store = &*self.worker.store;
        let Some(bytes) = available(store, "public key", &named.cid, most).await? else {
            let cid = dream_store::text(&named.cid);
            self.say(format!(
                "round {number}: the committee's public key {cid} is not to be had"
            ));
            return Ok(None);
        };
        let (epoch, dealers) = (view.epoch.number, view.epoch.dealers);
        match read_key(&view.layers, epoch, dealers, &named, &bytes) {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                self.say(format!("round {number}: {error}"));
                Ok(None)
            }
        }
    }

    /// The parameters of the round's base; `None` while they are not to be had.
    async fn base(&self, view: &PrivateView) -> Result<Option<Vec<i32>>, WorkerError> {
        match view.base_state(&self.worker).await {
            Ok(base) => Ok(Some(base)),
            Err(WorkerError::Blob(error)) if error.lacking() => {
                self.say(format!("round {}: {error}", view.id().number));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The round's contribution from its codes, the same every time.
    async fn contribution(
        &self,
        view: &PrivateView,
        codes: Vec<i8>,
    ) -> Result<Option<Arc<Contribution>>, WorkerError> {
        let id = view.id();
        let made = lock(&self.made).clone();
        if let Some((_, made)) = made.filter(|(round, _)| *round == id) {
            return Ok(Some(made));
        }
        let Some(key) = self.key(view).await? else {
            return Ok(None);
        };
        let (own, layers, facts) = (self.contributor()?, view.layers.clone(), view.facts);
        let encrypted = spawn_blocking(move || own.encrypt(&layers, &facts, &key, &codes));
        let made = Arc::new(encrypted.await??);
        *lock(&self.made) = Some((id, made.clone()));
        Ok(Some(made))
    }

    async fn contribute(&self, view: &PrivateView, known: &Known) -> Result<(), WorkerError> {
        let round = view.id();
        let Some(codes) = self.codes(view, known.place).await? else {
            return Ok(());
        };
        let Some(made) = self.contribution(view, codes).await? else {
            return Ok(());
        };
        let genesis = self.worker.chain.genesis();
        let account = self.worker.account();
        let commitment = made
            .roots
            .commitment(&genesis, account.as_bytes(), &round, &made.salt);
        let call = PrivateCall::CommitContribution { round, commitment };
        self.submit(view, "commit", call).await
    }

    async fn open(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let round = view.id();
        let Some(codes) = self.kept_codes(round)? else {
            self.say(format!(
                "round {}: the contribution was made with another state folder: only that folder can open it",
                round.number
            ));
            return Ok(());
        };
        let Some(made) = self.contribution(view, codes).await? else {
            return Ok(());
        };
        // Only now: before all have committed nobody is to see it.
        let roots = made.ciphertexts.publish(&*self.worker.store).await?;
        let salt = made.salt;
        let call = PrivateCall::OpenContribution { round, roots, salt };
        self.submit(view, "open", call).await
    }

    /// Writes down which segments become public, before they do.
    fn note_opened(
        &self,
        round: RoundId,
        segments: impl Iterator<Item = u16>,
    ) -> Result<(), WorkerError> {
        let database = &self.worker.database;
        let Some(mut loss) = Loss::get(database, round)? else {
            return Ok(());
        };
        loss.open(segments);
        loss.put(database)
    }

    /// The segments whose keys become public with that of `segment`.
    async fn exposed_with(&self, at: At, segment: u16) -> Result<Range<u16>, WorkerError> {
        let Some(parameters) = self.chain().private_parameters(at).await? else {
            return Ok(0..KEY_SEGMENTS);
        };
        let layers = self.layers.get(&self.worker, &parameters)?;
        Ok(layers.segments_of(layers.key_polynomial(segment)))
    }

    async fn disclose(&self, view: &PrivateView, segment: u16) -> Result<(), WorkerError> {
        let round = view.id();
        self.note_opened(round, std::iter::once(segment))?;
        let opened = self.contributor()?.disclose(&view.facts, segment);
        self.show_segment(view, "disclose", segment, opened).await
    }

    async fn expose(&self, view: &PrivateView, segment: u16) -> Result<(), WorkerError> {
        let layers = &view.layers;
        let all = layers.segments_of(layers.key_polynomial(segment));
        self.note_opened(view.id(), all)?;
        let opened = self.contributor()?.expose(layers, &view.facts, segment);
        self.show_segment(view, "expose", segment, opened).await
    }

    async fn show_segment(
        &self,
        view: &PrivateView,
        what: &str,
        segment: u16,
        opened: Result<(SegmentDisclosure, Vec<u8>), ContributorError>,
    ) -> Result<(), WorkerError> {
        let round = view.id();
        let (disclosure, blob) = match opened {
            Ok(opened) => opened,
            Err(error @ ContributorError::Record(_)) => return Err(error.into()),
            Err(error) => {
                self.say(format!("round {}: {error}", round.number));
                return Ok(());
            }
        };
        self.worker.store.put_bytes(blob.into()).await?;
        let number = round.number;
        self.say(format!("round {number}: opens key segment {segment}"));
        let call = PrivateCall::DiscloseSegment { round, disclosure };
        self.submit(view, what, call).await
    }

    /// Settles the accounts of rounds that are over, and says what all rounds gave away.
    async fn settle(&self, at: At) -> Result<(), WorkerError> {
        let database = &self.worker.database;
        let branch = self.worker.branch;
        for mut loss in Loss::all(database)? {
            if loss.over || loss.round.branch != branch {
                continue;
            }
            let id = loss.round;
            match self.chain().private_round(at, id).await? {
                Some(round) if round.phase != PrivatePhase::Closed => continue,
                Some(round) => {
                    let exposed = match round.settled {
                        Some(PrivateReport::OutOfRange { segment }) => {
                            Some(self.exposed_with(at, segment).await?)
                        }
                        _ => None,
                    };
                    loss.end(&round.standing, exposed);
                }
                // Forgotten by the chain: it may have been decrypted.
                None => loss.over = true,
            }
            loss.put(database)?;
            self.forget(id)?;
            let account = Account::of(&Loss::all(database)?, branch, self.options.delta)?;
            info!("round {} of branch {branch} is over. {account}", id.number);
        }
        Ok(())
    }

    /// Forgets what only a round in motion needs.
    fn forget(&self, round: RoundId) -> Result<(), WorkerError> {
        let key = self.worker.key(ROLE, round);
        self.worker.database.remove(&key)?;
        self.worker.forget_submissions(&key)
    }
}

#[async_trait]
impl Role for PrivateMiner {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let at = At::from(worker.chain.finalised().await?);
        self.settle(at).await?;
        let Some(view) = PrivateView::newest(worker, &self.layers).await? else {
            let branch = worker.branch;
            let why = match self.chain().job(at, branch).await? {
                Some(_) => "waits for a committee's key and an escrow that holds fee and reward",
                None => "has no sponsor (`dream-worker sponsor`)",
            };
            self.say(format!("branch {branch} has no private round: it {why}"));
            return Ok(());
        };
        let (round, number) = (&view.round, view.id().number);
        let known = view.contributor(worker, worker.account()).await?;
        // What is sent in a phase's last block comes too late, and costs its fee.
        let late = round.cursor.is_some() || view.block.number.saturating_add(1) >= round.deadline;
        let asked = |known: &Known| !late && round.disclosing.contains(known.place);
        match (round.phase, known) {
            (PrivatePhase::Registration, None) if !late => self.register(&view).await,
            (PrivatePhase::Commitment, Some(known))
                if known.state == ContributorState::Drawn && !late =>
            {
                self.contribute(&view, &known).await
            }
            (PrivatePhase::Opening, Some(known))
                if known.state == ContributorState::Committed && !late =>
            {
                self.open(&view).await
            }
            (PrivatePhase::Disclosure, Some(known))
                if known.disclosure.is_none() && asked(&known) =>
            {
                match known.segment {
                    Some(segment) => self.disclose(&view, segment).await,
                    None => Ok(()),
                }
            }
            (PrivatePhase::Exposure, Some(known)) if known.exposure.is_none() && asked(&known) => {
                match round.settled {
                    Some(PrivateReport::OutOfRange { segment }) => {
                        self.expose(&view, segment).await
                    }
                    _ => Ok(()),
                }
            }
            (phase, known) => {
                let state = known.map_or("not in it".into(), |k| format!("{:?}", k.state));
                self.say(format!(
                    "round {number} is in {phase:?}, the account {state}"
                ));
                Ok(())
            }
        }
    }
}
