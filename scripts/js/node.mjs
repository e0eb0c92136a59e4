// SPDX-License-Identifier: GPL-3.0-or-later
// Starts and stops a dream-node for a test.

import { ApiPromise, WsProvider } from '@polkadot/api';
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MS = 120_000;
const STOP_MS = 20_000;

/** Path of the node's program: $DREAM_NODE. Throws if it is not there. */
function program() {
  const path = process.env.DREAM_NODE;
  if (!path) throw new Error('DREAM_NODE is not set: it names the dream-node program (make test sets it)');
  accessSync(path, constants.X_OK);
  return path;
}

/** Writes the development chain's specification into `folder`, its genesis changed by `change`; returns its path. */
function specification(folder, change) {
  const spec = JSON.parse(execFileSync(program(), ['export-chain-spec', '--chain', 'dev'], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] }));
  change(spec.genesis.runtimeGenesis.patch);
  const path = join(folder, 'spec.json');
  writeFileSync(path, JSON.stringify(spec));
  return path;
}

/**
 * Starts a development chain on free ports with its data in a temporary folder.
 *
 * @param {(genesis: object) => void} [change] changes the genesis that the development preset gives
 * @returns {Promise<{url: string, stop: () => Promise<void>}>} the WebSocket address, and what stops the node and removes its data
 */
export async function startNode(change) {
  const base = mkdtempSync(join(tmpdir(), 'dream-js-'));
  const chain = change ? ['--chain', specification(base, change)] : [];
  const node = spawn(
    program(),
    ['--dev', ...chain, '--base-path', base, '--rpc-port', '0', '--port', '0', '--no-prometheus', '--no-telemetry'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = new Promise((resolve) => node.once('exit', resolve));
  // The test's process may end in any way; the node must not outlive it.
  const kill = () => node.kill('SIGKILL');
  process.once('exit', kill);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

  const stop = async () => {
    node.kill('SIGINT');
    const timer = setTimeout(kill, STOP_MS);
    await exited;
    clearTimeout(timer);
    process.off('exit', kill);
    rmSync(base, { recursive: true, force: true });
  };

  let log = '';
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no RPC server after ${START_MS / 1000} s:\n${log}`)), START_MS);
    node.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-100_000);
      const found = /Running JSON-RPC server: addr=(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)/.exec(log);
      if (found) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    });
    node.once('error', reject);
    node.once('exit', (code) => reject(new Error(`dream-node ended with status ${code}:\n${log}`)));
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { url: `ws://127.0.0.1:${port}`, stop };
}

/** Connects the library to a node; an answer that it cannot read is an error instead of a log line and silence. */
export async function connect(url, options) {
  const provider = new WsProvider(url);
  const api = new ApiPromise({ provider, ...options });
  try {
    return await api.isReadyOrError;
  } catch (error) {
    await provider.disconnect();
    throw error;
  }
}
