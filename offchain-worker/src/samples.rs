// SPDX-License-Identifier: GPL-3.0-or-later
//! Demands for samples of data sets: answered by whoever holds the set, made by a miner that cannot get one.
//!
//! One sample does not let the miner train. It demands it because of what follows: either an answer shows who holds the set, or
//! the set is suspended, and the branch's next rounds do without it.

use crate::corpus;
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use dream_chain::{At, BlockRef, Call, DataChain, DatasetRecord, SampleDemands};
use dream_primitives::claim::RoundId;
use dream_primitives::data::open_sample;
use dream_primitives::order;
use dream_primitives::{BlockNumber, DatasetId};
use tracing::{info, warn};

/// Draws of the order that are looked through for a sample of a set.
const DRAWS: u64 = 4_096;
/// Part of a round's training for which a set is waited for before a sample of it is demanded.
const PATIENCE: BlockNumber = 8;

/// Where it is written down that a sample of a data set was demanded in a round.
fn asked_key(worker: &Worker, role: &str, round: RoundId, dataset: DatasetId) -> String {
    format!("{}/asked-for-data-{dataset}", worker.key(role, round))
}

impl Worker {
    /// Answers the demands for samples of the branch's data sets, and ends those of this account that nobody answered. Sets
    /// that this account submitted are answered for at once, others when half of the time has passed, so that usually only
    /// one account pays for the answer; late answers bring a suspended set back.
    pub(crate) async fn serve_samples(&self) -> Result<(), WorkerError> {
        let block = self.chain.finalised().await?;
        let at = At::from(block);
        let mixture = self.chain.mixture(at, self.branch).await?;
        for entry in mixture.into_iter().flatten() {
            let demands = self.chain.sample_demands(at, entry.dataset).await?;
            if demands.is_empty() {
                continue;
            }
            let Some(record) = self.chain.dataset(at, entry.dataset).await? else {
                continue;
            };
            if !self.answer(block, entry.dataset, &record, &demands).await? {
                self.end_own(block, entry.dataset, &demands).await?;
            }
        }
        Ok(())
    }

    /// Answers the demands for samples of a set; `false` when the set is not to be had here.
    async fn answer(
        &self,
        block: BlockRef,
        dataset: DatasetId,
        record: &DatasetRecord,
        demands: &SampleDemands,
    ) -> Result<bool, WorkerError> {
        let own = record.submitter == self.account();
        let patience = self
            .chain
            .parameters(block.into())
            .await?
            .round
            .response_blocks
            / 2;
        let late = |deadline: BlockNumber| deadline <= block.number.saturating_add(patience);
        let due = demands.iter().filter(|d| own || late(d.deadline));
        let due: Vec<_> = due.collect();
        if due.is_empty() {
            return Ok(true);
        }
        let bytes = match corpus::fetch(&*self.chain, &*self.store, dataset).await {
            Ok((_, bytes)) => bytes,
            Err(error) if error.lacking() => {
                if own {
                    warn!("a sample of this account's data set {dataset} is demanded, and the set is gone: {error}");
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let answers = due.into_iter().filter_map(|demand| {
            let opening = open_sample(&bytes, record.info.window, demand.sample)?;
            let sample = demand.sample;
            let key = format!("samples/{dataset}-{sample}-{}", demand.deadline);
            let call = Call::SupplySample {
                dataset,
                sample,
                opening: Box::new(opening),
            };
            Some(async move {
                if let Sent::Refused(why) = self.submit_once(&key, call).await? {
                    info!("sample {sample} of data set {dataset} was not taken: {why}");
                }
                Ok::<(), WorkerError>(())
            })
        });
        // All at once: each waits until it is finalised, and the time for each answer runs.
        futures::future::try_join_all(answers).await?;
        Ok(true)
    }

    /// Ends the demands of a set when one of this account's was not answered in time: its price comes back.
    async fn end_own(
        &self,
        block: BlockRef,
        dataset: DatasetId,
        demands: &SampleDemands,
    ) -> Result<(), WorkerError> {
        let over = demands
            .iter()
            .find(|d| d.demander == self.account() && !d.lapsed && d.deadline <= block.number);
        let Some(over) = over else {
            return Ok(());
        };
        let key = format!("samples/{dataset}-end-{}", over.deadline);
        match self.submit_once(&key, Call::EndDemands(dataset)).await? {
            Sent::Done(_) => warn!(
                "data set {dataset} is suspended: nobody supplied sample {}",
                over.sample
            ),
            Sent::Pending => {}
            Sent::Refused(why) => info!("the demands of data set {dataset} were not ended: {why}"),
        }
        Ok(())
    }

    /// Demands a sample of a set that this account needs for a round and cannot get, once a round, unless somebody else asks
    /// already. The sample is the first that the account would have trained on.
    pub(crate) async fn demand_data(
        &self,
        role: &str,
        view: &RoundView,
        dataset: DatasetId,
    ) -> Result<(), WorkerError> {
        let (round, at) = (&view.round, At::from(view.block));
        let training = self.chain.parameters(at).await?.round.training_blocks;
        let left = round.deadline.saturating_sub(view.block.number);
        if left > training.saturating_sub(training / PATIENCE) {
            return Ok(());
        }
        let asked = asked_key(self, role, round.id, dataset);
        if self.database.get::<BlockNumber>(&asked)?.is_some() {
            return Ok(());
        }
        let record = self.chain.dataset(at, dataset).await?;
        let suspended = record.is_none_or(|r| r.suspended(view.block.number));
        let demands = self.chain.sample_demands(at, dataset).await?;
        if suspended || !demands.is_empty() {
            return Ok(());
        }
        let Some(sample) = self.first_sample(view, dataset) else {
            return Ok(());
        };
        let key = format!("{}/demand-data-{dataset}", self.key(role, round.id));
        let call = Call::DemandSample { dataset, sample };
        match self.submit_once(&key, call).await? {
            Sent::Pending => return Ok(()),
            Sent::Done(_) => {
                warn!("sample {sample} of data set {dataset} is demanded on the chain")
            }
            Sent::Refused(why) => {
                warn!("sample {sample} of data set {dataset} is not demanded: {why}")
            }
        }
        self.database.put(&asked, &view.block.number)?;
        Ok(())
    }

    fn first_sample(&self, view: &RoundView, dataset: DatasetId) -> Option<u32> {
        let (genesis, miner) = (self.chain.genesis(), self.account().0);
        let seed = view.round.seed;
        let draws = (0..DRAWS).filter_map(|step| {
            order::sample(&genesis, &seed, &miner, step, 0, &view.terms.mixture)
        });
        let mut of_set = draws.filter(|drawn| drawn.dataset == dataset);
        u32::try_from(of_set.next()?.sample).ok()
    }
}
