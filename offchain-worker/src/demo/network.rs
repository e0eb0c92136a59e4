// SPDX-License-Identifier: GPL-3.0-or-later
//! The demo's chain and its actors.

use crate::process::Process;
use crate::Args;
use anyhow::{bail, ensure, Context, Result};
use dream_chain::AccountId;
use dream_primitives::{Balance, DREAM};
use dream_worker::cli::{account_of, Global};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an actor does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Trains.
    Miner,
    /// Trains all segments but the last, and claims all.
    Faker,
    /// Trains, and passes its digests to its friend before they are open.
    Leaker,
    /// Replays.
    Verifier,
    /// Copies the digests of its friend, and replays all others.
    Lazy,
    /// Replays and merges.
    VerifierAndMerger,
    /// Opens the held-out shards that score versions.
    Steward,
}

/// Everybody but the validator: name (and derivation of its key) and part.
pub const ACTORS: &[(&str, Part)] = &[
    (MINER, Part::Miner),
    (LEAKER, Part::Leaker),
    (FAKER, Part::Faker),
    ("verifier-1", Part::VerifierAndMerger),
    ("verifier-2", Part::Verifier),
    (LAZY, Part::Lazy),
    (STEWARD, Part::Steward),
];

/// The honest miner.
pub const MINER: &str = "miner-1";
/// The miner that fakes.
pub const FAKER: &str = "faker";
/// The miner that leaks.
pub const LEAKER: &str = "leaker";
/// Who opens the held-out shards.
pub const STEWARD: &str = "steward";
/// The verifier that copies what is leaked.
pub const LAZY: &str = "lazy";

impl Part {
    /// Whether it has a bond and a profile.
    pub fn bonds(self) -> bool {
        self != Self::Steward
    }

    /// Whether it mines.
    pub fn mines(self) -> bool {
        matches!(self, Self::Miner | Self::Faker | Self::Leaker)
    }
}

/// Secret of the validator and root of the development chain.
pub const ROOT: &str = "//Alice";
/// What each actor owns at genesis, DREAM.
const ENDOWMENT: u64 = 100_000;
/// What the miners that vote own besides, DREAM: as much of the tokens as lets their votes pass at once.
const VOTERS: u64 = 20_000_000;
/// Miners that vote.
const VOTING: [&str; 2] = [MINER, LEAKER];
/// What each actor bonds, DREAM.
pub const BOND: &str = "20000";

/// Folders, programs and addresses of a demo.
pub struct Network {
    /// Folder of everything.
    pub dir: PathBuf,
    node_bin: PathBuf,
    worker_bin: PathBuf,
    adversary_bin: PathBuf,
    rpc_port: u16,
    port: u16,
}

/// The secret URI of an actor.
fn suri(name: &str) -> String {
    format!("//demo//{name}")
}

fn beside(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    Ok(own.with_file_name(name))
}

fn free_ports() -> Result<(u16, u16)> {
    // Both are held until both are known, so that they differ.
    let bind = || TcpListener::bind(("127.0.0.1", 0)).context("no free port");
    let (a, b) = (bind()?, bind()?);
    Ok((a.local_addr()?.port(), b.local_addr()?.port()))
}

impl Network {
    /// Makes the folders and chooses ports.
    pub fn new(args: &Args, dir: &Path) -> Result<Self> {
        let program = |given: &Option<PathBuf>, name: &str| match given {
            Some(path) => Ok(path.clone()),
            None => beside(name),
        };
        let (node_bin, worker_bin, adversary_bin) = (
            program(&args.node_bin, "dream-node")?,
            program(&args.worker_bin, "dream-worker")?,
            program(&args.adversary_bin, "dream-adversary")?,
        );
        for program in [&node_bin, &worker_bin, &adversary_bin] {
            ensure!(
                program.is_file(),
                "{} is not there: build it first (make build)",
                program.display()
            );
        }
        fs::create_dir_all(dir.join("logs"))
            .with_context(|| format!("cannot make {}", dir.display()))?;
        let (rpc_port, port) = free_ports()?;
        Ok(Self {
            dir: dir.into(),
            node_bin,
            worker_bin,
            adversary_bin,
            rpc_port,
            port,
        })
    }

    /// What a worker's command line says of chain and store.
    pub fn global(&self, name: Option<&str>) -> Global {
        Global {
            node: format!("ws://127.0.0.1:{}", self.rpc_port),
            key: None,
            suri: Some(name.map_or_else(|| ROOT.into(), suri)),
            store: self.dir.join("store"),
            state: self.dir.join("state").join(name.unwrap_or("root")),
            branch: 0,
            threads: 1,
            patience: 120,
            no_challenge: false,
            json: false,
        }
    }

