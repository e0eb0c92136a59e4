// SPDX-License-Identifier: GPL-3.0-or-later
//! A worker is killed at every operation on the chain, or loses the answer to every submission; nothing is lost, and
//! nothing lands twice.

mod common;

use common::{account, Kill, Net, Trap, BOND, RESEND_AFTER};
use dream_chain::mock::Fault;
use dream_chain::{At, Call, Chain};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::H256;
use dream_training::{
    BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError, TrainingState,
};
use dream_worker::roles::{merge::Merger, mine::Miner, steward::Steward, verify::Verifier, Role};
use dream_worker::worker::{DummyRunners, Runners, Worker};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

/// What the tested worker does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Mine,
    Verify,
    Merge,
    /// Verifies, and is called to the jury of a faked claim.
    Judge,
    /// Mines, and its claim is challenged once it is merged.
    Answer,
    /// Verifies, and is drawn to score the merge.
    Score,
    /// Opens the shard that the merge is scored on.
    Open,
}

fn role(part: Part, worker: Arc<Worker>) -> Box<dyn Role> {
    match part {
        Part::Mine | Part::Answer => Box::new(Miner::new(worker)),
        Part::Verify | Part::Judge | Part::Score => Box::new(Verifier::new(worker)),
        Part::Open => Box::new(Steward::new(worker)),
        Part::Merge => Box::new(Merger::new(worker)),
    }
}

/// The account that plays `part`, and where the role stands in [`Net::honest`] that it takes the place of.
fn place(part: Part) -> (u8, Option<usize>) {
    match part {
        Part::Mine | Part::Answer => (2, Some(1)),
        Part::Verify | Part::Judge | Part::Score => (4, Some(4)),
        Part::Merge => (6, Some(3)),
        Part::Open => (STEWARD, None),
    }
}

/// Opens shards in the plays that are about scores.
const STEWARD: u8 = 7;

fn scored(part: Part) -> bool {
    matches!(part, Part::Score | Part::Open)
}

/// Makes the end of the last segment up.
struct Fakers;
struct Faker(Box<dyn SegmentRunner>, Recipe);

impl Runners for Fakers {
    fn runner(
        &self,
        a: Architecture,
        r: Recipe,
        g: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        Ok(Box::new(Faker(DummyRunners.runner(a, r, g)?, r)))
    }
}

impl SegmentRunner for Faker {
    fn run_segment(
        &mut self,
        base: &[i32],
        state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        let mut outcome = self
            .0
            .run_segment(base, state, batches, segment, progress)?;
        if segment + 1 == self.1.segments {
            outcome.state.params[0] += 0.5;
        }
        Ok(outcome)
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.0.score(head, samples)
    }
}

/// Whether a play has shown what it is for; a challenge is made when it is time for it.
async fn done(net: &Net, part: Part, trap: &Trap, begin: &mut usize) -> bool {
    if net.version().await < 1 {
        return false;
    }
    if part != Part::Answer {
        return true;
    }
    let claims = net.claims(1).await;
    let (claim, record) = claims.iter().find(|(_, r)| r.miner == account(2)).unwrap();
    if record.challenges() > 0 {
        return record.state == ClaimState::Merged;
    }
    if net.phase(1).await == Some(Phase::Vesting) {
        let segments = 0..record.claim.segments;
        let segment = segments.into_iter().find(|s| !record.audited.contains(s));
        let call = Call::Challenge {
            claim: *claim,
            segment: segment.unwrap(),
        };
        net.root.as_account(account(6)).submit(call).await.unwrap();
        *begin = trap.operations.lock().unwrap().len();
    }
    false
}

