// SPDX-License-Identifier: GPL-3.0-or-later
//! Data sets: mixtures, withdrawal, demands for samples.

use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::data::{
    answer_bytes, streamed, suspension_penalty, verify_sample, DatasetInfo, Mixture, MixtureEntry,
    SampleDemand, SampleOpening, MAX_MIXTURE, MAX_OPEN_DEMANDS,
};
use dream_primitives::{Balance, BoundedVec, BranchId, ConstU32, DatasetId};
use std::collections::BTreeSet;

use super::calls::{data, ensure, Done};
use super::{Refusal, World};
use crate::{AccountId, Call, DatasetRecord};

impl World {
    pub(super) fn dispatch_data(&mut self, who: AccountId, call: Call) -> Done {
        match call {
            Call::SubmitDataset(info) => self.submit_dataset(who, info),
            Call::WithdrawDataset(dataset) => self.withdraw_dataset(who, dataset),
            Call::DemandSample { dataset, sample } => self.demand_sample(who, dataset, sample),
            Call::SupplySample {
                dataset,
                sample,
                opening,
            } => self.supply_sample(who, dataset, sample, &opening),
            Call::EndDemands(dataset) => {
                let overdue = |d: &SampleDemand<AccountId>| !d.lapsed && d.deadline <= self.number;
                self.dataset(dataset)?;
                let all = self.sample_demands.get(&dataset);
                let any = all.is_some_and(|all| all.iter().any(overdue));
                ensure(any, data("NothingToEnd"))?;
                self.end_overdue(dataset);
                Ok(())
            }
            _ => Err(Refusal("System", "BadOrigin")),
        }
    }

    pub(super) fn dataset(&self, id: DatasetId) -> Result<&DatasetRecord, Refusal> {
        match self.datasets.get(id as usize) {
            Some(Some(record)) => Ok(record),
            Some(None) => Err(data("DatasetWithdrawn")),
            None => Err(data("DatasetUnknown")),
        }
    }

    /// What a round of the branch takes: its mixture without what is suspended.
    pub(super) fn streamed_mixture(
        &self,
        branch: BranchId,
        window: u32,
    ) -> Option<BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>> {
        let mut entries = BoundedVec::new();
        for entry in self.mixtures.get(&branch)? {
            let record = self.dataset(entry.dataset).ok()?;
            if record.info.window != window {
                return None;
            }
            if !record.suspended(self.number) {
                let samples = u64::from(record.info.samples);
                entries.try_push((*entry, samples)).ok()?;
            }
        }
        (!entries.is_empty()).then_some(entries)
    }

    fn submit_dataset(&mut self, who: AccountId, info: DatasetInfo) -> Done {
        ensure(!info.licence.is_empty(), data("LicenceEmpty"))?;
        ensure(info.window >= 2, data("WindowOutOfRange"))?;
        ensure(
            streamed(u64::from(info.samples)) > 0,
            data("NothingToStream"),
        )?;
        let deposit = self.parameters.bonds.data_deposit;
        self.hold(&who, deposit)?;
        let dataset = self.next(self.datasets.len());
        self.datasets.push(Some(DatasetRecord {
            info,
            submitter: who,
            deposit,
            block: self.number,
            suspended_from: None,
        }));
        let fields: [(&str, &dyn Fn() -> Vec<u8>); 1] = [("dataset", &|| dataset.encode())];
        self.event("DataRegistry", "DatasetSubmitted", &fields);
        Ok(())
    }

    pub(super) fn set_mixture(&mut self, branch: BranchId, mixture: Mixture) -> Done {
        ensure(mixture.iter().all(|e| e.weight > 0), data("WeightZero"))?;
        let distinct: BTreeSet<u32> = mixture.iter().map(|e| e.dataset).collect();
        ensure(distinct.len() == mixture.len(), data("DatasetTwice"))?;
        let window = |id: &u32| self.dataset(*id).map(|record| record.info.window);
        let windows: BTreeSet<u32> = distinct.iter().map(window).collect::<Result<_, _>>()?;
        ensure(windows.len() <= 1, data("WindowsDiffer"))?;
        let last = self.current.get(&branch).copied();
        for ((_, of), until) in &mut self.uses {
            if *of == branch && until.is_none() {
                *until = Some(last.unwrap_or(0));
            }
        }
        let named = distinct.into_iter().map(|id| ((id, branch), None));
        self.uses.extend(named);
        if mixture.is_empty() {
            self.mixtures.remove(&branch);
        } else {
            self.mixtures.insert(branch, mixture);
        }
        Ok(())
    }

