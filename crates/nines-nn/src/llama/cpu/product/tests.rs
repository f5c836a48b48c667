use super::super::super::weights::StoredMatrix;
use super::super::inputs::Inputs;
use super::super::packed::nearest;
use super::super::product16::{self, RoundedRows};
use super::*;
use crate::gguf::TensorKind;
use crate::precision::Precision;
use nines_kernels::{Unit, round};

/// Numbers without a pattern, from -1 to 1.
fn number(seed: usize) -> f32 {
    let word = (seed as u32).wrapping_mul(2_654_435_761).rotate_left(13);
    word.wrapping_mul(2_246_822_519) as f32 / u32::MAX as f32 * 2.0 - 1.0
}

/// Random blocks of a kind, with scales that are ordinary numbers.
fn stored(kind: TensorKind, rows: usize, columns: usize) -> Vec<u8> {
    let size = kind.block_bytes();
    let mut bytes: Vec<u8> = (0..rows * columns / kind.block_len() * size)
        .map(|i| (number(i) * 127.0) as i8 as u8)
        .collect();
    let scales: &[usize] = match kind {
        TensorKind::Q4_1 | TensorKind::Q4K => &[0, 2],
        TensorKind::Q6K => &[208],
        TensorKind::F32 => &[],
        _ => &[0],
    };
    for (index, block) in bytes.chunks_exact_mut(size).enumerate() {
        for &at in scales {
            let scale = half::f16::from_f32(number(index * 7 + at));
            let scale = if kind == TensorKind::Bf16 {
                half::bf16::from_f32(scale.to_f32()).to_le_bytes()
            } else {
                scale.to_le_bytes()
            };
            block[at..at + 2].copy_from_slice(&scale);
        }
        if kind == TensorKind::F32 {
            block.copy_from_slice(&number(index).to_le_bytes());
        }
    }
    bytes
}

#[test]
fn products_are_chains_over_the_dequantised_numbers() {
    for kind in TensorKind::ALL {
        for (outputs, columns) in [(5, 256), (48, 256), (70, 512)] {
            let bytes = stored(kind, outputs, columns);
            let matrix = StoredMatrix::plain(outputs, columns, kind, &bytes);
            let weights = matrix.floats();
            let packed = PackedMatrix::stack(&[matrix], Precision::Float32);
            for rows in [1, 2, 3, 7, 8, 19] {
                let x = |row: usize, k: usize| number(row * columns + k + 5);
                let mut inputs = PackedRows::default();
                inputs.pack(rows, columns, |row, out| {
                    for (k, number) in out.iter_mut().enumerate() {
                        *number = x(row, k);
                    }
                });
                let stride = packed.padded_outputs();
                let mut out = vec![0.5; rows * stride];
                multiply(&inputs, &packed, &mut out, true);
                for row in 0..rows {
                    for output in 0..outputs {
                        let sum = (0..columns).fold(0.0f32, |sum, k| {
                            x(row, k).mul_add(weights[output * columns + k], sum)
                        });
                        let found = out[row * stride + output];
                        assert_eq!(found, 0.5 + sum, "{} {row} {output}", kind.name());
                    }
                }
            }
        }
    }
}