/// Plays rounds until version 1 (and the verdicts that `part` is about) with the role of `part` killed at `operation`;
/// returns its operations: for each, whether it was a submission; and the first that counts.
async fn play(part: Part, operation: Option<(u32, Kill)>) -> (Net, Vec<bool>, usize) {
    let net = Net::new(6, 2).await;
    let (n, at) = place(part);
    let mut others = match part {
        Part::Judge => net.honest_but(2, Arc::new(Fakers)),
        _ => net.honest(),
    };
    let mut begin = 0;
    if let Some(at) = at {
        drop(others.remove(at));
    }
    if scored(part) {
        net.shards(STEWARD, 1, 6).await;
    }
    if part == Part::Score {
        others.push(Box::new(Steward::new(net.plain(STEWARD))));
    }
    let trap = Arc::new(Trap::default());
    if let Some((operation, kill)) = operation {
        trap.set(operation, kill);
    }
    let fresh = || role(part, net.worker(n, Arc::new(DummyRunners), trap.clone()));
    let mut tested = Some(fresh());
    for _ in 0..400 {
        for other in &others {
            other.step().await.unwrap();
        }
        if scored(part) && begin == 0 && net.phase(1).await == Some(Phase::Valuation) {
            begin = trap.operations.lock().unwrap().len();
        }
        let running = tested.take().unwrap();
        let killed = tokio::select! {
            done = running.step() => {
                done.unwrap();
                false
            }
            () = trap.sprung.notified() => true,
        };
        tested = if killed {
            drop(running);
            Some(fresh())
        } else {
            Some(running)
        };
        if done(&net, part, &trap, &mut begin).await {
            let operations = trap.operations.lock().unwrap().clone();
            return (net, operations, begin);
        }
        net.root.advance(1);
    }
    let round = net.root.current_round(At::Finalised, 0).await.unwrap();
    panic!("{part:?} killed at {operation:?}: no version; {round:?}");
}

/// What a call is about, so that two of a kind can be told from one sent twice.
fn subject(call: &Call) -> String {
    match call {
        Call::SubmitClaim(claim) => format!("claim of round {}", claim.round.number),
        Call::OpenStartStates { claim, .. } => format!("open {claim:?}"),
        Call::OpenDigests { claim, .. } => format!("digests {claim:?}"),
        Call::VoteAvailability { claim, .. } => format!("vote {claim:?}"),
        Call::CommitReplay { claim, .. } => format!("commit {claim:?}"),
        Call::RevealReplay { claim, .. } => format!("reveal {claim:?}"),
        Call::OpenFlag { claim, .. } => format!("flag {claim:?}"),
        Call::OpenChallenged { claim, .. } => format!("challenged {claim:?}"),
        Call::CommitVerdict { claim, .. } => format!("commit verdict {claim:?}"),
        Call::RevealVerdict { claim, .. } => format!("reveal verdict {claim:?}"),
        Call::PostMerge { round, .. } => format!("merge {}", round.number),
        Call::OpenShard { round, .. } => format!("shard {}", round.number),
        Call::CommitScore { round, .. } => format!("commit score {}", round.number),
        Call::RevealScore { round, .. } => format!("reveal score {}", round.number),
        other => format!("{other:?}"),
    }
}

/// Nothing landed twice, nothing was refused, and round 1 is whole.
async fn check(net: &Net, part: Part, what: &str) {
    let (landed, refused) = net.landed();
    assert!(refused.is_empty(), "{what}: {refused:?}");
    let mut counts = BTreeMap::new();
    for sent in &landed {
        *counts
            .entry((sent.account, subject(&sent.call)))
            .or_insert(0) += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "{what}: {twice:?}");
    let accepted = if part == Part::Judge { 1 } else { 2 };
    assert_eq!(net.round(1).await.accepted, accepted, "{what}");
    for n in 1..=6 {
        let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
        if bond.total == 0 {
            // No part of this network.
            continue;
        }
        let loses = (part == Part::Judge && n == 2) || (part == Part::Answer && n == 6);
        assert_eq!(bond.total < BOND, loses, "{what}: account {n}");
    }
    for (id, record) in net.claims(1).await {
        let verdicts = record
            .committee
            .iter()
            .filter(|s| s.verdict.is_some())
            .count();
        assert_eq!(verdicts, 3, "{what}: {id:?}");
    }
    assert_eq!(
        net.scores().await.len(),
        usize::from(scored(part)),
        "{what}"
    );
    if scored(part) {
        let round = net.round(1).await.id;
        let valuation = net.root.valuation(At::Finalised, round).await.unwrap();
        let seats = valuation.unwrap().seats;
        let said = seats.iter().filter(|s| s.report.is_some()).count();
        assert_eq!(said, 3, "{what}");
    }
    net.root.check_invariants();
}

