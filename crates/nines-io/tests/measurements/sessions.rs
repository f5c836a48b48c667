//! Attack sessions in and wrong ones out.

use crate::*;

#[test]
fn a_session_says_the_same_in_every_format() {
    let folder = tempdir().expect("a folder");
    let rows = [
        json!([
            "eve",
            "person",
            "with tool",
            "injury@3",
            30.0,
            null,
            false,
            "morning",
            "mine"
        ]),
        json!([
            "gcg ü",
            "algorithm",
            null,
            null,
            null,
            0.5,
            true,
            null,
            null
        ]),
        json!([" eve ", null, " ", " ", 0.1, null, true, " ", null]),
    ];
    for name in FORMATS {
        let path = write::<Sessions>(&folder, name, &rows);
        let Import { rows: read, report } =
            read_all::<AttackSessionRow>(&path, &by_ada()).expect("fine");
        let line = first_line(name);
        let first = AttackSessionRow {
            line,
            attacker: "eve".to_owned(),
            is_algorithm: false,
            group: "with tool".to_owned(),
            classifier: Some("injury@3".to_owned()),
            seconds: 1800.0,
            found: false,
            occasion: "morning".to_owned(),
            source: Some("mine".to_owned()),
        };
        let second = AttackSessionRow {
            line: line + 1,
            attacker: "gcg ü".to_owned(),
            is_algorithm: true,
            group: "no group".to_owned(),
            classifier: None,
            seconds: 0.5,
            found: true,
            occasion: format!("line {}", line + 1),
            source: Some(name.to_owned()),
        };
        let third = AttackSessionRow {
            line: line + 2,
            attacker: "eve".to_owned(),
            is_algorithm: false,
            seconds: 6.0,
            occasion: format!("line {}", line + 2),
            ..second.clone()
        };
        assert_eq!(read, [first, second, third], "{name}");
        assert_eq!((report.taken, report.unlabelled), (3, 0), "{name}");
    }
}

#[test]
fn bad_sessions_name_line_field_and_reason() {
    let long = format!(
        r#"{{"attacker":"eve","seconds":1,"found":true,"group":"{}"}}"#,
        "g".repeat(401)
    );
    for (row, field, words) in [
        (r#"{"seconds":1,"found":true}"#, "attacker", "is missing"),
        (
            r#"{"attacker":" ","seconds":1,"found":true}"#,
            "attacker",
            "is missing",
        ),
        (
            r#"{"attacker":5,"seconds":1,"found":true}"#,
            "attacker",
            "a number",
        ),
        (
            r#"{"attacker":"eve","found":true}"#,
            "minutes",
            "is missing (or give `seconds`)",
        ),
        (
            r#"{"attacker":"eve","minutes":" ","found":true}"#,
            "minutes",
            "is missing",
        ),
        (
            r#"{"attacker":"eve","minutes":1,"seconds":60,"found":true}"#,
            "minutes",
            "one of the two",
        ),
        (
            r#"{"attacker":"eve","seconds":0,"found":true}"#,
            "seconds",
            "above 0, not 0",
        ),
        (
            r#"{"attacker":"eve","seconds":-2,"found":true}"#,
            "seconds",
            "above 0, not -2",
        ),
        (
            r#"{"attacker":"eve","seconds":"NaN","found":true}"#,
            "seconds",
            "not NaN",
        ),
        (
            r#"{"attacker":"eve","seconds":"inf","found":true}"#,
            "seconds",
            "not inf",
        ),
        (
            r#"{"attacker":"eve","minutes":-0.5,"found":true}"#,
            "minutes",
            "above 0, not -0.5",
        ),
        (
            r#"{"attacker":"eve","minutes":"nan","found":true}"#,
            "minutes",
            "not NaN",
        ),
        (
            r#"{"attacker":"eve","minutes":"-inf","found":true}"#,
            "minutes",
            "not -inf",
        ),
        (
            r#"{"attacker":"eve","minutes":1e308,"found":true}"#,
            "minutes",
            "not 1e308",
        ),
        (
            r#"{"attacker":"eve","minutes":"30 min","found":true}"#,
            "minutes",
            "\"30 min\"",
        ),
        (
            r#"{"attacker":"eve","minutes":[30],"found":true}"#,
            "minutes",
            "a list",
        ),
        (r#"{"attacker":"eve","seconds":1}"#, "found", "is missing"),
        (
            r#"{"attacker":"eve","seconds":1,"found":""}"#,
            "found",
            "is missing",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":"perhaps"}"#,
            "found",
            "\"perhaps\"",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":2}"#,
            "found",
            "\"2\"",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"attacker_kind":"ape"}"#,
            "attacker_kind",
            "\"ape\"",
        ),
        (
            r#"{"attacker":"e\u0000e","seconds":1,"found":true}"#,
            "attacker",
            "NUL",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"remark":"\u0000"}"#,
            "remark",
            "NUL",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"classifier":3}"#,
            "classifier",
            "a number",
        ),
        (&long, "group", "has 401 bytes; the limit is 400"),
    ] {
        assert_bad::<AttackSessionRow>(row, field, words);
    }
}

