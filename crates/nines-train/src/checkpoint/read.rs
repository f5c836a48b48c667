//! Checkpoint files in.

use super::{FORMAT, Learned, Loaded, STATE, State};
use crate::adamw::Moments;
use crate::error::TrainError;
use crate::record::Curves;
use crate::tensors::{self, ReadError};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn read_error(path: &Path, error: ReadError) -> TrainError {
    let path = path.to_owned();
    match error {
        ReadError::Io(source) => TrainError::Read { path, source },
        ReadError::Damaged(problem) => TrainError::Damaged { path, problem },
    }
}

fn parse_state(path: &Path, json: Option<&String>) -> Result<State, TrainError> {
    let damaged = |problem| TrainError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let json = json.ok_or_else(|| damaged("it holds no training state".to_owned()))?;
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|e| damaged(e.to_string()))?;
    if value["format"] != FORMAT {
        return Err(TrainError::OtherFormat {
            path: path.to_owned(),
            found: value["format"].to_string(),
            expected: FORMAT,
        });
    }
    serde_json::from_value(value).map_err(|e| damaged(e.to_string()))
}

/// Reads what a checkpoint says besides arrays; its digest is not checked.
pub(super) fn read_state(path: &Path) -> Result<State, TrainError> {
    let fields = tensors::read_fields(path).map_err(|error| read_error(path, error))?;
    parse_state(path, fields.get(STATE))
}

/// Reads a whole checkpoint and checks its digest.
pub(super) fn read_checkpoint(path: &Path) -> Result<Loaded, TrainError> {
    // What another version wrote is not damaged, though its digest is another.
    read_state(path)?;
    let mut arrays = tensors::read(path).map_err(|error| read_error(path, error))?;
    let state = parse_state(path, arrays.fields.get(STATE))?;
    let missing = |name: &str| TrainError::Damaged {
        path: path.to_owned(),
        problem: format!("array {name} is missing"),
    };
    let mut curve = |name: &str| arrays.f64s.remove(name).ok_or_else(|| missing(name));
    let mut curves = Curves {
        loss: curve("curve/loss")?,
        learning_rate: curve("curve/learning_rate")?,
        gradient_norm: curve("curve/gradient_norm")?,
        examples_per_second: curve("curve/examples_per_second")?,
        ..Curves::default()
    };
    let updates = curves.loss.len();
    for (name, curve) in curves.optional_mut() {
        let told = arrays.f64s.remove(&format!("curve/{name}"));
        *curve = match told {
            Some(numbers) => numbers
                .into_iter()
                .map(|x| Some(x).filter(|x| !x.is_nan()))
                .collect(),
            None => vec![None; updates],
        };
    }
    let names: Vec<String> = arrays
        .f32s
        .keys()
        .filter_map(|name| name.strip_prefix("weight/").map(str::to_owned))
        .collect();
    let mut learned = BTreeMap::new();
    for name in names {
        let mut take = |kind: &str| {
            let full = format!("{kind}/{name}");
            arrays.f32s.remove(&full).ok_or_else(|| missing(&full))
        };
        let (values, first, second) = (take("weight")?, take("first")?, take("second")?);
        if first.len() != values.len() || second.len() != values.len() {
            return Err(missing(&name));
        }
        let average = arrays.f32s.remove(&format!("average/{name}"));
        if average
            .as_ref()
            .is_some_and(|average| average.len() != values.len())
        {
            return Err(missing(&name));
        }
        let moments = Moments { first, second };
        learned.insert(
            name.clone(),
            Learned {
                name,
                values,
                moments,
                average,
            },
        );
    }
    Ok(Loaded {
        state,
        curves,
        learned,
    })
}
