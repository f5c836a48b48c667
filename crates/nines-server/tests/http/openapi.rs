//! The OpenAPI document.

use std::collections::BTreeMap;
use std::path::Path;

/// Lists every operation of the document: method, path, operation.
pub fn operations() -> Vec<(String, String, serde_json::Value)> {
    let document = serde_json::to_value(nines_server::openapi()).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                found.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

#[test]
fn the_document_of_the_web_app_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == nines_server::openapi_json(),
        "web/openapi.json is not what the server answers; look at the change, then write it with \
         `cargo run -p nines-server --example openapi`"
    );
}

#[test]
fn every_operation_is_described_and_has_its_own_name() {
    let mut names = BTreeMap::new();
    for (method, path, operation) in operations() {
        let at = format!("{method} {path}");
        let name = operation["operationId"].as_str().expect("an id").to_owned();
        let tags = operation["tags"].as_array().map_or(0, Vec::len);
        assert!(tags > 0, "{at} has no tag");
        let said = operation["summary"].as_str().unwrap_or_default();
        assert!(!said.is_empty(), "{at} has no summary");
        if let Some(other) = names.insert(name.clone(), at.clone()) {
            panic!("{at} and {other} are both named {name}");
        }
    }
}
