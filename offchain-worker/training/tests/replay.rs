// SPDX-License-Identifier: GPL-3.0-or-later
//! The same segment in another process, under pinned settings, gives the same bits.
//!
//! Each child process is this test program again, running only `child_should_run_what_its_environment_names`.

use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::H256;
use dream_training::numeric::{self, Isa, MathMode, PinError, Request};
use dream_training::{init_state, parameters, silent, SegmentRunner, Trainer, TrainingState};
use std::path::Path;
use std::process::{Command, Output};

const JOB: &str = "DREAM_TRAINING_TEST_JOB";
const CHILD: &str = "child_should_run_what_its_environment_names";
const GENESIS: H256 = H256::repeat_byte(3);
const STEPS: u16 = 3;

const ARCHITECTURE: Architecture = Architecture::Llama(LlamaConfig {
    vocab: 256,
    dim: 64,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    ffn: 192,
    context: 64,
    rope_theta: 10_000,
    tied: true,
});

const RECIPE: Recipe = Recipe {
    segments: 4,
    steps: STEPS,
    batch: 4,
    context: 64,
    optimiser: Optimiser::AdamW {
        learning_rate: 3_000_000,
        beta1: 900_000_000,
        beta2: 950_000_000,
        epsilon: 10_000,
        weight_decay: 100_000_000,
        max_norm: 1_000_000_000,
    },
    proximal: 0,
    rule: AggregationRule::WeightedMean,
    server: ServerOptimiser::Sgd {
        learning_rate: 1 << 16,
    },
    delta: DeltaCodec::DenseInt8,
    error_feedback: 0,
    class: NumericClass::Exact,
};

/// Batches from this file's text; `flipped` names the step whose first token is changed by one bit.
fn batches(flipped: Option<u64>) -> impl FnMut(u64) -> Vec<u32> {
    let text = include_bytes!("replay.rs");
    move |step| {
        let start = |row: u64| usize::try_from((step * 4 + row) * 131).unwrap() % (text.len() - 65);
        let mut batch: Vec<u32> = (0..4)
            .flat_map(|row| {
                text[start(row)..start(row) + 65]
                    .iter()
                    .map(|b| u32::from(*b))
            })
            .collect();
        if flipped == Some(step) {
            batch[0] ^= 1;
        }
        batch
    }
}

fn request(words: &[&str]) -> Request {
    let isa = if words.contains(&"avx512") {
        Isa::Avx512
    } else {
        Isa::Avx2
    };
    let math = if words.contains(&"compatible") {
        MathMode::Compatible
    } else {
        MathMode::Strict
    };
    Request {
        isa,
        math,
        threads: if words.contains(&"threads0") { 0 } else { 1 },
    }
}

/// A job is "all FOLDER [flip] [isa] [mode]", which runs every segment and leaves each end state in FOLDER, "one FOLDER
/// SEGMENT", which runs one segment from the file that "all" left, or "score [byte] [parameter]", which scores a
/// fresh model on eleven samples, with one of their bytes or one parameter changed.
#[test]
#[ignore = "is run as a process of its own by the other tests"]
fn child_should_run_what_its_environment_names() {
    let job = std::env::var(JOB).expect("the other tests name a job");
    let words: Vec<&str> = job.split(' ').collect();
    let settings = match numeric::pin_as(request(&words)) {
        Ok(settings) => settings,
        Err(e) => return println!("\nrefused: {e}"),
    };
    println!(
        "\nsettings {} {} {}",
        settings.isa, settings.math, settings.threads
    );
    if words[0] == "score" {
        return score(&words);
    }
    let folder = Path::new(words[1]);
    let file = |segment: u16| folder.join(format!("state-{segment}"));
    let head = init_state(&ARCHITECTURE, 5).unwrap();
    let (range, start) = if words[0] == "all" {
        (
            0..RECIPE.segments,
            TrainingState::from_head(&ARCHITECTURE, &head).unwrap(),
        )
    } else {
        let segment: u16 = words[2].parse().unwrap();
        let bytes = std::fs::read(file(segment)).unwrap();
        (
            segment..segment + 1,
            TrainingState::from_bytes(&bytes, parameters(&ARCHITECTURE).unwrap()).unwrap(),
        )
    };
    let mut batches = batches(words.contains(&"flip").then_some(u64::from(STEPS)));
    let mut trainer = Trainer::new(ARCHITECTURE, RECIPE, GENESIS).unwrap();
    let mut state = start;
    for segment in range {
        let done = trainer
            .run_segment(&head, state, &mut batches, segment, &mut silent)
            .unwrap();
        println!(
            "segment {segment} {:?} {:?}",
            done.state.hash(&GENESIS),
            done.digest
        );
        if words[0] == "all" {
            std::fs::write(file(segment + 1), done.state.to_bytes()).unwrap();
        }
        state = done.state;
    }
}

