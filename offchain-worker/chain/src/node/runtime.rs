// SPDX-License-Identifier: GPL-3.0-or-later
//! What the metadata says: where storage lies, how calls are signed, what events and errors mean.

use std::sync::{Arc, LazyLock};

use codec::{Decode, DecodeAll};
use dream_primitives::dispute::DeltaOpening;
use dream_primitives::H256;
use subxt::client::{ClientAtBlock, OfflineClient, OfflineClientAtBlockImpl};
use subxt::config::substrate::{SpecVersionForRange, SubstrateConfig};
use subxt::config::DefaultExtrinsicParamsBuilder;
use subxt::error::DispatchError;
use subxt::events::Phase;
use subxt::ext::frame_decode::storage::StorageHasher;
use subxt::ext::scale_decode::visitor::{decode_with_visitor, IgnoreVisitor};
use subxt::ext::scale_encode::{self, EncodeAsFields, FieldIter, TypeResolver};
use subxt::metadata::{ArcMetadata, Metadata};
use subxt::tx::Payload;

use super::place::place;
use crate::{BlockRef, Call, ChainError, Event, GovernanceCall, Item, Key, SubmitError};

/// Metadata that the worker was built for, as the runtime's test wrote it.
pub(super) const METADATA: &[u8] = include_bytes!("../../metadata.scale");

/// The same, decoded; `None` where it is none, which every connection refuses first.
static EXPECTED: LazyLock<Option<Metadata>> =
    LazyLock::new(|| Metadata::decode_from(METADATA).ok());

/// Pallets that must be the same to the last type.
const PALLETS: [&str; 5] = [
    "ChainParameters",
    "ModelRegistry",
    "DataRegistry",
    "UsefulWork",
    "SecureAggregation",
];

/// Blocks for which a signature is good.
pub(super) const MORTALITY: u32 = 64;

type Offline = ClientAtBlock<SubstrateConfig, OfflineClientAtBlockImpl<SubstrateConfig>>;

/// A runtime as a node has it.
pub(super) struct Runtime {
    pub(super) spec_version: u32,
    genesis: H256,
    offline: Offline,
    metadata: ArcMetadata,
}

/// The version byte behind the magic number.
pub(super) fn metadata_version(metadata: &[u8]) -> u32 {
    metadata.get(4).copied().map_or(0, u32::from)
}

/// Name and hash of a part of a runtime; no hash where the runtime does not have it.
type Part = (String, Option<[u8; 32]>);

/// Hash over what the worker uses of a runtime, and the same by part.
fn fingerprint(metadata: &Metadata) -> (H256, Vec<Part>) {
    let pallet = |name: &str| metadata.pallet_by_name(name);
    let mut parts: Vec<Part> = PALLETS
        .iter()
        .map(|name| ((*name).to_owned(), pallet(name).map(|p| p.hash())))
        .collect();
    let account = pallet("System").and_then(|p| p.storage_hash("Account"));
    parts.push(("System.Account".into(), account));
    let transfer = pallet("Balances").and_then(|p| p.call_hash("transfer_keep_alive"));
    parts.push(("Balances.transfer_keep_alive".into(), transfer));
    let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
    for (name, hash) in &parts {
        state.update(name.as_bytes());
        state.update(hash.as_ref().map_or(&[0][..], |h| &h[..]));
    }
    (H256::from_slice(state.finalize().as_bytes()), parts)
}

/// Whether a node's runtime serves the worker; the error names the parts that differ.
pub(super) fn check_same(
    url: &str,
    spec: &str,
    expected: &Metadata,
    found: &Metadata,
) -> Result<(), ChainError> {
    let (expected_hash, expected_parts) = fingerprint(expected);
    let (found_hash, found_parts) = fingerprint(found);
    let differing: Vec<String> = expected_parts
        .iter()
        .zip(&found_parts)
        .filter(|(e, f)| e.1 != f.1 || f.1.is_none())
        .map(|((name, _), (_, hash))| match hash {
            Some(_) => format!("{name} differs"),
            None => format!("{name} is missing"),
        })
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(ChainError::OtherRuntime {
        url: url.to_owned(),
        what: format!("{spec} ({})", differing.join(", ")),
        expected: expected_hash,
        found: found_hash,
    })
}

/// Arguments that are in SCALE already.
struct Encoded(Vec<u8>);

impl EncodeAsFields for Encoded {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _: &mut dyn FieldIter<'_, R::TypeId>,
        _: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

struct EncodedCall {
    pallet: &'static str,
    call: &'static str,
    arguments: Encoded,
}

impl Payload for EncodedCall {
    type CallData = Encoded;

