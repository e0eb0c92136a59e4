// SPDX-License-Identifier: GPL-3.0-or-later
//! The CUDA backend without a GPU: `cuda/host/driver.cpp` stands in for the driver and runs the kernels on the CPU, so that
//! launches, copies, the loading of the driver and the fall-back are tested wherever there is a C++ compiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use dream_kernels::batch::Processor;
use dream_kernels::cuda::{Cuda, SIGNATURES};
use dream_kernels::data::{Block, DataLayer};
use dream_kernels::params::{Parameters, INSECURE_TEST_1024};
use dream_kernels::sample::Seed;

/// Says to a test that it runs in a process of its own, with the driver's stand-in.
const INSIDE: &str = "DREAM_TEST_INSIDE";

/// Compiles the stand-in as libcuda.so.1; its folder. None where there is no compiler.
fn driver() -> Option<&'static Path> {
    static DRIVER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda-driver");
        std::fs::create_dir_all(&folder).unwrap();
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
        let output = Command::new(&compiler)
            .args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(["-Wno-unknown-pragmas", "-DDREAM_HOST_SHIM", "-x", "c++"])
            .args(["-shared", "-fPIC", "-I", sources])
            .arg(Path::new(sources).join("host/driver.cpp"))
            .arg("-o")
            .arg(folder.join("libcuda.so.1"))
            .output();
        let Ok(output) = output else {
            eprintln!("skipped: no C++ compiler ({compiler})");
            return None;
        };
        assert!(output.status.success(), "{}", text(&output.stderr));
        Some(folder)
    };
    DRIVER.get_or_init(build).as_deref()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a program with the stand-in in the place of the driver.
fn with_driver(program: &Path, arguments: &[&str], fails: Option<&str>) -> Option<Output> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LD_LIBRARY_PATH", driver()?)
        .env(INSIDE, "yes");
    if let Some(fails) = fails {
        command.env("DREAM_DRIVER_FAILS", fails);
    }
    Some(command.output().unwrap())
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_dream-gpu");

#[test]
fn every_kernel_should_equal_the_scalar_backend_when_launched_from_rust() {
    let Some(output) = with_driver(Path::new(PROGRAM), &["--tests"], None) else {
        return;
    };
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    assert!(said.contains("shim on the CPU"), "{said}");
    assert!(said.contains("\n33 passed, 0 failed\n"), "{said}");
}

#[test]
fn bench_should_print_every_line_of_its_table() {
    let Some(output) = with_driver(Path::new(PROGRAM), &["--quick-bench"], None) else {
        return;
    };
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    for line in [
        "| copy |",
        "| forward, N = 2^12 |",
        "| inverse, N = 2^16 |",
        "| a += b |",
        "| sum of 16 batches |",
        "| to the GPU |",
        "| from the GPU |",
        "transfers included, GPU",
        "transfers included, CPU",
        "of that the kernels",
    ] {
        assert!(said.contains(line), "no {line}: {said}");
    }
}

#[test]
fn program_should_count_nothing_as_passed_when_there_is_no_gpu() {
    // cuInit is what fails on a machine with a driver and no GPU.
    let Some(output) = with_driver(Path::new(PROGRAM), &[], Some("cuInit:1")) else {
        return;
    };
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", output.status);
    assert!(
        said.starts_with("skipped: no GPU (CUDA: starting the driver failed"),
        "{said}"
    );
    assert!(!said.contains("passed"), "{said}");
}

/// What a type of an argument is called in `SIGNATURES`.
fn argument_type(declaration: &str) -> &'static str {
    let pointer = declaration.contains('*');
    let names = declaration.replace('*', " ");
    let name = names.split_whitespace().find(|word| *word != "const");
    match (name.unwrap(), pointer) {
        ("u32", true) => "Words",
        ("i64", true) => "Integers",
        ("u64", true) => "Thresholds",
        ("Limb", true) => "Limbs",
        ("Twiddle", true) => "Twiddles",
        ("u32", false) => "u32",
        ("u64", false) => "u64",
        ("Place", false) => "Place",
        other => panic!("{other:?} in {declaration} is no argument type of a kernel"),
    }
}

