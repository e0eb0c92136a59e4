// SPDX-License-Identifier: GPL-3.0-or-later
//! Arguments.

use super::ExplainOptions;
use crate::error::{WorkerError, EXIT_CODES};
use crate::roles::private::loss::Protection;
use crate::units;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dream_chain::AccountId;
use dream_primitives::delta::MAX_SHIFT;
use dream_primitives::value::MAX_SHARD;
use dream_primitives::{Balance, BranchId, DatasetId, H256};
use dream_privacy::{Target, MAX_VARIANCE};
use std::path::PathBuf;

/// Trains, verifies and merges models on a DREAM chain.
#[derive(Debug, Parser)]
#[command(name = "dream-worker", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// Command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// RPC address of a node.
    #[arg(
        long,
        global = true,
        env = "DREAM_NODE",
        default_value = "ws://127.0.0.1:9944",
        value_name = "URL"
    )]
    pub node: String,
    /// File that holds the account's secret: a secret URI (a mnemonic or `//Alice`) or a seed in hexadecimal.
    #[arg(
        long,
        global = true,
        env = "DREAM_KEY",
        value_name = "FILE",
        conflicts_with = "suri"
    )]
    pub key: Option<PathBuf>,
    /// Secret URI of the account. Others on this machine can see it: prefer --key, or the environment.
    #[arg(
        long,
        global = true,
        env = "DREAM_SURI",
        hide_env_values = true,
        value_name = "URI"
    )]
    pub suri: Option<String>,
    /// Folder of the blob store; workers on one machine can share it.
    #[arg(long, global = true, env = "DREAM_STORE", value_name = "FOLDER", default_value_os_t = data_folder("store"))]
    pub store: PathBuf,
    /// Folder of the state database; one for each worker.
    #[arg(long, global = true, env = "DREAM_STATE", value_name = "FOLDER", default_value_os_t = data_folder("state"))]
    pub state: PathBuf,
    /// Branch worked on.
    #[arg(long, global = true, default_value_t = 0)]
    pub branch: BranchId,
    /// Threads of one operation; part of the numeric profile.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Seconds for which a node that does not answer is tried again.
    #[arg(long, global = true, default_value_t = 120, value_name = "SECONDS")]
    pub patience: u64,
    /// A verifier does not challenge claims that are accepted against its own replay.
    #[arg(long, global = true)]
    pub no_challenge: bool,
    /// Prints JSON (commands that read).
    #[arg(long, global = true)]
    pub json: bool,
}

fn data_folder(name: &str) -> PathBuf {
    let home = |p: std::ffi::OsString| PathBuf::from(p).join(".local/share");
    std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(home))
        .unwrap_or_default()
        .join("dream")
        .join(name)
}

/// Commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Data sets.
    #[command(subcommand)]
    Data(DataCommand),
    /// Held-out shards, which score versions.
    #[command(subcommand)]
    Shard(ShardCommand),
    /// Adds to the account's bond, which claims, seats and merges lock.
    Bond {
        /// Amount in DREAM, such as 1000 or 0.5.
        #[arg(value_parser = units::parse)]
        amount: Balance,
    },
    /// Starts to take back a part of the bond that is not locked.
    Unbond {
        /// Amount in DREAM.
        #[arg(value_parser = units::parse)]
        amount: Balance,
    },
    /// Takes back what was unbonded, once its time has come.
    Withdraw,
    /// Asks for a slot in the next round by a proof of work: entry without tokens. Then run `mine`.
    Enter,
    /// Pays the rounds of --branch, which the account owns, from an escrow: for a branch that emission does not pay.
    Fund {
        /// Amount in DREAM that is added to the escrow; may be 0 to change the terms only.
        #[arg(value_parser = units::parse)]
        amount: Balance,
        /// Most that a round is paid, in DREAM.
        #[arg(long, value_parser = units::parse)]
        per_round: Balance,
        /// What a work unit (a trained token) is paid, in DREAM, such as 0.000001.
        #[arg(long, value_parser = units::parse)]
        unit_price: Balance,
    },
    /// Takes back a part of the escrow of --branch that no round has set aside.
    WithdrawEscrow {
        /// Amount in DREAM.
        #[arg(value_parser = units::parse)]
        amount: Balance,
    },
    /// Runs the calibration segment and registers the numeric profile of this machine.
    Profile {
        /// Also admits the profile, by sudo (development chains that admit not every profile).
        #[arg(long)]
        admit: bool,
    },
    /// Trains rounds and claims them; with --private takes part in private rounds instead.
    Mine(MineOptions),
    /// Replays what audits draw, and scores merges when it is drawn for that.
    Verify,
    /// Posts the merges of settled rounds.
    Merge,
    /// Opens the held-out shards that the account prepared, when their rounds are scored.
    Steward,
    /// Offers the account for key committees of private rounds, and serves in those that it is drawn into.
    Committee {
        /// Takes the offer back instead. Then run the role with --serve-only until the committees are over in which the
        /// account sits.
        #[arg(long)]
        leave: bool,
        /// Does not offer the account again; serves where it sits.
        #[arg(long, conflicts_with = "leave")]
        serve_only: bool,
    },
    /// Sponsors private rounds of --branch, which the account owns and which is not admitted, from an escrow.
    Sponsor {
        /// Amount in DREAM that is added to the escrow; may be 0 to change the terms only.
        #[arg(value_parser = units::parse)]
        amount: Balance,
        /// Paid for a round's service (members, auditors, aggregator), in DREAM.
        #[arg(long, value_parser = units::parse)]
        fee: Balance,
        /// Most that a round's cohort is paid, in DREAM.
        #[arg(long, value_parser = units::parse)]
        reward: Balance,
        /// Paid to a cohort for a gain of 10^-6 nats a token, in DREAM.
        #[arg(long, value_parser = units::parse)]
        price: Balance,
        /// A code of a contribution counts 2^SHIFT grid steps.
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=i64::from(MAX_SHIFT)))]
        shift: u8,
    },
    /// Ends the job of --branch: what no round has set aside comes back; once the last round is over, run it again.
    SponsorEnd,
    /// States what the account's private rounds on --branch have given away, from the records in --state.
    Privacy {
        /// Delta of each epsilon.
        #[arg(long, default_value_t = DELTA, value_parser = chance)]
        delta: f64,
    },
    /// Audits private rounds: checks contributions, makes and scores versions, disputes wrong sums and versions, opens the
    /// account's held-out shards.
    Audit,
    /// Posts the sums of private rounds.
    Aggregate,
    /// Mines, verifies and merges in one process, and opens the account's shards.
    All {
        /// Only these roles.
        #[arg(
            long,
            value_enum,
            value_delimiter = ',',
            default_value = "mine,verify,merge,steward"
        )]
        roles: Vec<RoleName>,
    },
    /// Has a segment of an accepted claim judged by all verifiers of its profile; the bond is lost if the claim is upheld.
    Challenge {
        /// Claim, in hexadecimal.
        #[arg(value_parser = hash)]
        claim: H256,
        /// Segment, from 0.
        segment: u16,
    },
    /// Shows the branch, the round, the account and what it waits for.
    Status,
    /// Shows the whole history of a claim, payments and why this much; or where the weight of a vote comes from.
    Explain(ExplainOptions),
    /// Writes a report with pictures of the branch.
    Report {
        /// Folder that is written.
        #[arg(long, default_value = "dream-report", value_name = "FOLDER")]
        out: PathBuf,
        /// Held-out samples that each version is evaluated on.
        #[arg(long, default_value_t = 64)]
        samples: usize,
    },
}

/// Epsilon that `mine --private` keeps to where nothing else is said.
const EPSILON: f64 = 8.0;
/// Delta of statements where nothing else is said.
const DELTA: f64 = 1e-6;
/// Rounds that the norm is chosen for where nothing else is said.
const ROUNDS: u32 = 10;

