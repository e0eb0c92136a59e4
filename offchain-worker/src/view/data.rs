// SPDX-License-Identifier: GPL-3.0-or-later
//! The data sets of the chain.

use super::decimal;
use crate::amount;
use crate::error::WorkerError;
use dream_chain::{AccountId, At, BlockRef, Chain, DataChain};
use dream_primitives::{Balance, BlockNumber, BranchId, DatasetId, H256};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// All data sets that were ever submitted.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetList {
    /// Latest finalised block.
    pub block: BlockRef,
    /// Data sets by index.
    pub datasets: Vec<Dataset>,
}

/// Where a data set stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No mixture names it.
    Submitted,
    /// A mixture names it.
    Admitted,
    /// A demand was not answered in time: rounds leave it out.
    Suspended,
    /// Its submitter took it back.
    Withdrawn,
}

/// A data set.
#[derive(Clone, Debug, Serialize)]
pub struct Dataset {
    /// Index.
    pub id: DatasetId,
    /// Where it stands.
    pub status: Standing,
    /// What the chain keeps of it; none once it is withdrawn.
    pub registration: Option<Registration>,
}

/// What the chain keeps of a data set.
#[derive(Clone, Debug, Serialize)]
pub struct Registration {
    /// SPDX licence expression.
    pub licence: String,
    /// Number of samples.
    pub samples: u32,
    /// Bytes of a sample.
    pub window: u32,
    /// Root over the samples.
    pub root: H256,
    /// Where the bytes are.
    pub cid: String,
    /// Who submitted it.
    pub submitter: AccountId,
    /// What is held of the submitter.
    #[serde(serialize_with = "decimal")]
    pub deposit: Balance,
    /// Branches whose mixtures name it, with its weights.
    pub branches: Vec<Share>,
    /// Samples that are demanded.
    pub demands: Vec<DemandedSample>,
}

/// A data set's weight in a branch's mixture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Share {
    /// Branch.
    pub branch: BranchId,
    /// Weight.
    pub weight: u32,
    /// Sum of the weights of the mixture.
    pub of: u64,
}

/// A sample that is demanded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct DemandedSample {
    /// Sample.
    pub sample: u32,
    /// First block after the time for an answer.
    pub deadline: BlockNumber,
}

/// Reads all data sets.
pub async fn read(chain: &dyn Chain) -> Result<DatasetList, WorkerError> {
    let block = chain.finalised().await?;
    let at = At::from(block);
    let mut shares: BTreeMap<DatasetId, Vec<Share>> = BTreeMap::new();
    for branch in 0..chain.next_branch(at).await? {
        let mixture = chain.mixture(at, branch).await?.unwrap_or_default();
        let of = mixture.iter().map(|e| u64::from(e.weight)).sum();
        for entry in &mixture {
            let weight = entry.weight;
            let share = Share { branch, weight, of };
            shares.entry(entry.dataset).or_default().push(share);
        }
    }
    let mut datasets = Vec::new();
    for id in 0..chain.next_dataset(at).await? {
        let Some(record) = chain.dataset(at, id).await? else {
            datasets.push(Dataset {
                id,
                status: Standing::Withdrawn,
                registration: None,
            });
            continue;
        };
        let branches = shares.remove(&id).unwrap_or_default();
        let status = match (record.suspended(block.number), branches.is_empty()) {
            (true, _) => Standing::Suspended,
            (false, false) => Standing::Admitted,
            (false, true) => Standing::Submitted,
        };
        let demands = chain.sample_demands(at, id).await?;
        let demands = demands.iter().map(|d| DemandedSample {
            sample: d.sample,
            deadline: d.deadline,
        });
        let registration = Registration {
            licence: String::from_utf8_lossy(&record.info.licence).into_owned(),
            samples: record.info.samples,
            window: record.info.window,
            root: record.info.root,
            cid: dream_store::text(&record.info.cid),
            submitter: record.submitter,
            deposit: record.deposit,
            branches,
            demands: demands.collect(),
        };
        datasets.push(Dataset {
            id,
            status,
            registration: Some(registration),
        });
    }
    Ok(DatasetList { block, datasets })
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "submitted, in no mixture",
            Self::Admitted => "admitted",
            Self::Suspended => "suspended: rounds leave it out",
            Self::Withdrawn => "withdrawn",
        })
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data set {}: {}", self.id, self.status)?;
        let Some(r) = &self.registration else {
            return Ok(());
        };
        write!(
            f,
            "\n  {}, {} samples of {} bytes, {}\n  root {:?}\n  submitted by {}, {} held",
            r.licence,
            r.samples,
            r.window,
            r.cid,
            r.root,
            r.submitter,
            amount(r.deposit)
        )?;
        for share in &r.branches {
            let Share { branch, weight, of } = share;
            write!(f, "\n  branch {branch}: weight {weight} of {of}")?;
        }
        for demand in &r.demands {
            let DemandedSample { sample, deadline } = demand;
            write!(f, "\n  sample {sample} is demanded before block {deadline}")?;
        }
        Ok(())
    }
}

impl fmt::Display for DatasetList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.datasets.is_empty() {
            return f.write_str("no data set was submitted yet");
        }
        for (i, dataset) in self.datasets.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{dataset}")?;
        }
        Ok(())
    }
}
