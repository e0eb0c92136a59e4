// SPDX-License-Identifier: GPL-3.0-or-later
//! The integer merge of a round, over all chunks.

use dream_primitives::aggregate::{
    merge_chunk, pair_count, pairs, selection, AggregateError, MergeInput,
};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::{self, pair_table, PairTable};
use dream_primitives::merkle::SumNode;
use dream_primitives::recipe::{AggregationRule, Recipe};
use dream_primitives::state::{self, CHUNK};
use dream_primitives::H256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a round cannot be merged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Base, moments and deltas are not of one model.
    #[error("{what} has {found} entries where {expected} belong")]
    Sizes {
        /// Which input.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What the base asks for.
        expected: usize,
    },
    /// The rule does not choose among these deltas.
    #[error("{deltas} deltas cannot be merged by {rule:?}: {error:?}")]
    Selection {
        /// How many there are.
        deltas: usize,
        /// The recipe's rule.
        rule: AggregationRule,
        /// Why.
        error: AggregateError,
    },
    /// A chunk is refused.
    #[error("chunk {chunk} cannot be merged: {error:?}")]
    Chunk {
        /// Which chunk.
        chunk: usize,
        /// Why.
        error: AggregateError,
    },
}

/// A merged version.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    /// Parameters.
    pub state: Vec<i32>,
    /// The server optimiser's moments, one after another; empty where it has none.
    pub moments: Vec<i32>,
    /// Root of the parameters.
    pub state_root: H256,
    /// Root of the moments; zero where there are none.
    pub server_root: H256,
    /// Squared distances of the deltas, as the merge is posted with them; empty where the rule reads none.
    pub table: PairTable,
}

/// Moments of a branch that has had no merge yet.
pub fn no_moments(recipe: &Recipe, parameters: usize) -> Vec<i32> {
    vec![0; parameters * recipe.server.moments() as usize]
}

/// Leaves of the Merkle-sum trees of squared distances: one tree a pair of deltas in the table's order, one leaf a chunk.
/// Empty where the rule reads no distances.
pub fn pair_leaves(
    rule: &AggregationRule,
    deltas: &[(Vec<DeltaChunk>, u16)],
    parameters: u64,
    threads: usize,
) -> Vec<Vec<SumNode>> {
    let wanted: Vec<(usize, usize)> = pairs(deltas.len())
        .take(pair_count(rule, deltas.len()))
        .collect();
    let trees: Vec<Mutex<Vec<SumNode>>> = wanted.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, wanted.len().max(1)) {
            scope.spawn(|| loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (Some((i, j)), Some(tree)) = (wanted.get(at), trees.get(at)) else {
                    return;
                };
                *lock(tree) = dispute::pair_leaves(&deltas[*i].0, &deltas[*j].0, parameters);
            });
        }
    });
    let unlocked = trees.into_iter().map(Mutex::into_inner);
    unlocked
        .map(|tree| tree.unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Merges `deltas` (with their weights, in ascending order of their claims' ids) into `state` by the recipe's rule. All
/// chunks are independent and shared out over `threads` threads; the result depends neither on their number nor, but for
/// ties of Krum, on the order of the deltas.
pub fn merge(
    recipe: &Recipe,
    mut state: Vec<i32>,
    mut moments: Vec<i32>,
    deltas: &[(Vec<DeltaChunk>, u16)],
    threads: usize,
) -> Result<Merged, MergeError> {
    let parameters = state.len();
    sizes(
        "the server optimiser's state",
        moments.len(),
        parameters * recipe.server.moments() as usize,
    )?;
    let chunks = parameters.div_ceil(CHUNK);
    for (delta, _) in deltas {
        sizes("a delta", delta.len(), chunks)?;
    }
    let refused = |error| MergeError::Selection {
        deltas: deltas.len(),
        rule: recipe.rule,
        error,
    };
    let table = match pair_count(&recipe.rule, deltas.len()) {
        0 => Vec::new(),
        _ => {
            let all: Vec<&[DeltaChunk]> = deltas.iter().map(|(d, _)| &d[..]).collect();
            pair_table(&all, parameters as u64).ok_or_else(|| refused(AggregateError::Pairs))?
        }
    };
    let distances: Vec<u128> = table.iter().map(|top| top.sum).collect();
    let selection = selection(&recipe.rule, deltas.len(), &distances).map_err(refused)?;
    let chosen: Vec<Chosen> = selection
        .chosen
        .iter()
        .filter_map(|place| deltas.get(*place))
        .map(|(chunks, weight)| Chosen {
            chunks,
            weight: *weight,
            norm_squared: norm_squared(&selection.rule, chunks),
        })
        .collect();

    let mut work: Vec<Mutex<Job>> = state
        .chunks_mut(CHUNK)
        .map(|head| {
            Mutex::new(Job {
                head,
                moments: Vec::new(),
            })
        })
        .collect();
    for moment in moments.chunks_mut(parameters.max(1)) {
        for (job, part) in work.iter_mut().zip(moment.chunks_mut(CHUNK)) {
            let job = job.get_mut().unwrap_or_else(PoisonError::into_inner);
            job.moments.push(part);
        }
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, chunks.max(1)) {
            scope.spawn(|| loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = work.get(chunk) else { return };
                let merged = one(&selection.rule, recipe, chunk, &mut lock(job), &chosen);
                if let Err(error) = merged {
                    lock(&failed).get_or_insert(MergeError::Chunk { chunk, error });
                    return;
                }
            });
        }
    });
    drop(work);
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(Merged {
        state_root: state::root(&state),
        server_root: state::server_root(&moments, parameters),
        state,
        moments,
        table: PairTable::truncate_from(table),
    })
}

fn sizes(what: &'static str, found: usize, expected: usize) -> Result<(), MergeError> {
    if found == expected {
        Ok(())
    } else {
        Err(MergeError::Sizes {
            what,
            found,
            expected,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sum of squares over the whole delta; zero where the rule does not read it.
fn norm_squared(rule: &AggregationRule, chunks: &[DeltaChunk]) -> u128 {
    match rule {
        AggregationRule::NormClip { .. } => chunks.iter().map(DeltaChunk::sum_of_squares).sum(),
        _ => 0,
    }
}

/// A delta that is merged.
struct Chosen<'a> {
    chunks: &'a [DeltaChunk],
    weight: u16,
    norm_squared: u128,
}

/// One chunk of the state with the same chunk of every moment.
struct Job<'a> {
    head: &'a mut [i32],
    moments: Vec<&'a mut [i32]>,
}

fn one(
    rule: &AggregationRule,
    recipe: &Recipe,
    chunk: usize,
    job: &mut Job<'_>,
    chosen: &[Chosen<'_>],
) -> Result<(), AggregateError> {
    let inputs: Vec<MergeInput> = chosen
        .iter()
        .filter_map(|delta| {
            Some(MergeInput {
                chunk: delta.chunks.get(chunk)?,
                weight: delta.weight,
                norm_squared: delta.norm_squared,
            })
        })
        .collect();
    if let [moments] = &mut job.moments[..] {
        return merge_chunk(rule, &recipe.server, job.head, moments, &inputs);
    }
    let mut moments = job.moments.concat();
    merge_chunk(rule, &recipe.server, job.head, &mut moments, &inputs)?;
    let parts = moments.chunks(job.head.len().max(1));
    for (moment, part) in job.moments.iter_mut().zip(parts) {
        moment.copy_from_slice(part);
    }
    Ok(())
}
