// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever enters from outside as SCALE is decoded, checked, and encoded again.

use codec::{Decode, DecodeLimit, Encode, MaxEncodedLen};
use dream_primitives::cid::Cid;
use dream_primitives::claim::{Claim, ReplayReport, SegmentOpening, StartState};
use dream_primitives::data::{DatasetInfo, Mixture};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::manifest::Architecture;
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::Recipe;
use dream_primitives::version::VersionHeader;

/// Deepest nesting of a call, as the runtime decodes it.
const MAX_DEPTH: u32 = 256;

/// What decodes is no longer than its bound and encodes to what it was decoded from.
fn bounded<T: Decode + Encode + MaxEncodedLen>(data: &[u8]) -> Option<T> {
    let value = round_trip::<T>(data)?;
    assert!(value.encoded_size() <= T::max_encoded_len());
    Some(value)
}

fn round_trip<T: Decode + Encode>(data: &[u8]) -> Option<T> {
    let mut rest = data;
    let value = T::decode(&mut rest).ok()?;
    let used = data.len().saturating_sub(rest.len());
    let encoded = value.encode();
    // A compact integer may be written longer than it needs; parity-scale-codec refuses that, so bytes are canonical.
    assert_eq!(Some(encoded.as_slice()), data.get(..used));
    Some(value)
}

/// The first byte picks the type. Returns which it was, and whether the rest decoded.
pub fn run(data: &[u8]) -> String {
    let Some((kind, data)) = data.split_first() else {
        return String::new();
    };
    let kind = kind % 15;
    format!("{kind} {}", decodes(kind, data))
}

fn decodes(kind: u8, data: &[u8]) -> bool {
    match kind {
        0 => bounded::<Claim>(data).is_some(),
        1 => bounded::<ReplayReport>(data).is_some(),
        2 => bounded::<SegmentOpening>(data).is_some(),
        3 => bounded::<StartState>(data).is_some(),
        4 => chunk(data),
        5 => {
            let recipe = bounded::<Recipe>(data);
            recipe.is_some_and(|r| r.check(2).is_ok() || r.segment_tokens() < u64::MAX)
        }
        6 => {
            let parameters = bounded::<ChainParameters>(data);
            // Parameters that pass the check have a length.
            parameters.is_some_and(|p| {
                let checked = dream_primitives::params::check(&p).is_ok();
                assert!(!checked || p.round.length().is_some());
                true
            })
        }
        7 => {
            // An architecture that passes its check has a number of parameters.
            bounded::<Architecture>(data).is_some_and(|a| {
                assert!(a.check().is_err() || a.parameters().is_some());
                true
            })
        }
        8 => bounded::<VersionHeader>(data).is_some_and(|h| !h.hash().is_zero()),
        9 => bounded::<Cid>(data).is_some_and(|c| c.to_bytes().len() == 36),
        10 => bounded::<DatasetInfo>(data).is_some(),
        11 => bounded::<Mixture>(data).is_some(),
        12 => bounded::<ProfileSettings>(data).is_some(),
        13 => {
            let call = dream_runtime::RuntimeCall::decode_with_depth_limit(MAX_DEPTH, &mut &*data);
            call.is_ok_and(|call| !call.encode().is_empty())
        }
        _ => dream_runtime::UncheckedExtrinsic::decode(&mut &*data).is_ok(),
    }
}

fn chunk(data: &[u8]) -> bool {
    let Some((len, data)) = data.split_first() else {
        return false;
    };
    let Some(chunk) = round_trip::<DeltaChunk>(data) else {
        return false;
    };
    let len = u32::from(*len);
    if chunk.check(len).is_ok() {
        let steps = chunk.steps(len);
        let squares = steps.iter().fold(0u128, |n, s| {
            n.wrapping_add(u128::from(s.unsigned_abs()).pow(2))
        });
        assert_eq!(chunk.sum_of_squares(), squares);
    } else {
        // A chunk that is refused must not bring the sum or the leaf down.
        let _ = (chunk.sum_of_squares(), chunk.leaf());
    }
    true
}
