// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes of a posted sum and of a reported version: the moves of both sides.
//!
//! | state | when |
//! |---|---|
//! | answer | somebody disputes what this account posted or reported |
//! | open | what others posted is not what this worker makes |
//! | narrow, prove | this account's dispute waits for its move |

use super::sums::{differs, lock, Unmade, Watch};
use super::PrivateView;
use crate::blobs;
use crate::error::WorkerError;
use crate::merge::{merge, Merged};
use crate::roles::merge::trees::{difference, Trees};
use dream_chain::{Chain, PrivateCall, PrivateChain, PrivateDispute};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::{base_server_root, Answer, DisputeError, NodeId, Tree, Witness};
use dream_primitives::game::{Turn, MAX_DISPUTES};
use dream_primitives::private::round::PrivatePhase;
use dream_primitives::private::settle::{PrivateReport, VersionReport};
use dream_primitives::private::sum::{PrivateTree, SumProof};
use dream_primitives::H256;
use dream_private::blobs::{fetch_keys, Ciphertexts, LeafTree};
use std::sync::Arc;
use tracing::{error, warn};

/// Times that one posted thing is disputed; as with public merges, each one that is lost costs the bond.
const TRIES: u32 = 3;

/// Trees of this worker's own, beside those that the chain speaks of.
pub(super) enum Own {
    Sum(Arc<Ciphertexts>),
    /// The sum of the key layer alone, which is what members make.
    Keys(LeafTree),
    Version(Arc<Trees>),
}

impl Own {
    fn answer(&self, tree: PrivateTree, node: NodeId) -> Result<Answer, DisputeError> {
        match (self, tree) {
            (Self::Sum(sum), PrivateTree::Data) => sum.data.answer(node),
            (Self::Sum(sum), PrivateTree::Keys) => sum.keys.answer(node),
            (Self::Keys(keys), PrivateTree::Keys) => keys.answer(node),
            (Self::Version(trees), PrivateTree::State) => trees.answer(Tree::State, node),
            (Self::Version(trees), PrivateTree::Server) => trees.answer(Tree::Server, node),
            _ => Err(DisputeError::Node),
        }
    }
}

impl Watch {
    /// Looks after the posted sum: answers for this account's own, disputes another's that is wrong.
    pub async fn watch_sum(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let Some(posted) = &view.round.sum else {
            return Ok(());
        };
        let own = posted.aggregator == self.worker.account();
        let sum = match own {
            true => self.posted_sum(view, &posted.roots).await,
            false => self.own_sum(view).await,
        };
        let sum = match sum {
            Ok(sum) => sum,
            Err(Unmade::Lacking(why)) => {
                self.say(view, format!("the posted sum cannot be checked: {why}"));
                return Ok(());
            }
            Err(Unmade::Failed(error)) => return Err(error),
        };
        if own {
            return self.answer(view, &Own::Sum(sum)).await;
        }
        match differs(&sum, &posted.roots) {
            None => {
                self.say(view, format!("the sum of {} is right", posted.aggregator));
                Ok(())
            }
            Some(tree) => {
                let wrong = match tree {
                    PrivateTree::Keys => posted.roots.keys,
                    _ => posted.roots.data,
                };
                self.challenge(view, &Own::Sum(sum), tree, wrong).await
            }
        }
    }

    /// Disputes a posted sum whose keys are not those that were made here.
    pub async fn watch_keys(&self, view: &PrivateView, keys: LeafTree) -> Result<(), WorkerError> {
        match &view.round.sum {
            Some(posted) if posted.roots.keys != keys.root() => {
                let (tree, wrong) = (PrivateTree::Keys, posted.roots.keys);
                self.challenge(view, &Own::Keys(keys), tree, wrong).await
            }
            _ => Ok(()),
        }
    }

    /// Looks after the reported version: answers where this account reported it, disputes it where it is not what the
    /// reported delta makes of the base.
    pub async fn watch_version(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let settled = view.round.settled;
        let Some(version) = settled.as_ref().and_then(PrivateReport::version) else {
            return Ok(());
        };
        let chain: &dyn Chain = &*self.worker.chain;
        let account = self.worker.account();
        let seats = chain.auditors(view.at(), view.id()).await?;
        let own = |s: &dream_chain::AuditorSeat| s.auditor == account && s.report == settled;
        let (made, own) = match seats.iter().any(own) {
            true => (self.reported(view, version).await, true),
            false => (self.made(view, version).await, false),
        };
        let (roots, trees) = match made {
            Ok(made) => made,
            Err(Unmade::Lacking(why)) => {
                self.say(view, format!("the version cannot be checked: {why}"));
                return Ok(());
            }
            Err(Unmade::Failed(error)) => return Err(error),
        };
        let trees = Own::Version(trees);
        let [state, server] = roots;
        let wrong = if state != version.state_root {
            Some((PrivateTree::State, version.state_root))
        } else {
            let server = (server != version.server_root).then_some(version.server_root);
            server.map(|root| (PrivateTree::Server, root))
        };
        match wrong {
            _ if own => self.answer(view, &trees).await,
            Some((tree, root)) => self.challenge(view, &trees, tree, root).await,
            None => {
                self.say(view, "the reported version is right");
                Ok(())
            }
        }
    }