#[test]
fn launches_should_have_the_types_of_the_kernels() {
    let mut sources = String::new();
    for name in ["elementwise.cu", "ntt.cu"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("cuda")
            .join(name);
        sources += &std::fs::read_to_string(path).unwrap().replace("\\\n", " ");
    }
    for name in ["NTT_PARAMETERS", "ENCODE_PARAMETERS"] {
        let define = format!("#define {name} ");
        let (_, rest) = sources.split_once(&define).unwrap();
        let parameters = rest.lines().next().unwrap().trim().to_string();
        sources = sources.replace(&define, "").replace(name, &parameters);
    }
    let kernels: Vec<(String, Vec<&str>)> = sources
        .split("KERNEL void ")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once('(').unwrap();
            let (parameters, _) = rest.split_once(')').unwrap();
            (
                name.to_string(),
                parameters.split(',').map(argument_type).collect(),
            )
        })
        .collect();
    let mut launches: Vec<(String, Vec<&str>)> = SIGNATURES
        .iter()
        .map(|(name, types)| (name.to_string(), types.to_vec()))
        .collect();
    let mut kernels = kernels;
    kernels.sort();
    launches.sort();
    assert_eq!(launches, kernels);
}

#[test]
fn program_should_start_with_whatever_driver_there_is() {
    let output = Command::new(PROGRAM).arg("--nothing").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--tests, --bench"));
}

#[test]
fn program_should_fail_when_a_launch_fails() {
    let fails = Some("cuLaunchKernel:40");
    let Some(output) = with_driver(Path::new(PROGRAM), &["--tests"], fails) else {
        return;
    };
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAILED: ") && said.contains("LaunchFailed"),
        "{said}"
    );
}

/// Runs the test `name` of this program again, with the stand-in; true in that second process.
fn inside(name: &str, fails: Option<&str>) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    if let Some(output) = with_driver(&this, &["--exact", name, "--nocapture"], fails) {
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
    false
}

const FIRST: Block = Block {
    round: 1,
    segment: 2,
    polynomial: 3,
};

fn encrypt(layer: &DataLayer, processor: &Processor) -> Vec<dream_kernels::data::Ciphertext> {
    let key = layer.secret_key(Seed::new([2; 32]), FIRST.round, FIRST.segment);
    let values: Vec<i8> = (0..10_000).map(|i| (i % 127) as i8).collect();
    layer
        .encrypt_all(processor, &Seed::new([1; 32]), &key, FIRST, &values)
        .unwrap()
}

#[test]
fn gpu_that_breaks_should_leave_the_work_to_the_cpu() {
    // The 40th launch comes after the verification's.
    if !inside(
        "gpu_that_breaks_should_leave_the_work_to_the_cpu",
        Some("cuLaunchKernel:40"),
    ) {
        return;
    }
    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let (gpu, cpu) = (
        Processor::detect(&layer.settings()),
        Processor::cpu(&layer.settings()),
    );
    assert!(gpu.has_gpu());
    let expected = encrypt(&layer, &cpu);
    for _ in 0..20 {
        assert!(encrypt(&layer, &gpu) == expected);
    }
    assert!(!gpu.has_gpu(), "the launches were to fail");
}

#[test]
fn gpu_that_cannot_run_the_kernels_should_not_be_taken() {
    let name = "gpu_that_cannot_run_the_kernels_should_not_be_taken";
    if !inside(name, Some("cuLaunchKernel:1")) {
        return;
    }
    assert!(Cuda::open().is_ok());
    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    assert!(!Processor::detect(&layer.settings()).has_gpu());
}

#[test]
fn open_should_say_what_the_driver_refused() {
    let name = "open_should_say_what_the_driver_refused";
    if !inside(name, Some("cuModuleLoadDataEx:1")) {
        return;
    }
    let reason = Cuda::open().unwrap_err().to_string();
    assert!(
        reason.contains("shim on the CPU")
            && reason.contains("loading the kernels failed with LaunchFailed"),
        "{reason}"
    );
}
