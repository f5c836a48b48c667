//! `nines measure` and `nines simulate`, driven as a user drives them, in a world whose truth is known.

mod designs;
mod others;
mod tightening;
mod truth;

use crate::world::{Ended, World};
use serde_json::Value;

/// A folder with a simulated project; the threshold lets through what lets the tests see something.
pub fn simulated() -> World {
    let world = World::empty();
    world
        .run(&["simulate", "new", "project", "--acceptance", "0.97"])
        .good();
    world
}

/// Runs a command and reads its JSON.
pub fn json(world: &World, words: &[&str]) -> Value {
    world.run(&[&["--json"], words].concat()).good().json()
}

/// Says that a command's words hold all of these.
#[track_caller]
fn says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in:\n{}",
            ended.stdout
        );
    }
}

/// The numbers of an estimate: value, lower, upper.
fn ends(estimate: &Value) -> (f64, f64, f64) {
    let number = |name: &str| estimate[name].as_f64().expect("a number");
    (number("value"), number("lower"), number("upper"))
}
