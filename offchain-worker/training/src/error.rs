// SPDX-License-Identifier: GPL-3.0-or-later
//! Errors of training and of its inputs.

use dream_primitives::manifest::ArchitectureError;

/// Why training, replay or evaluation stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The architecture fails its own check.
    #[error("the architecture is refused: {0:?}")]
    Architecture(ArchitectureError),
    /// The architecture has more parameters than this machine can address.
    #[error("the architecture has too many parameters for this machine")]
    TooLarge,
    /// The recipe's context is longer than the model's.
    #[error("the recipe's context is {recipe} tokens, the model's only {model}")]
    Context {
        /// Tokens in a sequence of the recipe.
        recipe: u32,
        /// The model's context length.
        model: u32,
    },
    /// The recipe uses something that this trainer does not serve.
    #[error("the recipe is not served: {0}")]
    Recipe(&'static str),
    /// A state or snapshot of another size.
    #[error("{found} parameters where the architecture has {expected}")]
    Parameters {
        /// Parameters of the architecture.
        expected: usize,
        /// Parameters that were given.
        found: usize,
    },
    /// NaN or an infinity.
    #[error("{what} is not finite at parameter {index}")]
    NotFinite {
        /// Which values.
        what: &'static str,
        /// The first bad parameter, in manifest order.
        index: usize,
    },
    /// The loss or the gradient norm became NaN or infinite.
    #[error("training diverged at step {step}: loss {loss}, gradient norm {norm}")]
    Diverged {
        /// Step, counted over all segments.
        step: u64,
        /// Loss of the step.
        loss: f32,
        /// Gradient norm of the step.
        norm: f32,
    },
    /// A segment that the recipe does not have.
    #[error("segment {segment} of a recipe with {segments} segments")]
    Segment {
        /// The segment asked for.
        segment: u16,
        /// Segments of the recipe.
        segments: u16,
    },
    /// The state is not the start of the segment.
    #[error("segment {segment} starts at step {expected}, the state is at step {found}")]
    Start {
        /// The segment asked for.
        segment: u16,
        /// Step at which it starts.
        expected: u64,
        /// Step of the state.
        found: u64,
    },
    /// A batch of the wrong size.
    #[error("the batch of step {step} has {found} tokens, not {expected}")]
    Batch {
        /// Step, counted over all segments.
        step: u64,
        /// batch x (context + 1).
        expected: usize,
        /// Tokens that the source gave.
        found: usize,
    },
    /// A token outside the vocabulary.
    #[error("token {token} is outside the vocabulary of {vocab}")]
    Token {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocab: u32,
    },
    /// A sample for evaluation that is too short or too long, or no sample at all.
    #[error(
        "sample {index} has {found} tokens; all samples need the same length, from 2 to {longest}"
    )]
    Sample {
        /// Which sample.
        index: usize,
        /// Its tokens.
        found: usize,
        /// The model's context + 1.
        longest: usize,
    },
    /// The source of batches failed.
    #[error("no batch for step {step}: {source}")]
    Data {
        /// Step, counted over all segments.
        step: u64,
        /// What the source said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The progress callback asked to stop.
    #[error("stopped before the segment's end")]
    Stopped,
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// Why the bytes of a training state are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Fewer or more bytes than the header and the architecture ask for.
    #[error("a training state of {expected} bytes was expected, {found} bytes came: truncated or of another model")]
    Length {
        /// Bytes of a whole snapshot.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// The bytes do not begin with the format's mark.
    #[error("these bytes are not a training state")]
    Magic,
    /// Written by another version of the format.
    #[error("training state of format version {0}, this program reads version 1")]
    Version(u32),
    /// For a model with another number of parameters.
    #[error("training state of {found} parameters, the architecture has {expected}")]
    Parameters {
        /// Parameters of the architecture.
        expected: u64,
        /// Parameters that the header names.
        found: u64,
    },
    /// NaN or an infinity.
    #[error("{what} is not finite at parameter {index}")]
    NotFinite {
        /// Parameters, first or second moment.
        what: &'static str,
        /// The first bad parameter, in manifest order.
        index: usize,
    },
    /// A second moment below zero, which no training gives.
    #[error("the second moment is negative at parameter {index}")]
    NegativeMoment {
        /// The first bad parameter, in manifest order.
        index: usize,
    },
}