    fn pallet_name(&self) -> &str {
        self.pallet
    }

    fn call_name(&self) -> &str {
        self.call
    }

    fn call_data(&self) -> &Encoded {
        &self.arguments
    }
}

/// A signed transaction.
pub(super) struct Signed {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: H256,
}

impl Runtime {
    pub(super) fn new(
        genesis: H256,
        spec_version: u32,
        transaction_version: u32,
        metadata: Metadata,
    ) -> Result<Self, ChainError> {
        let metadata: ArcMetadata = Arc::new(metadata);
        let config = SubstrateConfig::builder()
            .set_genesis_hash(genesis)
            .set_metadata_for_spec_versions([(spec_version, metadata.clone())])
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version,
                transaction_version,
            }])
            .build();
        let offline = OfflineClient::new_with_config(config).at_block(0u32);
        Ok(Self {
            spec_version,
            genesis,
            offline: offline.map_err(|e| malformed("metadata", &e))?,
            metadata,
        })
    }

    /// Pallet index, call index and arguments; `key` signs what is signed within the call.
    fn arguments(&self, call: &Call, key: &Key) -> Result<EncodedCall, ChainError> {
        let (pallet, name) = call.name();
        let account = key.account();
        let arguments = match (call, call.message(&self.genesis, &account)) {
            (Call::Sudo(inner), _) => Some(self.whole(inner, key)?),
            (Call::Governance(call), _) => Some(self.governance(call, key)?),
            (call, Some(message)) => {
                let signature = key.pair().sign(message.as_bytes());
                call.signed_arguments(&account, &signature.0)
            }
            (call, None) => call.arguments(),
        };
        let found = self.metadata.pallet_by_name(pallet);
        if found.and_then(|p| p.call_variant_by_name(name)).is_none() {
            return Err(no_such(pallet, name));
        }
        Ok(EncodedCall {
            pallet,
            call: name,
            arguments: Encoded(arguments.unwrap_or_default()),
        })
    }

    /// A call in SCALE, as other calls take it.
    fn whole(&self, call: &Call, key: &Key) -> Result<Vec<u8>, ChainError> {
        let (pallet, name) = call.name();
        let found = self.metadata.pallet_by_name(pallet);
        let variant = found.as_ref().and_then(|p| p.call_variant_by_name(name));
        let (Some(found), Some(variant)) = (&found, variant) else {
            return Err(no_such(pallet, name));
        };
        let mut bytes = vec![found.call_index(), variant.index];
        bytes.extend(self.arguments(call, key)?.arguments.0);
        Ok(bytes)
    }

    fn governance(&self, call: &GovernanceCall, key: &Key) -> Result<Vec<u8>, ChainError> {
        let (pallet, name) = call.name();
        let hash = |m: &Metadata| m.pallet_by_name(pallet)?.call_hash(name);
        self.same_as_built(pallet, name, hash)?;
        let proposal = call.proposal().map(|call| self.whole(call, key));
        Ok(call.arguments(proposal.transpose()?.unwrap_or_default()))
    }

    /// Refuses what has other types than the worker was built for.
    fn same_as_built(
        &self,
        pallet: &str,
        name: &str,
        hash: impl Fn(&Metadata) -> Option<[u8; 32]>,
    ) -> Result<(), ChainError> {
        let built = EXPECTED.as_ref().and_then(&hash);
        if built.is_some() && built == hash(&self.metadata) {
            return Ok(());
        }
        Err(ChainError::Refused {
            item: format!("{pallet}.{name}"),
            cause: "the node's runtime has other types there than the worker was built for; install the worker of the node's release".into(),
        })
    }

    /// A transaction that is good for [`MORTALITY`] blocks from `birth` on. A call that is signed within becomes a general
    /// transaction, which has no nonce and which the account pays nothing for.
    pub(super) fn sign(
        &self,
        call: &Call,
        key: &Key,
        nonce: u64,
        birth: BlockRef,
    ) -> Result<Signed, ChainError> {
        let payload = self.arguments(call, key)?;
        let general = call.message(&self.genesis, &key.account()).is_some();
        let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
            .mortal_from_unchecked(MORTALITY.into(), birth.number.into(), birth.hash)
            .nonce(nonce)
            .build();
        let item = || format!("{}.{}", payload.pallet, payload.call);
        let transactions = self.offline.transactions();
        let signable = match general {
            true => transactions.create_v5_signable_offline(&payload, params),
            false => transactions.create_signable_offline(&payload, params),
        };
        let signed = signable
            .and_then(|mut t| t.sign(key.pair()))
            .map_err(|e| malformed(&item(), &e))?;
        Ok(Signed {
            hash: signed.hash(),
            bytes: signed.into_encoded(),
        })
    }

    /// Storage key of an item.
    pub(super) fn storage_key(&self, item: &Item) -> Result<Vec<u8>, ChainError> {
        let (pallet, name, keys) = place(item);
        if let Item::Governance(_) = item {
            let hash = |m: &Metadata| m.pallet_by_name(pallet)?.storage_hash(name);
            self.same_as_built(pallet, name, hash)?;
        }
        let found = self.metadata.pallet_by_name(pallet);
        let storage = found.and_then(|p| p.storage());
        let Some(storage) = storage else {
            return Err(no_such(pallet, name));
        };
        let entry = storage.entry_by_name(name).ok_or(no_such(pallet, name))?;
        let hashers = entry.keys().map(|k| k.hasher);
        if hashers.len() != keys.len() {
            return Err(no_such(pallet, name));
        }
        let mut key = sp_crypto_hashing::twox_128(storage.prefix().as_bytes()).to_vec();
        key.extend(sp_crypto_hashing::twox_128(name.as_bytes()));
        for (hasher, part) in hashers.zip(&keys) {
            hash_key(hasher, part, &mut key);
        }
        Ok(key)
    }

    /// The events of transaction `index`, and whether it succeeded.
    pub(super) fn outcome(
        &self,
        events: Vec<u8>,
        index: u32,
    ) -> Result<Result<Vec<Event>, SubmitError>, ChainError> {
        let all = self.offline.events().from_bytes(events);
        let mut kept = Vec::new();
        let mut success = None;
        for event in all.iter() {
            let event = event.map_err(|e| malformed("System.Events", &e))?;
            if event.phase() != Phase::ApplyExtrinsic(index) {
                continue;
            }
            let (pallet, name) = (event.pallet_name(), event.event_name());
            let fields = self.fields(pallet, name, event.field_bytes())?;
            match (pallet, name, &fields[..]) {
                ("System", "ExtrinsicSuccess", _) => success = Some(Ok(())),
                ("System", "ExtrinsicFailed", [(_, error), ..]) => {
                    success = Some(Err(self.dispatch_error(error)?));
                }
                // A Result: variant 1 is the error of the call that acted as root.
                ("Sudo", "Sudid", [(_, result), ..]) => {
                    if let Some((1, error)) = result.split_first() {
                        return Ok(Err(self.dispatch_error(error)?));
                    }
                }
                ("System" | "TransactionPayment", _, _) => {}
                _ => kept.push(Event {
                    pallet: pallet.to_owned(),
                    name: name.to_owned(),
                    fields,
                }),
            }
        }
        match success {
            Some(result) => Ok(result.map(|()| kept)),
            None => Err(ChainError::Malformed {
                item: "System.Events".into(),
                cause: format!("no word on transaction {index}"),
            }),
        }
    }

    /// All events of a block but the system's own.
    pub(super) fn events(&self, events: Vec<u8>) -> Result<Vec<Event>, ChainError> {
        let all = self.offline.events().from_bytes(events);
        let mut kept = Vec::new();
        for event in all.iter() {
            let event = event.map_err(|e| malformed("System.Events", &e))?;
            let (pallet, name) = (event.pallet_name(), event.event_name());
            if matches!(pallet, "System" | "TransactionPayment") {
                continue;
            }
            kept.push(Event {
                pallet: pallet.to_owned(),
                name: name.to_owned(),
                fields: self.fields(pallet, name, event.field_bytes())?,
            });
        }
        Ok(kept)
    }

    /// The chunks that the transactions of a block supply for a claim, whether they succeeded or not.
    pub(super) async fn supplied(
        &self,
        extrinsics: Vec<Vec<u8>>,
        claim: &H256,
    ) -> Vec<DeltaOpening> {
        let client = self.offline.extrinsics();
        let all = client.from_bytes(extrinsics).await;
        let mut found = Vec::new();
        for extrinsic in all.iter().flatten() {
            if (extrinsic.pallet_name(), extrinsic.call_name()) != ("UsefulWork", "supply_chunk") {
                continue;
            }
            let bytes = extrinsic.call_data_field_bytes();
            if let Ok((of, _, opening)) = <(H256, u32, DeltaOpening)>::decode_all(&mut &bytes[..]) {
                found.extend((of == *claim).then_some(opening));
            }
        }
        found
    }

    /// The error by whose number the runtime's pool refuses a call that is signed within.
    pub(super) fn pool_error(&self, call: &Call, reason: &str) -> Option<SubmitError> {
        let (pallet, _) = call.name();
        let (_, number) = reason.rsplit_once("Custom error: ")?;
        let number: u8 = number.trim().parse().ok()?;
        let found = self.metadata.pallet_by_name(pallet)?;
        let variant = found.error_variants()?.iter().find(|v| v.index == number)?;
        Some(SubmitError::Dispatch {
            pallet: pallet.to_owned(),
            error: variant.name.clone(),
            docs: variant.docs.join(" ").trim().to_owned(),
        })
    }

    /// Cuts an event's bytes into its fields.
    fn fields(
        &self,
        pallet: &str,
        event: &str,
        bytes: &[u8],
    ) -> Result<Vec<(String, Vec<u8>)>, ChainError> {
        let found = self.metadata.pallet_by_name(pallet);
        let variants = found.and_then(|p| p.event_variants()).unwrap_or_default();
        let variant = variants.iter().find(|v| v.name == event);
        let variant = variant.ok_or(no_such(pallet, event))?;
        let mut rest = bytes;
        let mut fields = Vec::new();
        for (index, field) in variant.fields.iter().enumerate() {
            let before = rest;
            let types = self.metadata.types();
            decode_with_visitor(&mut rest, field.ty.id, types, IgnoreVisitor::new())
                .map_err(|e| malformed(&format!("{pallet}.{event}"), &e))?;
            let name = field.name.clone().unwrap_or_else(|| index.to_string());
            fields.push((name, before[..before.len() - rest.len()].to_vec()));
        }
        Ok(fields)
    }

    fn dispatch_error(&self, bytes: &[u8]) -> Result<SubmitError, ChainError> {
        let item = "System.ExtrinsicFailed";
        let error = DispatchError::decode_from(bytes, self.metadata.clone())
            .map_err(|e| malformed(item, &e))?;
        let (pallet, name) = match &error {
            DispatchError::Module(module) => {
                let details = module.details().map_err(|e| malformed(item, &e))?;
                return Ok(SubmitError::Dispatch {
                    pallet: details.pallet.name().to_owned(),
                    error: details.variant.name.clone(),
                    docs: details.variant.docs.join(" ").trim().to_owned(),
                });
            }
            DispatchError::Token(e) => ("Token", format!("{e:?}")),
            DispatchError::Arithmetic(e) => ("Arithmetic", format!("{e:?}")),
            DispatchError::Transactional(e) => ("Transactional", format!("{e:?}")),
            other => ("System", format!("{other:?}")),
        };
        Ok(SubmitError::Dispatch {
            pallet: pallet.to_owned(),
            error: name,
            docs: error.to_string(),
        })
    }
}