    /// The trees of the version that this account reported.
    async fn reported(
        &self,
        view: &PrivateView,
        version: &VersionReport,
    ) -> Result<([H256; 2], Arc<Trees>), Unmade> {
        let roots = [version.state_root, version.server_root];
        if let Some(trees) = self.kept(roots) {
            return Ok((roots, trees));
        }
        let (store, recipe) = (&*self.worker.store, &view.terms.recipe);
        let (architecture, what) = (&view.architecture, "the reported version");
        let [root, server] = roots;
        let state = blobs::parameters(store, architecture, what, &version.cid, root).await?;
        let moments = match &version.server_cid {
            Some(cid) => blobs::moments(store, architecture, recipe, what, cid, server).await?,
            None => Vec::new(),
        };
        let trees = Arc::new(Trees::new(&state, &moments, Vec::new()));
        *lock(&self.version) = Some((roots, trees.clone()));
        Ok((roots, trees))
    }

    fn kept(&self, roots: [H256; 2]) -> Option<Arc<Trees>> {
        let kept = lock(&self.version).clone();
        kept.filter(|(of, _)| *of == roots).map(|(_, trees)| trees)
    }

    /// Roots and trees of what the reported delta makes of the base.
    async fn made(
        &self,
        view: &PrivateView,
        version: &VersionReport,
    ) -> Result<([H256; 2], Arc<Trees>), Unmade> {
        let known = *lock(&self.made);
        let key = (view.round.base, version.delta_root);
        if let Some((_, roots)) = known.filter(|(of, _)| *of == key) {
            if let Some(trees) = self.kept(roots) {
                return Ok((roots, trees));
            }
        }
        let merged = self.merged(view, self.delta(view, version).await?).await?;
        let roots = [merged.state_root, merged.server_root];
        let trees = Arc::new(Trees::new(&merged.state, &merged.moments, Vec::new()));
        *lock(&self.version) = Some((roots, trees.clone()));
        *lock(&self.made) = Some((key, roots));
        Ok((roots, trees))
    }

    async fn delta(
        &self,
        view: &PrivateView,
        version: &VersionReport,
    ) -> Result<Vec<DeltaChunk>, Unmade> {
        let (store, architecture) = (&*self.worker.store, &view.architecture);
        let (cid, root) = (&version.delta_cid, version.delta_root);
        Ok(blobs::delta(store, architecture, cid, root).await?)
    }

    /// Parameters of a round's base, and its moments as the recipe's optimiser takes them.
    async fn base(&self, view: &PrivateView) -> Result<(Vec<i32>, Vec<i32>), Unmade> {
        let worker = &self.worker;
        let header = worker.header(view.at(), view.round.base).await?;
        let (architecture, recipe) = (&view.architecture, &view.terms.recipe);
        let moments = blobs::version_moments(&*worker.store, architecture, recipe, &header).await?;
        Ok((view.base_state(worker).await?, moments))
    }

    /// A cohort's delta merged onto the base as the one contribution of a merge.
    pub async fn merged(
        &self,
        view: &PrivateView,
        delta: Vec<DeltaChunk>,
    ) -> Result<Merged, Unmade> {
        let (state, moments) = self.base(view).await?;
        let (recipe, threads) = (view.terms.recipe, self.worker.threads);
        let weight = u16::try_from(view.round.standing.count()).unwrap_or(u16::MAX);
        let merge = move || merge(&recipe, state, moments, &[(delta, weight)], threads);
        let merged = tokio::task::spawn_blocking(merge).await?;
        Ok(merged.map_err(WorkerError::from)?)
    }

    /// Answers every dispute that waits for what this account posted.
    async fn answer(&self, view: &PrivateView, own: &Own) -> Result<(), WorkerError> {
        let chain: &dyn Chain = &*self.worker.chain;
        let disputes = chain.private_disputes(view.at(), view.id()).await?;
        let folder = self.disputes(view);
        let answers = disputes.into_iter().filter(|d| d.turn == Turn::Answer);
        let answers = answers.filter_map(|dispute| {
            let (tree, node, challenger) = (dispute.tree, dispute.node, dispute.challenger);
            let nodes = own
                .answer(tree, node)
                .inspect_err(|e| warn!("no answer for {node:?} of {tree:?}: {e:?}"))
                .ok()?;
            let key = format!("{folder}/answer-{challenger}-{}", dispute.deadline);
            let call = PrivateCall::AnswerDispute {
                round: view.id(),
                challenger,
                nodes,
            };
            Some((key, call))
        });
        // All at once: each waits until it is finalised, and the time for each answer runs.
        let sent = answers.map(|(key, call)| async move { self.submit(&key, call).await });
        futures::future::try_join_all(sent).await?;
        Ok(())
    }

