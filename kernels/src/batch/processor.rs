// SPDX-License-Identifier: GPL-3.0-or-later
//! The fastest device of this machine, with the CPU to fall back on.

#[cfg(feature = "cuda")]
use super::{verify, VerifyError};
use super::{Batch, CpuBatch, Settings};
#[cfg(feature = "cuda")]
use crate::cuda::{Cuda, CudaBatch, GpuError};

/// What to do with any [`Batch`].
pub trait Work {
    /// What comes out.
    type Output;

    /// Does it. Where a GPU fails it is done again on the CPU, so it must change nothing that outlives it.
    ///
    /// # Errors
    /// What the device reports.
    fn run<B: Batch>(&self, batch: &B) -> Result<Self::Output, B::Error>;
}

/// The devices of this machine for one set of parameters. Results do not depend on which of them computes.
#[derive(Debug)]
pub struct Processor {
    cpu: CpuBatch,
    #[cfg(feature = "cuda")]
    gpu: std::sync::Mutex<Option<CudaBatch>>,
}

impl Processor {
    /// Looks for a GPU (feature `cuda`) and logs what batches run on.
    pub fn detect(settings: &Settings) -> Self {
        #[cfg(feature = "cuda")]
        let gpu = match Self::detect_gpu(settings) {
            Ok(gpu) => {
                tracing::info!("RLWE batches run on {}", gpu.name());
                Some(gpu)
            }
            Err(reason) => {
                tracing::info!("no GPU for RLWE batches: {reason}");
                None
            }
        };
        let found = Self {
            cpu: CpuBatch::new(settings.clone()),
            #[cfg(feature = "cuda")]
            gpu: std::sync::Mutex::new(gpu),
        };
        if !found.has_gpu() {
            tracing::info!("RLWE batches run on the CPU ({})", found.cpu.name());
        }
        found
    }

    /// The GPU, once it has shown that it computes what the CPU does.
    #[cfg(feature = "cuda")]
    fn detect_gpu(settings: &Settings) -> Result<CudaBatch, VerifyError<GpuError>> {
        let open = || CudaBatch::new(Cuda::open()?, settings.clone());
        let gpu = open().map_err(VerifyError::Device)?;
        verify(&gpu, 2)?;
        Ok(gpu)
    }

    /// The CPU alone.
    pub fn cpu(settings: &Settings) -> Self {
        Self {
            cpu: CpuBatch::new(settings.clone()),
            #[cfg(feature = "cuda")]
            gpu: std::sync::Mutex::new(None),
        }
    }

    /// What it computes with.
    pub fn settings(&self) -> &Settings {
        self.cpu.settings()
    }

    /// Whether batches run on a GPU. False once it has failed.
    #[cfg(feature = "cuda")]
    pub fn has_gpu(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether batches run on a GPU: not without feature `cuda`.
    #[cfg(not(feature = "cuda"))]
    pub fn has_gpu(&self) -> bool {
        false
    }

    /// Does the work, on the GPU where there is one. Where that fails the CPU does it; a GPU that broke is not asked again.
    pub fn run<W: Work>(&self, work: &W) -> W::Output {
        #[cfg(feature = "cuda")]
        {
            let mut gpu = self.lock();
            if let Some(batch) = &*gpu {
                match work.run(batch) {
                    Ok(output) => return output,
                    Err(reason) => {
                        tracing::warn!("{reason}: the CPU ({}) does it", self.cpu.name());
                        if matches!(reason, GpuError::Device { .. }) {
                            *gpu = None;
                        }
                    }
                }
            }
        }
        match work.run(&self.cpu) {
            Ok(output) => output,
            Err(never) => match never {},
        }
    }

    #[cfg(feature = "cuda")]
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<CudaBatch>> {
        // A panic in a piece of work leaves the device as it was.
        self.gpu
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