async fn kill_everywhere(part: Part) {
    let (net, operations, begin) = play(part, None).await;
    check(&net, part, "not killed").await;
    let submissions = operations.iter().filter(|o| **o).count();
    assert!(submissions > 0, "{part:?} submitted nothing");
    for (operation, submission) in (0u32..).zip(operations).skip(begin) {
        // After a read is the same as before it.
        let kills: &[Kill] = match submission {
            true => &[Kill::Before, Kill::After],
            false => &[Kill::Before],
        };
        for kill in kills {
            let (net, ..) = play(part, Some((operation, *kill))).await;
            let what = format!("{part:?} killed {kill:?} operation {operation}");
            check(&net, part, &what).await;
        }
    }
}

#[tokio::test]
async fn miner_should_submit_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Mine).await;
}

#[tokio::test]
async fn verifier_should_submit_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Verify).await;
}

#[tokio::test]
async fn juror_should_submit_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Judge).await;
}

#[tokio::test]
async fn challenged_miner_should_answer_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Answer).await;
}

#[tokio::test]
async fn scorer_should_submit_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Score).await;
}

#[tokio::test]
async fn steward_should_open_its_shard_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Open).await;
}

#[tokio::test]
async fn merger_should_submit_once_when_killed_at_any_operation() {
    kill_everywhere(Part::Merge).await;
}

#[tokio::test]
async fn submissions_should_land_once_when_their_answers_are_lost() {
    for fault in [
        Fault::LostAfterInclusion,
        Fault::LostBeforeInclusion,
        Fault::Dropped,
    ] {
        let net = Net::new(5, 2).await;
        let roles = net.honest();
        for n in 1..=5 {
            // Each of an account's submissions of a round meets the fault once.
            (0..6).for_each(|_| net.root.as_account(account(n)).fault(fault));
        }
        net.drive(&roles, 600, async |n: &Net| n.version().await >= 1)
            .await;
        let log = net.log.lock().unwrap().clone();
        let refused: Vec<_> = log.iter().filter(|s| s.refused.is_some()).collect();
        assert!(refused.is_empty(), "{fault:?}: {refused:?}");
        assert_eq!(net.round(1).await.accepted, 2, "{fault:?}");
    }
}

/// Counts segments and breaks off in the middle of one.
struct Stopping {
    segments: Arc<AtomicU32>,
    stop_at: u32,
}

struct StoppingRunner(Box<dyn SegmentRunner>, Arc<AtomicU32>, u32);

impl Runners for Stopping {
    fn runner(
        &self,
        a: Architecture,
        r: Recipe,
        g: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        let honest = DummyRunners.runner(a, r, g)?;
        Ok(Box::new(StoppingRunner(
            honest,
            self.segments.clone(),
            self.stop_at,
        )))
    }
}

impl SegmentRunner for StoppingRunner {
    fn run_segment(
        &mut self,
        base: &[i32],
        state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        if self.1.fetch_add(1, Ordering::SeqCst) == self.2 {
            return Err(TrainingError::Stopped);
        }
        self.0.run_segment(base, state, batches, segment, progress)
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.0.score(head, samples)
    }
}

#[tokio::test]
async fn training_should_go_on_at_the_last_finished_segment_when_killed() {
    let net = Net::new(5, 2).await;
    net.drive(&[], 60, async |n: &Net| {
        n.phase(1).await == Some(Phase::Training)
    })
    .await;
    let segments = Arc::new(AtomicU32::new(0));
    let recipe = common::config().recipe;
    let runners = Arc::new(Stopping {
        segments: segments.clone(),
        stop_at: 5,
    });
    let one = Miner::new(net.worker(1, runners, Arc::default()));
    assert_eq!(one.step().await.unwrap_err().exit_code(), 130);
    drop(one);
    let runners = Arc::new(Stopping {
        segments: segments.clone(),
        stop_at: u32::MAX,
    });
    let roles = net.honest_but(1, runners);
    net.enlist(&roles).await;
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    check(&net, Part::Mine, "stopped in segment 5").await;
    // Five segments, the one that broke off, and the three that were left; then verifiers' are not counted.
    assert_eq!(
        segments.load(Ordering::SeqCst),
        u32::from(recipe.segments) + 1
    );
}

