//! Products against double precision, and each row against itself alone.

use super::*;

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    (0..count as u32)
        .map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0)
        .collect()
}

/// The same product, in double precision.
fn exact(
    rows: usize,
    inputs: usize,
    outputs: usize,
    left: impl Fn(usize, usize) -> f32,
    right: impl Fn(usize, usize) -> f32,
) -> Vec<f64> {
    let mut out = Vec::new();
    for r in 0..rows {
        for c in 0..outputs {
            out.push(
                (0..inputs)
                    .map(|k| f64::from(left(r, k)) * f64::from(right(k, c)))
                    .sum(),
            );
        }
    }
    out
}

fn assert_close(found: &[f32], stride: usize, expected: &[f64], outputs: usize, shift: f64) {
    for (row, expected) in expected.chunks(outputs).enumerate() {
        for (column, expected) in expected.iter().enumerate() {
            let found = f64::from(found[row * stride + column]);
            assert!(
                (found - expected - shift).abs() < 1e-4,
                "{row}, {column}: {found} {expected}"
            );
        }
    }
}

#[test]
fn products_of_every_remainder_agree_with_double_precision() {
    for rows in [1, 2, 3, 5, 8, 13, 17] {
        for outputs in [1, 7, 16, 20, 33, 48, 64, 100] {
            let inputs = 5 + rows + outputs % 9;
            let (x, w) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
            let mut packed = vec![7.0; packed_len(inputs, outputs)];
            pack_all_rows(View::whole(&w, inputs), &mut packed);
            let right = Panels::new(inputs, outputs, &packed);
            let stride = outputs + 3;
            let mut out = vec![2.0; rows * stride];
            multiply(View::whole(&x, inputs), right, &mut out, stride, Onto::What);
            let expected = exact(
                rows,
                inputs,
                outputs,
                |r, k| x[r * inputs + k],
                |k, c| w[c * inputs + k],
            );
            assert_close(&out, stride, &expected, outputs, 2.0);
            assert!((0..rows).all(|r| out[r * stride + outputs..(r + 1) * stride] == [2.0; 3]));
            multiply(
                View::whole(&x, inputs),
                right,
                &mut out,
                stride,
                Onto::Nothing,
            );
            assert_close(&out, stride, &expected, outputs, 0.0);
            let (bias, view) = (numbers(outputs, 3), View::whole(&x, inputs));
            let mut biased = vec![2.0; rows * stride];
            multiply(view, right, &mut biased, stride, Onto::Bias(&bias));
            for (row, sums) in biased.chunks_exact_mut(stride).enumerate() {
                assert_eq!(sums[outputs..], [2.0; 3], "row {row}");
                for (sum, bias) in sums.iter_mut().zip(&bias) {
                    *sum -= bias;
                }
            }
            assert_close(&biased, stride, &expected, outputs, 0.0);
            // The same by the other packing and the other side transposed.
            let xt: Vec<f32> = (0..inputs * rows)
                .map(|i| x[i % rows * inputs + i / rows])
                .collect();
            let wt: Vec<f32> = (0..inputs * outputs)
                .map(|i| w[i % outputs * inputs + i / outputs])
                .collect();
            let mut other = vec![7.0; packed_len(inputs, outputs)];
            pack_all_columns(View::whole(&wt, outputs), &mut other);
            assert_eq!(other, packed);
            let mut transposed = vec![0.0; rows * stride];
            multiply_transposed(
                View::whole(&xt, rows),
                right,
                &mut transposed,
                stride,
                Onto::Nothing,
            );
            let mut strips = vec![0.0; rows * stride];
            let packed = Strips::pack(View::whole(&xt, rows), &mut other);
            multiply_strips(packed, right, &mut strips, stride, Onto::Nothing);
            for r in 0..rows {
                let at = r * stride..r * stride + outputs;
                assert_eq!(out[at.clone()], transposed[at.clone()]);
                assert_eq!(out[at.clone()], strips[at]);
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let (inputs, outputs, rows) = (37, 53, 19);
    let (x, w) = (numbers(rows * inputs, 3), numbers(outputs * inputs, 4));
    let mut packed = vec![0.0; packed_len(inputs, outputs)];
    pack_all_rows(View::whole(&w, inputs), &mut packed);
    let right = Panels::new(inputs, outputs, &packed);
    let mut together = vec![0.0; rows * outputs];
    multiply(
        View::whole(&x, inputs),
        right,
        &mut together,
        outputs,
        Onto::Nothing,
    );
    for (x, together) in x.chunks(inputs).zip(together.chunks(outputs)) {
        let mut alone = vec![0.0; outputs];
        multiply(
            View::whole(x, inputs),
            right,
            &mut alone,
            outputs,
            Onto::Nothing,
        );
        assert_eq!(alone, together);
    }
}
