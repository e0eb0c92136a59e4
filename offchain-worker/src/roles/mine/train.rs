// SPDX-License-Identifier: GPL-3.0-or-later
//! Training: one segment after another, each written down before the next, so that a kill costs at most one.

use super::{MineRecord, Miner, Next, View, ROLE};
use crate::blobs;
use crate::canary;
use crate::corpus::RoundBatches;
use crate::database::DatabaseError;
use crate::error::WorkerError;
use crate::trace::{SegmentTrace, Trace};
use crate::worker::RoundView;
use dream_chain::ProfileRecord;
use dream_primitives::claim::{
    canary_commitment, canary_digest, on_duty, Claim, ClaimResidual, DeltaLicence, RoundId,
    StoredResidual,
};
use dream_primitives::round::Phase;
use dream_primitives::{BlockNumber, H256};
use dream_training::TrainingState;
use tracing::{info, warn};

/// Blocks before the end of the phase at which a miner that is not done claims the segments that it has.
const MARGIN: BlockNumber = 5;

impl Miner {
    pub(super) async fn train(
        &self,
        view: &View,
        profile: ProfileRecord,
    ) -> Result<Next, WorkerError> {
        let worker = &self.worker;
        let architecture = view.at.terms.architecture;
        let recipe = view.at.terms.recipe;
        let head = worker.base_state(&view.at).await?;
        let state_0 = TrainingState::from_head(&architecture, &head)?;
        let (mut record, mut state) = self.resume(view, &profile, state_0)?;
        let corpus = match worker.corpus(&view.at.terms).await {
            Err(error @ WorkerError::Data { dataset, .. }) if error.lacking() => {
                let why = format!("round {} cannot be trained: {error}", view.id().number);
                self.told.say(ROLE, why);
                worker.demand_data(ROLE, &view.at, dataset).await?;
                return Ok(Next::Wait);
            }
            other => other?,
        };
        let batches = RoundBatches::new(
            corpus,
            worker.chain.genesis(),
            record.seed,
            worker.account().0,
            &view.at.terms,
        );
        while record.trace.len() < recipe.segments {
            self.answer(worker.chain.finalised().await?).await?;
            worker.serve_samples().await?;
            if let Some(next) = self.out_of_time(view, &record).await? {
                match next {
                    Next::Wait => return Ok(Next::Again),
                    Next::Again => break,
                }
            }
            let (round, model) = (
                format!("round {}", view.id().number),
                (architecture, recipe),
            );
            let (batches, segment) = (batches.clone(), record.trace.len());
            let run = worker.run_segment(round, model, &head, state, batches, segment);
            let outcome = run.await?;
            state = outcome.state;
            self.keep(view, &mut record, &state, outcome.digest)?;
        }
        worker.show.clear();
        let claim = self
            .build(view, &record, &head, &state, profile.leaf)
            .await?;
        record.claim = Some(claim);
        worker.database.put(&self.record_key(view.id()), &record)?;
        Ok(Next::Again)
    }

    fn snapshot_key(&self, round: RoundId, segment: u16) -> String {
        format!("{}/snapshot-{segment}", self.worker.key(ROLE, round))
    }

    /// What an earlier process finished of this round, or a beginning.
    fn resume(
        &self,
        view: &View,
        profile: &ProfileRecord,
        state_0: TrainingState,
    ) -> Result<(MineRecord, TrainingState), WorkerError> {
        let worker = &self.worker;
        let round = &view.at.round;
        let (chain, genesis) = (&*worker.chain, worker.chain.genesis());
        let preimage = canary::preimage(chain, worker.branch, &profile.secret)?;
        let same =
            |r: &MineRecord| r.base == round.base && r.seed == round.seed && r.preimage == preimage;
        if let Some(record) = view.record.clone().filter(same) {
            let done = record.trace.len();
            match (done, self.snapshot(&view.at, done)) {
                (0, _) => return Ok((record, state_0)),
                (_, Ok(Some(state))) => {
                    info!(
                        "round {}: going on after segment {}",
                        round.id.number,
                        done - 1
                    );
                    return Ok((record, state));
                }
                (_, Err(WorkerError::Database(error @ DatabaseError::Damaged { .. }))) => {
                    warn!("{error}; training the round anew");
                }
                (_, Err(error)) => return Err(error),
                (_, Ok(None)) => {
                    warn!(
                        "the snapshot after segment {} is gone; training the round anew",
                        done - 1
                    )
                }
            }
        }
        worker.database.remove(&worker.key(ROLE, round.id))?;
        let record = MineRecord {
            base: round.base,
            seed: round.seed,
            trace: Trace::new(state_0.hash(&genesis)),
            canary_salt: worker.random()?,
            preimage,
            duty: on_duty(&genesis, &preimage, &round.seed, round.canary_rate),
            claim: None,
            starts: Vec::new(),
            challenged: Vec::new(),
        };
        worker.database.put(&self.record_key(round.id), &record)?;
        info!(
            "round {}: training {} segments",
            round.id.number, view.at.terms.recipe.segments
        );
        if record.duty {
            info!(
                "round {}: on duty: the claim's digests are a canary's",
                round.id.number
            );
        }
        Ok((record, state_0))
    }