#[test]
fn products_in_bf16_are_those_of_rounded_numbers() {
    for kind in TensorKind::ALL {
        let odd = [(5, 37), (20, 300)]
            .into_iter()
            .filter(|_| kind.block_len() == 1);
        for (outputs, columns) in [(5, 256), (48, 256), (70, 512)].into_iter().chain(odd) {
            let bytes = stored(kind, outputs, columns);
            let weights = StoredMatrix::plain(outputs, columns, kind, &bytes).floats();
            for unit in Unit::ALL.into_iter().filter(|unit| unit.is_available()) {
                let matrix = StoredMatrix::plain(outputs, columns, kind, &bytes);
                let packed = PackedMatrix::stack(&[matrix], Precision::Bf16(unit));
                for rows in [1, 16, 37] {
                    let x = |row: usize, k: usize| number(row * columns + k + 5);
                    let mut inputs = RoundedRows::default();
                    inputs.pack(rows, columns, 1, |row, out| {
                        for (k, number) in out.iter_mut().enumerate() {
                            *number = x(row, k);
                        }
                    });
                    let stride = packed.padded_outputs();
                    let mut out = vec![0.5; rows * stride];
                    product16::multiply(unit, &inputs, &packed, &mut out, true);
                    for (row, output) in (0..rows).flat_map(|r| (0..outputs).map(move |o| (r, o))) {
                        let rounded = |x: f32| f64::from(round(x).to_f32());
                        let weight = |w: f32| f64::from(nearest(w).to_f32());
                        let (mut sum, mut size) = (0.5, 0.5);
                        for k in 0..columns {
                            let w = weight(weights[output * columns + k]);
                            sum += rounded(x(row, k)) * w;
                            size += (rounded(x(row, k)) * w).abs();
                        }
                        let found = f64::from(out[row * stride + output]);
                        let room = 1e-6 * size;
                        let kind = kind.name();
                        assert!(
                            (found - sum).abs() <= room,
                            "{kind} {unit:?} {row} {output}: {found} {sum}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_damaged_scale_reaches_the_results() {
    for kind in [TensorKind::Q4_1, TensorKind::Q8_0] {
        let (outputs, columns) = (32, 256);
        let mut bytes = stored(kind, outputs, columns);
        // The first block's scale becomes the not-a-number that rounding could turn into a zero.
        bytes[..2].copy_from_slice(&0x7FFF_u16.to_le_bytes());
        for precision in [Precision::Float32].into_iter().chain(
            Unit::ALL
                .into_iter()
                .filter(|unit| unit.is_available())
                .map(Precision::Bf16),
        ) {
            let matrix = StoredMatrix::plain(outputs, columns, kind, &bytes);
            let packed = PackedMatrix::stack(&[matrix], precision);
            let mut inputs = Inputs::default();
            inputs.take(precision, 2, columns, |_, out| out.fill(0.5));
            let mut out = vec![0.0; 2 * packed.padded_outputs()];
            inputs.write(precision, &packed, &mut out);
            for row in out.chunks_exact(packed.padded_outputs()) {
                assert!(row[0].is_nan(), "{} in {precision}", kind.name());
                assert!(
                    row[1..].iter().all(|x| x.is_finite()),
                    "{} in {precision}",
                    kind.name()
                );
            }
        }
    }
}

#[test]
fn gates_let_through_what_they_should() {
    let (rows, inputs, width) = (35, 40, 41);
    let weights = |seed: usize| -> Vec<u8> {
        let numbers = (0..width * inputs).map(|i| round(number(seed + i)).to_f32());
        numbers.flat_map(f32::to_le_bytes).collect()
    };
    let x = |row: usize, k: usize| round(number(row * inputs + k + 3)).to_f32();
    let (gates, ups) = (weights(1_000), weights(9_000));
    let (gates, ups) = [&gates, &ups]
        .map(|bytes| StoredMatrix::plain(width, inputs, TensorKind::F32, bytes))
        .into();
    let identity: Vec<u8> = (0..width * width)
        .map(|i| f32::from(u8::from(i / width == i % width)))
        .flat_map(f32::to_le_bytes)
        .collect();
    let identity = || StoredMatrix::plain(width, width, TensorKind::F32, &identity);
    for precision in [
        Precision::Float32,
        Precision::fastest(),
        Precision::Bf16(Unit::Portable),
    ] {
        let packed = PackedMatrix::alternate(&gates, &ups, precision);
        let mut taken = Inputs::default();
        taken.take(precision, rows, inputs, |row, out| {
            for (k, number) in out.iter_mut().enumerate() {
                *number = x(row, k);
            }
        });
        taken.gate(precision, &packed, width);
        let identity = PackedMatrix::stack(&[identity()], precision);
        let stride = identity.padded_outputs();
        let mut out = vec![0.0; rows * stride];
        taken.write(precision, &identity, &mut out);
        let (g, u) = (gates.floats(), ups.floats());
        for (row, output) in (0..rows).flat_map(|r| (0..width).map(move |o| (r, o))) {
            let dot = |w: &[f32]| -> f64 {
                let products =
                    (0..inputs).map(|k| f64::from(w[output * inputs + k]) * f64::from(x(row, k)));
                products.sum()
            };
            let expected = dot(&g) / (1.0 + (-dot(&g)).exp()) * dot(&u);
            let found = f64::from(out[row * stride + output]);
            let room = if precision == Precision::Float32 {
                1e-5
            } else {
                0.005
            };
            assert!(
                (found - expected).abs() <= room * (1.0 + expected.abs()),
                "{precision} {row} {output}: {found} {expected}"
            );
        }
    }
}
