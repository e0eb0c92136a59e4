// SPDX-License-Identifier: GPL-3.0-or-later
//! A miner's trace: what training left behind of each segment, the roots that the claim carries, and their openings.

use codec::{Decode, Encode};
use dream_chain::{Openings, StartStates};
use dream_primitives::claim::{digest_leaf, state_leaf, SegmentOpening, StartState, TraceProof};
use dream_primitives::hashing::Domain;
use dream_primitives::{merkle, H256};
use dream_store::Cid;

/// What a segment left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SegmentTrace {
    /// Hash of the training state after it.
    pub end_state: H256,
    /// Digest of its losses and gradient norms.
    pub digest: H256,
    /// Salt that hides the digest until the verifiers have committed.
    pub salt: H256,
}

/// The trace of a claim: state 0 and its segments in order.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Trace {
    /// Hash of state 0.
    pub initial_state: H256,
    /// Finished segments.
    pub segments: Vec<SegmentTrace>,
}

impl Trace {
    /// An empty trace that begins in state 0.
    pub fn new(initial_state: H256) -> Self {
        Self {
            initial_state,
            segments: Vec::new(),
        }
    }

    /// Number of finished segments.
    pub fn len(&self) -> u16 {
        u16::try_from(self.segments.len()).unwrap_or(u16::MAX)
    }

    /// Whether no segment is finished.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Hash of the training state before `segment`; `None` past the end.
    pub fn start(&self, segment: u16) -> Option<H256> {
        match segment.checked_sub(1) {
            None => Some(self.initial_state),
            Some(before) => self.segments.get(usize::from(before)).map(|s| s.end_state),
        }
    }

    fn state_leaves(&self) -> Vec<H256> {
        std::iter::once(&self.initial_state)
            .chain(self.segments.iter().map(|s| &s.end_state))
            .map(state_leaf)
            .collect()
    }

    fn digest_leaves(&self, genesis: &H256) -> Vec<H256> {
        self.segments
            .iter()
            .map(|s| digest_leaf(genesis, &s.digest, &s.salt))
            .collect()
    }

    /// Root over the training states 0..=segments.
    pub fn states_root(&self) -> H256 {
        merkle::root(Domain::TrainingStates, &self.state_leaves())
    }

    /// Root over the salted digests.
    pub fn digests_root(&self, genesis: &H256) -> H256 {
        merkle::root(Domain::Digests, &self.digest_leaves(genesis))
    }

    fn prove_state(&self, index: u16) -> Option<TraceProof> {
        let proof = merkle::prove(
            Domain::TrainingStates,
            &self.state_leaves(),
            u32::from(index),
        )?;
        proof.try_into().ok()
    }

    /// Proof of state 0.
    pub fn initial_proof(&self) -> Option<TraceProof> {
        self.prove_state(0)
    }

    /// Openings of the states before the audited segments; `cids` says where each is. `None` when a segment is not in
    /// the trace.
    pub fn open_starts(&self, cids: &[(u16, Cid)]) -> Option<StartStates> {
        let starts: Option<Vec<StartState>> = cids
            .iter()
            .map(|(segment, cid)| {
                Some(StartState {
                    segment: *segment,
                    state: self.start(*segment)?,
                    proof: self.prove_state(*segment)?,
                    cid: *cid,
                })
            })
            .collect();
        starts?.try_into().ok()
    }

    /// Openings of digests and end states of the audited segments; `None` when a segment is not in the trace.
    pub fn open_digests(&self, genesis: &H256, audited: &[u16]) -> Option<Openings> {
        let leaves = self.digest_leaves(genesis);
        let openings: Option<Vec<SegmentOpening>> = audited
            .iter()
            .map(|segment| {
                let trace = self.segments.get(usize::from(*segment))?;
                let proof = merkle::prove(Domain::Digests, &leaves, u32::from(*segment))?;
                Some(SegmentOpening {
                    segment: *segment,
                    end_state: trace.end_state,
                    cid: None,
                    state_proof: self.prove_state(segment.checked_add(1)?)?,
                    digest: trace.digest,
                    salt: trace.salt,
                    digest_proof: proof.try_into().ok()?,
                })
            })
            .collect();
        openings?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::cid::CidCodec;

    fn trace(segments: u8) -> Trace {
        let mut trace = Trace::new(H256::repeat_byte(200));
        trace.segments = (0..segments)
            .map(|i| SegmentTrace {
                end_state: H256::repeat_byte(i),
                digest: H256::repeat_byte(i + 50),
                salt: H256::repeat_byte(i + 100),
            })
            .collect();
        trace
    }

    #[test]
    fn openings_should_verify_against_the_roots() {
        let (genesis, t) = (H256::repeat_byte(9), trace(8));
        let cid = Cid {
            codec: CidCodec::Raw,
            digest: [0; 32],
        };
        let (states, digests) = (t.states_root(), t.digests_root(&genesis));
        for start in t.open_starts(&[(0, cid), (3, cid), (7, cid)]).unwrap() {
            let leaf = state_leaf(&start.state);
            let at = u32::from(start.segment);
            assert!(merkle::verify(
                Domain::TrainingStates,
                &states,
                9,
                at,
                &leaf,
                &start.proof
            ));
        }
        for o in t.open_digests(&genesis, &[0, 7]).unwrap() {
            let at = u32::from(o.segment);
            let leaf = state_leaf(&o.end_state);
            assert!(merkle::verify(
                Domain::TrainingStates,
                &states,
                9,
                at + 1,
                &leaf,
                &o.state_proof
            ));
            let leaf = digest_leaf(&genesis, &o.digest, &o.salt);
            assert!(merkle::verify(
                Domain::Digests,
                &digests,
                8,
                at,
                &leaf,
                &o.digest_proof
            ));
        }
    }

    #[test]
    fn openings_should_be_none_when_the_segment_was_not_done() {
        let t = trace(2);
        assert_eq!(t.open_digests(&H256::zero(), &[2]), None);
        let cid = Cid {
            codec: CidCodec::Raw,
            digest: [0; 32],
        };
        assert_eq!(t.open_starts(&[(3, cid)]), None);
        assert_eq!(t.start(0), Some(H256::repeat_byte(200)));
        assert_eq!(t.start(2), Some(H256::repeat_byte(1)));
    }
}