    /// The training state before `segment`, from the state folder.
    pub(super) fn snapshot(
        &self,
        view: &RoundView,
        segment: u16,
    ) -> Result<Option<TrainingState>, WorkerError> {
        let key = self.snapshot_key(view.round.id, segment);
        let Some(bytes) = self.worker.database.get_bytes(&key)? else {
            return Ok(None);
        };
        let parameters = dream_training::parameters(&view.terms.architecture)?;
        Ok(TrainingState::from_bytes(&bytes, parameters).ok())
    }

    /// Whether to stop training: `Wait` when the round has moved on, `Again` when it is time to claim what there is.
    async fn out_of_time(
        &self,
        view: &View,
        record: &MineRecord,
    ) -> Result<Option<Next>, WorkerError> {
        let worker = &self.worker;
        let Some(now) = worker.current_round().await? else {
            return Ok(Some(Next::Wait));
        };
        if now.round.id != view.id() || now.round.phase != Phase::Training {
            info!(
                "round {} left Training before this miner was done",
                view.id().number
            );
            return Ok(Some(Next::Wait));
        }
        let audited = worker
            .chain
            .parameters(now.block.into())
            .await?
            .audit
            .segments;
        let late = now.block.number.saturating_add(MARGIN) >= now.round.deadline;
        if late && record.trace.len() >= audited {
            info!(
                "time is up: claiming {} of the recipe's segments",
                record.trace.len()
            );
            return Ok(Some(Next::Again));
        }
        Ok(None)
    }

    /// Writes the snapshot, then the record that names it.
    fn keep(
        &self,
        view: &View,
        record: &mut MineRecord,
        state: &TrainingState,
        digest: H256,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let next = record.trace.len() + 1;
        worker
            .database
            .put_bytes(&self.snapshot_key(view.id(), next), &state.to_bytes())?;
        let genesis = worker.chain.genesis();
        let segment = record.trace.len();
        let digest = match record.duty {
            true => canary_digest(&genesis, &record.preimage, &view.id(), segment),
            false => digest,
        };
        record.trace.segments.push(SegmentTrace {
            end_state: state.hash(&genesis),
            digest,
            salt: worker.random()?,
        });
        worker.database.put(&self.record_key(view.id()), record)?;
        Ok(())
    }

    /// What this account's last merged claim on the branch left over, where the recipe has error feedback.
    async fn carried(&self, view: &RoundView) -> Result<Option<StoredResidual>, WorkerError> {
        if !view.terms.recipe.has_feedback() {
            return Ok(None);
        }
        let (at, branch, account) = (
            view.block.into(),
            view.round.id.branch,
            self.worker.account(),
        );
        let carried = self.worker.chain.residual(at, branch, account).await?;
        Ok(carried.map(|c| c.residual))
    }

    async fn build(
        &self,
        view: &View,
        record: &MineRecord,
        head: &[i32],
        end: &TrainingState,
        profile: H256,
    ) -> Result<Claim, WorkerError> {
        let worker = &self.worker;
        let genesis = worker.chain.genesis();
        let architecture = &view.at.terms.architecture;
        let (recipe, store) = (&view.at.terms.recipe, &*worker.store);
        let start = self.carried(&view.at).await?;
        let before = match &start {
            Some(start) => {
                let stored = blobs::residual(store, architecture, start).await;
                Some(stored.map_err(|error| match error.lacking() {
                    true => WorkerError::NotReady(format!(
                        "{error}: the residual that the last merged claim left over is gone. `dream-worker profile` registers the account anew; then it begins without one"
                    )),
                    false => error.into(),
                })?)
            }
            None => None,
        };
        let delta =
            worker
                .runners
                .delta(architecture, recipe, head, &end.params, before.as_deref())?;
        let delta_cid = blobs::put_delta(store, &delta.chunks).await?;
        let residual = match delta.residual {
            Some(left) => Some(ClaimResidual {
                start,
                end: blobs::put_residual(store, &left).await?,
            }),
            None => None,
        };
        let account = worker.account();
        Ok(Claim {
            round: view.id(),
            base: record.base,
            delta_root: delta.root,
            delta_cid,
            states_root: record.trace.states_root(),
            digests_root: record.trace.digests_root(&genesis),
            segments: record.trace.len(),
            residual,
            profile,
            canary: canary_commitment(
                &genesis,
                account.as_bytes(),
                &view.id(),
                record.duty,
                &record.canary_salt,
            ),
            licence: DeltaLicence::Open,
        })
    }
}
