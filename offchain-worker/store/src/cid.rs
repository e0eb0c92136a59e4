// SPDX-License-Identifier: GPL-3.0-or-later
//! From bytes to CIDs by the pinned profile, and from CIDs to text and back.
//!
//! The profile (CIDv1, sha2-256, UnixFS file with raw leaves, chunks of 1 MiB, balanced layout with fan-out 1024, a
//! single leaf collapsed to itself) gives the names that any IPFS tool set up the same way gives; golden vectors made
//! with an unrelated implementation hold it. Encodings: dag-pb (<https://ipld.io/specs/codecs/dag-pb/spec/>) and UnixFS
//! (<https://specs.ipfs.tech/unixfs/>). Only hashes and sizes are kept while hashing: memory is one chunk's hash state
//! and at most 1024 links a level.

use data_encoding::BASE32_NOPAD;
use dream_primitives::cid::{Cid, CidCodec};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Bytes in a leaf.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Children of an inner node.
pub const FAN_OUT: usize = 1024;

/// Length of the text of a CID: multibase prefix `b` and 36 bytes in base32.
const TEXT_CHARS: usize = 59;

/// The CID of `bytes`.
pub fn cid_of(bytes: &[u8]) -> Cid {
    let mut hasher = CidHasher::new();
    hasher.update(bytes);
    hasher.finalize()
}

/// The usual text of a CID: base32, lower case, `bafk…` for raw and `bafy…` for dag-pb.
pub fn text(cid: &Cid) -> String {
    let mut out = String::with_capacity(TEXT_CHARS);
    out.push('b');
    out.push_str(&BASE32_NOPAD.encode(&cid.to_bytes()).to_lowercase());
    out
}

/// Why a text is not a CID of the profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a CID of this network (CIDv1, base32 in lower case, sha2-256, codec raw or dag-pb): {why}")]
pub struct CidTextError {
    /// The text, cut after 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Reads the text of a CID. Only the form that [`text`] writes is taken, so that a CID has one name.
pub fn parse(input: &str) -> Result<Cid, CidTextError> {
    let error = |why| CidTextError {
        text: input.chars().take(80).collect(),
        why,
    };
    let body = input
        .strip_prefix('b')
        .ok_or_else(|| error("it does not start with b"))?;
    if input.len() != TEXT_CHARS {
        return Err(error("it does not have 59 characters"));
    }
    if body.bytes().any(|c| c.is_ascii_uppercase()) {
        return Err(error("it has upper-case letters"));
    }
    let bytes = BASE32_NOPAD
        .decode(body.to_uppercase().as_bytes())
        .map_err(|_| error("it is not base32"))?;
    Cid::from_bytes(&bytes).ok_or_else(|| error("version, codec or hash function differ"))
}

/// Computes the CID of a stream of bytes.
///
/// ```
/// use dream_store::{text, CidHasher};
/// let mut hasher = CidHasher::new();
/// hasher.update(b"hel");
/// hasher.update(b"lo");
/// assert_eq!(text(&hasher.finalize()), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
/// ```
#[derive(Clone)]
pub struct CidHasher {
    chunk_bytes: usize,
    fan_out: usize,
    leaf: Sha256,
    leaf_bytes: usize,
    total_bytes: u64,
    /// Finished nodes that wait for a parent; `levels[0]` holds leaves.
    levels: Vec<Vec<Node>>,
}

/// A finished node of the tree.
#[derive(Clone, Copy)]
struct Node {
    cid: Cid,
    /// Bytes of the file under it.
    file_bytes: u64,
    /// Bytes of its block and of all blocks under it (dag-pb `Tsize`).
    dag_bytes: u64,
}

impl Default for CidHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl CidHasher {
    /// A hasher of the pinned profile.
    pub fn new() -> Self {
        Self::with_shape(CHUNK_BYTES, FAN_OUT)
    }

