// SPDX-License-Identifier: GPL-3.0-or-later
//! The two layers of encryption that a chain's parameters name, and what a round fixes of them.

use dream_kernels::data::{Block, Ciphertext, DataLayer};
use dream_kernels::params::{ParameterError, Parameters, ParametersLiteral, SA_4096};
use dream_kernels::sample::Seed;
use dream_kernels::threshold::{
    KeyCiphertext, KeyLayer, ThresholdLiteral, ThresholdParameterError, ThresholdParameters,
    KEY_8192, KEY_8192_SMALL,
};
use dream_kernels::wire::{Kind, WireError, VERSION};
use dream_primitives::claim::RoundId;
use dream_primitives::private::params::{Layout, PrivateParameters, RingShape};
use dream_primitives::private::KEY_SEGMENTS;
use dream_primitives::H256;
use thiserror::Error;

/// Why a chain's parameters cannot be served.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LayersError {
    /// The data layer's parameters are refused.
    #[error(transparent)]
    Data(#[from] ParameterError),
    /// The key layer's parameters are refused.
    #[error(transparent)]
    Key(#[from] ThresholdParameterError),
    /// No preset has this hash.
    #[error("the chain's {layer} layer has parameters {hash:?}, which this program does not know: it needs a newer worker")]
    Unknown {
        /// `data` or `key`.
        layer: &'static str,
        /// The chain's hash.
        hash: H256,
    },
    /// The chain says something else of a layer than the preset with its hash.
    #[error("the chain's {layer} layer has another {value} than the parameters of its hash")]
    Shape {
        /// `data` or `key`.
        layer: &'static str,
        /// Which value.
        value: &'static str,
    },
    /// A model for which the chain has no layout.
    #[error("a model of {0} parameters has no private rounds: it is below the chain's minimum, or its trees pass 2^32 leaves")]
    Model(u64),
}

/// Both layers, as the chain's parameters say.
#[derive(Clone, Debug)]
pub struct Layers {
    params: PrivateParameters,
    genesis: H256,
    data: DataLayer,
    keys: KeyLayer,
}

/// What is fixed when a round's cohort was drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoundFacts {
    /// Branch and number.
    pub id: RoundId,
    /// Seed of the draw: the public polynomials of the data layer come from it.
    pub seed: H256,
    /// Epoch whose key is used.
    pub epoch: u32,
    /// Members whose dealings the epoch's key sums, as a mask.
    pub dealers: u8,
    /// Parameters of the model.
    pub parameters: u64,
    /// How the ciphertexts lie.
    pub layout: Layout,
}

impl RoundFacts {
    /// The values of a key segment, as a range of the model's parameters; the last segments may be short or empty.
    pub fn segment(&self, segment: u16) -> core::ops::Range<usize> {
        let at = |s: u64| (s * self.layout.segment_values).min(self.parameters) as usize;
        at(segment.into())..at(u64::from(segment) + 1)
    }

    /// Seed of the data layer's public polynomials.
    pub fn public(&self) -> Seed {
        Seed::new(self.seed.0)
    }

    /// Key segment and block of a polynomial of the data tree.
    pub(crate) fn block(&self, polynomial: u32) -> Block {
        Block {
            round: self.id.number,
            segment: (polynomial / self.layout.polynomials) as u16,
            polynomial: polynomial % self.layout.polynomials,
        }
    }
}

fn same_shape(
    layer: &'static str,
    shape: &RingShape,
    hash: [u8; 32],
    ring: &Parameters,
) -> Result<(), LayersError> {
    let literal = ring.literal();
    let checks = [
        ("hash", shape.hash.0 == hash),
        ("degree", shape.degree == literal.degree),
        ("list of primes", shape.primes[..] == *literal.primes),
        ("number of slots", shape.slots == literal.slots),
        ("width of a slot", shape.slot_bits == literal.slot_bits),
        ("plaintext bound", shape.bound == literal.plaintext_bound),
    ];
    match checks.into_iter().find(|(_, same)| !same) {
        Some((value, _)) => Err(LayersError::Shape { layer, value }),
        None => Ok(()),
    }
}

impl Layers {
    /// The layers of a chain, from the presets whose hashes its parameters name.
    ///
    /// # Errors
    /// [`LayersError::Unknown`], and as [`Self::with_presets`].
    pub fn new(params: PrivateParameters, genesis: H256) -> Result<Self, LayersError> {
        let (data, key) = (params.get().data.hash, params.get().key.hash);
        if Parameters::new(SA_4096)?.hash().0 != data.0 {
            return Err(LayersError::Unknown {
                layer: "data",
                hash: data,
            });
        }
        for literal in [KEY_8192, KEY_8192_SMALL] {
            if ThresholdParameters::new(literal)?.hash().0 == key.0 {
                return Self::with_presets(params, genesis, SA_4096, literal);
            }
        }
        Err(LayersError::Unknown {
            layer: "key",
            hash: key,
        })
    }

