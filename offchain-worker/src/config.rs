// SPDX-License-Identifier: GPL-3.0-or-later
//! Configurations of new models: from a file or a preset.

use crate::error::WorkerError;
use dream_primitives::data::Licence;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A new model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// SPDX licence expression of the model.
    pub licence: String,
    /// Architecture.
    pub architecture: Architecture,
    /// Recipe of its first branch.
    pub recipe: Recipe,
}

/// Configurations that come with the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// 0.84 M parameters, 40 steps a round: trains visibly within minutes on one core.
    Demo,
    /// 10 M parameters.
    Small,
    /// A few hundred parameters, for tests of the protocol.
    Test,
}

/// Names of the presets.
pub const PRESETS: &[(&str, Preset)] = &[
    ("demo", Preset::Demo),
    ("small", Preset::Small),
    ("test", Preset::Test),
];

/// The configuration of a preset.
pub fn preset(preset: Preset) -> ModelConfig {
    let (dim, layers, heads, kv_heads, ffn, context) = match preset {
        Preset::Demo => (128, 4, 4, 2, 384, 128),
        Preset::Small => (384, 6, 6, 3, 1024, 256),
        Preset::Test => (4, 1, 2, 1, 4, 8),
    };
    let (segments, steps, batch) = match preset {
        Preset::Demo => (8, 5, 8),
        Preset::Small => (64, 5, 8),
        Preset::Test => (8, 2, 2),
    };
    ModelConfig {
        licence: "GPL-3.0-or-later".into(),
        architecture: Architecture::Llama(LlamaConfig {
            vocab: 256,
            dim,
            layers,
            heads,
            kv_heads,
            ffn,
            context,
            rope_theta: 10_000,
            tied: true,
        }),
        recipe: Recipe {
            segments,
            steps,
            batch,
            context,
            optimiser: Optimiser::AdamW {
                learning_rate: 3_000_000,
                beta1: 900_000_000,
                beta2: 950_000_000,
                epsilon: 10_000,
                weight_decay: 100_000_000,
                max_norm: 1_000_000_000,
            },
            proximal: 0,
            rule: AggregationRule::WeightedMean,
            // 0.7 and 0.6 in units of 2^-16.
            server: ServerOptimiser::Nesterov {
                learning_rate: 45_875,
                momentum: 39_322,
            },
            delta: DeltaCodec::DenseInt8,
            error_feedback: 0,
            class: NumericClass::Exact,
        },
    }
}

impl ModelConfig {
    /// Reads a preset by name or a JSON file, and checks it.
    pub fn read(text: &str) -> Result<Self, WorkerError> {
        if let Some((_, named)) = PRESETS.iter().find(|(name, _)| *name == text) {
            return Ok(preset(*named));
        }
        let path = Path::new(text);
        let file = |why: String| WorkerError::File {
            path: path.to_path_buf(),
            why,
        };
        let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        let json = std::fs::read(path).map_err(|e| {
            file(format!(
                "{e}; it is neither a file nor a preset ({})",
                names.join(", ")
            ))
        })?;
        let config: Self = serde_json::from_slice(&json)
            .map_err(|e| file(format!("no model configuration: {e}")))?;
        config.check().map_err(file)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.licence()?;
        self.architecture
            .check()
            .map_err(|e| format!("the architecture is refused: {e:?}"))?;
        let Architecture::Llama(model) = self.architecture;
        if model.vocab != 256 {
            return Err(format!(
                "vocab is {}: byte-level tokens have 256",
                model.vocab
            ));
        }
        if self.recipe.context != model.context {
            return Err(format!(
                "recipe.context is {}, the model's context is {}: they must be equal",
                self.recipe.context, model.context
            ));
        }
        self.recipe
            .check(1)
            .map_err(|e| format!("the recipe is refused: {e:?}"))
    }

    /// The licence as the chain keeps it.
    pub fn licence(&self) -> Result<Licence, String> {
        let bytes = self.licence.clone().into_bytes();
        Licence::try_from(bytes)
            .map_err(|_| format!("the licence {:?} has more than 64 bytes", self.licence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_should_pass_their_check_and_round_trip_as_json() {
        for (name, which) in PRESETS {
            let config = preset(*which);
            assert_eq!(config.check(), Ok(()), "{name}");
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.json");
            std::fs::write(&path, serde_json::to_string_pretty(&config).unwrap()).unwrap();
            assert_eq!(ModelConfig::read(path.to_str().unwrap()).unwrap(), config);
        }
        let parameters = preset(Preset::Demo).architecture.parameters().unwrap();
        assert!((500_000..2_000_000).contains(&parameters), "{parameters}");
    }

    #[test]
    fn wrong_configuration_should_name_file_and_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        let read = |config: &ModelConfig| {
            std::fs::write(&path, serde_json::to_string(config).unwrap()).unwrap();
            ModelConfig::read(path.to_str().unwrap())
                .unwrap_err()
                .to_string()
        };
        let mut config = preset(Preset::Demo);
        config.recipe.context = 64;
        assert!(read(&config).contains("recipe.context is 64"));
        config = preset(Preset::Demo);
        config.recipe.segments = 1;
        assert!(read(&config).contains("Segments"));
        config.licence = "x".repeat(65);
        assert!(read(&config).contains("64 bytes"));
        std::fs::write(&path, "{").unwrap();
        let error = ModelConfig::read(path.to_str().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains("model.json"), "{error}");
        let error = ModelConfig::read("nowhere").unwrap_err().to_string();
        assert!(
            error.contains("nowhere") && error.contains("demo"),
            "{error}"
        );
    }
}
