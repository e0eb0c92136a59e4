// SPDX-License-Identifier: GPL-3.0-or-later
//! The integer merge of a round, over all chunks.

use dream_primitives::aggregate::{merge_chunk, pair_count, selection, AggregateError, MergeInput};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::pair_table;
use dream_primitives::merkle::SumNode;
use dream_primitives::recipe::{AggregationRule, Recipe};
use dream_primitives::state::{self, CHUNK};
use dream_primitives::H256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

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
    /// The deltas do not make a merge by this rule.
    #[error("{count} deltas cannot be merged by this rule: {error:?}")]
    Deltas {
        /// How many there are.
        count: usize,
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
    /// The server optimiser's moments; empty where it has none.
    pub moments: Vec<i32>,
    /// Root of the parameters.
    pub state_root: H256,
    /// Root of the moments; zero where there are none.
    pub server_root: H256,
    /// Table of squared distances between the deltas; empty where the rule needs none.
    pub pairs: Vec<SumNode>,
}

/// Moments of a branch that has had no merge yet.
pub fn no_moments(recipe: &Recipe, parameters: usize) -> Vec<i32> {
    vec![0; parameters * recipe.server.moments() as usize]
}

/// Merges `deltas` (with their weights, in ascending order of their claims' ids) into `state` by the recipe's rule. All
/// chunks are independent and shared out over `threads` threads; the result does not depend on their number, and on the
/// order of the deltas only where Krum finds two equally near.
pub fn merge(
    recipe: &Recipe,
    mut state: Vec<i32>,
    mut moments: Vec<i32>,
    deltas: &[(Vec<DeltaChunk>, u16)],
    threads: usize,
) -> Result<Merged, MergeError> {
    let moment_tensors = recipe.server.moments() as usize;
    sizes(
        "the server optimiser's state",
        moments.len(),
        state.len() * moment_tensors,
    )?;
    let chunks = state.len().div_ceil(CHUNK);
    for (delta, _) in deltas {
        sizes("a delta", delta.len(), chunks)?;
    }
    let parameters = state.len();
    let deltas = Chosen::new(recipe, deltas, parameters)?;
    let mut moment_chunks: Vec<Vec<&mut [i32]>> = Vec::new();
    moment_chunks.resize_with(chunks, Vec::new);
    for moment in moments.chunks_mut(parameters.max(1)) {
        for (list, chunk) in moment_chunks.iter_mut().zip(moment.chunks_mut(CHUNK)) {
            list.push(chunk);
        }
    }
    let work: Vec<Job> = state
        .chunks_mut(CHUNK)
        .zip(moment_chunks)
        .map(Mutex::new)
        .collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, chunks.max(1)) {
            scope.spawn(|| {
                while let Some((index, job)) = take(&next, &work) {
                    if let Err(error) = one(recipe, index, job, &deltas) {
                        let mut failed = failed.lock().unwrap_or_else(|e| e.into_inner());
                        failed.get_or_insert(MergeError::Chunk {
                            chunk: index,
                            error,
                        });
                        return;
                    }
                }
            });
        }
    });
    drop(work);
    if let Some(error) = failed.into_inner().unwrap_or_else(|e| e.into_inner()) {
        return Err(error);
    }
    let pairs = deltas.pairs;
    Ok(Merged {
        state_root: state::root(&state),
        server_root: state::server_root(&moments, parameters),
        pairs,
        state,
        moments,
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

/// The deltas that the rule chooses.
struct Chosen<'a> {
    rule: AggregationRule,
    /// Each with its weight and its squared norm (zero where the rule reads none).
    deltas: Vec<(&'a [DeltaChunk], u16, u128)>,
    pairs: Vec<SumNode>,
}

impl<'a> Chosen<'a> {
    fn new(
        recipe: &Recipe,
        deltas: &'a [(Vec<DeltaChunk>, u16)],
        parameters: usize,
    ) -> Result<Self, MergeError> {
        let count = deltas.len();
        let refused = |error| MergeError::Deltas { count, error };
        let pairs = match pair_count(&recipe.rule, count) {
            0 => Vec::new(),
            _ => {
                let all: Vec<&[DeltaChunk]> = deltas.iter().map(|(d, _)| &d[..]).collect();
                pair_table(&all, parameters as u64).ok_or(refused(AggregateError::Pairs))?
            }
        };
        let distances: Vec<u128> = pairs.iter().map(|pair| pair.sum).collect();
        let selection = selection(&recipe.rule, count, &distances).map_err(refused)?;
        let clips = matches!(selection.rule, AggregationRule::NormClip { .. });
        let norm = |chunks: &[DeltaChunk]| match clips {
            true => chunks.iter().map(DeltaChunk::sum_of_squares).sum(),
            false => 0,
        };
        let chosen = selection.chosen.iter().filter_map(|at| deltas.get(*at));
        Ok(Self {
            rule: selection.rule,
            deltas: chosen.map(|(d, w)| (&d[..], *w, norm(d))).collect(),
            pairs,
        })
    }
}

/// A chunk of the state with its moments' chunks.
type Job<'a> = Mutex<(&'a mut [i32], Vec<&'a mut [i32]>)>;

fn take<'a, 'b>(next: &AtomicUsize, work: &'a [Job<'b>]) -> Option<(usize, &'a Job<'b>)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    work.get(index).map(|job| (index, job))
}

fn one(
    recipe: &Recipe,
    index: usize,
    job: &Job<'_>,
    chosen: &Chosen,
) -> Result<(), AggregateError> {
    let mut job = job.lock().unwrap_or_else(|e| e.into_inner());
    let (head, moments) = &mut *job;
    let inputs: Vec<MergeInput> = chosen
        .deltas
        .iter()
        .filter_map(|(chunks, weight, norm_squared)| {
            Some(MergeInput {
                chunk: chunks.get(index)?,
                weight: *weight,
                norm_squared: *norm_squared,
            })
        })
        .collect();
    let (rule, server) = (&chosen.rule, &recipe.server);
    if let [moment] = moments.as_mut_slice() {
        return merge_chunk(rule, server, head, moment, &inputs);
    }
    let mut joined: Vec<i32> = moments.iter().flat_map(|m| m.iter().copied()).collect();
    merge_chunk(rule, server, head, &mut joined, &inputs)?;
    for (moment, new) in moments.iter_mut().zip(joined.chunks(head.len().max(1))) {
        moment.copy_from_slice(new);
    }
    Ok(())
}
