//! Exports and imports of wasm-bindgen, whose macro reads a file of the crate. On the host, exports are plain
//! functions.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/greeting.js")]
extern "C" {
    fn greeting(name: &str) -> String;
}

#[wasm_bindgen]
pub struct Counter {
    count: u32,
}

#[wasm_bindgen]
impl Counter {
    #[wasm_bindgen(constructor)]
    pub fn new(count: u32) -> Counter {
        Counter { count }
    }

    pub fn add(&mut self, by: Option<u32>) -> u32 {
        self.count += by.unwrap_or(1);
        self.count
    }
}

/// Imports cannot be called on the host, which has no JavaScript.
#[wasm_bindgen]
pub fn greet(name: &str) -> Result<String, JsValue> {
    if cfg!(target_arch = "wasm32") { Ok(greeting(name)) } else { Ok(format!("no JavaScript for {name}")) }
}

fn main() {
    let mut counter = Counter::new(40);
    println!("{} {}", counter.add(None), counter.add(Some(300)));
    println!("{}", greet("you").unwrap_or_default());
    let imported = std::panic::catch_unwind(|| greeting("you"));
    println!("imports panic: {}", imported.is_err());
}
