// SPDX-License-Identifier: GPL-3.0-or-later
//! The integer merge of a round, over all chunks.

use dream_primitives::aggregate::{merge_chunk, AggregateError};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::recipe::Recipe;
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
}

/// Moments of a branch that has had no merge yet.
pub fn no_moments(recipe: &Recipe, parameters: usize) -> Vec<i32> {
    vec![0; parameters * recipe.server.moments() as usize]
}

/// Merges `deltas` (with their weights) into `state` by the recipe's rule. All chunks are independent and shared out
/// over `threads` threads; the result does not depend on their number nor on the order of the deltas.
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
    let mut moment_chunks: Vec<&mut [i32]> = moments.chunks_mut(CHUNK).collect();
    moment_chunks.resize_with(chunks, Default::default);
    let work: Vec<Mutex<(&mut [i32], &mut [i32])>> = state
        .chunks_mut(CHUNK)
        .zip(moment_chunks)
        .map(Mutex::new)
        .collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, chunks.max(1)) {
            scope.spawn(|| {
                while let Some((index, job)) = take(&next, &work) {
                    if let Err(error) = one(recipe, index, job, deltas) {
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
    let server_root = match moments.is_empty() {
        true => H256::zero(),
        false => state::root(&moments),
    };
    Ok(Merged {
        state_root: state::root(&state),
        server_root,
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

type Job<'a> = Mutex<(&'a mut [i32], &'a mut [i32])>;

fn take<'a, 'b>(next: &AtomicUsize, work: &'a [Job<'b>]) -> Option<(usize, &'a Job<'b>)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    work.get(index).map(|job| (index, job))
}

fn one(
    recipe: &Recipe,
    index: usize,
    job: &Job<'_>,
    deltas: &[(Vec<DeltaChunk>, u16)],
) -> Result<(), AggregateError> {
    let mut job = job.lock().unwrap_or_else(|e| e.into_inner());
    let (head, moments) = &mut *job;
    let deltas: Vec<(&DeltaChunk, u16)> = deltas
        .iter()
        .filter_map(|(chunks, weight)| chunks.get(index).map(|c| (c, *weight)))
        .collect();
    merge_chunk(&recipe.rule, &recipe.server, head, moments, &deltas)
}