    fn with_shape(chunk_bytes: usize, fan_out: usize) -> Self {
        Self {
            chunk_bytes,
            fan_out,
            leaf: Sha256::new(),
            leaf_bytes: 0,
            total_bytes: 0,
            levels: vec![Vec::new()],
        }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.leaf_bytes == self.chunk_bytes {
                self.finish_leaf();
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.chunk_bytes - self.leaf_bytes));
            self.leaf.update(now);
            self.leaf_bytes += now.len();
            self.total_bytes += now.len() as u64;
            bytes = later;
        }
    }

    /// Bytes taken so far.
    pub fn bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The CID of all that was taken. No bytes at all are an empty raw leaf.
    pub fn finalize(mut self) -> Cid {
        self.finish_leaf();
        let mut level = 0;
        loop {
            let top = level + 1 == self.levels.len();
            match self.levels[level].as_slice() {
                [only] if top => return only.cid,
                [] => {}
                _ => self.finish_parent(level),
            }
            level += 1;
        }
    }

    fn finish_leaf(&mut self) {
        let digest = std::mem::take(&mut self.leaf).finalize().into();
        let bytes = std::mem::take(&mut self.leaf_bytes) as u64;
        let cid = Cid {
            codec: CidCodec::Raw,
            digest,
        };
        self.push(
            0,
            Node {
                cid,
                file_bytes: bytes,
                dag_bytes: bytes,
            },
        );
    }

    /// A full level is closed only when another node arrives: a last full one may be the root's children.
    fn push(&mut self, level: usize, node: Node) {
        if self.levels[level].len() == self.fan_out {
            self.finish_parent(level);
        }
        self.levels[level].push(node);
    }

    fn finish_parent(&mut self, level: usize) {
        let children = std::mem::take(&mut self.levels[level]);
        if level + 1 == self.levels.len() {
            self.levels.push(Vec::new());
        }
        self.push(level + 1, parent(&children));
    }
}

/// The inner node over `children`.
fn parent(children: &[Node]) -> Node {
    let file_bytes = children.iter().map(|c| c.file_bytes).sum();
    let block = encode_inner(children, file_bytes);
    let digest = Sha256::digest(&block).into();
    let below: u64 = children.iter().map(|c| c.dag_bytes).sum();
    Node {
        cid: Cid {
            codec: CidCodec::DagPb,
            digest,
        },
        file_bytes,
        dag_bytes: below + block.len() as u64,
    }
}

/// dag-pb block of an inner UnixFS node: `PBNode { Links = 2 (first), Data = 1 }`.
fn encode_inner(children: &[Node], file_bytes: u64) -> Vec<u8> {
    const LINKS: u64 = 2;
    const DATA: u64 = 1;
    const LINK_HASH: u64 = 1;
    const LINK_NAME: u64 = 2;
    const LINK_TSIZE: u64 = 3;
    const UNIXFS_TYPE: u64 = 1;
    const UNIXFS_FILE: u64 = 2;
    const UNIXFS_FILE_SIZE: u64 = 3;
    const UNIXFS_BLOCK_SIZES: u64 = 4;

    let mut block = Vec::with_capacity(children.len() * 64 + 16);
    for child in children {
        let mut link = Vec::with_capacity(64);
        put_bytes(&mut link, LINK_HASH, &child.cid.to_bytes());
        put_bytes(&mut link, LINK_NAME, b"");
        put_number(&mut link, LINK_TSIZE, child.dag_bytes);
        put_bytes(&mut block, LINKS, &link);
    }
    let mut data = Vec::with_capacity(children.len() * 5 + 16);
    put_number(&mut data, UNIXFS_TYPE, UNIXFS_FILE);
    put_number(&mut data, UNIXFS_FILE_SIZE, file_bytes);
    for child in children {
        put_number(&mut data, UNIXFS_BLOCK_SIZES, child.file_bytes);
    }
    put_bytes(&mut block, DATA, &data);
    block
}

/// A protobuf field of wire type 0 (varint).
fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

