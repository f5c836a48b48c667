//! Writes small GGUF files, right and wrong ones.

/// A GGUF file in the making.
#[derive(Default, Clone)]
pub struct GgufWriter {
    metadata: Vec<(String, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

impl GgufWriter {
    /// The settings of a Llama model with one layer, width 32, vocabulary 48.
    pub fn llama() -> Self {
        let mut writer = Self::default().text("general.architecture", "llama");
        for (key, value) in [
            ("block_count", 1),
            ("context_length", 64),
            ("embedding_length", 32),
            ("feed_forward_length", 32),
            ("attention.head_count", 2),
            ("attention.head_count_kv", 1),
        ] {
            writer = writer.u32(&format!("llama.{key}"), value);
        }
        writer = writer.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
        for (name, shape) in [
            ("token_embd", vec![32, 48]),
            ("output_norm", vec![32]),
            ("blk.0.attn_norm", vec![32]),
            ("blk.0.attn_q", vec![32, 32]),
            ("blk.0.attn_k", vec![32, 16]),
            ("blk.0.attn_v", vec![32, 16]),
            ("blk.0.attn_output", vec![32, 32]),
            ("blk.0.ffn_norm", vec![32]),
            ("blk.0.ffn_gate", vec![32, 32]),
            ("blk.0.ffn_up", vec![32, 32]),
            ("blk.0.ffn_down", vec![32, 32]),
        ] {
            writer = writer.ones(&format!("{name}.weight"), &shape);
        }
        writer
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        self.set(key, 8, text(value))
    }

    pub fn u32(self, key: &str, value: u32) -> Self {
        self.set(key, 4, value.to_le_bytes().to_vec())
    }

    pub fn f32(self, key: &str, value: f32) -> Self {
        self.set(key, 6, value.to_le_bytes().to_vec())
    }

    /// Sets a value of any type, its bytes as given.
    pub fn set(mut self, key: &str, kind: u32, bytes: Vec<u8>) -> Self {
        self.metadata.retain(|(name, _, _)| name != key);
        self.metadata.push((key.to_owned(), kind, bytes));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.metadata.retain(|(key, _, _)| key != name);
        self.tensors.retain(|(tensor, _, _, _)| tensor != name);
        self
    }

    /// Adds an F32 tensor of ones; the innermost dimension comes first.
    pub fn ones(self, name: &str, shape: &[u64]) -> Self {
        let count: u64 = shape.iter().product();
        let bytes = 1f32.to_le_bytes().repeat(count as usize);
        self.tensor(name, shape, 0, bytes)
    }

    /// Adds a tensor of any kind, its bytes as given.
    pub fn tensor(mut self, name: &str, shape: &[u64], kind: u32, bytes: Vec<u8>) -> Self {
        self.tensors.retain(|(tensor, _, _, _)| tensor != name);
        self.tensors
            .push((name.to_owned(), shape.to_vec(), kind, bytes));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.metadata {
            out.extend(text(key));
            out.extend(kind.to_le_bytes());
            out.extend(value);
        }
        let mut offset = 0u64;
        for (name, shape, kind, bytes) in &self.tensors {
            out.extend(text(name));
            out.extend((shape.len() as u32).to_le_bytes());
            for dimension in shape {
                out.extend(dimension.to_le_bytes());
            }
            out.extend(kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (bytes.len() as u64).next_multiple_of(32);
        }
        for (_, _, _, bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        out
    }
}
