//! `GET /api/classifiers` and what a classifier's thresholds do.

use super::Playing;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabelledBy;
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_measure::calibrate::{Calibrated, CalibrationRequest, ThresholdRule, calibrate};
use nines_measure::items::{LabelledItem, Provenance, RandomCompletion};
use nines_server::card::{Card, CardData, CardNumber, Lineage};
use nines_store::{DesignKind, NewCalibration, NewDesign, NewDistribution, NewEstimate, NewPrompt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// 400 random completions with scores from −4 to 4, on 200 prompts, and 60 catastrophes above −2.
fn calibrated(path: &str) -> Calibrated {
    let family = |i: u32| ContentHash::of_prompt(&i.to_string());
    let score = |logit: f64| Some(Score::new(logit).expect("finite"));
    let reference: Vec<RandomCompletion> = (0..400)
        .map(|i| RandomCompletion {
            split: Split::Calibration,
            family: family(i / 2),
            score: score(f64::from(i) / 50.0 - 4.0).filter(|_| i % 40 != 39),
        })
        .collect();
    let items: Vec<LabelledItem> = (0..60)
        .map(|i| LabelledItem {
            split: Split::Calibration,
            family: family(1000 + i),
            provenance: Provenance::Authored,
            score: score(f64::from(i) / 10.0 - 2.0),
            broad: Some(true),
            strict: Some(true),
            labelled_by: LabelledBy::People,
        })
        .collect();
    let request = CalibrationRequest {
        rule: ThresholdRule::RecallSeen { recall: 0.9 },
        ..CalibrationRequest::new("injury v2")
    };
    Calibrated {
        caution: None,
        classifier: "injury v2".to_owned(),
        path: path.to_owned(),
        generator: "counting".to_owned(),
        failed_draws: 0,
        record: calibrate(&request, &items, &reference).expect("calibrates"),
    }
}

async fn store(server: &Playing, path: &str) -> Calibrated {
    let whole = calibrated(path);
    let new = NewCalibration {
        model: server.models[1],
        threshold: whole.record.threshold,
        rule: whole.record.rule.to_string(),
        record: serde_json::to_value(&whole).expect("JSON"),
        run: None,
    };
    server
        .store()
        .insert_calibration(&new)
        .await
        .expect("stored");
    whole
}

#[tokio::test]
async fn the_threshold_is_the_newest_of_the_path_that_serves() {
    let server = Playing::start().await;
    let whole = store(&server, "cpu/test").await;
    store(&server, "gpu/other").await;
    let (status, answer) = server.get("/api/classifiers").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["path"], &answer["budget"]),
        (&json!("cpu/test"), &json!(20))
    );
    let rows = answer["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["label"], "injury v2", "the newest first");
    assert_eq!(rows[0]["threshold"], whole.record.threshold.logit());
    let acceptance = whole.record.acceptance.expect("measured");
    assert_eq!(
        rows[0]["calibration"]["acceptance"]["value"],
        json!(acceptance.value)
    );
    assert_eq!(rows[1]["threshold"], Value::Null);
    let (_, scored) = server
        .post(
            "/api/score",
            &json!({ "snippets": [{ "prompt": "a", "completion": "b" }] }),
        )
        .await;
    assert_eq!(scored["threshold"], whole.record.threshold.logit());
}

#[tokio::test]
async fn points_are_those_of_the_calibration_with_their_intervals() {
    let server = Playing::start().await;
    let whole = store(&server, "cpu/test").await;
    let path = format!("/api/classifiers/{}/operating-points", server.models[1]);
    let (status, answer) = server.get(&path).await;
    assert_eq!(status, StatusCode::OK);
    let points = answer["points"].as_array().expect("points");
    assert!((60..=120).contains(&points.len()), "{}", points.len());
    let thresholds: Vec<f64> = points
        .iter()
        .filter_map(|p| p["threshold"].as_f64())
        .collect();
    assert!(
        thresholds.is_sorted_by(|a, b| a < b),
        "ascending, each once"
    );
    let chosen: Vec<&Value> = points.iter().filter(|p| p["chosen"] == true).collect();
    assert_eq!(chosen.len(), 1);
    assert_eq!(chosen[0]["threshold"], whole.record.threshold.logit());
    assert_eq!(
        chosen[0]["caught"]["value"],
        json!(whole.record.recall.expect("measured").value)
    );
    for (point, next) in points.iter().zip(&points[1..]) {
        let value = |p: &Value, what: &str| p[what]["value"].as_f64().expect("a share");
        assert!(value(point, "acceptance") <= value(next, "acceptance"));
        assert!(value(point, "caught") >= value(next, "caught"));
    }
    for point in points {
        let share = &point["acceptance"];
        // Counted by hand: scores below the threshold, of those that have one.
        let below = |i: &u32| {
            i % 40 != 39 && f64::from(*i) / 50.0 - 4.0 < point["threshold"].as_f64().expect("one")
        };
        let accepted = (0..400).filter(below).count();
        assert_eq!(share["value"], accepted as f64 / 400.0);
        assert!(share["lower"].as_f64() <= share["value"].as_f64());
        assert!(share["upper"].as_f64() >= share["value"].as_f64());
        assert_eq!(
            (&share["n"], &share["confidence"]),
            (&json!(200), &json!(0.95))
        );
        let method = share["method"].as_str().expect("named");
        assert!(
            method.contains("Korn-Graubard"),
            "two a prompt are no 400: {method}"
        );
        let method = point["caught"]["method"].as_str().expect("named");
        assert!(method.contains("Clopper-Pearson (exact"), "{method}");
    }
    assert_eq!(answer["generator"], "counting");
    let notes = answer["notes"].as_array().expect("notes");
    let says = |words: &str| {
        notes
            .iter()
            .any(|n| n.as_str().is_some_and(|n| n.contains(words)))
    };
    assert!(says("NOT deployment"), "{notes:?}");
    assert!(says("not independent of the choice"), "{notes:?}");
    assert_eq!(answer["leak"], json!([]));
}

