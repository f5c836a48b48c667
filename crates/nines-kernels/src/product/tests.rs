use super::*;

fn numbers(count: usize, seed: usize) -> Vec<bf16> {
    (0..count)
        .map(|i| bf16::from_f32(((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0))
        .collect()
}

fn units() -> impl Iterator<Item = Unit> {
    Unit::ALL.into_iter().filter(|unit| unit.is_available())
}

fn product(unit: Unit, left: View<'_>, right: Panels<'_>) -> Vec<f32> {
    let mut out = vec![f32::NAN; left.rows * right.outputs()];
    Engine::start(unit).multiply(left, right, |block| {
        for row in 0..block.rows {
            let to = (block.row + row) * right.outputs() + block.column;
            out[to..to + block.columns]
                .copy_from_slice(&block.sums[row * BLOCK..][..block.columns]);
        }
    });
    out
}

fn packed(weights: &[bf16], outputs: usize, inputs: usize) -> Vec<bf16> {
    // What was there before must not be seen.
    let mut out = vec![bf16::NAN; packed_len(inputs, outputs)];
    pack_rows(weights, inputs, outputs, inputs, 0, &mut out);
    out
}

#[test]
fn every_unit_agrees_with_double_precision_on_any_shape() {
    // Miri takes minutes for all of them.
    let sizes: &[usize] = match cfg!(miri) {
        true => &[1, 17, 50],
        false => &[1, 2, 15, 16, 17, 31, 32, 33, 50, 64, 95],
    };
    for unit in units() {
        for (i, &rows) in sizes.iter().enumerate() {
            for (j, &outputs) in sizes.iter().enumerate() {
                let inputs = sizes[(i * 3 + j * 5) % sizes.len()];
                let left = numbers(rows * inputs, i);
                let weights = numbers(outputs * inputs, 100 + j);
                let panels = packed(&weights, outputs, inputs);
                let mut columns = vec![bf16::NAN; panels.len()];
                let transposed: Vec<bf16> = (0..inputs * outputs)
                    .map(|at| weights[at % outputs * inputs + at / outputs])
                    .collect();
                pack_columns(&transposed, outputs, inputs, outputs, 0, &mut columns);
                assert_eq!(columns, panels, "{inputs} by {outputs}");
                let right = Panels::new(inputs, outputs, &panels);
                let found = product(unit, View::whole(&left, rows, inputs), right);
                for (at, found) in found.into_iter().enumerate() {
                    let (x, w) = (at / outputs * inputs, at % outputs * inputs);
                    let exact: f64 = (0..inputs)
                        .map(|k| left[x + k].to_f64() * weights[w + k].to_f64())
                        .sum();
                    assert!(
                        (f64::from(found) - exact).abs() < 1e-5,
                        "{} {rows} {outputs} {inputs}: {found} {exact}",
                        unit.as_str()
                    );
                }
            }
        }
    }
}

/// So that the path means the same on every maker's CPUs.
#[test]
fn dot_products_add_the_second_of_a_pair_first() {
    if !Unit::Avx512.is_available() {
        return;
    }
    let (rows, outputs, inputs) = (9, 21, 70);
    let (left, weights) = (numbers(rows * inputs, 5), numbers(outputs * inputs, 6));
    let panels = packed(&weights, outputs, inputs);
    let view = View::whole(&left, rows, inputs);
    let found = product(Unit::Avx512, view, Panels::new(inputs, outputs, &panels));
    for (at, found) in found.into_iter().enumerate() {
        let (x, w) = (at / outputs * inputs, at % outputs * inputs);
        let term = |k: usize, sum: f32| left[x + k].to_f32().mul_add(weights[w + k].to_f32(), sum);
        let pairs = (0..inputs).step_by(2);
        let expected = pairs.fold(0.0, |sum, k| term(k, term(k + 1, sum)));
        assert_eq!(found.to_bits(), expected.to_bits());
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let (rows, outputs, inputs) = (77, 48, 96);
    let (left, weights) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
    let panels = packed(&weights, outputs, inputs);
    let right = Panels::new(inputs, outputs, &panels);
    for unit in units() {
        let all = product(unit, View::whole(&left, rows, inputs), right);
        for row in [0, 20, 40, 76] {
            let one = View::whole(&left[row * inputs..][..inputs], 1, inputs);
            let alone = product(unit, one, right);
            assert_eq!(alone, all[row * outputs..][..outputs], "{}", unit.as_str());
        }
    }
}

#[test]
fn what_lies_beside_the_matrix_is_not_seen() {
    let (rows, outputs, inputs, stride) = (40, 20, 24, 60);
    let mut left = numbers(rows * stride, 1);
    let weights = numbers(outputs * inputs, 2);
    let panels = packed(&weights, outputs, inputs);
    let right = Panels::new(inputs, outputs, &panels);
    for unit in units() {
        let clean = product(unit, View::new(&left, stride, rows, inputs), right);
        for row in left.chunks_exact_mut(stride) {
            row[inputs..].fill(bf16::NAN);
        }
        assert_eq!(
            clean,
            product(unit, View::new(&left, stride, rows, inputs), right)
        );
    }
}

#[test]
fn what_is_not_a_number_reaches_the_results() {
    let inputs = 64;
    let mut left = numbers(2 * inputs, 1);
    left[5] = bf16::NAN;
    let weights = numbers(3 * inputs, 2);
    let panels = packed(&weights, 3, inputs);
    for unit in units() {
        let found = product(
            unit,
            View::whole(&left, 2, inputs),
            Panels::new(inputs, 3, &panels),
        );
        assert!(found[..3].iter().all(|x| x.is_nan()), "{}", unit.as_str());
        assert!(
            found[3..].iter().all(|x| x.is_finite()),
            "{}",
            unit.as_str()
        );
    }
}

#[test]
fn engines_may_be_nested() {
    for unit in units() {
        let (left, panels) = (numbers(64, 1), numbers(packed_len(32, 16), 2));
        let right = Panels::new(32, 16, &panels);
        let mut outer = Engine::start(unit);
        let mut seen = 0;
        drop(Engine::start(unit));
        outer.multiply(View::whole(&left, 2, 32), right, |block| seen += block.rows);
        assert_eq!(seen, 2);
    }
}

#[test]
fn panels_made_on_the_way_give_the_same_results() {
    for (rows, outputs, inputs) in [(1, 32, 576), (20, 20, 256), (32, 16, 288), (70, 32, 1_536)] {
        let (left, weights) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
        let panels = packed(&weights, outputs, inputs);
        let view = View::whole(&left, rows, inputs);
        for unit in units() {
            let whole = product(unit, view, Panels::new(inputs, outputs, &panels));
            let mut found = vec![0.0; rows * outputs];
            let mut engine = Engine::start(unit);
            engine.multiply_made(
                view,
                outputs,
                |range, out| {
                    let parts = out.chunks_exact_mut(range.len() * PANEL);
                    for (panel, out) in panels.chunks_exact(inputs * PANEL).zip(parts) {
                        out.copy_from_slice(&panel[range.start * PANEL..range.end * PANEL]);
                    }
                },
                |block| crate::finish::accumulate(block, &mut found, outputs),
            );
            assert_eq!(found, whole, "{}", unit.as_str());
        }
    }
}

#[test]
fn results_written_where_they_belong_are_the_same() {
    for (rows, outputs, inputs) in [(1, 5, 32), (16, 40, 20), (20, 95, 64), (32, 32, 96)] {
        let (left, weights) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
        let panels = packed(&weights, outputs, inputs);
        let view = View::whole(&left, rows, inputs);
        let right = Panels::new(inputs, outputs, &panels);
        let stride = outputs.next_multiple_of(PANEL) + 3;
        for unit in units() {
            let whole = product(unit, view, right);
            let mut found = vec![f32::NAN; rows.next_multiple_of(PANEL) * stride];
            Engine::start(unit).multiply_to(view, right, &mut found, stride);
            for (row, whole) in whole.chunks_exact(outputs).enumerate() {
                let found = &found[row * stride..][..outputs];
                assert_eq!(found, whole, "{}", unit.as_str());
            }
        }
    }
}

#[test]
#[should_panic(expected = "room for whole tiles")]
fn results_need_room_for_whole_tiles() {
    let (left, panels) = (numbers(17 * 32, 1), numbers(packed_len(32, 16), 2));
    let mut out = vec![0.0; 31 * 16];
    let view = View::whole(&left, 17, 32);
    Engine::start(Unit::Portable).multiply_to(view, Panels::new(32, 16, &panels), &mut out, 16);
}
