// SPDX-License-Identifier: GPL-3.0-or-later
//! Batches on an NVIDIA GPU (feature `cuda`), by the kernels of kernels/cuda.
//!
//! The program starts with and without a driver: [`Cuda::open`] says why there is no GPU. The kernels are compiled beforehand
//! (`make cuda`): machine code for compute capability 8.0 and 9.0, and PTX that the driver compiles for others from 8.0 on.

mod batch;
pub mod driver;
mod kernels;
mod memory;

use std::sync::Arc;

use cust::context::{Context, CurrentContext};
use cust::device::Device;
use cust::error::{CudaError, CudaResult};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use cust::{CudaApiVersion, CudaFlags};

pub use batch::{CudaBatch, CudaRows};
pub use kernels::SIGNATURES;

/// All kernels, as `make cuda` writes them.
const FATBIN: &[u8] = include_bytes!("../../cuda/rlwe.fatbin");

/// Why a GPU refuses or fails.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GpuError {
    /// The device reported an error.
    #[error("{device}: {operation} failed with {code}")]
    Device {
        /// Name of the device.
        device: String,
        /// What it was doing.
        operation: &'static str,
        /// The driver's name for what went wrong.
        code: String,
    },
    /// More work than one launch takes.
    #[error("{words} words are too many for one launch: split the batch")]
    TooLarge {
        /// Words of the batch.
        words: usize,
    },
}

/// The first GPU of the machine, with the kernels loaded. All work goes through one stream.
#[derive(Debug)]
pub struct Cuda {
    name: String,
    // Dropped in this order.
    module: Module,
    stream: Stream,
    context: Context,
}

impl Cuda {
    /// Opens the driver and the first GPU and loads the kernels.
    ///
    /// # Errors
    /// [`GpuError::Device`] where there is no driver or no GPU, or the kernels cannot be loaded: the driver is older than 580, or the GPU than
    /// compute capability 8.0.
    pub fn open() -> Result<Arc<Self>, GpuError> {
        driver::open().map_err(|message| GpuError::Device {
            device: "CUDA".into(),
            operation: "opening the driver",
            code: message.into(),
        })?;
        let in_driver = |operation| move |code| failure("CUDA", operation, code);
        cust::init(CudaFlags::empty()).map_err(in_driver("starting the driver"))?;
        let device = Device::get_device(0).map_err(in_driver("finding a GPU"))?;
        let version = CudaApiVersion::get().map_err(in_driver("asking for its version"))?;
        let name = device.name().map_err(in_driver("asking for its name"))?;
        let name = format!(
            "CUDA device 0 ({name}, driver for CUDA {}.{})",
            version.major(),
            version.minor()
        );
        let on_device = |operation| {
            let name = name.clone();
            move |code| failure(&name, operation, code)
        };
        let context = Context::new(device).map_err(on_device("opening a context"))?;
        let module = Module::from_fatbin(FATBIN, &[]).map_err(on_device("loading the kernels"))?;
        let stream =
            Stream::new(StreamFlags::DEFAULT, None).map_err(on_device("making a stream"))?;
        let cuda = Self {
            name,
            module,
            stream,
            context,
        };
        cuda.call("asking for shared memory", |cuda| {
            kernels::allow_shared_memory(&cuda.module)
        })?;
        Ok(Arc::new(cuda))
    }

    /// Name of the GPU and the newest CUDA that its driver serves.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until everything that was asked for is done.
    ///
    /// # Errors
    /// [`GpuError::Device`], also for a kernel that was started earlier.
    pub fn synchronize(&self) -> Result<(), GpuError> {
        self.call("waiting for kernels", |cuda| cuda.stream.synchronize())
    }

    /// Runs `operation` with this GPU as the thread's own.
    fn call<T>(
        &self,
        operation: &'static str,
        run: impl FnOnce(&Self) -> CudaResult<T>,
    ) -> Result<T, GpuError> {
        CurrentContext::set_current(&self.context)
            .and_then(|()| run(self))
            .map_err(|code| failure(&self.name, operation, code))
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // What is dropped next is unloaded from the current context. If that fails the process is ending, and the driver with it.
        let _ = CurrentContext::set_current(&self.context);
    }
}

/// By the code's name: its text is the driver's, which may be the one that is missing.
fn failure(device: &str, operation: &'static str, code: CudaError) -> GpuError {
    GpuError::Device {
        device: device.into(),
        operation,
        code: format!("{code:?}"),
    }
}
