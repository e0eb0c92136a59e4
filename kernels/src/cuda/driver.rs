// SPDX-License-Identifier: GPL-3.0-or-later
//! CUDA's driver, opened when a program asks for it.
//!
//! Crate cust links against `libcuda`, and a program that does so does not start where there is no driver. Here are functions of
//! the same names that jump to wherever the driver put its own; until it is opened, and where it cannot be, they return an error
//! code. The `libcuda.a` that the linker is given (kernels/cuda/driver) is empty.
#![allow(unsafe_code)]

use core::ffi::{c_int, c_void, CStr};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::OnceLock;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("feature `cuda` of dream-kernels is for Linux on x86-64: build without it");

/// CUDA_ERROR_NO_DEVICE: what every function returns while no driver is open.
extern "C" fn no_device() -> c_int {
    100
}

/// CUDA_ERROR_NOT_FOUND: what a function returns that the driver does not have.
extern "C" fn not_found() -> c_int {
    500
}

/// Makes one jump a function, through a table that [`open`] fills.
macro_rules! functions {
    ($($name:ident)*) => {
        #[allow(non_camel_case_types)]
        enum Index { $($name),* }

        /// The functions' names, each with a zero at its end.
        const NAMES: &[&str] = &[$(concat!(stringify!($name), "\0")),*];

        static TABLE: [AtomicPtr<c_void>; NAMES.len()] =
            [const { AtomicPtr::new(no_device as *mut c_void) }; NAMES.len()];

        $(
            // SAFETY: the function has its declarer's signature, cust_raw's. The jump leaves registers and stack as the caller set
            // them, and goes to the driver's function of this name or to one that takes no arguments and returns a code.
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            unsafe extern "C" fn $name() {
                core::arch::naked_asm!(
                    "jmp qword ptr [rip + {table} + {at}]",
                    table = sym TABLE,
                    at = const Index::$name as usize * size_of::<AtomicPtr<c_void>>(),
                )
            }
        )*
    };
}

// Everything that cust 0.3.2 names, and cuFuncSetAttribute, which it does not wrap.
functions! {
    cuArray3DCreate_v2
    cuArray3DGetDescriptor_v2
    cuArrayDestroy
    cuCtxCreate_v2
    cuCtxDestroy_v2
    cuCtxGetApiVersion
    cuCtxGetCacheConfig
    cuCtxGetCurrent
    cuCtxGetDevice
    cuCtxGetFlags
    cuCtxGetLimit
    cuCtxGetSharedMemConfig
    cuCtxGetStreamPriorityRange
    cuCtxPopCurrent_v2
    cuCtxPushCurrent_v2
    cuCtxSetCacheConfig
    cuCtxSetCurrent
    cuCtxSetLimit
    cuCtxSetSharedMemConfig
    cuCtxSynchronize
    cuDestroyExternalMemory
    cuDeviceGet
    cuDeviceGetAttribute
    cuDeviceGetCount
    cuDeviceGetName
    cuDevicePrimaryCtxRelease_v2
    cuDevicePrimaryCtxReset_v2
    cuDevicePrimaryCtxRetain
    cuDevicePrimaryCtxSetFlags_v2
    cuDeviceTotalMem_v2
    cuDriverGetVersion
    cuEventCreate
    cuEventDestroy_v2
    cuEventElapsedTime
    cuEventQuery
    cuEventRecord
    cuEventSynchronize
    cuExternalMemoryGetMappedBuffer
    cuFuncGetAttribute
    cuFuncSetAttribute
    cuFuncSetCacheConfig
    cuFuncSetSharedMemConfig
    cuGetErrorString
    cuGraphAddKernelNode
    cuGraphCreate
    cuGraphDebugDotPrint
    cuGraphDestroy
    cuGraphGetEdges
    cuGraphGetNodes
    cuGraphKernelNodeGetParams
    cuGraphNodeGetType
    cuImportExternalMemory
    cuInit
    cuLaunchHostFunc
    cuLaunchKernel
    cuLinkAddData_v2
    cuLinkComplete
    cuLinkCreate_v2
    cuLinkDestroy
    cuMemAdvise
    cuMemAllocAsync
    cuMemAllocHost_v2
    cuMemAllocManaged
    cuMemAlloc_v2
    cuMemFreeAsync
    cuMemFreeHost
    cuMemFree_v2
    cuMemGetInfo_v2
    cuMemPrefetchAsync
    cuMemcpy2D_v2
    cuMemcpyAtoH_v2
    cuMemcpyDtoDAsync_v2
    cuMemcpyDtoD_v2
    cuMemcpyDtoHAsync_v2
    cuMemcpyDtoH_v2
    cuMemcpyHtoA_v2
    cuMemcpyHtoDAsync_v2
    cuMemcpyHtoD_v2
    cuMemsetD16Async
    cuMemsetD16_v2
    cuMemsetD32Async
    cuMemsetD32_v2
    cuMemsetD8Async
    cuMemsetD8_v2
    cuModuleGetFunction
    cuModuleGetGlobal_v2
    cuModuleLoad
    cuModuleLoadData
    cuModuleLoadDataEx
    cuModuleUnload
    cuOccupancyAvailableDynamicSMemPerBlock
    cuOccupancyMaxActiveBlocksPerMultiprocessor
    cuOccupancyMaxPotentialBlockSize
    cuStreamCreateWithPriority
    cuStreamDestroy_v2
    cuStreamGetFlags
    cuStreamGetPriority
    cuStreamSynchronize
    cuStreamWaitEvent
    cuSurfObjectCreate
    cuSurfObjectDestroy
    cuSurfObjectGetResourceDesc
    cuTexObjectCreate
    cuTexObjectDestroy
    cuTexObjectGetResourceDesc
    cuTexObjectGetResourceViewDesc
}

/// Opens `libcuda.so.1`, once; it stays open.
///
/// # Errors
/// What the dynamic linker says where there is no driver.
pub fn open() -> Result<(), &'static str> {
    static OPENED: OnceLock<Result<(), String>> = OnceLock::new();
    let opened = OPENED.get_or_init(|| {
        // SAFETY: a name that ends with zero, and a driver whose initialisers are meant to be run by any process.
        let driver = unsafe { libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOW) };
        if driver.is_null() {
            // SAFETY: dlopen has just failed on this thread, so there is a message, valid until the next such call.
            let message = unsafe { CStr::from_ptr(libc::dlerror()) };
            return Err(message.to_string_lossy().into_owned());
        }
        for (name, entry) in NAMES.iter().zip(&TABLE) {
            // SAFETY: an open library and a name that ends with zero.
            let function = unsafe { libc::dlsym(driver, name.as_ptr().cast()) };
            let function = if function.is_null() {
                not_found as *mut c_void
            } else {
                function
            };
            entry.store(function, Ordering::Release);
        }
        Ok(())
    });
    opened.as_ref().copied().map_err(String::as_str)
}
