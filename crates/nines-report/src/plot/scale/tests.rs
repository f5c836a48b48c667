use super::*;

fn labels(scale: Scale, most: usize) -> Vec<String> {
    scale
        .ticks(most, false)
        .into_iter()
        .filter_map(|tick| tick.label)
        .map(|label| match label {
            TickLabel::Plain(text) => text,
            TickLabel::Power(exponent) => format!("10^{exponent}"),
            TickLabel::OneMinusPower(exponent) => format!("1-10^{exponent}"),
        })
        .collect()
}

#[test]
fn ticks_are_round() {
    assert_eq!(
        labels(Scale::linear([0.03, 0.97]), 6),
        ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    );
    assert_eq!(
        labels(Scale::log([3e-5, 4e-3]), 6),
        ["10^-5", "10^-4", "10^-3", "10^-2"]
    );
    assert_eq!(
        labels(Scale::log([0.0, 3e-5]), 6),
        ["0", "10^-5", "2e-5", "5e-5", "10^-4"]
    );
    assert_eq!(
        labels(Scale::log([0.3, 0.9]), 6),
        ["10^-1", "0.2", "0.5", "10^0"]
    );
    assert_eq!(
        labels(Scale::log([1.0, 900.0]), 6),
        ["1", "10", "100", "1,000"]
    );
    assert_eq!(
        labels(Scale::logit([-9.0, 5.0]), 8),
        ["10^-4", "10^-3", "0.01", "0.1", "0.5", "0.9", "0.99"]
    );
}

#[test]
fn probabilities_are_as_round_as_there_is_room() {
    assert_eq!(
        labels(Scale::logit([-9.0, 5.0]), 5),
        ["10^-4", "0.01", "0.5", "0.99"]
    );
    assert_eq!(labels(Scale::logit([-2.4, 0.1]), 12), ["0.1", "0.2", "0.5"]);
    assert_eq!(labels(Scale::logit([-3.4, -3.0]), 5).len(), 3);
}

#[test]
fn a_logarithmic_scale_keeps_zero_apart() {
    let scale = Scale::log([0.0, 1e-5, 1e-3]);
    assert_eq!(scale.at(0.0), Some(0.0));
    assert_eq!(scale.at(1e-5), Some(ZERO_SLOT));
    assert_eq!(scale.at(1e-3), Some(1.0));
    assert_eq!(scale.at(f64::INFINITY), Some(1.0));
    assert!(scale.is_above(f64::INFINITY));
    assert_eq!(scale.at(f64::NAN), None);
}

#[test]
fn any_numbers_give_a_scale_with_few_ticks_in_place() {
    let hard = [
        vec![],
        vec![f64::NAN],
        vec![f64::INFINITY, f64::NEG_INFINITY],
        vec![0.0],
        vec![-3.2],
        vec![5e-324],
        vec![f64::MAX, f64::MIN],
        vec![1e-300, 1e300],
        vec![1e18, 1e18 + 1024.0],
        vec![0.3, 0.3 + 1e-15],
        vec![-700.0, 700.0],
    ];
    for numbers in hard {
        for scale in [
            Scale::linear(numbers.iter().copied()),
            Scale::log(numbers.iter().copied()),
            Scale::logit(numbers.iter().copied()),
        ] {
            let ticks = scale.ticks(8, false);
            let labelled = ticks.iter().filter(|t| t.label.is_some()).count();
            assert!(
                (1..=20).contains(&labelled),
                "{scale:?} {numbers:?} {labelled}"
            );
            for tick in ticks {
                assert!((0.0..=1.0).contains(&tick.at), "{scale:?} {tick:?}");
            }
            for x in numbers.iter().chain(&[0.0, -1.0, 1.0, f64::INFINITY]) {
                if let Some(at) = scale.at(*x) {
                    assert!((0.0..=1.0).contains(&at), "{scale:?} {x}");
                } else {
                    assert!(x.is_nan());
                }
            }
        }
    }
}