#[test]
fn bad_rows_can_be_left_out_and_are_listed() {
    let options = ReadOptions {
        skip_bad: true,
        ..by_ada()
    };
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("sessions.csv");
    let file = "attacker,minutes,found\neve,30,no\neve,-1,no\neve,5,yes\n";
    std::fs::write(&path, file).expect("written");
    let Import { rows, report } = read_all::<AttackSessionRow>(&path, &options).expect("fine");
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(report.skipped_rows, 1);
    assert_eq!(report.skipped[0].line, 3);
    assert_eq!(report.skipped[0].field.as_deref(), Some("minutes"));
}

#[test]
fn the_line_of_a_record_is_counted_over_blank_lines_and_cells_of_several_lines() {
    for end in ["\n", "\r\n"] {
        for (file, lines) in [
            ("H\nA\n\n\nA\nA\n", vec![2, 5, 6]),
            ("H\n\nA\nA\n\n", vec![3, 4]),
            ("H\nB\n\nB\nA", vec![2, 5, 7]),
        ] {
            let file = file
                .replace('\n', end)
                .replace('H', "attacker,minutes,found")
                .replace('A', "eve,1,no")
                .replace('B', &format!("\"eve{end}and co\",1,no"));
            let rows: Vec<AttackSessionRow> = read("rows.csv", &file);
            let seen: Vec<u64> = rows.iter().map(|row| row.line).collect();
            assert_eq!(seen, lines, "{file:?}");
            let bad = file.replace(",1,no", ",1");
            let error = import::<AttackSessionRow>("rows.csv", bad).expect_err("a cell is missing");
            let first = format!("line {}", lines[0]);
            assert!(error.to_string().contains(&first), "{error}");
        }
    }
}

#[test]
fn two_sessions_that_went_alike_are_two_and_one_given_twice_is_one() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("sessions.csv");
    let file = "attacker,minutes,found\neve,30,no\neve,30,no\n\neve,30,no\n";
    std::fs::write(&path, file).expect("written");
    let Import { rows, report } = read_all::<AttackSessionRow>(&path, &by_ada()).expect("fine");
    assert_eq!((rows.len(), report.duplicates), (3, 0));
    let occasions: Vec<_> = rows.iter().map(|row| row.occasion.as_str()).collect();
    assert_eq!(occasions, ["line 2", "line 3", "line 5"]);
    // What the database knows a session by says the same when the file is read again.
    assert_eq!(
        read_all::<AttackSessionRow>(&path, &by_ada())
            .expect("fine")
            .rows,
        rows
    );

    let named = "{\"attacker\":\"eve\",\"seconds\":60,\"found\":false,\"occasion\":\"1\"}\n";
    let with = |field: &str| named.replace("\"occasion\"", &format!("{field},\"occasion\""));
    let file = [
        named.to_owned(),
        named.to_owned(),
        // Nothing but one field tells these from the first.
        with("\"attacker_kind\":\"algorithm\""),
        with("\"classifier\":\"injury@2\""),
        with("\"group\":\"with tool\""),
        with("\"source\":\"mine\""),
        named.replace("false", "true"),
        named.replace("60", "61"),
        named.replace("eve", "eva"),
        // A minute is sixty seconds.
        named.replace("\"seconds\":60", "\"minutes\":1"),
    ];
    let Import { rows, report } =
        import::<AttackSessionRow>("rows.jsonl", file.concat()).expect("fine");
    assert_eq!((rows.len(), report.duplicates), (8, 2));
}