    /// Disputes what was posted as `wrong` at the top of `tree`, or makes the next move in that dispute.
    async fn challenge(
        &self,
        view: &PrivateView,
        own: &Own,
        tree: PrivateTree,
        wrong: H256,
    ) -> Result<(), WorkerError> {
        let (worker, at) = (&self.worker, view.at());
        let chain: &dyn Chain = &*worker.chain;
        let account = worker.account();
        let disputes = chain.private_disputes(at, view.id()).await?;
        if let Some(mine) = disputes.iter().find(|d| d.challenger == account) {
            return self.play(view, own, mine).await;
        }
        if disputes.len() >= MAX_DISPUTES as usize || view.block.number >= view.round.deadline {
            self.say(view, "no place or no time for another dispute");
            return Ok(());
        }
        let needed = view.terms.parameters.get().bonds.dispute;
        let free = chain.bond(at, account).await?.free();
        if free < needed {
            let (free, needed) = (crate::amount(free), crate::amount(needed));
            let why = format!("what was posted is wrong ({tree:?}) and is not disputed: the free bond is {free}, a dispute locks {needed}: run `dream-worker bond AMOUNT`");
            self.say(view, why);
            return Ok(());
        }
        let folder = self.disputes(view);
        // A root that was refuted may be posted again: what was tried against it before does not count.
        let posting = format!("{wrong:x}-{}", view.round.refutations);
        let tries = format!("{folder}/tries-{posting}");
        let tried: u32 = worker.database.get(&tries)?.unwrap_or(0);
        if tried >= TRIES {
            let why =
                format!("{tried} disputes of {wrong:?} did not bring it down; another worker must");
            self.say(view, why);
            return Ok(());
        }
        error!(
            "private round {}: {wrong:?} at the top of {tree:?} is WRONG",
            view.id().number
        );
        let call = PrivateCall::Dispute {
            round: view.id(),
            tree,
        };
        let key = format!("{folder}/dispute-{posting}-{tried}");
        if self.submit(&key, call).await? {
            worker.database.put(&tries, &tried.saturating_add(1))?;
        }
        Ok(())
    }

    /// The next move in this account's dispute.
    async fn play(
        &self,
        view: &PrivateView,
        own: &Own,
        dispute: &PrivateDispute,
    ) -> Result<(), WorkerError> {
        let round = view.id();
        let (tree, node) = (dispute.tree, dispute.node);
        let call = match &dispute.turn {
            Turn::Answer => {
                let by = dispute.deadline;
                self.say(
                    view,
                    format!("the poster must answer for {node:?} by block {by}"),
                );
                return Ok(());
            }
            Turn::Narrow(answer) => {
                let place = own.answer(tree, node).ok();
                let place = place.and_then(|own| difference(&own, answer));
                place.map(|place| PrivateCall::NarrowDispute { round, place })
            }
            Turn::Prove => match self.prove(view, tree, node.index).await {
                Ok(call) => call,
                Err(Unmade::Lacking(why)) => {
                    self.say(view, format!("the wrong leaf cannot be proved: {why}"));
                    return Ok(());
                }
                Err(Unmade::Failed(error)) => return Err(error),
            },
        };
        let Some(call) = call else {
            warn!("nothing is wrong below {node:?} of {tree:?}: the dispute is lost");
            return Ok(());
        };
        // The block of the deadline is another one for each move.
        let key = format!("{}/move-{}", self.disputes(view), dispute.deadline);
        self.submit(&key, call).await.map(|_| ())
    }

    /// The proof of what the questioned leaf should be; `None` where there is no such leaf.
    async fn prove(
        &self,
        view: &PrivateView,
        tree: PrivateTree,
        leaf: u32,
    ) -> Result<Option<PrivateCall>, Unmade> {
        let round = view.id();
        if view.round.phase == PrivatePhase::SumDispute {
            let (store, layers, facts) = (&*self.worker.store, &view.layers, &view.facts);
            let mut parts = Vec::new();
            for (account, roots) in self.standing(view).await? {
                let opened = match tree {
                    PrivateTree::Keys => fetch_keys(store, layers, facts, &roots)
                        .await
                        .map(|keys| keys.open(leaf)),
                    _ => Ciphertexts::fetch(store, layers, facts, &roots)
                        .await
                        .map(|part| part.data.open(leaf)),
                };
                let of = |e| Unmade::from(e).of(&format!("the contribution of {account}"));
                parts.extend(opened.map_err(of)?);
            }
            let parts = parts.try_into().ok();
            return Ok(parts.map(|parts| PrivateCall::ProveSum {
                round,
                proof: Box::new(SumProof { leaf, parts }),
            }));
        }
        let settled = view.round.settled.as_ref();
        let Some(version) = settled.and_then(PrivateReport::version) else {
            return Ok(None);
        };
        let delta = self.delta(view, version).await?;
        let (state, mut moments) = self.base(view).await?;
        let base = self.worker.header(view.at(), view.round.base).await?;
        if base_server_root(&base, &view.terms.recipe.server).is_zero() {
            moments.clear();
        }
        let chunks = view.architecture.chunks().max(1);
        let proof = Witness::new(&state, &moments, &[&delta]).prove(leaf % chunks);
        Ok(proof.map(|proof| PrivateCall::ProveVersion {
            round,
            proof: Box::new(proof),
        }))
    }
}