/// How `mine` takes part in private rounds.
#[derive(Clone, Debug, Default, Args)]
pub struct MineOptions {
    /// Trains on the files of this folder (or one file) in private rounds of --branch: the text never leaves this machine,
    /// what is learned from it is clipped, gets noise and is encrypted.
    #[arg(long, value_name = "FOLDER")]
    pub private: Option<PathBuf>,
    /// Largest Euclidean norm of a clipped delta, in codes; without it the largest that --epsilon allows.
    #[arg(long, requires = "private", value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    pub norm: Option<u64>,
    /// Largest epsilon over all rounds, 8 unless --norm is given: then no further round is joined.
    #[arg(long, requires = "private", value_parser = positive)]
    pub epsilon: Option<f64>,
    /// Delta that goes with epsilon.
    #[arg(long, requires = "private", default_value_t = DELTA, value_parser = chance)]
    pub delta: f64,
    /// Rounds that the norm is chosen for, where --norm does not say it.
    #[arg(long, requires = "private", default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Variance of the noise in squared codes, 100 unless given; needs --norm. 0: NO noise, and nothing is promised.
    #[arg(long, requires = "private", conflicts_with = "epsilon", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_VARIANCE)))]
    pub variance: Option<u32>,
}

impl MineOptions {
    /// How what is sent is hidden.
    ///
    /// # Errors
    /// A variance without a norm.
    pub fn protection(&self) -> Result<Protection, WorkerError> {
        let target = |epsilon| Target {
            epsilon,
            delta: self.delta,
            rounds: self.rounds,
        };
        match (self.variance, self.norm) {
            (Some(0), norm) => Ok(Protection::Bare {
                norm: norm.unwrap_or(u32::MAX.into()),
            }),
            (Some(variance), None) => Err(WorkerError::Input(format!(
                "--variance {variance} says nothing without the norm that it hides: add --norm"
            ))),
            (variance, Some(norm)) => Ok(Protection::Given {
                norm,
                variance: variance.unwrap_or(dream_privacy::VARIANCE),
                target: self.epsilon.map(target),
            }),
            (None, None) => Ok(Protection::Calibrated(target(
                self.epsilon.unwrap_or(EPSILON),
            ))),
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    match value.is_finite() && value > 0.0 {
        true => Ok(value),
        false => Err(format!("{text} is not above 0")),
    }
}

/// Reads a chance above 0 and below 1.
fn chance(text: &str) -> Result<f64, String> {
    positive(text).and_then(|value| match value < 1.0 {
        true => Ok(value),
        false => Err(format!("{text} is not below 1")),
    })
}

/// Roles, as `all` takes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RoleName {
    /// Trains.
    Mine,
    /// Replays.
    Verify,
    /// Merges.
    Merge,
    /// Opens held-out shards.
    Steward,
    /// Sits in key committees of private rounds.
    Committee,
    /// Audits private rounds.
    Audit,
    /// Sums private rounds.
    Aggregate,
}

/// Commands on models.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelCommand {
    /// Makes a model with random parameters and registers it with its first branch.
    Init {
        /// JSON file, or a preset: demo, small, test.
        #[arg(long, default_value = "demo", value_name = "FILE|PRESET")]
        config: String,
        /// Seed of the random parameters: anyone can recompute them.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Also admits the branch to emission and credits, by sudo (development chains).
        #[arg(long)]
        admit: bool,
        /// Share of the emission, in parts of a million.
        #[arg(long, default_value_t = 1_000_000, requires = "admit", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
        share: u32,
        /// Work units of a trained token.
        #[arg(long, default_value_t = 1, requires = "admit")]
        units_per_token: u32,
        /// Only prints the configuration as JSON, to begin a file with.
        #[arg(long)]
        print: bool,
    },
}

/// Commands on data sets.
#[derive(Clone, Debug, Subcommand)]
pub enum DataCommand {
    /// Registers the files of a folder (or one file) as a data set, in samples for --branch.
    Add {
        /// Folder or file.
        path: PathBuf,
        /// SPDX licence expression of the text.
        #[arg(long, default_value = "LicenseRef-unknown")]
        licence: String,
        /// Also adds it to the branch's mixture, by sudo (development chains).
        #[arg(long)]
        admit: bool,
        /// Weight in the mixture.
        #[arg(long, default_value_t = 1, requires = "admit", value_parser = clap::value_parser!(u32).range(1..))]
        weight: u32,
        /// Leaves empty files out.
        #[arg(long)]
        skip_empty: bool,
    },
    /// Shows all data sets: which are admitted, with what weights, suspended or withdrawn.
    List,
    /// Takes a data set of the account's back, with its deposit, once nothing needs it.
    Withdraw {
        /// Data set.
        dataset: DatasetId,
    },
    /// Demands a sample of a data set on the chain: it is supplied, or the set is suspended.
    Demand {
        /// Data set.
        dataset: DatasetId,
        /// Sample, from 0.
        sample: u32,
    },
    /// Ends the demands for samples of a data set that nobody answered in time.
    EndDemands {
        /// Data set.
        dataset: DatasetId,
    },
}