#[tokio::test]
async fn an_uncalibrated_classifier_says_what_to_do() {
    let server = Playing::start().await;
    store(&server, "gpu/other").await;
    for model in server.models {
        let path = format!("/api/classifiers/{model}/operating-points");
        let (status, answer) = server.get(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["points"], json!([]));
        assert!(
            answer["notes"][0]
                .as_str()
                .expect("a note")
                .contains("calibrate")
        );
    }
    let (status, _) = server.get("/api/classifiers/999/operating-points").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_leak_stands_where_it_was_measured_by_people_where_they_labelled() {
    let server = Playing::start().await;
    let store = server.store();
    let new = [NewPrompt::new("Once.", "test")];
    let prompts = store.insert_prompts(&new).await.expect("stored");
    let prompts: Vec<_> = prompts.ids().map(|id| (id, 1.0)).collect();
    let distribution = store
        .insert_distribution(&NewDistribution {
            name: "test".to_owned(),
            record: json!({}),
            prompts,
        })
        .await
        .expect("stored");
    let mut designs = Vec::new();
    let plain = json!({ "law": "first_accepted" });
    let tightening = json!({ "law": "tightening", "step": 0.5 });
    let far = json!({ "unfamiliarity": "far v1", "limit": 2.5 });
    for (path, threshold, law, caution) in [
        ("cpu/test", 1.5, &plain, &Value::Null),
        ("gpu/other", 1.0, &plain, &Value::Null),
        ("cpu/test", 0.5, &plain, &Value::Null),
        ("cpu/test", 1.5, &tightening, &Value::Null),
        ("cpu/test", 1.5, &plain, &far),
    ] {
        let filter = json!({ "threshold": threshold, "path": path, "budget": 20, "generator": "g",
            "law": law, "caution": caution });
        let design = NewDesign {
            kind: DesignKind::Leak,
            identity: ContentHash::of_fields("test", &[&filter.to_string()]),
            distribution: distribution.id,
            model: server.models[0],
            record: json!({ "frame": { "filter": filter, "distribution": "test", "seen": 0 } }),
        };
        designs.push(store.ensure_design(&design).await.expect("stored").id);
    }
    let estimate = |quantity: &str, design: usize, whose: &str, value: f64| NewEstimate {
        quantity: quantity.to_owned(),
        estimate: Estimate {
            value: Some(value),
            lower: 0.0,
            upper: 0.5,
            confidence: 0.95,
            method: "test".to_owned(),
            n: 10,
        },
        record: json!({ "labels_of": whose }),
        design: Some(designs[design]),
    };
    let new = [
        estimate("leak.strict", 0, "people", 0.1),
        estimate("leak.strict", 0, "judges", 0.2),
        estimate("leak.strict.bound", 0, "people", 0.3),
        estimate("leak.strict", 1, "people", 0.1),
        estimate("leak.strict", 2, "judges", 0.05),
        estimate("leak.strict", 3, "people", 0.01),
        estimate("leak.strict", 4, "people", 0.02),
    ];
    store.insert_estimates(&new).await.expect("stored");
    let path = format!("/api/classifiers/{}/operating-points", server.models[0]);
    let (_, answer) = server.get(&path).await;
    let leak = answer["leak"].as_array().expect("a list");
    assert_eq!(
        leak.len(),
        2,
        "another path, law or condition is another number: {leak:?}"
    );
    assert_eq!(
        (&leak[0]["threshold"], &leak[1]["threshold"]),
        (&json!(0.5), &json!(1.5))
    );
    assert_eq!(
        (&leak[0]["labels_of"], &leak[1]["labels_of"]),
        (&json!("judges"), &json!("people"))
    );
    assert_eq!(leak[1]["strict"]["value"], 0.1);
    assert_eq!(leak[1]["strict_at_most"]["value"], 0.3);
    assert_eq!(leak[0]["strict_at_most"], Value::Null);
    assert_eq!(leak[1]["held_out"], true);
}

#[tokio::test]
async fn a_card_is_that_of_a_classifier() {
    let server = Playing::start().await;
    let [classifier, gone] = [server.models[1].0, 9999];
    let estimate = Estimate {
        value: Some(0.8),
        lower: 0.7,
        upper: f64::INFINITY,
        confidence: 0.95,
        method: "bootstrap".to_owned(),
        n: 40,
    };
    let card = Card {
        id: classifier,
        label: "injury v2".to_owned(),
        created: "2026-11-28T10:00:00Z".to_owned(),
        digest: "d".repeat(64),
        predicate: Some("an injury v1".to_owned()),
        path: None,
        data: CardData::default(),
        options: Vec::new(),
        curves: BTreeMap::from([("loss".to_owned(), vec![(1, None), (2, Some(0.5))])]),
        metrics: vec![CardNumber {
            on: "test split".to_owned(),
            what: "AUROC".to_owned(),
            value: estimate.into(),
        }],
        measured_on: Vec::new(),
        calibrations: Vec::new(),
        lineage: Lineage::default(),
        style_check: None,
    };
    *server.server.bench.card.lock().expect("no panic") = Some(card);
    let path = |id: i64| format!("/api/classifiers/{id}/card");
    let read = server
        .researcher
        .get(&path(classifier))
        .await
        .expect(200)
        .json();
    assert_eq!(read["curves"]["loss"], json!([[1, null], [2, 0.5]]));
    assert_eq!(read["metrics"][0]["value"]["upper"], Value::Null);
    server
        .researcher
        .get(&path(gone))
        .await
        .refused(404, "not-found");
}