    fn in_use(&self, dataset: DatasetId) -> bool {
        let needed = |branch: BranchId, last: Option<u32>| {
            last.is_none_or(|number| self.rounds.contains_key(&RoundId { branch, number }))
        };
        let uses = self.uses.iter().filter(|((id, _), _)| *id == dataset);
        let mut uses = uses.map(|((_, branch), last)| needed(*branch, *last));
        uses.any(|needed| needed)
    }

    fn withdraw_dataset(&mut self, who: AccountId, dataset: DatasetId) -> Done {
        let record = self.dataset(dataset)?;
        let deposit = record.deposit;
        ensure(record.submitter == who, data("NotTheSubmitter"))?;
        ensure(!self.in_use(dataset), data("DatasetInUse"))?;
        let demands = self.sample_demands.get(&dataset);
        let open = demands.is_some_and(|all| all.iter().any(|d| !d.lapsed));
        ensure(!open, data("DemandOpen"))?;
        self.free(&who, deposit, 0);
        self.datasets[dataset as usize] = None;
        self.sample_demands.remove(&dataset);
        self.uses.retain(|(id, _), _| *id != dataset);
        Ok(())
    }

    fn demand_sample(&mut self, who: AccountId, dataset: DatasetId, sample: u32) -> Done {
        let record = self.dataset(dataset)?;
        let window = record.info.window;
        ensure(sample < record.info.samples, data("NoSuchSample"))?;
        ensure(!record.suspended(self.number), data("DatasetSuspended"))?;
        ensure(self.in_use(dataset), data("DatasetNotInUse"))?;
        let all = self.sample_demands.values().flatten();
        let open = all.filter(|d| !d.lapsed).count();
        ensure(open < MAX_OPEN_DEMANDS as usize, data("TooManyDemands"))?;
        let parameters = self.parameters;
        let held = parameters.bonds.chunk_byte * Balance::from(answer_bytes(window));
        let all = self.sample_demands.entry(dataset).or_default();
        let twice = all.iter().any(|d| d.sample == sample);
        ensure(!twice, data("DemandTwice"))?;
        let demand = SampleDemand {
            sample,
            demander: who,
            held,
            deadline: self.number + parameters.round.response_blocks,
            lapsed: false,
        };
        all.try_push(demand).map_err(|_| data("TooManyDemands"))?;
        self.hold(&who, held)?;
        self.note_demands(dataset);
        Ok(())
    }

    fn supply_sample(
        &mut self,
        who: AccountId,
        dataset: DatasetId,
        sample: u32,
        opening: &SampleOpening,
    ) -> Done {
        let info = self.dataset(dataset)?.info.clone();
        let demands = self.sample_demands.get(&dataset);
        let at = demands.and_then(|all| all.iter().position(|d| d.sample == sample));
        let at = at.ok_or(data("NoDemand"))?;
        ensure(verify_sample(&info, sample, opening), data("SampleProof"))?;
        self.end_overdue(dataset);
        let demand = self.sample_demands.entry(dataset).or_default().remove(at);
        self.free(&demand.demander, demand.held, demand.held);
        self.balances.entry(who).or_default().free += demand.held;
        self.note_demands(dataset);
        Ok(())
    }

    /// Ends the demands whose time is over; the first of a suspension costs a part of the deposit.
    fn end_overdue(&mut self, dataset: DatasetId) {
        let now = self.number;
        let all = self.sample_demands.entry(dataset).or_default();
        let penalised = all.iter().any(|d| d.lapsed);
        let mut ended = Vec::new();
        for demand in all.iter_mut().filter(|d| !d.lapsed && d.deadline <= now) {
            ended.push((demand.demander, demand.held));
            demand.held = 0;
            demand.lapsed = true;
        }
        if !penalised && !ended.is_empty() {
            if let Some(record) = &mut self.datasets[dataset as usize] {
                let lost = suspension_penalty(record.deposit);
                record.deposit -= lost;
                let submitter = record.submitter;
                self.free(&submitter, lost, lost);
            }
        }
        for (demander, held) in ended {
            self.free(&demander, held, 0);
        }
    }

    fn note_demands(&mut self, dataset: DatasetId) {
        let all = self.sample_demands.entry(dataset).or_default();
        let first = all.iter().map(|d| d.deadline).min();
        if all.is_empty() {
            self.sample_demands.remove(&dataset);
        }
        if let Some(record) = &mut self.datasets[dataset as usize] {
            record.suspended_from = first;
        }
    }

    /// Frees what was held, but for what is taken of it.
    fn free(&mut self, who: &AccountId, held: Balance, taken: Balance) {
        let balance = self.balances.entry(*who).or_default();
        balance.held -= held;
        balance.free += held - taken;
    }
}