    /// The layers of given presets, which must be what the chain's parameters say.
    ///
    /// # Errors
    /// [`LayersError::Shape`] names the first value that differs.
    pub fn with_presets(
        params: PrivateParameters,
        genesis: H256,
        data: ParametersLiteral,
        key: ThresholdLiteral,
    ) -> Result<Self, LayersError> {
        let data = Parameters::new(data)?;
        let keys = ThresholdParameters::new(key)?;
        let p = params.get();
        same_shape("data", &p.data, data.hash().0, &data)?;
        same_shape("key", &p.key, keys.hash().0, keys.ring())?;
        let shape = |layer, value| Err(LayersError::Shape { layer, value });
        let (c, k) = (&p.committee, keys.literal());
        if (u32::from(c.members), u32::from(c.threshold)) != (k.members, k.threshold) {
            return shape("key", "committee");
        }
        if c.answers > k.answers {
            return shape("key", "number of answers");
        }
        if p.cohort.maximum > data.literal().max_miners {
            return shape("data", "largest cohort");
        }
        if p.cohort.maximum > k.ring.max_miners {
            return shape("key", "largest cohort");
        }
        if data.literal().error.bound() > k.ring.plaintext_bound {
            return shape("key", "bound, which has to hold the data layer's keys, and");
        }
        // A segment's key lies in one polynomial.
        if keys.ring().values_per_polynomial() % data.degree() as usize != 0 {
            return shape("key", "number of values of a polynomial");
        }
        Ok(Self {
            data: DataLayer::new(data),
            keys: KeyLayer::new(keys, &Seed::new(genesis.0)),
            genesis,
            params,
        })
    }

    /// The chain's parameters.
    pub fn params(&self) -> &PrivateParameters {
        &self.params
    }

    /// The chain's genesis hash.
    pub fn genesis(&self) -> &H256 {
        &self.genesis
    }

    /// The data layer.
    pub fn data(&self) -> &DataLayer {
        &self.data
    }

    /// The key layer.
    pub fn keys(&self) -> &KeyLayer {
        &self.keys
    }

    /// Facts of a round for a model of `parameters` parameters.
    ///
    /// # Errors
    /// [`LayersError::Model`].
    pub fn round(
        &self,
        id: RoundId,
        seed: H256,
        epoch: u32,
        dealers: u8,
        parameters: u64,
    ) -> Result<RoundFacts, LayersError> {
        let layout = self.params.layout(parameters);
        Ok(RoundFacts {
            id,
            seed,
            epoch,
            dealers,
            parameters,
            layout: layout.ok_or(LayersError::Model(parameters))?,
        })
    }

    /// Coefficients of the data layer's keys that a polynomial of the key layer carries.
    pub fn keys_per_polynomial(&self) -> usize {
        self.keys.values_per_ciphertext()
    }

    /// The key layer's polynomial that carries a segment's key.
    pub fn key_polynomial(&self, segment: u16) -> u32 {
        (usize::from(segment) * self.data.ring().degree() / self.keys_per_polynomial()) as u32
    }

    /// The key segments whose keys lie in a polynomial of the key layer.
    pub fn segments_of(&self, polynomial: u32) -> core::ops::Range<u16> {
        let each = self.keys_per_polynomial() / self.data.ring().degree();
        let at = |p: u32| (p as usize * each).min(KEY_SEGMENTS.into()) as u16;
        at(polynomial)..at(polynomial + 1)
    }

    /// Bytes of a member's answer for a round.
    pub fn answer_bytes(&self) -> usize {
        self.params.key_polynomials() as usize * self.keys.answer_bytes()
    }

    /// The residues of a data ciphertext, as they lie in leaves.
    pub(crate) fn data_residues(&self, ciphertext: &Ciphertext) -> Vec<u8> {
        let bytes = self.data.encode(ciphertext);
        let residues = self.data_poly_bytes();
        bytes[bytes.len() - residues..].to_vec()
    }

    /// The residues of a key ciphertext, as they lie in leaves: both halves.
    pub(crate) fn key_residues(&self, ciphertext: &KeyCiphertext) -> Vec<u8> {
        let bytes = self.keys.encode(ciphertext);
        let residues = self.key_poly_bytes();
        bytes[bytes.len() - residues..].to_vec()
    }

    /// Bytes of a data ciphertext's residues.
    pub(crate) fn data_poly_bytes(&self) -> usize {
        dream_kernels::wire::poly_bytes(self.data.ring())
    }

    /// Bytes of a key ciphertext's residues.
    pub(crate) fn key_poly_bytes(&self) -> usize {
        2 * dream_kernels::wire::poly_bytes(self.keys.ring())
    }