fn score(words: &[&str]) {
    let mut head = init_state(&ARCHITECTURE, 5).unwrap();
    if words.contains(&"parameter") {
        *head.last_mut().unwrap() += 1 << 16;
    }
    let mut batches = batches(None);
    let mut samples: Vec<Vec<u32>> = (0..11).map(|i| batches(i)[..65].to_vec()).collect();
    if words.contains(&"byte") {
        samples[9][33] ^= 1;
    }
    let mut trainer = Trainer::new(ARCHITECTURE, RECIPE, GENESIS).unwrap();
    let scores = trainer.score(&head, &samples).unwrap();
    println!("score {:?} {}", scores.hash(&GENESIS), scores.micro_nats());
}

fn spawn(job: &str, environment: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([
            CHILD,
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(JOB, job)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// Lines of a child that begin with `word`.
fn lines(output: &Output, word: &str) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter(|l| l.starts_with(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn replay_should_be_bit_equal_when_a_segment_runs_alone_in_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let job = format!("all {}", folder.path().display());
    let all = spawn(&job, &[]);
    let segments = lines(&all, "segment");
    assert_eq!(segments.len(), 4);
    assert_eq!(lines(&all, "settings"), ["settings avx2 AVX2,STRICT 1"]);
    // Other settings in the caller's environment must not matter.
    let hostile = [
        ("ATEN_CPU_CAPABILITY", "default"),
        ("MKL_CBWR", "COMPATIBLE"),
        ("OMP_NUM_THREADS", "2"),
    ];
    for (segment, environment) in [(1u16, &hostile[..]), (3, &[])] {
        let alone = spawn(
            &format!("one {} {segment}", folder.path().display()),
            environment,
        );
        assert_eq!(
            lines(&alone, "segment"),
            segments[usize::from(segment)..usize::from(segment) + 1]
        );
    }
}

#[test]
fn hashes_should_change_from_the_segment_on_in_which_one_token_changes() {
    let folder = tempfile::tempdir().unwrap();
    let honest = lines(
        &spawn(&format!("all {}", folder.path().display()), &[]),
        "segment",
    );
    let flipped = lines(
        &spawn(&format!("all {} flip", folder.path().display()), &[]),
        "segment",
    );
    assert_eq!(flipped[0], honest[0]);
    for (f, h) in flipped[1..].iter().zip(&honest[1..]) {
        assert!(
            f.split(' ').zip(h.split(' ')).skip(2).all(|(a, b)| a != b),
            "{f} and {h}"
        );
    }
}

#[test]
fn score_should_be_bit_equal_in_another_process_and_differ_by_one_byte_or_parameter() {
    let of = |job: &str| lines(&spawn(job, &[]), "score");
    let honest = of("score");
    assert_eq!(honest.len(), 1);
    let hostile = [("ATEN_CPU_CAPABILITY", "default"), ("OMP_NUM_THREADS", "2")];
    assert_eq!(lines(&spawn("score", &hostile), "score"), honest);
    for other in ["score byte", "score parameter"] {
        assert_ne!(of(other), honest, "{other}");
    }
}

#[test]
fn mathematics_mode_should_reach_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let output = spawn(&format!("all {} compatible", folder.path().display()), &[]);
    assert_eq!(lines(&output, "settings"), ["settings avx2 COMPATIBLE 1"]);
    let strict = spawn(&format!("all {}", folder.path().display()), &[]);
    assert_ne!(lines(&output, "segment"), lines(&strict, "segment"));
}

#[test]
fn pin_should_refuse_no_threads() {
    let none = Request {
        isa: Isa::Avx2,
        math: MathMode::Strict,
        threads: 0,
    };
    assert!(matches!(numeric::pin_as(none), Err(PinError::Threads)));
    let output = spawn("all none threads0", &[]);
    assert_eq!(lines(&output, "refused").len(), 1);
}

#[test]
fn settings_should_become_a_profile() {
    let folder = tempfile::tempdir().unwrap();
    let output = spawn(&format!("all {}", folder.path().display()), &[]);
    assert_eq!(lines(&output, "settings").len(), 1);
    let settings = numeric::NumericSettings {
        isa: "avx2",
        math: "AVX2,STRICT",
        library: "libtorch 2.11.0",
        threads: 1,
    };
    let profile = ProfileSettings::from(&settings);
    assert_eq!(profile.isa.as_slice(), b"avx2");
    assert_eq!(profile.math.as_slice(), b"AVX2,STRICT");
    assert_eq!(profile.library.as_slice(), b"libtorch 2.11.0");
    assert_eq!(profile.threads, 1);
}
