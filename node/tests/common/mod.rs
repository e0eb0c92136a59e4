// SPDX-License-Identifier: GPL-3.0-or-later
//! A node process for tests: free ports, JSON-RPC, stopped on drop.

// Each test file uses its own part of this.
#![allow(dead_code)]

use serde_json::{json, Value};
use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest that a condition may take, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// The node's binary.
pub fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dream-node"))
}

/// Runs a sub-command to its end.
pub fn output(arguments: &[&str]) -> Output {
    binary()
        .args(arguments)
        .output()
        .expect("the node's binary runs")
}

/// Runs a sub-command that must succeed and gives what it printed.
pub fn stdout(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(
        output.status.success(),
        "{arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

/// Polls until `condition` gives a value.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        sleep(Duration::from_millis(200));
    }
}

/// A running node.
pub struct Node {
    child: Child,
    rpc_port: u16,
    log: PathBuf,
    _dir: TempDir,
}

impl Node {
    /// Starts a node with these arguments on free ports.
    pub fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let log = dir.path().join("node.log");
        let file = File::create(&log).expect("a log file");
        let rpc_port = free_port();
        let child = binary()
            .args(arguments)
            .args(["--rpc-port", &rpc_port.to_string()])
            .args(["--port", &free_port().to_string()])
            .args(["--no-prometheus", "--no-telemetry", "--no-mdns"])
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("the node's binary starts");
        Self {
            child,
            rpc_port,
            log,
            _dir: dir,
        }
    }

    /// What the node has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Calls a method; `None` while the node does not answer.
    pub fn try_call(&self, method: &str, params: Value) -> Option<Value> {
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.rpc_port)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .ok()?;
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.rpc_port,
            body.len(),
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let start = answer.find("\r\n\r\n")?;
        serde_json::from_str(answer.get(start..)?.trim()).ok()
    }

    /// Calls a method that must give a result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = wait_for(method, || {
            self.alive();
            self.try_call(method, params.clone())
        });
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn number(&mut self, hash: &Value) -> u64 {
        let header = self.call("chain_getHeader", json!([hash]));
        let number = header["number"].as_str().expect("a header has a number");
        u64::from_str_radix(number.trim_start_matches("0x"), 16).expect("a number is hexadecimal")
    }

    /// Height of the best block.
    pub fn best(&mut self) -> u64 {
        self.number(&Value::Null)
    }

    /// Height of the finalised block.
    pub fn finalised(&mut self) -> u64 {
        let hash = self.call("chain_getFinalizedHead", json!([]));
        self.number(&hash)
    }

    /// Fails with the log when the node has ended.
    pub fn alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the process is ours") {
            panic!("the node ended with {status}:\n{}", self.log());
        }
    }

    /// Waits for the node to end by itself.
    pub fn ended(&mut self) -> ExitStatus {
        wait_for("end of the node", || {
            self.child.try_wait().expect("the process is ours")
        })
    }

    /// Asks the node to stop and waits for its end.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "SIGTERM was not delivered");
        let status = self.ended();
        (status, self.log())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already gone is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
