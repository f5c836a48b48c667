//! Has the web app embedded again when it was built again: its files carry hashes in their names, which the
//! compiler does not watch for.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
