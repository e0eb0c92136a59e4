// SPDX-License-Identifier: GPL-3.0-or-later
//! What the metadata says: where storage lies, how calls are signed, what events and errors mean.

use std::sync::Arc;

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
use crate::{BlockRef, Call, ChainError, Event, Item, Key, SubmitError};

/// Metadata that the worker was built for, as the runtime's test wrote it.
pub(super) const METADATA: &[u8] = include_bytes!("../../metadata.scale");

/// Pallets that must be the same to the last type.
const PALLETS: [&str; 4] = [
    "ChainParameters",
    "ModelRegistry",
    "DataRegistry",
    "UsefulWork",
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
            (Call::Sudo(inner), _) => {
                let (pallet, name) = inner.name();
                let found = self.metadata.pallet_by_name(pallet);
                let variant = found.as_ref().and_then(|p| p.call_variant_by_name(name));
                let (Some(found), Some(variant)) = (&found, variant) else {
                    return Err(no_such(pallet, name));
                };
                let mut bytes = vec![found.call_index(), variant.index];
                bytes.extend(self.arguments(inner, key)?.arguments.0);
                Some(bytes)
            }
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
mod tests {
    use super::*;
    use codec::Encode;
    use dream_primitives::DREAM;

    fn metadata() -> Metadata {
        Metadata::decode_from(METADATA).unwrap()
    }

    fn runtime() -> Runtime {
        Runtime::new(H256([1; 32]), 1, 1, metadata()).unwrap()
    }

    /// The metadata with every `from` replaced by `to`, of the same length.
    fn edited(from: &str, to: &str) -> Metadata {
        assert_eq!(from.len(), to.len());
        let mut bytes = METADATA.to_vec();
        let mut found = false;
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from.as_bytes()) {
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
                found = true;
            }
        }
        assert!(found, "{from} is not in the metadata");
        Metadata::decode_from(&bytes).unwrap()
    }

    #[test]
    fn check_should_name_the_part_that_differs() {
        let check = |found: &Metadata| check_same("ws://n", "dream 7", &metadata(), found);
        assert_eq!(check(&metadata()), Ok(()));
        // Documentation and other pallets may change.
        assert_eq!(
            check(&edited(
                "Adds to the caller's bond.",
                "Adds to the caller's BOND."
            )),
            Ok(())
        );
        let error = check(&edited("SecondClaim", "SecondClaiM")).unwrap_err();
        assert!(
            error.to_string().contains("dream 7 (UsefulWork differs)"),
            "{error}"
        );
        let error = check(&edited("DataRegistry", "DataRegistrY")).unwrap_err();
        assert!(
            error.to_string().contains("DataRegistry is missing"),
            "{error}"
        );
    }

    #[test]
    fn storage_keys_should_be_those_of_the_runtime() {
        let alice = Key::from_suri("//Alice").unwrap().account();
        let key = runtime().storage_key(&Item::Balance(alice)).unwrap();
        // Published for every chain: twox128("System") twox128("Account") blake2_128(key) key.
        let expected = "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59f\
                        d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
        let text: String = key.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(text, expected);
        let round = dream_primitives::claim::RoundId {
            branch: 1,
            number: 2,
        };
        let items = [
            Item::Parameters,
            Item::NextModel,
            Item::Model(1),
            Item::NextBranch,
            Item::Branch(1),
            Item::Admitted,
            Item::Version(H256::zero()),
            Item::NextDataset,
            Item::Dataset(1),
            Item::Mixture(1),
            Item::Bond(alice),
            Item::Profile(1, alice),
            Item::AdmittedProfile(H256::zero()),
            Item::Verifiers(1),
            Item::CurrentRound(1),
            Item::Round(round),
            Item::Terms(round),
            Item::RoundClaims(round),
            Item::ClaimOf(round, alice),
            Item::Claim(H256::zero()),
            Item::PostedHeader(round),
            Item::PostedTable(round),
            Item::Disputes(round),
            Item::Demands(round),
            Item::Escrow(1),
            Item::TicketTarget(1),
            Item::Tickets(1),
            Item::Newcomers(round),
            Item::ProfileCommitment(1, alice),
            Item::ActiveTrials,
            Item::Trial(H256::zero()),
            Item::TrialSeat(H256::zero(), alice),
            Item::Credits(alice),
            Item::TotalCredits,
            Item::Balance(alice),
        ];
        let runtime = runtime();
        let keys: std::collections::BTreeSet<Vec<u8>> = items
            .iter()
            .map(|i| runtime.storage_key(i).unwrap())
            .collect();
        assert_eq!(keys.len(), items.len());
    }

    #[tokio::test]
    async fn signed_transaction_should_decode_by_the_metadata() {
        let key = Key::from_suri("//Alice").unwrap();
        let birth = BlockRef {
            number: 100,
            hash: H256([2; 32]),
        };
        let to = Key::from_suri("//Bob").unwrap().account();
        let transfer = Call::Transfer { to, amount: DREAM };
        let ticket = crate::Ticket {
            account: key.account(),
            round: dream_primitives::claim::RoundId {
                branch: 0,
                number: 1,
            },
            nonce: 7,
            settings: dream_primitives::profile::ProfileSettings {
                isa: Default::default(),
                math: Default::default(),
                library: Default::default(),
                threads: 1,
            },
            leaf: H256::zero(),
            secret: H256::zero(),
        };
        let runtime = runtime();
        for call in [
            Call::Enter(Box::new(ticket)),
            transfer.clone(),
            Call::Sudo(Box::new(transfer)),
            Call::WithdrawUnbonded,
        ] {
            let signed = runtime.sign(&call, &key, 7, birth).unwrap();
            let body = codec::Compact::<u32>::decode(&mut &signed.bytes[..])
                .unwrap()
                .0;
            assert!(signed.bytes.len() > body as usize && body > 100);
            let client = runtime.offline.extrinsics();
            let decoded = client.from_bytes(vec![signed.bytes.clone()]).await;
            let extrinsic = decoded.iter().next().unwrap().unwrap();
            assert_eq!(
                (extrinsic.pallet_name(), extrinsic.call_name()),
                call.name()
            );
            let again = runtime.sign(&call, &key, 8, birth).unwrap();
            assert_ne!(again.hash, signed.hash);
        }
    }

    #[test]
    fn outcome_should_give_fields_and_errors_by_name() {
        let metadata = metadata();
        let variant = |pallet: &str, event: &str| {
            let p = metadata.pallet_by_name(pallet).unwrap();
            let v = p.event_variants().unwrap().iter().find(|v| v.name == event);
            [p.event_index(), v.unwrap().index]
        };
        let record = |index: u32, event: [u8; 2], fields: Vec<u8>| {
            let topics: Vec<H256> = Vec::new();
            (0u8, index, event, Raw(fields), topics).encode()
        };
        let info = || (codec::Compact(1u64), codec::Compact(1u64), 0u8, 0u8).encode();
        let work = metadata.pallet_by_name("UsefulWork").unwrap();
        let small = work
            .error_variants()
            .unwrap()
            .iter()
            .find(|v| v.name == "BondTooSmall");
        let module = (3u8, work.error_index(), [small.unwrap().index, 0, 0, 0]).encode();
        let who = crate::AccountId([4; 32]);
        let records = [
            record(0, variant("System", "ExtrinsicSuccess"), info()),
            record(1, variant("UsefulWork", "Bonded"), (who, DREAM).encode()),
            record(1, variant("System", "ExtrinsicSuccess"), info()),
            record(
                2,
                variant("System", "ExtrinsicFailed"),
                [module.clone(), info()].concat(),
            ),
            record(3, variant("Sudo", "Sudid"), [vec![1], module].concat()),
            record(3, variant("System", "ExtrinsicSuccess"), info()),
            record(
                4,
                variant("System", "ExtrinsicFailed"),
                [vec![7, 0], info()].concat(),
            ),
        ];
        let mut bytes = codec::Compact(records.len() as u32).encode();
        bytes.extend(records.concat());
        let outcome = |index| runtime().outcome(bytes.clone(), index).unwrap();
        assert_eq!(outcome(0), Ok(Vec::new()));
        let events = outcome(1).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].field::<u128>("amount"), Some(DREAM));
        assert_eq!(events[0].field("account"), Some(who));
        assert_eq!(events[0].field::<u8>("amount"), None);
        for index in [2, 3] {
            let error = outcome(index).unwrap_err();
            assert!(error.is("UsefulWork", "BondTooSmall"), "{error}");
            assert!(error.to_string().contains("free bond"), "{error}");
        }
        let error = outcome(4).unwrap_err();
        assert!(error.is("Token", "FundsUnavailable"), "{error}");
        assert!(runtime().outcome(bytes.clone(), 5).is_err());
        let all = runtime().events(bytes.clone()).unwrap();
        let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["Bonded", "Sudid"]);
    }

    /// Bytes without a length.
    struct Raw(Vec<u8>);

    impl Encode for Raw {
        fn encode_to<O: codec::Output + ?Sized>(&self, out: &mut O) {
            out.write(&self.0);
        }
    }
}
