// SPDX-License-Identifier: GPL-3.0-or-later
//! A member of the key committee: offers itself, deals, checks the others, names the key, answers once a round.
//!
//! | state | when |
//! |---|---|
//! | join | the account is no candidate yet and has bond enough |
//! | deal | an epoch of its own is in Dealing, it has not dealt |
//! | complain | Complaint, a share that it is to hold does not open or does not make its commitment |
//! | show | Defence, somebody complained of its share |
//! | judge | Judgement, it has not voted |
//! | name | Confirmation, it has not named the key |
//! | check | a round under its key is in SumDispute: the sum of keys is made again, and another is disputed |
//! | answer | the same in Decryption, it has not answered |
//!
//! It serves every epoch in which it sits and every branch's rounds. What it sends follows from its long-term seed, the
//! chain and the blobs, so that a resend after a crash sends the same; which sum it answered is on disk before the answer.

use super::sums::{lock, Watch};
use super::{available, LayersCache, PrivateView};
use crate::error::WorkerError;
use crate::roles::{Role, Told};
use crate::submit::Sent;
use crate::worker::Worker;
use async_trait::async_trait;
use dream_chain::{At, BlockRef, Call, Chain, KeyEpoch, PrivateCall, PrivateChain};
use dream_primitives::claim::RoundId;
use dream_primitives::private::committee::{bit, names, DealerVotes, EpochPhase, ShareComplaint};
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{CohortMask, PrivatePhase};
use dream_primitives::{BranchId, H256};
use dream_private::aggregator::key_tree;
use dream_private::blobs::{fetch_keys, LeafTree};
use dream_private::dealing::{
    dealing_bytes, name_key, votes, DealingFault, EpochFacts, HeldDealing,
};
use dream_private::layers::Layers;
use dream_private::member::{Member, MemberError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

pub(crate) const ROLE: &str = "committee";

/// Folder of the member's own records, below the state folder.
pub const FOLDER: &str = "private/member";

/// Checked dealings by epoch and dealer, each with the number of its shares that had been shown.
type HeldDealings = BTreeMap<(u32, u8), (usize, HeldDealing)>;

/// What a sum is made of.
type SumKey = (RoundId, CohortMask);

/// An epoch in which the account sits, at a block.
#[derive(Clone)]
struct Seat {
    block: BlockRef,
    epoch: KeyEpoch,
    facts: EpochFacts,
    place: u8,
    member: Member,
    layers: Arc<Layers>,
}

impl Seat {
    fn at(&self) -> At {
        self.block.into()
    }

    /// Key of a submission for the epoch.
    fn key(&self, what: &str) -> String {
        format!("{ROLE}/epoch-{}/{what}", self.epoch.number)
    }

    /// The other members whose dealings count.
    fn others(&self) -> impl Iterator<Item = u8> + '_ {
        let counts = |d: &u8| *d != self.place && names(self.epoch.dealers, *d);
        self.epoch.numbered().map(|(d, _)| d).filter(counts)
    }
}

/// The role.
pub struct Committee {
    worker: Arc<Worker>,
    /// Whether the account is offered for further committees.
    offers: bool,
    layers: LayersCache,
    joining: Told,
    forming: Told,
    answering: Told,
    /// What was checked already, to spare the work: all of it can be checked again.
    held: Mutex<HeldDealings>,
    /// The last sum of keys that was made.
    sum: Mutex<Option<(SumKey, LeafTree)>>,
    watch: Watch,
}

