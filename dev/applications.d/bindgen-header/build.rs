use std::path::PathBuf;

use bindgen::Formatter;

fn main() {
    println!("cargo::rerun-if-changed=native");
    cc::Build::new().file("native/shapes.c").compile("shapes");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap()).join("shapes.rs");
    // Builds do not have rustfmt.
    let bindings = bindgen::builder().header("native/shapes.h").allowlist_file(".*shapes.h").formatter(Formatter::None);
    bindings.generate().unwrap().write_to_file(out).unwrap();
}
