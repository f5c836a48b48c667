//! Searches give what TextAttack gave, row by row: `make textattack` records its rows.

mod textattack;

use std::path::Path;
use textattack::{Files, Row, read_lines};

#[test]
fn every_row_is_textattacks_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/textattack");
    let files = Files::read(&folder).expect("the fixture can be read");
    let recorded: Vec<Row> = read_lines(&folder.join("results.jsonl")).expect("recorded rows");
    let mut compared = 0;
    for settings in &files.attacks {
        let theirs = recorded.iter().filter(|row| row.attack == settings.name);
        let ours = files.run(settings).expect("the attack runs");
        assert_eq!(theirs.clone().count(), ours.len(), "{}", settings.name);
        for (theirs, mut ours) in theirs.zip(ours) {
            // TextAttack was given this order.
            ours.order.clear();
            let theirs = Row {
                without: None,
                ..theirs.clone()
            };
            assert_eq!(ours, theirs);
            compared += 1;
        }
    }
    assert!(
        compared >= 16 * 36,
        "{compared} rows are fewer than were recorded"
    );
}
