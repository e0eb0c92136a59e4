// SPDX-License-Identifier: GPL-3.0-or-later
//! Logs and progress: a bar on a terminal, plain lines otherwise.

use crate::worker::Show;
use dream_training::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::EnvFilter;

/// The terminal that logs and bars share.
#[derive(Clone, Debug)]
pub struct Terminal {
    bars: MultiProgress,
    interactive: bool,
}

impl Terminal {
    /// Standard error, with bars when it is a terminal.
    pub fn new() -> Self {
        let interactive = io::stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(match interactive {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        Self { bars, interactive }
    }

    /// Sends the program's logs here. `RUST_LOG` chooses what is logged; without it, information of this program and
    /// warnings of all others.
    pub fn start_logs(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
            EnvFilter::new("warn,dream_worker=info,dream_chain=info,dream_demo=info")
        });
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(self.interactive)
            .with_target(false)
            .with_writer(self.clone());
        // A second start, which only tests make, changes nothing.
        let _ = logs.try_init();
    }

    /// A display of training on this terminal.
    pub fn bar(&self) -> Bar {
        Bar {
            terminal: self.clone(),
            state: Mutex::new(None),
        }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a log line without tearing a bar.
#[derive(Debug)]
pub struct Line(MultiProgress);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.bars.clone())
    }
}

/// Shows the segment that is being run.
#[derive(Debug)]
pub struct Bar {
    terminal: Terminal,
    state: Mutex<Option<(String, ProgressBar)>>,
}

impl Bar {
    fn make(&self, what: &str, steps: u64) -> ProgressBar {
        let bar = self.terminal.bars.add(ProgressBar::new(steps));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar
    }
}

impl Show for Bar {
    fn step(&self, what: &str, done: u64, steps: u64, progress: &Progress) {
        let text = format!(
            "loss {:.4}, {:.0} tokens/s",
            progress.loss, progress.tokens_per_second
        );
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = state.as_ref().is_none_or(|(shown, _)| shown != what);
        if fresh {
            if let Some((_, bar)) = state.take() {
                bar.finish_and_clear();
            }
            if !self.terminal.interactive {
                tracing::info!("{what}: step {done} of {steps}, {text}");
            }
            *state = Some((what.to_owned(), self.make(what, steps)));
        }
        if let Some((_, bar)) = state.as_ref() {
            bar.set_position(done);
            bar.set_message(text);
        }
    }

    fn clear(&self) {
        if let Some((_, bar)) = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            bar.finish_and_clear();
        }
    }
}
