use super::*;
use nines_store::ResultTask;

fn result(
    attacker: &str,
    seconds: f64,
    state: RewritingState,
    verified: Option<bool>,
) -> RewritingResult {
    RewritingResult {
        session: 1,
        task: None,
        attacker: attacker.to_owned(),
        model: ModelId(1),
        threshold: -4.0,
        tools: attacker != "bob",
        seconds,
        state,
        snippet: None,
        verified,
    }
}

fn of_task(id: i64, tools: Tools, result: RewritingResult) -> RewritingResult {
    RewritingResult {
        task: Some(ResultTask {
            id,
            name: "break it".to_owned(),
            tools,
        }),
        ..result
    }
}

fn gathered(results: &[RewritingResult]) -> Gathered {
    let mut gathered = Gathered::default();
    gathered.add_rewriting(results, |_| "hurt v1".to_owned());
    gathered
}

fn session(minutes: f64, end: End, attacker: u64) -> Session {
    Session {
        until_find: minutes,
        whole: minutes,
        end,
        attacker,
    }
}

#[test]
fn no_session_is_left_out_for_how_it_ended() {
    use RewritingState::{GaveUp, Open, Submitted};
    let gathered = gathered(&[
        result("ann", 600.0, Submitted, Some(true)),
        result("ann", 300.0, Submitted, Some(false)),
        result("ann", 60.0, Submitted, None),
        result("bob", 1200.0, GaveUp, None),
        result("bob", 1800.0, Open, None),
    ]);
    let told: Vec<_> = gathered
        .groups
        .iter()
        .map(|g| (g.name.as_str(), g.waiting(), g.open, g.sessions.clone()))
        .collect();
    let with = vec![
        session(10.0, End::Found, 0),
        session(5.0, End::Withstood, 0),
        session(1.0, End::Waiting, 0),
    ];
    let without = vec![
        session(20.0, End::Withstood, 1),
        session(30.0, End::Withstood, 1),
    ];
    assert_eq!(
        told,
        [
            ("hurt v1, of their own choice, with tools", 1, 0, with),
            ("hurt v1, of their own choice, without tools", 0, 1, without),
        ]
    );
}

#[test]
fn only_the_two_arms_of_a_task_with_a_coin_are_compared() {
    use RewritingState::{GaveUp, Submitted};
    let found = |who: &str| result(who, 300.0, Submitted, Some(true));
    let gave_up = |who: &str| result(who, 900.0, GaveUp, None);
    let mut results = vec![
        // Easy starts of one's own choice, and a task in which nobody has the tools.
        found("ann"),
        of_task(1, Tools::Off, gave_up("bob")),
        of_task(2, Tools::Random, gave_up("bob")),
        of_task(2, Tools::Random, found("ann")),
    ];
    // Another classifier, met in between.
    results.push(RewritingResult {
        model: ModelId(2),
        ..of_task(3, Tools::Random, found("ann"))
    });
    let mut gathered = Gathered::default();
    gathered.add_rewriting(&results, |id| format!("hurt v{id}"));
    assert_eq!(gathered.groups.len(), 5);
    let pairs: Vec<_> = gathered
        .pairs()
        .iter()
        .map(|(first, second)| (first.name.as_str(), second.name.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [(
            "hurt v1, task 2 (break it), with tools",
            "hurt v1, task 2 (break it), without tools"
        )]
    );
}

#[test]
fn thresholds_that_differ_are_never_one_group() {
    use RewritingState::GaveUp;
    let at = |threshold| RewritingResult {
        threshold,
        ..result("ann", 60.0, GaveUp, None)
    };
    let two = gathered(&[at(-4.001), at(-4.002), at(-4.001)]);
    let names: Vec<_> = two.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "hurt v1 at log odds -4.001, of their own choice, with tools",
            "hurt v1 at log odds -4.002, of their own choice, with tools"
        ]
    );
    let next = f64::from_bits((-4.0f64).to_bits() + 1);
    assert_eq!(gathered(&[at(-4.0), at(next)]).groups.len(), 2);
}
