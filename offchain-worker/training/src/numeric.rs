// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric settings, pinned before libtorch starts.
//!
//! Measured by hashing trained states: the kernels' instruction set (`ATEN_CPU_CAPABILITY`) and MKL's mode (`MKL_CBWR`)
//! change bits; libtorch reads both at its first operation, but OpenMP reads its variables when the library is loaded,
//! before `main`. So [`pin`] starts the program again, once, with the environment that it needs: then it does not
//! matter what has run before, and no variable is changed in a running process.
//!
//! libtorch's switch "deterministic algorithms" is not among tch's bindings. It is not needed: on the CPU it concerns
//! operations that the model does not use (see [`crate::Model`]).

use dream_primitives::profile::{ProfileSettings, Setting, MAX_SETTING};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use tch::Tensor;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("numeric profiles are defined for x86-64 only");

/// Version of libtorch that this program is built against; tch's build checks it.
const LIBRARY: &str = "libtorch 2.11.0";
/// Holds the process number of a program that was started again, so that a failing restart cannot repeat for ever.
const MARK: &str = "DREAM_NUMERIC_PID";

/// Instruction set of libtorch's kernels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Isa {
    /// AVX2 and FMA: every x86-64 server since about 2015; within 5 % of AVX-512 at the sizes measured.
    #[default]
    Avx2,
    /// AVX-512.
    Avx512,
}

/// Mode of MKL's matrix products.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MathMode {
    /// The instruction set's own kernels with strict reproducibility. AMD and Intel machines may be different profiles.
    #[default]
    Strict,
    /// `COMPATIBLE`: equal on AMD and Intel, at about half the speed.
    Compatible,
}

/// What to pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// Instruction set.
    pub isa: Isa,
    /// Mode of the matrix products.
    pub math: MathMode,
    /// Threads of one operation.
    pub threads: u16,
}

/// The settings that this process computes under.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumericSettings {
    /// Instruction set of the kernels.
    pub isa: &'static str,
    /// Mode of the matrix products, as `MKL_CBWR` spells it.
    pub math: &'static str,
    /// Library and version.
    pub library: &'static str,
    /// Threads of one operation.
    pub threads: u16,
}