/// Commands on held-out shards.
#[derive(Clone, Debug, Subcommand)]
pub enum ShardCommand {
    /// Cuts the files of a folder (or one file) into held-out shards, in samples for --branch, and keeps them in --state.
    /// Take text that nobody trains on. Nothing is published: `steward` does that when a shard's time has come.
    Prepare {
        /// Folder or file.
        path: PathBuf,
        /// Samples of each shard; without it all the text is one shard.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SHARD)))]
        samples: Option<u32>,
        /// Leaves empty files out.
        #[arg(long)]
        skip_empty: bool,
    },
    /// Commits a shard of --branch by its root, by sudo (development chains); without ROOT all that the account prepared.
    Commit {
        /// Root of the shard, in hexadecimal.
        #[arg(value_parser = hash, requires = "samples")]
        root: Option<H256>,
        /// Samples of the shard.
        #[arg(long, requires = "root", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SHARD)))]
        samples: Option<u32>,
        /// Account that opens it; without it the one that signs.
        #[arg(long)]
        steward: Option<AccountId>,
    },
}

impl Command {
    /// Whether the command runs the model, so that numeric settings must be pinned.
    pub fn trains(&self) -> bool {
        matches!(
            self,
            Self::Profile { .. }
                | Self::Enter
                | Self::Mine(_)
                | Self::Verify
                | Self::Audit
                | Self::All { .. }
                | Self::Report { .. }
        )
    }

    /// Whether the command signs transactions.
    pub fn signs(&self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::Data(DataCommand::List)
                | Self::Explain(_)
                | Self::Report { .. }
                | Self::Model(ModelCommand::Init { print: true, .. })
        )
    }
}

