// SPDX-License-Identifier: GPL-3.0-or-later
//! Memory of the GPU that is wiped before it is given back.
#![allow(unsafe_code)]

use std::sync::Arc;

use cust::memory::{
    AsyncCopyDestination, CopyDestination, DeviceBuffer, DeviceCopy, DevicePointer, DeviceSlice,
};
use cust::sys::cuMemsetD8_v2;

use super::kernels::checked;
use super::{Cuda, GpuError};

/// Items on the GPU.
#[derive(Debug)]
pub struct Memory<T: DeviceCopy> {
    // Dropped before the context that it belongs to.
    buffer: DeviceBuffer<T>,
    cuda: Arc<Cuda>,
}

impl<T: DeviceCopy> Memory<T> {
    /// Copies items to the GPU.
    pub fn from(cuda: &Arc<Cuda>, items: &[T]) -> Result<Self, GpuError> {
        let buffer = cuda.call("a copy to the GPU", |_| DeviceBuffer::from_slice(items))?;
        Ok(Self {
            cuda: Arc::clone(cuda),
            buffer,
        })
    }

    /// Memory without contents.
    ///
    /// # Safety
    /// A kernel writes all of it before it is read.
    pub unsafe fn uninitialised(cuda: &Arc<Cuda>, items: usize) -> Result<Self, GpuError> {
        // SAFETY: the caller's word.
        let make = |_: &Cuda| unsafe { DeviceBuffer::uninitialized(items) };
        Ok(Self {
            cuda: Arc::clone(cuda),
            buffer: cuda.call("taking memory of the GPU", make)?,
        })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Where they lie.
    pub fn at(&self) -> DevicePointer<T> {
        self.buffer.as_device_ptr()
    }

    /// Copies from memory of the same length, after everything that was launched and before what will be.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn copy_from(&mut self, from: &Self) -> Result<(), GpuError> {
        let (cuda, from): (_, &DeviceSlice<T>) = (Arc::clone(&self.cuda), &from.buffer);
        let buffer = &mut self.buffer;
        cuda.call("a copy within the GPU", |cuda| {
            // SAFETY: cust compares the lengths; memory is given back only after the stream has come to it.
            unsafe { buffer.async_copy_from(from, &cuda.stream) }
        })
    }

    /// Copies to memory of this machine, after everything that was launched.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn copy_to(&self, to: &mut [T]) -> Result<(), GpuError> {
        self.cuda.synchronize()?;
        self.cuda
            .call("a copy from the GPU", |_| self.buffer.copy_to(to))
    }
}

impl<T: DeviceCopy> Drop for Memory<T> {
    fn drop(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let bytes = self.buffer.len() * size_of::<T>();
        let wiped = self.cuda.call("wiping memory of the GPU", |_| {
            // SAFETY: the bytes of the buffer, which is alive.
            checked(unsafe { cuMemsetD8_v2(self.at().as_raw(), 0, bytes) })
        });
        if let Err(reason) = wiped {
            tracing::warn!("{reason}: secrets may be left there");
        }
    }
}
