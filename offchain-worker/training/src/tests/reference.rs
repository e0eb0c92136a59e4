// SPDX-License-Identifier: GPL-3.0-or-later
//! The decoder written plainly in f64, one token at a time, with tensors by name: shares no code with the model.

use crate::dequantise;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use std::collections::HashMap;

pub struct Reference {
    config: LlamaConfig,
    tensors: HashMap<String, Vec<f64>>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Reference {
    pub fn new(architecture: &Architecture, state: &[i32]) -> Self {
        let params = dequantise(architecture, state).unwrap();
        Self::from_params(
            architecture,
            &params.iter().map(|p| f64::from(*p)).collect::<Vec<_>>(),
        )
    }

    pub fn from_params(architecture: &Architecture, params: &[f64]) -> Self {
        let Architecture::Llama(config) = *architecture;
        let mut rest = params;
        let mut tensors = HashMap::new();
        for spec in architecture.manifest() {
            let (this, next) = rest.split_at(spec.parameters().unwrap() as usize);
            tensors.insert(spec.name, this.to_vec());
            rest = next;
        }
        assert!(rest.is_empty());
        Self { config, tensors }
    }

    fn get(&self, layer: u32, part: &str) -> &[f64] {
        &self.tensors[&format!("model.layers.{layer}.{part}.weight")]
    }

    fn times(weight: &[f64], x: &[f64]) -> Vec<f64> {
        weight.chunks(x.len()).map(|row| dot(row, x)).collect()
    }

    fn norm(weight: &[f64], x: &[f64]) -> Vec<f64> {
        let scale = 1.0 / (dot(x, x) / x.len() as f64 + 1e-5).sqrt();
        x.iter().zip(weight).map(|(x, w)| x * scale * w).collect()
    }

    /// Rotates each head's pairs (i, i + width / 2) by position * theta^(-2i / width).
    fn rotate(&self, x: &mut [f64], position: usize) {
        let width = (self.config.dim / self.config.heads) as usize;
        for head in x.chunks_mut(width) {
            for i in 0..width / 2 {
                let frequency =
                    f64::from(self.config.rope_theta).powf(-2.0 * i as f64 / width as f64);
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                let (a, b) = (head[i], head[i + width / 2]);
                head[i] = a * cos - b * sin;
                head[i + width / 2] = b * cos + a * sin;
            }
        }
    }

    /// Logits after each token of one sequence.
    pub fn logits(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        let c = &self.config;
        let (dim, width) = (c.dim as usize, (c.dim / c.heads) as usize);
        let embedding = &self.tensors["model.embed_tokens.weight"];
        let mut xs: Vec<Vec<f64>> = tokens
            .iter()
            .map(|t| embedding[*t as usize * dim..][..dim].to_vec())
            .collect();
        for layer in 0..c.layers {
            let (mut queries, mut keys, mut values) = (vec![], vec![], vec![]);
            for (position, x) in xs.iter().enumerate() {
                let h = Self::norm(self.get(layer, "input_layernorm"), x);
                let mut q = Self::times(self.get(layer, "self_attn.q_proj"), &h);
                let mut k = Self::times(self.get(layer, "self_attn.k_proj"), &h);
                self.rotate(&mut q, position);
                self.rotate(&mut k, position);
                queries.push(q);
                keys.push(k);
                values.push(Self::times(self.get(layer, "self_attn.v_proj"), &h));
            }
            for (position, x) in xs.iter_mut().enumerate() {
                let mut mixed = vec![0f64; dim];
                for head in 0..c.heads as usize {
                    let kv = head / (c.heads / c.kv_heads) as usize;
                    let q = &queries[position][head * width..][..width];
                    let weights: Vec<f64> = (0..=position)
                        .map(|p| {
                            (dot(q, &keys[p][kv * width..][..width]) / (width as f64).sqrt()).exp()
                        })
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for (p, weight) in weights.iter().enumerate() {
                        for i in 0..width {
                            mixed[head * width + i] += weight / total * values[p][kv * width + i];
                        }
                    }
                }
                for (x, o) in x
                    .iter_mut()
                    .zip(Self::times(self.get(layer, "self_attn.o_proj"), &mixed))
                {
                    *x += o;
                }
                let h = Self::norm(self.get(layer, "post_attention_layernorm"), x);
                let gate = Self::times(self.get(layer, "mlp.gate_proj"), &h);
                let up = Self::times(self.get(layer, "mlp.up_proj"), &h);
                let gated: Vec<f64> = gate
                    .iter()
                    .zip(up)
                    .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                    .collect();
                for (x, o) in x
                    .iter_mut()
                    .zip(Self::times(self.get(layer, "mlp.down_proj"), &gated))
                {
                    *x += o;
                }
            }
        }
        let head = if c.tied {
            embedding
        } else {
            &self.tensors["lm_head.weight"]
        };
        xs.iter()
            .map(|x| Self::times(head, &Self::norm(&self.tensors["model.norm.weight"], x)))
            .collect()
    }

    /// Mean cross entropy over rows of inputs and one more target, nats per token.
    pub fn loss(&self, rows: &[Vec<u32>]) -> f64 {
        let mut total = 0.0;
        let mut count = 0.0;
        for row in rows {
            for (logits, target) in self.logits(&row[..row.len() - 1]).iter().zip(&row[1..]) {
                let sum: f64 = logits.iter().map(|l| l.exp()).sum();
                total += sum.ln() - logits[*target as usize];
                count += 1.0;
            }
        }
        total / count
    }
}
