//! Stored numbers to f32, with the very operations of ggml, so that every bit agrees.

use super::kind::TensorKind;
use half::{bf16, f16};

/// Turns whole blocks of stored numbers into f32.
///
/// # Panics
/// When `bytes` is not exactly as long as `out` needs; the callers' shapes have been checked.
///
/// # Reference
/// `ggml-quants.c` of llama.cpp, `dequantize_row_*`; the golden test compares with the `gguf`
/// Python package.
pub fn dequantize(kind: TensorKind, bytes: &[u8], out: &mut [f32]) {
    assert_eq!(
        kind.bytes_for(out.len()),
        Some(bytes.len()),
        "{} numbers of {} in {} bytes",
        out.len(),
        kind.name(),
        bytes.len()
    );
    let blocks = bytes
        .chunks_exact(kind.block_bytes())
        .zip(out.chunks_exact_mut(kind.block_len()));
    match kind {
        TensorKind::F32 => {
            blocks.for_each(|(b, y)| y[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        }
        TensorKind::F16 => blocks.for_each(|(b, y)| y[0] = half(b)),
        TensorKind::Bf16 => {
            blocks.for_each(|(b, y)| y[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32());
        }
        TensorKind::Q4_0 => blocks.for_each(|(b, y)| q4_0(b, y)),
        TensorKind::Q4_1 => blocks.for_each(|(b, y)| q4_1(b, y)),
        TensorKind::Q8_0 => blocks.for_each(|(b, y)| q8_0(b, y)),
        TensorKind::Q4K => blocks.for_each(|(b, y)| q4_k(b, y)),
        TensorKind::Q6K => blocks.for_each(|(b, y)| q6_k(b, y)),
    }
}

pub(crate) fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

fn q4_0(block: &[u8], y: &mut [f32]) {
    let d = half(block);
    for (j, &q) in block[2..18].iter().enumerate() {
        y[j] = (f32::from(q & 15) - 8.0) * d;
        y[j + 16] = (f32::from(q >> 4) - 8.0) * d;
    }
}

fn q4_1(block: &[u8], y: &mut [f32]) {
    let (d, m) = (half(block), half(&block[2..]));
    for (j, &q) in block[4..20].iter().enumerate() {
        y[j] = f32::from(q & 15) * d + m;
        y[j + 16] = f32::from(q >> 4) * d + m;
    }
}

fn q8_0(block: &[u8], y: &mut [f32]) {
    let d = half(block);
    for (y, &q) in y.iter_mut().zip(&block[2..34]) {
        *y = f32::from(q.cast_signed()) * d;
    }
}

/// Returns the scale and the minimum of each of the eight sub-blocks of a Q4_K block.
pub(crate) fn q4_k_scales(block: &[u8]) -> [(f32, f32); 8] {
    let (d, dmin) = (half(block), half(&block[2..]));
    let packed = &block[4..16];
    std::array::from_fn(|j| {
        let (scale, minimum) = if j < 4 {
            (packed[j] & 63, packed[j + 4] & 63)
        } else {
            (
                (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4),
                (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4),
            )
        };
        (d * f32::from(scale), dmin * f32::from(minimum))
    })
}

fn q4_k(block: &[u8], y: &mut [f32]) {
    let scales = q4_k_scales(block);
    for (pair, (q, y)) in block[16..144]
        .chunks_exact(32)
        .zip(y.chunks_exact_mut(64))
        .enumerate()
    {
        let ((d1, m1), (d2, m2)) = (scales[2 * pair], scales[2 * pair + 1]);
        for (j, &q) in q.iter().enumerate() {
            y[j] = d1 * f32::from(q & 15) - m1;
            y[j + 32] = d2 * f32::from(q >> 4) - m2;
        }
    }
}

/// Returns the 6-bit number at `index` of a Q6_K block, from -32 to 31.
pub(crate) fn q6_k_number(block: &[u8], index: usize) -> i8 {
    let (half, within) = (index / 128, index % 128);
    let (quarter, l) = (within / 32, within % 32);
    let low = block[half * 64 + (quarter % 2) * 32 + l];
    let low = if quarter < 2 { low & 15 } else { low >> 4 };
    let high = (block[128 + half * 32 + l] >> (2 * quarter)) & 3;
    (low | (high << 4)).cast_signed() - 32
}

fn q6_k(block: &[u8], y: &mut [f32]) {
    let d = half(&block[208..]);
    for (index, y) in y.iter_mut().enumerate() {
        let scale = d * f32::from(block[192 + index / 16].cast_signed());
        *y = scale * f32::from(q6_k_number(block, index));
    }
}