/// Reads a hash: 64 hexadecimal digits, with or without `0x`.
pub fn hash(text: &str) -> Result<H256, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let wrong = || format!("{text:?} is no hash: it takes 64 hexadecimal digits");
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    digits.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use dream_primitives::DREAM;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn definition_should_be_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_should_list_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("130 interrupted"), "{help}");
    }

    #[test]
    fn command_lines_should_parse() {
        let cli =
            parse("dream-worker bond 1000.5 --suri //Alice --node ws://h:1 --threads 2").unwrap();
        assert!(
            matches!(cli.command, Command::Bond { amount } if amount == 1000 * DREAM + DREAM / 2)
        );
        assert_eq!(
            (cli.global.node.as_str(), cli.global.threads),
            ("ws://h:1", 2)
        );
        let cli =
            parse("dream-worker model init --config demo --seed 7 --admit --share 500000").unwrap();
        let Command::Model(ModelCommand::Init {
            seed,
            admit,
            share,
            units_per_token,
            ..
        }) = cli.command
        else {
            panic!("not model init");
        };
        assert_eq!((seed, admit, share, units_per_token), (7, true, 500_000, 1));
        let cli = parse("dream-worker --branch 3 data add docs --admit --weight 2").unwrap();
        assert_eq!(cli.global.branch, 3);
        for command in [
            "mine",
            "verify",
            "merge",
            "all",
            "all --roles verify,merge",
            "status --json",
            "profile",
            "report --out x",
            "withdraw",
            "unbond 1",
            "fund 100 --per-round 10 --unit-price 0.000001",
            "withdraw-escrow 5",
            "enter --threads 4",
            "steward",
            "all --roles steward",
            "committee",
            "committee --leave",
            "committee --serve-only",
            "all --roles committee",
            "mine --private text --norm 35",
            "mine --private text --epsilon 4 --delta 1e-7 --rounds 3",
            "sponsor 500 --fee 10 --reward 100 --price 0.0001 --shift 12",
            "sponsor-end",
            "privacy --delta 1e-5",
            "audit --branch 1",
            "aggregate --branch 1",
            "all --roles audit,aggregate",
            "shard prepare held-out --samples 64 --skip-empty",
            "shard prepare held-out",
            "shard commit",
            "data list --json",
            "data withdraw 3",
            "data demand 3 17",
            "data end-demands 3",
            "shard commit --steward 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
            "explain vote 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty 3 --json",
        ] {
            assert!(
                parse(&format!("dream-worker {command}")).is_ok(),
                "{command}"
            );
        }
        let id = "0x".to_owned() + &"ab".repeat(32);
        let cli = parse(&format!("dream-worker explain {id}")).unwrap();
        assert!(
            matches!(cli.command, Command::Explain(e) if e.claim == Some(H256::repeat_byte(0xab)))
        );
    }

    #[test]
    fn wrong_command_lines_should_be_refused_with_the_value() {
        for (line, part) in [
            ("bond ten", "\"ten\""),
            ("explain 0x12", "0x12"),
            ("explain", "CLAIM"),
            ("explain vote nobody 3", "nobody"),
            (
                "explain vote 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
                "REFERENDUM",
            ),
            ("mine --threads 0", "0"),
            ("model init --share 5", "--admit"),
            ("data add x --weight 2", "--admit"),
            ("data add x --admit --weight 0", "0"),
            ("bond 1 --key a --suri //Alice", "--suri"),
            ("all --roles sleep", "sleep"),
            ("fund 5 --per-round 1", "--unit-price"),
            ("withdraw-escrow much", "\"much\""),
            ("shard prepare x --samples 0", "0"),
            ("shard prepare x --samples 65537", "65537"),
            ("shard commit 0x12", "0x12"),
            ("shard commit --samples 4", "ROOT"),
            ("shard commit --steward nobody", "nobody"),
            ("dance", "dance"),
            ("mine --norm 5", "--private"),
            ("mine --private x --norm 0", "0"),
            ("mine --private x --variance 65537", "65537"),
            ("mine --private x --epsilon 8 --variance 1", "--variance"),
            ("mine --private x --epsilon 0", "above 0"),
            ("privacy --delta 1", "below 1"),
            ("sponsor 5 --fee 1 --reward 1 --price 1", "--shift"),
            ("sponsor 5 --fee 1 --reward 1 --price 1 --shift 99", "99"),
        ] {
            let error = parse(&format!("dream-worker {line}")).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn private_mining_should_be_protected_unless_told_not_to() {
        let protection = |line: &str| match parse(&format!("dream-worker mine {line}")) {
            Ok(Cli {
                command: Command::Mine(options),
                ..
            }) => options.protection(),
            other => panic!("not mine: {other:?}"),
        };
        let of = |line: &str| protection(&format!("--private text {line}")).unwrap();
        let target = |epsilon| Target {
            epsilon,
            delta: 1e-6,
            rounds: 10,
        };
        assert_eq!(of(""), Protection::Calibrated(target(8.0)));
        assert_eq!(of("--epsilon 2"), Protection::Calibrated(target(2.0)));
        let given = |variance, target| Protection::Given {
            norm: 35,
            variance,
            target,
        };
        assert_eq!(of("--norm 35"), given(100, None));
        assert_eq!(of("--norm 35 --variance 1"), given(1, None));
        assert_eq!(of("--norm 35 --epsilon 2"), given(100, Some(target(2.0))));
        assert_eq!(of("--variance 0 --norm 9"), Protection::Bare { norm: 9 });
        assert!(matches!(of("--variance 0"), Protection::Bare { .. }));
        let error = protection("--private text --variance 4").unwrap_err();
        assert!(error.to_string().contains("--norm"), "{error}");
    }

    #[test]
    fn only_commands_that_act_should_need_a_key() {
        let signs = |line: &str| {
            parse(&format!("dream-worker {line}"))
                .unwrap()
                .command
                .signs()
        };
        assert!(signs("mine") && signs("bond 1") && signs("model init"));
        assert!(!signs("status") && !signs("report") && !signs("model init --print"));
    }
}
