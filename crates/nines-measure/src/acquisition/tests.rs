use super::*;

fn pool(size: usize) -> Pool {
    let near: Vec<f64> = (0..size).map(|i| -(i as f64)).collect();
    let apart: Vec<f64> = (0..size).map(|i| i as f64).collect();
    Pool {
        size,
        worths: BTreeMap::from([
            (Strategy::NearThreshold, near),
            (Strategy::Disagreement, apart),
        ]),
        states: (0..size).map(|i| vec![(i * i) as f32, 0.0]).collect(),
        labelled: Vec::new(),
    }
}

fn asked(n: usize, mixture: &str) -> Draw {
    Draw {
        n,
        mixture: mixture.parse().expect("a mixture"),
        focus: 1.0,
        seed: 4,
    }
}

#[test]
fn random_draws_are_simple_random() {
    let drawn = draw(&asked(10, "random"), &pool(40)).expect("drawn");
    assert_eq!(drawn.len(), 10);
    assert!(drawn.iter().all(|d| d.probability == Some(0.25)));
    assert_eq!(drawn, draw(&asked(10, "random"), &pool(40)).expect("drawn"));
    let other = Draw {
        seed: 5,
        ..asked(10, "random")
    };
    assert_ne!(drawn, draw(&other, &pool(40)).expect("drawn"));
}

#[test]
fn a_mixture_mixes_probabilities() {
    let pool = pool(100);
    let alone = draw(
        &Draw {
            n: 100,
            ..asked(1, "near-threshold")
        },
        &pool,
    )
    .expect("all");
    assert!(
        alone.iter().all(|d| d.probability == Some(1.0)),
        "all of them are certain"
    );
    let near = mixed(
        &asked(20, "near-threshold"),
        &pool,
        &(0..100).collect::<Vec<_>>(),
        20,
    );
    let near = near.expect("probabilities");
    let both = asked(20, "near-threshold=0.25,random=0.75");
    let found = mixed(&both, &pool, &(0..100).collect::<Vec<_>>(), 20).expect("probabilities");
    for (found, near) in found.iter().zip(&near) {
        assert!((found - (0.25 * near + 0.75 * 0.2)).abs() < 1e-12);
        assert!(*found >= 0.15, "chance reaches all of them");
    }
    for drawn in draw(&both, &pool).expect("drawn") {
        assert_eq!(drawn.probability, Some(found[drawn.place]));
    }
    let shares: f64 = near[..20].iter().sum::<f64>() / 20.0;
    assert!(shares > 0.45, "{shares}: about half are the nearest");
}

#[test]
fn what_is_diverse_has_no_probability() {
    let pool = pool(50);
    let drawn = draw(&asked(4, "diverse"), &pool).expect("drawn");
    assert!(drawn.iter().all(|d| d.probability.is_none()));
    let places: Vec<usize> = drawn.iter().map(|d| d.place).collect();
    assert!(
        places.contains(&49) && places.contains(&0),
        "{places:?}: both ends"
    );
    let drawn = draw(&asked(10, "diverse=0.4,random=0.6"), &pool).expect("drawn");
    let certain = drawn.iter().filter(|d| d.probability.is_none()).count();
    assert_eq!((drawn.len(), certain), (10, 4));
    let chance: Vec<f64> = drawn.iter().filter_map(|d| d.probability).collect();
    assert!(
        chance.iter().all(|p| (p - 6.0 / 46.0).abs() < 1e-12),
        "of what is left"
    );
}

#[test]
fn centres_that_are_there_count() {
    let points: Vec<Vec<f32>> = (0..10).map(|i| vec![i as f32]).collect();
    assert_eq!(k_centre(&points, &[vec![9.0]], 1), [0]);
    assert_eq!(k_centre(&points, &[vec![0.0], vec![9.0]], 1), [4]);
    let all = k_centre(&points, &[], 99);
    assert_eq!(all.len(), 10, "each once");
    // Equal points are all chosen in the end, in their order.
    assert_eq!(k_centre(&vec![vec![1.0]; 3], &[], 3), [0, 1, 2]);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let refused = |asked: &Draw, pool: &Pool| draw(asked, pool).expect_err("refused").to_string();
    assert!(refused(&asked(1, "random"), &Pool::default()).contains("nothing to choose from"));
    assert!(
        refused(&asked(41, "random"), &pool(40)).contains("41 were asked for, and the pool has 40")
    );
    assert!(refused(&asked(1, "relabel"), &pool(40)).contains("relabel has 0 values for 40"));
    let wild = Draw {
        focus: -1.0,
        ..asked(1, "disagreement")
    };
    assert!(refused(&wild, &pool(40)).contains("focus"));
}

#[test]
fn mixtures_are_read_and_written() {
    for text in [
        "random",
        "near-threshold=0.5,disagreement=0.25,diverse=0.25",
    ] {
        let mixture: Mixture = text.parse().expect("a mixture");
        assert_eq!(mixture.to_string().parse::<Mixture>(), Ok(mixture));
    }
    let wrong = |text: &str| text.parse::<Mixture>().expect_err("refused").to_string();
    assert!(wrong("nearest").contains("there is no strategy \"nearest\""));
    assert!(wrong("random=0.5").contains("sum to 0.5"));
    assert!(wrong("random=0.5,random=0.5").contains("comes twice"));
    assert!(wrong("random=x").contains("no share"));
    assert!(wrong("random=0.5,diverse").contains("no share"));
    assert!(wrong("random=-1,diverse=2").contains("no share"));
    assert!(wrong("relabel=0.5,random=0.5").contains("a selection of its own"));
}