fn malformed(item: &str, cause: &dyn std::fmt::Display) -> ChainError {
    ChainError::Malformed {
        item: item.to_owned(),
        cause: cause.to_string(),
    }
}

fn no_such(pallet: &str, name: &str) -> ChainError {
    ChainError::Refused {
        item: format!("{pallet}.{name}"),
        cause: "the node's runtime has no such call, event or storage item".into(),
    }
}

fn hash_key(hasher: StorageHasher, part: &[u8], key: &mut Vec<u8>) {
    use sp_crypto_hashing::{blake2_128, blake2_256, twox_128, twox_256, twox_64};
    match hasher {
        StorageHasher::Identity => {}
        StorageHasher::Twox64Concat => key.extend(twox_64(part)),
        StorageHasher::Blake2_128Concat => key.extend(blake2_128(part)),
        StorageHasher::Twox128 => return key.extend(twox_128(part)),
        StorageHasher::Twox256 => return key.extend(twox_256(part)),
        StorageHasher::Blake2_128 => return key.extend(blake2_128(part)),
        StorageHasher::Blake2_256 => return key.extend(blake2_256(part)),
    }
    key.extend_from_slice(part);
}

/// Tokens of an account as the balances pallet keeps them in `System.Account`.
#[derive(Decode)]
pub(super) struct AccountInfo {
    pub(super) nonce: u32,
    _references: [u32; 3],
    pub(super) free: u128,
    pub(super) reserved: u128,
    _frozen: u128,
    _flags: u128,
}

#[cfg(test)]
mod governance_tests;
#[cfg(test)]
mod private_tests;
#[cfg(test)]
mod tests;