#[tokio::test]
async fn damaged_snapshot_should_be_trained_again_and_not_be_claimed() {
    let net = Net::new(5, 2).await;
    net.drive(&[], 60, async |n: &Net| {
        n.phase(1).await == Some(Phase::Training)
    })
    .await;
    let runners = Arc::new(Stopping {
        segments: Arc::default(),
        stop_at: 5,
    });
    let one = Miner::new(net.worker(1, runners, Arc::default()));
    assert!(one.step().await.is_err());
    drop(one);
    let damaged = find(net.folder.path(), "snapshot-5.rec");
    let mut bytes = std::fs::read(&damaged).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let roles = net.honest();
    net.enlist(&roles).await;
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    check(&net, Part::Mine, "damaged snapshot").await;
}

fn find(folder: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut todo = vec![folder.to_path_buf()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.file_name().is_some_and(|n| n == name) {
                return path;
            }
        }
    }
    panic!("no {name}");
}

#[tokio::test]
async fn claim_with_a_wrong_base_should_be_refused_once_and_not_repeated() {
    let net = Net::new(5, 2).await;
    net.drive(&[], 60, async |n: &Net| {
        n.phase(1).await == Some(Phase::Training)
    })
    .await;
    let one = net.plain(1);
    let miner = Miner::new(one.clone());
    // A note of a claim that was written for another base, as of a chain that was replaced.
    net.root
        .as_account(account(1))
        .fault(Fault::LostBeforeInclusion);
    miner.step().await.unwrap();
    let key = "mine/0-1/record";
    let mut record: dream_worker::roles::mine::MineRecord = one.database.get(key).unwrap().unwrap();
    if let Some(claim) = record.claim.as_mut() {
        claim.base = H256::repeat_byte(1);
    }
    one.database.put(key, &record).unwrap();
    for _ in 0..RESEND_AFTER + 5 {
        net.root.advance(1);
        miner.step().await.unwrap();
    }
    let (_, refused) = net.landed();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(
        refused[0].refused.as_ref().unwrap().contains("WrongBase"),
        "{refused:?}"
    );
    assert!(net.claims(1).await.is_empty());
}

#[tokio::test]
async fn second_submission_should_wait_while_the_first_is_under_way_and_follow_when_it_is_lost() {
    use dream_chain::mock::{MockChain, Sealing};
    use dream_primitives::params::ChainParameters;
    use dream_primitives::DREAM;
    use dream_worker::submit::Sent;

    let mut net = Net::new(1, 2).await;
    net.root = MockChain::new(ChainParameters::development(), Sealing::Manual, account(0));
    net.root.endow(account(1), 1_000 * DREAM);
    net.root.advance(1);
    let bonded = async || {
        net.root
            .bond(At::Finalised, account(1))
            .await
            .unwrap()
            .total
            / DREAM
    };
    // Killed after sending: the transaction is in the pool.
    let worker = net.plain(1);
    let sending = worker.submit_once("a", Call::Bond(10 * DREAM));
    let killed = tokio::time::timeout(std::time::Duration::from_millis(50), sending).await;
    assert!(killed.is_err() && net.root.waiting() == 1);
    drop(worker);
    let worker = net.plain(1);
    for _ in 0..3 {
        let again = worker
            .submit_once("a", Call::Bond(10 * DREAM))
            .await
            .unwrap();
        assert!(matches!(again, Sent::Pending), "{again:?}");
    }
    assert_eq!(net.root.waiting(), 1);
    net.root.advance(1);
    assert_eq!(bonded().await, 10);

    // Lost: noticed at the second call, sent again at the third.
    net.root
        .as_account(account(1))
        .fault(Fault::LostBeforeInclusion);
    for _ in 0..2 {
        let sent = worker
            .submit_once("b", Call::Bond(5 * DREAM))
            .await
            .unwrap();
        assert!(matches!(sent, Sent::Pending), "{sent:?}");
        assert_eq!(net.root.waiting(), 0);
    }
    let third = worker.submit_once("b", Call::Bond(5 * DREAM));
    let (third, ()) = tokio::join!(third, async {
        tokio::task::yield_now().await;
        net.root.advance(1);
    });
    assert!(matches!(third.unwrap(), Sent::Done(_)));
    assert_eq!(bonded().await, 15);
}