/// A protobuf field of wire type 2 (length-delimited).
fn put_bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Byte `i` of every file of the golden vectors (tests/make-vectors.mjs).
    fn pattern(i: u64) -> u8 {
        (31 * (i & 255) + 17 * (i >> 8 & 255) + 7 * (i >> 16 & 255)) as u8
    }

    fn cid_of_pattern(chunk: usize, fan_out: usize, length: u64) -> Cid {
        // The pattern repeats after 2^24 bytes.
        let period: Vec<u8> = (0..length.min(1 << 24)).map(pattern).collect();
        let mut hasher = CidHasher::with_shape(chunk, fan_out);
        let mut left = length as usize;
        while left > 0 {
            let now = left.min(period.len());
            hasher.update(&period[..now]);
            left -= now;
        }
        assert_eq!(hasher.bytes(), length);
        hasher.finalize()
    }

    #[test]
    fn cid_should_equal_golden_vector_when_file_is_hashed() {
        let mut seen = 0;
        for line in include_str!("../tests/cid-vectors.txt")
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            let [chunk, fan_out, length, expected] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("a vector is 4 words: {line}")
            };
            let cid = cid_of_pattern(
                chunk.parse().unwrap(),
                fan_out.parse().unwrap(),
                length.parse().unwrap(),
            );
            assert_eq!(
                text(&cid),
                expected,
                "chunk {chunk}, fan-out {fan_out}, {length} bytes"
            );
            seen += 1;
        }
        assert_eq!(seen, 30);
    }

    #[test]
    fn codec_should_change_to_dag_pb_when_file_exceeds_a_chunk() {
        assert_eq!(cid_of(&vec![1; CHUNK_BYTES]).codec, CidCodec::Raw);
        assert_eq!(cid_of(&vec![1; CHUNK_BYTES + 1]).codec, CidCodec::DagPb);
    }

    #[test]
    fn text_should_be_refused_when_it_is_not_the_one_name_of_a_cid() {
        let good = text(&cid_of(b"hello"));
        assert_eq!(parse(&good).unwrap(), cid_of(b"hello"));
        let upper = good.to_uppercase();
        let mixed = format!("b{}", &good[1..].to_uppercase());
        let longer = format!("{good}a");
        let spaced = format!(" {}", &good[1..]);
        let bad_digit = format!("{}1", &good[..58]);
        // The last character carries three bits of digest and two that must be zero.
        let loose_bits = format!("{}b", &good[..58]);
        let cid_v0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
        // sha2-512 of nothing much, and codec dag-cbor.
        let foreign = format!(
            "b{}",
            BASE32_NOPAD
                .encode(&[[1, 0x71, 0x12, 0x20].as_slice(), &[0; 32]].concat())
                .to_lowercase()
        );
        for bad in [
            "",
            "b",
            "../../etc/passwd",
            cid_v0,
            &upper,
            &mixed,
            &longer,
            &spaced,
            &bad_digit,
            &loose_bits,
            &foreign,
        ] {
            let error = parse(bad).expect_err(bad);
            assert_eq!(error.text, bad, "the error names the text");
        }
    }

    #[test]
    fn text_error_should_stay_short_when_the_text_is_huge() {
        assert!(parse(&"b".repeat(1 << 20)).unwrap_err().to_string().len() < 300);
    }

    proptest! {
        #[test]
        fn text_should_round_trip(raw: bool, digest: [u8; 32]) {
            let cid = Cid { codec: if raw { CidCodec::Raw } else { CidCodec::DagPb }, digest };
            prop_assert_eq!(parse(&text(&cid)), Ok(cid));
        }

        #[test]
        fn cid_should_not_depend_on_how_the_bytes_arrive(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            cuts in proptest::collection::vec(0usize..400, 0..8),
        ) {
            let mut whole = CidHasher::with_shape(16, 3);
            whole.update(&bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort();
            let mut pieces = CidHasher::with_shape(16, 3);
            cuts.windows(2).for_each(|w| pieces.update(&bytes[w[0]..w[1]]));
            prop_assert_eq!(whole.finalize(), pieces.finalize());
        }
    }
}