/// Why the settings could not be pinned.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// No threads.
    #[error("0 threads were asked for; at least 1 is needed")]
    Threads,
    /// The processor lacks the instruction set.
    #[error("this processor has no {0}; choose another instruction set or another machine")]
    Isa(&'static str),
    /// The program could not be started again with its settings.
    #[error("the program could not be started again with pinned numeric settings: {0}")]
    Restart(#[source] std::io::Error),
    /// Something changes the environment between the restart and `main`.
    #[error("after a restart {name} is still not {wanted:?}; does a wrapper script set it?")]
    Environment {
        /// The variable.
        name: &'static str,
        /// The value that is needed.
        wanted: String,
    },
    /// Numbers below 2^-126 vanish, which IEEE 754 does not allow.
    #[error("this process flushes subnormal numbers to zero; no profile does")]
    FlushToZero,
    /// libtorch does not use the number of threads that was set.
    #[error("libtorch runs {found} threads, not {wanted}")]
    ThreadCount {
        /// Threads asked for.
        wanted: u16,
        /// Threads that libtorch names.
        found: i32,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Request {
    fn names(&self) -> (&'static str, &'static str) {
        match (self.isa, self.math) {
            (Isa::Avx2, MathMode::Strict) => ("avx2", "AVX2,STRICT"),
            (Isa::Avx512, MathMode::Strict) => ("avx512", "AVX512,STRICT"),
            (Isa::Avx2, MathMode::Compatible) => ("avx2", "COMPATIBLE"),
            (Isa::Avx512, MathMode::Compatible) => ("avx512", "COMPATIBLE"),
        }
    }

    /// The environment that libtorch, MKL, oneDNN and OpenMP read.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let (isa, math) = self.names();
        let onednn = match self.isa {
            Isa::Avx2 => "AVX2",
            Isa::Avx512 => "AVX512_CORE",
        };
        let threads = self.threads.to_string();
        vec![
            ("ATEN_CPU_CAPABILITY", isa.into()),
            ("MKL_CBWR", math.into()),
            ("MKL_DYNAMIC", "FALSE".into()),
            ("MKL_NUM_THREADS", threads.clone()),
            ("ONEDNN_MAX_CPU_ISA", onednn.into()),
            ("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT".into()),
            ("OMP_DYNAMIC", "FALSE".into()),
            ("OMP_NUM_THREADS", threads),
            // Changes no bit. Threads that spin while they wait halve the speed where other programs run.
            ("OMP_WAIT_POLICY", "PASSIVE".into()),
        ]
    }

    fn check_processor(&self) -> Result<(), PinError> {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        // What ATen and oneDNN need for their AVX-512 kernels.
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        match self.isa {
            _ if self.threads == 0 => Err(PinError::Threads),
            Isa::Avx2 if !avx2 => Err(PinError::Isa("AVX2 with FMA")),
            Isa::Avx512 if !(avx2 && avx512) => Err(PinError::Isa("AVX-512 (F, DQ, BW, VL)")),
            _ => Ok(()),
        }
    }
}

/// Starts this program again with the same arguments and process number. Returns only on failure.
fn restart(environment: &[(&'static str, String)]) -> PinError {
    let program = match std::env::current_exe() {
        Ok(path) => path,
        Err(e) => return PinError::Restart(e),
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let pairs = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    PinError::Restart(
        command
            .args(arguments)
            .envs(pairs)
            .env(MARK, std::process::id().to_string())
            .exec(),
    )
}

/// Pins AVX2, strict mode and `threads` threads. See [`pin_as`].
pub fn pin(threads: u16) -> Result<NumericSettings, PinError> {
    pin_as(Request {
        isa: Isa::default(),
        math: MathMode::default(),
        threads,
    })
}

/// Pins `request` for this process. Call it first in `main`: where the environment differs from what is needed, the
/// program starts again in the same process (same arguments, same process number), and what it did so far is lost.
pub fn pin_as(request: Request) -> Result<NumericSettings, PinError> {
    request.check_processor()?;
    let environment = request.environment();
    let differs = environment
        .iter()
        .find(|(name, value)| std::env::var_os(name) != Some(OsString::from(value)));
    if let Some((name, wanted)) = differs {
        if std::env::var(MARK).is_ok_and(|pid| pid == std::process::id().to_string()) {
            return Err(PinError::Environment {
                name,
                wanted: wanted.clone(),
            });
        }
        return Err(restart(&environment));
    }
    tch::set_num_threads(i32::from(request.threads));
    let found = tch::get_num_threads();
    if found != i32::from(request.threads) {
        return Err(PinError::ThreadCount {
            wanted: request.threads,
            found,
        });
    }
    // 2^-127, subnormal; halved it is 2^-128. Both engines that compute on a state are asked.
    let tiny = f32::from_bits(0x0040_0000);
    let halved = Tensor::f_from_slice(&[tiny])?
        .f_mul_scalar(0.5)?
        .f_double_value(&[0])?;
    if halved == 0.0 || std::hint::black_box(tiny) * 0.5 == 0.0 {
        return Err(PinError::FlushToZero);
    }
    let (isa, math) = request.names();
    Ok(NumericSettings {
        isa,
        math,
        library: LIBRARY,
        threads: request.threads,
    })
}

fn setting(text: &str) -> Setting {
    Setting::truncate_from(text.bytes().take(MAX_SETTING as usize).collect())
}

impl From<&NumericSettings> for ProfileSettings {
    fn from(settings: &NumericSettings) -> Self {
        Self {
            isa: setting(settings.isa),
            math: setting(settings.math),
            library: setting(settings.library),
            threads: settings.threads,
        }
    }
}