    /// A data ciphertext from its residues; place and terms come from the round, never from who sent it.
    pub(crate) fn data_ciphertext(
        &self,
        round: &RoundFacts,
        polynomial: u32,
        terms: u32,
        residues: &[u8],
    ) -> Result<Ciphertext, WireError> {
        let block = round.block(polynomial);
        let mut bytes = vec![VERSION, Kind::DataCiphertext as u8];
        bytes.extend(self.data.params().hash().0);
        bytes.extend(block.round.to_le_bytes());
        bytes.extend(block.segment.to_le_bytes());
        bytes.extend(block.polynomial.to_le_bytes());
        bytes.extend(terms.to_le_bytes());
        bytes.extend(residues);
        self.data.decode(&bytes)
    }

    /// A key ciphertext from its residues; as [`Self::data_ciphertext`].
    pub(crate) fn key_ciphertext(
        &self,
        round: &RoundFacts,
        polynomial: u32,
        terms: u32,
        residues: &[u8],
    ) -> Result<KeyCiphertext, WireError> {
        let mut bytes = vec![VERSION, Kind::KeyCiphertext as u8];
        bytes.extend(self.keys.params().hash().0);
        bytes.extend(round.epoch.to_le_bytes());
        bytes.push(round.dealers);
        bytes.extend(round.id.number.to_le_bytes());
        bytes.extend(polynomial.to_le_bytes());
        bytes.extend(terms.to_le_bytes());
        bytes.extend(residues);
        self.keys.decode(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::private::params::PrivateLiteral;

    fn layers(change: fn(&mut PrivateLiteral)) -> Result<Layers, LayersError> {
        let mut literal = PrivateLiteral::development();
        change(&mut literal);
        Layers::new(PrivateParameters::new(literal).unwrap(), H256::zero())
    }

    #[test]
    fn layers_should_be_made_for_every_preset_of_a_chain() {
        for literal in [PrivateLiteral::development(), PrivateLiteral::network()] {
            let params = PrivateParameters::new(literal).unwrap();
            let layers = Layers::new(params, H256::zero()).unwrap();
            assert_eq!(layers.key_polynomial(63), 7);
            assert_eq!(layers.segments_of(7), 56..64);
        }
    }

    #[test]
    fn layers_should_name_what_differs_from_the_preset() {
        let shape = |layer, value| Some(LayersError::Shape { layer, value });
        let hash = H256::repeat_byte(9);
        assert_eq!(
            layers(|l| l.key.hash = H256::repeat_byte(9)).err(),
            Some(LayersError::Unknown { layer: "key", hash })
        );
        assert_eq!(
            layers(|l| l.data.hash = H256::repeat_byte(9)).err(),
            Some(LayersError::Unknown {
                layer: "data",
                hash
            })
        );
        assert_eq!(
            layers(|l| l.data.bound = 126).err(),
            shape("data", "plaintext bound")
        );
        assert_eq!(
            layers(|l| l.key.slot_bits = 15).err(),
            shape("key", "width of a slot")
        );
        assert_eq!(
            layers(|l| l.committee.answers = 2_049).err(),
            shape("key", "number of answers")
        );
        assert_eq!(
            layers(|l| l.committee.members = 4).err(),
            shape("key", "committee")
        );
    }

    #[test]
    fn answers_should_be_equal_in_count_and_bytes_at_one_and_ten_million_parameters() {
        let params = PrivateParameters::new(PrivateLiteral::network()).unwrap();
        let layers = Layers::new(params, H256::zero()).unwrap();
        let id = RoundId {
            branch: 1,
            number: 1,
        };
        let of = |parameters| layers.round(id, H256::zero(), 1, 0x7f, parameters).unwrap();
        let (one, ten) = (of(1 << 20), of(10_000_000));
        assert!(ten.layout.data_leaves > 9 * one.layout.data_leaves);
        // A member decrypts the key tree and nothing else.
        assert_eq!(one.layout.key_leaves, ten.layout.key_leaves);
        let polynomials =
            |facts: &RoundFacts| facts.layout.key_leaves as usize * 3_840 / layers.key_poly_bytes();
        assert_eq!((polynomials(&one), polynomials(&ten)), (8, 8));
        // Header, member, digest; 20 shares of six limbs of 8192 residues of 30 bits.
        let answer = 34 + 33 + 20 * 6 * 8_192 * 30 / 8;
        assert_eq!(layers.answer_bytes(), 8 * answer);
    }

    #[test]
    fn segments_should_cover_the_model_once() {
        let layers = layers(|_| ()).unwrap();
        let id = RoundId {
            branch: 1,
            number: 1,
        };
        for parameters in [64, 65, 127, 4_097, 840_000] {
            let facts = layers.round(id, H256::zero(), 1, 7, parameters).unwrap();
            let mut next = 0;
            for segment in 0..KEY_SEGMENTS {
                let range = facts.segment(segment);
                assert_eq!(range.start, next);
                assert!(range.len() as u64 <= facts.layout.segment_values);
                next = range.end;
            }
            assert_eq!(next as u64, parameters);
        }
        assert_eq!(
            layers.round(id, H256::zero(), 1, 7, 63),
            Err(LayersError::Model(63))
        );
    }
}
