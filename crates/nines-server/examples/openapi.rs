//! Writes the OpenAPI document to `web/openapi.json`, from which the web app's client is made.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    std::fs::write(&path, nines_server::openapi_json())?;
    println!("wrote {}", path.canonicalize()?.display());
    Ok(())
}