    /// Names of the actors' accounts and of the validator's.
    pub fn names(&self, actors: &[&str]) -> Result<BTreeMap<AccountId, String>> {
        let mut names = BTreeMap::new();
        names.insert(account_of(ROOT)?, "validator".to_owned());
        for name in actors {
            names.insert(account(name)?, (*name).to_owned());
        }
        Ok(names)
    }

    /// Writes the chain's specification: the development preset with the actors' tokens, changed by `patch`, which gets
    /// the genesis.
    pub fn write_spec(
        &self,
        actors: &[&str],
        patch: fn(&mut Value) -> Result<()>,
    ) -> Result<PathBuf> {
        let exported = Command::new(&self.node_bin)
            .args(["export-chain-spec", "--chain", "dev"])
            .output()
            .with_context(|| format!("cannot start {}", self.node_bin.display()))?;
        let errors = String::from_utf8_lossy(&exported.stderr);
        ensure!(
            exported.status.success(),
            "export-chain-spec failed:\n{errors}"
        );
        let mut spec: Value = serde_json::from_slice(&exported.stdout)
            .context("the chain specification is no JSON")?;
        spec["id"] = json!("dream_demo");
        spec["name"] = json!("DREAM demo");
        let genesis = spec
            .pointer_mut("/genesis/runtimeGenesis/patch")
            .context("the chain specification has no /genesis/runtimeGenesis/patch")?;
        endow(genesis, actors, ENDOWMENT)?;
        patch(genesis)?;
        let path = self.dir.join("chain-spec.json");
        fs::write(&path, serde_json::to_vec_pretty(&spec)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Where a process writes: a process that is started again gets a log of its own.
    fn log(&self, stem: &str) -> PathBuf {
        let path = |n: u32| match n {
            0 => self.dir.join("logs").join(format!("{stem}.log")),
            n => self.dir.join("logs").join(format!("{stem}-{n}.log")),
        };
        (0..).map(path).find(|p| !p.exists()).unwrap_or(path(0))
    }

    /// Starts the validator.
    pub fn start_node(&self, spec: &Path) -> Result<Process> {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key)
            .map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
        let key: String = key.iter().map(|b| format!("{b:02x}")).collect();
        let mut arguments: Vec<OsString> = [
            "--validator",
            "--alice",
            "--no-telemetry",
            "--no-prometheus",
            "--no-mdns",
        ]
        .map(OsString::from)
        .to_vec();
        let ports = [self.rpc_port.to_string(), self.port.to_string()];
        let pairs: [(&str, OsString); 7] = [
            ("--chain", spec.into()),
            ("--base-path", self.dir.join("chain").into()),
            ("--rpc-port", ports[0].clone().into()),
            ("--port", ports[1].clone().into()),
            ("--node-key", key.into()),
            ("--rpc-max-connections", "100".into()),
            // `explain` reads what happened in blocks long past.
            ("--state-pruning", "archive".into()),
        ];
        arguments.extend(
            pairs
                .into_iter()
                .flat_map(|(name, value)| [name.into(), value]),
        );
        Process::start(
            "validator",
            &self.node_bin,
            arguments,
            &self.dir.join("logs/validator.log"),
        )
    }

    /// Starts a command of an actor that does its part, honest or not.
    pub fn start_worker(&self, name: &str, part: Part, command: &[&str]) -> Result<Process> {
        let leaks = self.dir.join("leaks");
        let mode = match part {
            Part::Faker => Some("faked-segment".to_owned()),
            Part::Leaker => Some(format!("leaking-miner={}", leaks.display())),
            Part::Lazy => Some(format!("lazy-verifier={}", leaks.display())),
            _ => None,
        };
        self.start(name, mode, command)
    }

    /// Starts a command of an honest actor.
    pub fn start_honest(&self, name: &str, command: &[&str]) -> Result<Process> {
        self.start(name, None, command)
    }

    /// Starts a command of an actor: of the cheating worker in `mode`, of the worker where there is none.
    fn start(&self, name: &str, mode: Option<String>, command: &[&str]) -> Result<Process> {
        let global = self.global(Some(name));
        let mut arguments: Vec<OsString> = Vec::new();
        let program = match mode {
            Some(mode) => {
                arguments.push(mode.into());
                &self.adversary_bin
            }
            None => &self.worker_bin,
        };
        arguments.extend(command.iter().map(OsString::from));
        let Some(suri) = global.suri else {
            bail!("{name} has no key")
        };
        let pairs: [(&str, OsString); 4] = [
            ("--node", global.node.into()),
            ("--suri", suri.into()),
            ("--store", global.store.into()),
            ("--state", global.state.into()),
        ];
        arguments.extend(
            pairs
                .into_iter()
                .flat_map(|(name, value)| [name.into(), value]),
        );
        let what = command.first().copied().unwrap_or_default();
        let log = self.log(&format!("{name}-{what}"));
        Process::start(name, program, arguments, &log)
    }
}

/// Adds so many DREAM to what each of the actors owns at genesis.
fn endow(genesis: &mut Value, actors: &[&str], tokens: u64) -> Result<()> {
    let balances = genesis
        .pointer_mut("/balances/balances")
        .and_then(Value::as_array_mut)
        .context("the genesis has no balances")?;
    let tokens = Balance::from(tokens) * DREAM;
    for name in actors {
        let account = account(name)?.to_string();
        match balances.iter_mut().find(|b| b[0] == account) {
            Some(entry) => {
                let owned: Balance = entry[1].to_string().parse()?;
                entry[1] = json!(owned + tokens);
            }
            None => balances.push(json!([account, tokens])),
        }
    }
    Ok(())
}

/// The public demo's round, and tokens for its vote.
pub fn patch(genesis: &mut Value) -> Result<()> {
    endow(genesis, &VOTING, VOTERS)?;
    let round = genesis
        .pointer_mut("/chainParameters/parameters/round")
        .context("the genesis has no chainParameters.parameters.round")?;
    // Claiming ends as soon as all miners have claimed; so do the other phases when everybody has acted.
    round["maxClaims"] = json!(3);
    round["disputeBlocks"] = json!(2);
    // Slots for accounts without bonds are kept free of others.
    round["newcomerSlots"] = json!(0);
    let audit = genesis
        .pointer_mut("/chainParameters/parameters/audit")
        .context("the genesis has no chainParameters.parameters.audit")?;
    // High enough for the leaker's canary to come within a few rounds (thirteen without one: 0.13 %), low enough for most
    // claims to be merged.
    audit["canaryRate"] = json!(400_000);
    // Credit epochs of 45 blocks, the shortest that referenda allow: votes count the credits of the one before.
    let rewards = genesis
        .pointer_mut("/chainParameters/parameters/rewards")
        .context("the genesis has no chainParameters.parameters.rewards")?;
    rewards["creditHalfLife"] = json!(2_880);
    Ok(())
}

/// The account of an actor.
pub fn account(name: &str) -> Result<AccountId> {
    Ok(account_of(&suri(name))?)
}

/// The text that the vote adds: what the user gave, or a copy of the protocol's rules.
pub fn second_text(args: &Args, dir: &Path) -> Result<PathBuf> {
    if let Some(text) = &args.second_text {
        return Ok(text.clone());
    }
    let (rules, copy) = (Path::new("pallets/primitives/src"), dir.join("second-text"));
    ensure!(rules.is_dir(), "{} is not in the current folder: start the demo in the project's root, or give it a second text with --second-text FOLDER", rules.display());
    fs::create_dir_all(&copy)?;
    for entry in fs::read_dir(rules)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, copy.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(copy)
}

/// The text that is trained on: what the user gave, or a copy of the project's own documents.
pub fn text(args: &Args, dir: &Path) -> Result<PathBuf> {
    if let Some(text) = &args.text {
        return Ok(text.clone());
    }
    let copy = dir.join("text");
    fs::create_dir_all(&copy)?;
    let mut found = 0;
    for name in ["LICENSE", "README.md"] {
        if Path::new(name).is_file() {
            fs::copy(name, copy.join(name)).with_context(|| format!("cannot copy {name}"))?;
            found += 1;
        }
    }
    for entry in fs::read_dir("docs").into_iter().flatten() {
        let path = entry?.path();
        let markdown = path.extension().is_some_and(|e| e == "md");
        if let Some(name) = path.file_name().filter(|_| markdown) {
            fs::copy(&path, copy.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
            found += 1;
        }
    }
    ensure!(found > 0, "neither LICENSE, README.md nor docs/*.md is in the current folder: start the demo in the project's root, or give it a text with --text FOLDER");
    Ok(copy)
}
