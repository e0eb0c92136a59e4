// SPDX-License-Identifier: GPL-3.0-or-later
//! Processes that end with the demo, however it ends.

use anyhow::{bail, Context, Result};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of a log that a failure shows.
const TAIL: usize = 25;

/// A running process in a group of its own, its output in a log.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    started: Instant,
    peak_kib: u64,
    ended: Option<(ExitStatus, Duration)>,
}

impl Process {
    /// Starts `program` with its output in `log`. It gets SIGTERM when the calling thread ends.
    pub fn start(name: &str, program: &Path, arguments: Vec<OsString>, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let parent = std::process::id();
        // SAFETY: the closure runs between fork and exec and calls only prctl and getppid, which are safe there.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The demo may have ended before the line above.
                if u32::try_from(libc::getppid()) != Ok(parent) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| {
            format!(
                "cannot start {}; is it built? (make build)",
                program.display()
            )
        })?;
        Ok(Self {
            name: name.into(),
            child,
            log: log.into(),
            started: Instant::now(),
            peak_kib: 0,
            ended: None,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Largest resident set so far, in MiB.
    pub fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    /// Time that it has run, or ran.
    pub fn wall(&self) -> Duration {
        self.ended
            .map_or_else(|| self.started.elapsed(), |(_, wall)| wall)
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// Notes its memory, and how it ended if it did.
    pub fn poll(&mut self) -> Result<Option<ExitStatus>> {
        if let Some((status, _)) = self.ended {
            return Ok(Some(status));
        }
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .and_then(|l| l.trim().trim_end_matches(" kB").trim().parse().ok());
        self.peak_kib = self.peak_kib.max(peak.unwrap_or(0));
        let ended = self
            .child
            .try_wait()
            .with_context(|| format!("cannot wait for {}", self.name))?;
        self.ended = ended.map(|status| (status, self.started.elapsed()));
        Ok(ended)
    }

    /// Fails with the log's end when it has ended.
    pub fn alive(&mut self) -> Result<()> {
        match self.poll()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended with {status}; its log ends:\n{}",
                self.name,
                self.tail()
            ),
        }
    }

    /// Whether it has ended well; fails when it ended badly.
    pub fn succeeded(&mut self) -> Result<bool> {
        match self.poll()? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => bail!(
                "{} ended with {status}; its log ends:\n{}",
                self.name,
                self.tail()
            ),
        }
    }

    fn signal(&self, signal: i32) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            // SAFETY: kill has no memory effects; the child is not reaped yet, so its group is still ours.
            unsafe { libc::kill(-group, signal) };
        }
    }

    /// Asks it to end, without waiting.
    pub fn terminate(&mut self) {
        if matches!(self.poll(), Ok(None)) {
            self.signal(libc::SIGTERM);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
        let asked = Instant::now();
        while matches!(self.poll(), Ok(None)) {
            if asked.elapsed() > GRACE {
                self.signal(libc::SIGKILL);
                let _ = self.child.wait();
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
}