impl Committee {
    /// A member of the committee.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            watch: Watch::new(worker.clone(), ROLE),
            worker,
            offers: true,
            layers: LayersCache::default(),
            joining: Told::default(),
            forming: Told::default(),
            answering: Told::default(),
            held: Mutex::default(),
            sum: Mutex::default(),
        }
    }

    /// As this member, which is offered for no further committee unless `offers` says so.
    pub fn offering(mut self, offers: bool) -> Self {
        self.offers = offers;
        self
    }

    fn chain(&self) -> &dyn Chain {
        &*self.worker.chain
    }

    async fn submit(&self, key: &str, call: PrivateCall, told: &Told) -> Result<(), WorkerError> {
        let name = call.name().1;
        let sent = self.worker.submit_once(key, Call::Private(call)).await?;
        if let Sent::Refused(why) = sent {
            told.say(ROLE, format!("{key}: the chain refused {name}: {why}"));
        }
        Ok(())
    }

    /// Offers the account for committees where it does not wait for a place yet.
    async fn join(
        &self,
        block: BlockRef,
        member: &Member,
        parameters: &PrivateParameters,
    ) -> Result<(), WorkerError> {
        let (at, now) = (At::from(block), block.number);
        let account = self.worker.account();
        let transport = member.transport();
        let candidates = self.chain().committee_candidates(at).await?;
        if let Some(own) = candidates.iter().find(|c| c.account == account) {
            if own.transport != transport {
                let why = format!(
                    "{account} waits for a place in a committee with the transport key {:?}, that of this state folder is {transport:?}: use the folder that it joined with, or run `dream-worker committee --leave` first",
                    own.transport
                );
                self.joining.say(ROLE, why);
                return Ok(());
            }
            let least = parameters.get().committee.members;
            let why = format!(
                "{account} waits for a place since block {}; {} candidates, a committee takes {least}",
                own.since,
                candidates.len()
            );
            self.joining.say(ROLE, why);
            return Ok(());
        }
        let bond = self.chain().bond(at, account).await?.counted(now);
        let least = parameters.get().bonds.member;
        if bond < least {
            let why = format!(
                "of the bond of {account} {} count, a place in a committee takes {}: run `dream-worker bond AMOUNT`",
                crate::amount(bond),
                crate::amount(least)
            );
            self.joining.say(ROLE, why);
            return Ok(());
        }
        let call = Call::Private(PrivateCall::JoinCommittee { transport });
        let key = format!("{ROLE}/join");
        match self.worker.submit_once(&key, call).await? {
            Sent::Done(_) => {
                info!("{account} waits for a place in a committee");
                Ok(())
            }
            Sent::Pending => Ok(()),
            Sent::Refused(why) => {
                // The next start tries again: what was wrong may be mended by then. Seats that it has are served all the same.
                let why = format!("the chain refuses {account} as a member of committees: {why}");
                self.joining.say(ROLE, why);
                Ok(())
            }
        }
    }

    /// The account's seat in an epoch, while it counts.
    fn seat(
        &self,
        block: BlockRef,
        epoch: KeyEpoch,
        member: &Member,
        layers: &Arc<Layers>,
    ) -> Option<Arc<Seat>> {
        let place = epoch.place(&self.worker.account())?;
        let number = epoch.number;
        let known = epoch.members.get(usize::from(place))?;
        let committee = &layers.params().get().committee;
        if (epoch.members.len(), epoch.threshold) != (committee.members.into(), committee.threshold)
        {
            let why = format!("epoch {number}: its committee is not of the chain's present parameters, under which its dealings cannot be judged");
            self.forming.say(ROLE, why);
            return None;
        }
        if known.excluded {
            let why = format!("epoch {number}: member {place} was taken out of the committee");
            self.forming.say(ROLE, why);
            return None;
        }
        if known.transport != member.transport() {
            let why = format!("epoch {number}: member {place} joined with another state folder: only that folder can act for it");
            self.forming.say(ROLE, why);
            return None;
        }
        Some(Arc::new(Seat {
            block,
            facts: EpochFacts::from(&epoch),
            epoch,
            place,
            member: member.clone(),
            layers: layers.clone(),
        }))
    }

    /// What is due in an epoch that forms.
    async fn form(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let epoch = &seat.epoch;
        let Some(own) = epoch.members.get(usize::from(seat.place)) else {
            return Ok(());
        };
        if epoch.phase != EpochPhase::Serving
            && seat.block.number.saturating_add(1) >= epoch.deadline
        {
            return Ok(());
        }
        match epoch.phase {
            EpochPhase::Dealing if !names(epoch.dealers, seat.place) => self.deal(seat).await,
            EpochPhase::Complaint => self.complain(seat).await,
            EpochPhase::Defence => self.show(seat).await,
            EpochPhase::Judgement if own.votes.is_none() => self.judge(seat).await,
            EpochPhase::Confirmation if own.named.is_none() => self.name_key(seat).await,
            _ => Ok(()),
        }
    }

    async fn deal(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let of = seat.clone();
        let dealt = spawn_blocking(move || of.member.deal(&of.layers, &of.facts, of.place));
        let (dealing, blob) = dealt.await??;
        self.worker.store.put_bytes(blob.into()).await?;
        let epoch = seat.epoch.number;
        let why = format!("epoch {epoch}: deals as member {}", seat.place);
        self.forming.say(ROLE, why);
        let call = PrivateCall::Deal { epoch, dealing };
        self.submit(&seat.key("deal"), call, &self.forming).await
    }

    async fn complaints(&self, seat: &Seat) -> Result<Vec<ShareComplaint>, WorkerError> {
        Ok(self
            .chain()
            .complaints(seat.at(), seat.epoch.number)
            .await?)
    }

    /// Another member's dealing, checked; what is wrong with it otherwise.
    async fn check(
        &self,
        seat: &Arc<Seat>,
        dealer: u8,
        complaints: &[ShareComplaint],
    ) -> Result<Result<HeldDealing, DealingFault>, WorkerError> {
        let number = seat.epoch.number;
        let shown: Vec<(u8, H256)> = complaints
            .iter()
            .filter(|c| c.dealer == dealer)
            .filter_map(|c| Some((c.set, c.seed?)))
            .collect();
        let known = lock(&self.held).get(&(number, dealer)).cloned();
        if let Some((_, held)) = known.filter(|(count, _)| *count == shown.len()) {
            return Ok(Ok(held));
        }
        let Some(on_chain) = self.chain().dealing(seat.at(), number, dealer).await? else {
            return Ok(Err(DealingFault::Missing(dealer)));
        };
        let most = dealing_bytes(&seat.layers, dealer) as u64;
        let blob = available(&*self.worker.store, "dealing", &on_chain.cid, most).await?;
        let (of, count) = (seat.clone(), shown.len());
        let checked = spawn_blocking(move || {
            let inspection = of.member.inspection(&of.layers, &of.facts, of.place);
            inspection.check(dealer, &on_chain, blob.as_deref(), &shown)
        })
        .await?;
        if let Ok(held) = &checked {
            lock(&self.held).insert((number, dealer), (count, held.clone()));
        }
        Ok(checked)
    }

    async fn complain(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let complaints = self.complaints(seat).await?;
        let epoch = seat.epoch.number;
        for dealer in seat.others() {
            let mine = |c: &ShareComplaint| (c.complainer, c.dealer) == (seat.place, dealer);
            if complaints.iter().any(mine) {
                continue;
            }
            let Err(fault) = self.check(seat, dealer, &complaints).await? else {
                continue;
            };
            self.forming.say(ROLE, format!("epoch {epoch}: {fault}"));
            let DealingFault::Share { set, .. } = fault else {
                continue;
            };
            let call = PrivateCall::Complain { epoch, dealer, set };
            let key = seat.key(&format!("complain-{dealer}"));
            self.submit(&key, call, &self.forming).await?;
        }
        Ok(())
    }

    async fn show(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let epoch = seat.epoch.number;
        let complaints = self.complaints(seat).await?;
        let mut sets: Vec<u8> = complaints
            .iter()
            .filter(|c| c.dealer == seat.place && c.seed.is_none())
            .map(|c| c.set)
            .collect();
        sets.sort_unstable();
        sets.dedup();
        for set in sets {
            let of = seat.clone();
            let shown = spawn_blocking(move || {
                of.member
                    .shown_seed(&of.layers, of.epoch.number, of.place, set)
            });
            let Some(seed) = shown.await?? else {
                continue;
            };
            warn!("epoch {epoch}: the share for set {set:#b} was complained of: showing its seed");
            let call = PrivateCall::ShowShare { epoch, set, seed };
            let key = seat.key(&format!("show-{set}"));
            self.submit(&key, call, &self.forming).await?;
        }
        Ok(())
    }

    async fn judge(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let epoch = seat.epoch.number;
        let record = seat.key("votes");
        let votes = match self.worker.database.get::<DealerVotes>(&record)? {
            Some(votes) => votes,
            None => {
                let Some(votes) = self.find_faults(seat).await? else {
                    return Ok(());
                };
                self.worker.database.put(&record, &votes)?;
                votes
            }
        };
        let call = PrivateCall::JudgeDealers { epoch, votes };
        self.submit(&seat.key("judge"), call, &self.forming).await
    }

    /// The member's votes; `None` while something is missing and there is time for it to come.
    async fn find_faults(&self, seat: &Arc<Seat>) -> Result<Option<DealerVotes>, WorkerError> {
        let complaints = self.complaints(seat).await?;
        let mut faults = Vec::new();
        for dealer in seat.others() {
            if let Err(fault) = self.check(seat, dealer, &complaints).await? {
                warn!("epoch {}: {fault}", seat.epoch.number);
                faults.push(fault);
            }
        }
        let found = votes(&faults);
        let parameters = seat.layers.params().get();
        let patience = parameters.committee.judgement_blocks / 2;
        let left = seat.epoch.deadline.saturating_sub(seat.block.number);
        if found.missing != 0 && left > patience {
            return Ok(None);
        }
        Ok(Some(found))
    }

    /// The checked dealings of all other dealers that count; `None` where one is not held.
    async fn all_held(
        &self,
        seat: &Arc<Seat>,
    ) -> Result<Option<Vec<(u8, HeldDealing)>>, WorkerError> {
        let complaints = self.complaints(seat).await?;
        let mut held = Vec::new();
        for dealer in seat.others() {
            match self.check(seat, dealer, &complaints).await? {
                Ok(dealing) => held.push((dealer, dealing)),
                Err(fault) => {
                    let number = seat.epoch.number;
                    let why = format!("epoch {number}: without its key, for the dealing of member {dealer} counts: {fault}");
                    self.forming.say(ROLE, why);
                    return Ok(None);
                }
            }
        }
        Ok(Some(held))
    }

    async fn name_key(&self, seat: &Arc<Seat>) -> Result<(), WorkerError> {
        let epoch = seat.epoch.number;
        let Some(held) = self.all_held(seat).await? else {
            return Ok(());
        };
        let of = seat.clone();
        let (key, bytes) = spawn_blocking(move || {
            let (public, _) = of.member.keys(&of.layers, &of.facts, of.place, &held)?;
            Ok::<_, MemberError>(name_key(&of.layers, &public))
        })
        .await??;
        self.worker.store.put_bytes(bytes.into()).await?;
        self.forming
            .say(ROLE, format!("epoch {epoch}: names the key {:?}", key.hash));
        let call = PrivateCall::NameKey { epoch, key };
        self.submit(&seat.key("name-key"), call, &self.forming)
            .await
    }

    /// What is due in a branch's round under a key of this member.
    async fn serve(&self, branch: BranchId, member: &Member) -> Result<(), WorkerError> {
        let newest = PrivateView::newest_of(&self.worker, &self.layers, branch).await?;
        let Some(view) = newest else {
            return Ok(());
        };
        let (disputable, due) = match view.round.phase {
            PrivatePhase::SumDispute => (true, false),
            PrivatePhase::Decryption => (false, true),
            _ => (false, false),
        };
        let late = view.block.number.saturating_add(1) >= view.round.deadline;
        if !disputable && (!due || late) {
            return Ok(());
        }
        let layers = view.layers.clone();
        let seat = self.seat(view.block, view.epoch.clone(), member, &layers);
        let Some(seat) = seat else {
            return Ok(());
        };
        let answered = view.round.answered() & bit(seat.place) != 0;
        let Some(posted) = view.round.sum.as_ref().map(|sum| sum.roots) else {
            return Ok(());
        };
        if disputable {
            return self.check_sum(&view).await;
        }
        if answered {
            return Ok(());
        }
        let Some(parts) = self.parts(&view).await? else {
            return Ok(());
        };
        let Some(held) = self.all_held(&seat).await? else {
            return Ok(());
        };
        let (of, round, facts) = (seat, view.id(), view.facts);
        let answer = spawn_blocking(move || {
            let (_, key) = of.member.keys(&of.layers, &of.facts, of.place, &held)?;
            of.member.answer(&of.layers, &facts, &key, &posted, &parts)
        });
        let answer = match answer.await? {
            Ok(answer) => answer,
            Err(error @ (MemberError::Record(_) | MemberError::Threshold(_))) => {
                return Err(error.into())
            }
            Err(error) => {
                let why = format!("round {} of branch {branch}: {error}", round.number);
                self.answering.say(ROLE, why);
                return Ok(());
            }
        };
        let bytes = answer.bytes.len();
        self.worker.store.put_bytes(answer.bytes.into()).await?;
        let why = format!(
            "round {} of branch {branch}: answers with {bytes} bytes",
            round.number
        );
        self.answering.say(ROLE, why);
        let call = PrivateCall::AnswerDecryption {
            round,
            hash: answer.answer.hash,
            cid: answer.answer.cid,
        };
        let key = format!("{}/answer", self.worker.key(ROLE, round));
        self.submit(&key, call, &self.answering).await
    }

    /// The encrypted keys of all contributions that stand; `None` where one is not to be had.
    async fn parts(&self, view: &PrivateView) -> Result<Option<Vec<LeafTree>>, WorkerError> {
        let store = &*self.worker.store;
        let mut parts = Vec::new();
        for (account, roots, known) in view.opened(&self.worker).await? {
            if !view.round.standing.contains(known.place) {
                continue;
            }
            match fetch_keys(store, &view.layers, &view.facts, &roots).await {
                Ok(tree) => parts.push(tree),
                Err(error) => {
                    let number = view.id().number;
                    let why = format!("round {number}: the keys of {account}: {error}");
                    self.answering.say(ROLE, why);
                    return Ok(None);
                }
            }
        }
        Ok(Some(parts))
    }

    /// Makes the sum of keys while it can be disputed, and disputes another.
    async fn check_sum(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let key = (view.id(), view.round.standing);
        let known = lock(&self.sum).clone();
        let sum = match known.filter(|(of, _)| *of == key) {
            Some((_, sum)) => sum,
            None => {
                let Some(parts) = self.parts(view).await? else {
                    return Ok(());
                };
                let (layers, facts) = (view.layers.clone(), view.facts);
                let made = spawn_blocking(move || key_tree(&layers, &facts, &parts)).await?;
                let made = made.map_err(MemberError::Sum)?;
                *lock(&self.sum) = Some((key, made.clone()));
                made
            }
        };
        self.watch.watch_keys(view, sum).await
    }

    /// Forgets what was checked and submitted in epochs that are over.
    fn forget(&self, active: &[u32]) -> Result<(), WorkerError> {
        lock(&self.held).retain(|(epoch, _), _| active.contains(epoch));
        for folder in [ROLE, &format!("sent/{ROLE}"), &format!("refused/{ROLE}")] {
            for name in self.worker.database.list(folder)? {
                let epoch = name.strip_prefix("epoch-").and_then(|n| n.parse().ok());
                if epoch.is_some_and(|n| !active.contains(&n)) {
                    self.worker.database.remove(&format!("{folder}/{name}"))?;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Role for Committee {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        let block = self.worker.chain.finalised().await?;
        let at = At::from(block);
        let Some(parameters) = self.chain().private_parameters(at).await? else {
            let why = "this chain has no private rounds: governance must set their parameters";
            self.joining.say(ROLE, why.into());
            return Ok(());
        };
        let layers = self.layers.get(&self.worker, &parameters)?;
        let folder = self.worker.database.folder(FOLDER);
        let member = Member::open(&folder, &self.worker.chain.genesis())?;
        let active = self.chain().active_epochs(at).await?;
        for number in &active {
            let Some(epoch) = self.chain().epoch(at, *number).await? else {
                continue;
            };
            if let Some(seat) = self.seat(block, epoch, &member, &layers) {
                self.form(&seat).await?;
            }
        }
        self.forget(&active)?;
        for branch in self.chain().jobs(at).await? {
            self.serve(branch, &member).await?;
        }
        match self.offers {
            true => self.join(block, &member, &parameters).await,
            false => Ok(()),
        }
    }
}
